package deliver

import (
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
		if !c.overriddenThere(row.ID) || c.toBeRevived(row.ID) {
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
