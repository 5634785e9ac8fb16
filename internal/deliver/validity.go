package deliver

import (
	"maps"
	"slices"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// validity takes over that a row was overridden, or is so no longer, and reports whether it did.
func (c *comparer) validity(record store.Record, row assessment.Assessment, delivery store.Delivery) bool {
	if record.Invalid == row.Invalid {
		return false
	}
	if row.Invalid {
		if !c.overriddenThere(row.ID) || c.toBeRevived(row.ID) || c.revive(record.ID) {
			return false
		}
	} else if slices.ContainsFunc(c.overriding(record.ID), c.lacking) {
		return false // our override is still to come, or stays here
	}
	changed := record
	changed.Invalid = row.Invalid
	changed.Touched = true
	changed.History = append(slices.Clip(record.History), store.Change{
		Time: c.now, Author: record.Author, Door: doorBackend, Reason: "validity", Old: record.Assessment,
	})
	c.take(changed, delivery)
	return true
}

// reviveOverridden sees to originals that are valid here and that an override which is to be made now would end there.
func (c *comparer) reviveOverridden() {
	for _, w := range c.out.writes {
		original, found := c.records[w.Record.Overrides]
		if w.Op == OpCreate && w.Record.Deleted.IsZero() && found && !original.Invalid && original.Deleted.IsZero() {
			c.revive(original.ID)
		}
	}
}

// revive makes an override there that was made and deleted here before it was delivered, and reports whether there is
// one: the end of any override makes the original valid, and it has to end there for that.
func (c *comparer) revive(id string) bool {
	for _, overID := range slices.Sorted(maps.Keys(c.records)) {
		over := c.records[overID]
		delivery := over.Backends[c.backend]
		if over.Overrides != id || over.Deleted.IsZero() || delivery.State != store.DeliveryPending || delivery.Form != "" {
			continue
		}
		if slices.ContainsFunc(c.out.writes, func(w Write) bool { return w.Record.ID == overID }) {
			return true
		}
		if form, err := hold(&over.Assessment); err == nil {
			c.write(Write{Op: OpCreate, Record: over, ID: backendID(over, c.backend), Form: form})
			return true
		}
	}
	return false
}

// lacking reports whether the backend has not had the record's row.
func (c *comparer) lacking(record store.Record) bool {
	switch record.Backends[c.backend].State {
	case store.DeliveryDelivered, store.DeliveryTheirs, store.DeliveryWithdrawn:
		return false
	default:
		return true
	}
}

// overriddenThere reports whether a row that stays overrides the given one.
func (c *comparer) overriddenThere(rowID string) bool {
	for _, row := range c.rows {
		if row.Overrides != rowID {
			continue
		}
		if record, found := c.records[c.recordID(row.ID)]; !found || record.Deleted.IsZero() {
			return true
		}
	}
	return false
}

// toBeRevived reports whether an override of the row is deleted here and still stands there: its end makes the row
// valid, even if another one overrides it too.
func (c *comparer) toBeRevived(rowID string) bool {
	for _, row := range c.rows {
		if row.Overrides != rowID {
			continue
		}
		if record, found := c.records[c.recordID(row.ID)]; found && !record.Deleted.IsZero() &&
			record.Backends[c.backend].State != store.DeliveryTheirs {
			return true
		}
	}
	return false
}
