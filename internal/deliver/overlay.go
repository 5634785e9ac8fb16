package deliver

import (
	"maps"
	"slices"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// Overlaid is what Redis' state changes of one trace's rows before the two have been brought to agreement. A row that it
// does not name stays as the backend has it.
type Overlaid struct {
	// Hidden are the ids of rows that are deleted here.
	Hidden map[string]bool
	// Replaced are the records that stand for a row, by the row's id.
	Replaced map[string]store.Record
	// Added are the records that the backend does not have yet, oldest first.
	Added []store.Record
}

// Empty reports whether all rows stay as they are.
func (o *Overlaid) Empty() bool { return len(o.Hidden)+len(o.Replaced)+len(o.Added) == 0 }

// settling is for how long after a change its delivery may be newer than what the backend answered.
const settling = 30 * time.Second

// Overlay decides what a reader sees of a trace of which the backend holds rows and Redis records: what the comparison
// would make of them, without anything being written. Of what changed on one side only that side is shown. A record
// that was written here within the last 30 s stands: it may have been delivered after the rows were read.
func Overlay(backend string, records map[string]store.Record, rows []assessment.Assessment, now time.Time) Overlaid {
	decided := compare(backend, nil, time.Time{}, records, rows)
	deleted := map[string]bool{}
	for _, w := range decided.writes {
		if w.Op == OpDelete {
			deleted[w.Record.ID] = true
		}
	}
	there := make(map[string]*assessment.Assessment, len(rows))
	for i := range rows {
		there[rows[i].ID] = &rows[i]
	}
	out := Overlaid{Hidden: map[string]bool{}, Replaced: map[string]store.Record{}}
	for _, id := range slices.Sorted(maps.Keys(records)) {
		record := records[id]
		_, theirs := decided.taken[id]
		fresh := now.Sub(record.Written) < settling && record.Backends[backend].State != store.DeliveryWithdrawn
		if theirs && !fresh || record.Version > store.RecordVersion {
			continue
		}
		rowID := backendID(record, backend)
		row := there[rowID]
		switch {
		case !record.Deleted.IsZero():
			if row != nil && (fresh || deleted[id] || record.Backends[backend].State == store.DeliveryTheirs) {
				out.Hidden[rowID] = true
			}
		case row != nil:
			if _, err := hold(row); err == nil {
				out.Replaced[rowID] = record
			}
		case fresh, !withdrawn(record, record.Backends[backend]):
			out.Added = append(out.Added, record)
		}
	}
	slices.SortStableFunc(out.Added, func(a, b store.Record) int { return a.CreateTime.Compare(b.CreateTime) })
	return out
}

// withdrawn reports whether a record without a row had one, and nothing changed here since.
func withdrawn(record store.Record, delivery store.Delivery) bool {
	switch delivery.State {
	case store.DeliveryWithdrawn:
		return true
	case store.DeliveryDelivered, store.DeliveryTheirs:
	default:
		return false
	}
	last, known := parseBase(delivery.Form)
	form, err := hold(&record.Assessment)
	return !known || err != nil || digest(form) == last.ours
}
