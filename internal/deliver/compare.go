package deliver

import (
	"maps"
	"slices"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// maxWrites is how often a row is written until it is clear that the backend cannot hold the record.
const maxWrites = 3

// comparison is what one trace's records and one backend's rows ask for.
type comparison struct {
	// writes are in the order of sending: an overridden original before its override.
	writes []Write
	// deliveries are new states that need no write.
	deliveries map[string]store.Delivery
	// taken are records whose content the backend decided.
	taken map[string]store.Record
	// missing are records that were delivered and whose row is gone; seen counts the rows that are still there.
	missing []string
	seen    int
	// counts are per outcome, of what needs no write.
	counts map[string]int
	// dead is the reason of the first record that was given up.
	dead string
}

// comparer holds what is the same for all records of a trace.
type comparer struct {
	backend string
	forward forward
	now     time.Time
	records map[string]store.Record
	rows    map[string]assessment.Assessment
	out     comparison
}

// compare decides, per assessment, between what was last delivered, what Redis says and what the backend says. rows is
// nil where the trace does not exist.
func compare(backend string, rules forward, now time.Time, records map[string]store.Record,
	rows []assessment.Assessment,
) comparison {
	c := comparer{
		backend: backend, forward: rules, now: now, records: records,
		rows: make(map[string]assessment.Assessment, len(rows)),
		out: comparison{
			deliveries: map[string]store.Delivery{}, taken: map[string]store.Record{}, counts: map[string]int{},
		},
	}
	for _, row := range rows {
		c.rows[row.ID] = row
	}
	c.rename()
	ours := make(map[string]bool, len(records))
	for _, id := range slices.Sorted(maps.Keys(records)) {
		record := c.records[id]
		rowID := backendID(record, backend)
		ours[rowID] = true
		if record.Version > store.RecordVersion {
			continue // a newer build's, left untouched
		}
		row, present := c.rows[rowID]
		c.record(record, row, present)
	}
	for _, id := range slices.Sorted(maps.Keys(c.rows)) {
		if !ours[id] {
			c.adopt(c.rows[id])
		}
	}
	c.reviveOverridden()
	c.order()
	return c.out
}

// adopt takes over a row that somebody made in the backend.
func (c *comparer) adopt(row assessment.Assessment) {
	row.Overrides = c.recordID(row.Overrides)
	if record, ok := Adopt(c.backend, row); ok {
		c.take(record, record.Backends[c.backend])
	}
}

func (c *comparer) take(record store.Record, delivery store.Delivery) {
	record.Backends = withDelivery(record.Backends, c.backend, delivery)
	c.out.taken[record.ID] = record
	c.out.counts[OutcomeTakenOver]++
}

// withDelivery is a copy of backends with one state replaced.
func withDelivery(backends map[string]store.Delivery, backend string, delivery store.Delivery) map[string]store.Delivery {
	changed := make(map[string]store.Delivery, len(backends)+1)
	maps.Copy(changed, backends)
	changed[backend] = delivery
	return changed
}

func (c *comparer) settle(record store.Record, delivery store.Delivery) {
	if delivery != record.Backends[c.backend] {
		c.out.deliveries[record.ID] = delivery
	}
}

// kill gives a record up that the backend cannot hold.
func (c *comparer) kill(record store.Record, form string) {
	delivery := record.Backends[c.backend]
	delivery.State, delivery.Reason, delivery.Form = store.DeliveryDead, reasonCannotHold, form
	c.settle(record, delivery)
	c.out.counts[OutcomeDead]++
	c.out.dead = reasonCannotHold
}

func (c *comparer) record(record store.Record, row assessment.Assessment, present bool) {
	switch {
	case present && !record.Deleted.IsZero():
		c.tombstone(record, row)
	case present:
		c.both(record, row)
	case record.Deleted.IsZero():
		c.absent(record)
	case record.Backends[c.backend].State != store.DeliveryPending:
		c.settle(record, store.Delivery{}) // deleted on both sides
	}
}

// tombstone handles a record that was deleted here and whose row still stands.
func (c *comparer) tombstone(record store.Record, row assessment.Assessment) {
	c.out.seen++
	delivery := record.Backends[c.backend]
	if delivery.State == store.DeliveryTheirs {
		return
	}
	form, err := hold(&row)
	if err != nil {
		return
	}
	last, known := parseBase(delivery.Form)
	ours, err := hold(&record.Assessment)
	if !known && (err != nil || form.Source != ours.Source) {
		return // not a row that was written from here
	}
	late := err == nil && digest(ours) != last.ours && agree(ours, form) || overtaken(&record, form, last)
	if known && digest(form) != last.theirs && row.UpdateTime.After(record.Deleted) && !late {
		c.takeOver(record, row, form, "backend_later")
		return
	}
	c.write(Write{Op: OpDelete, Record: record, ID: row.ID, Row: row, rowDigest: digest(form)})
}

// absent handles a record without a row.
func (c *comparer) absent(record store.Record) {
	delivery := record.Backends[c.backend]
	switch delivery.State {
	case store.DeliveryDelivered, store.DeliveryTheirs:
		c.out.missing = append(c.out.missing, record.ID)
		return
	case store.DeliveryWithdrawn:
		return
	}
	// What was delivered once, or made there, and is to be made again needs no rule.
	last, was := parseBase(delivery.Form)
	if !was && !c.forwarded(record) {
		if delivery.State != store.DeliverySkipped {
			c.settle(record, store.Delivery{State: store.DeliverySkipped})
			c.out.counts[OutcomeSkipped]++
		}
		return
	}
	form, err := hold(&record.Assessment)
	if err != nil {
		if delivery.State != store.DeliveryDead {
			c.kill(record, base{ours: formless}.String())
		}
		return
	}
	if delivery.State == store.DeliveryDead {
		if !was || last.ours == digest(form) {
			return // nothing new since it was given up
		}
		delivery.Attempts = 0
	}
	if delivery.Attempts >= maxWrites {
		c.kill(record, base{ours: digest(form)}.String())
		return
	}
	c.write(Write{
		Op: OpCreate, Record: record, ID: backendID(record, c.backend), Form: form, attempts: delivery.Attempts,
	})
}

// both handles a record and its row.
func (c *comparer) both(record store.Record, row assessment.Assessment) {
	c.out.seen++
	delivery := record.Backends[c.backend]
	rowForm, err := hold(&row)
	if err != nil {
		return // not comparable; nothing of ours has such a value
	}
	theirs := digest(rowForm)
	last, known := parseBase(delivery.Form)
	ourForm, err := hold(&record.Assessment)
	if err != nil {
		if delivery.State != store.DeliveryTheirs && delivery.State != store.DeliveryDead {
			c.kill(record, delivery.Form)
		}
		return
	}
	ours := digest(ourForm)
	agreed := agreement(ours, theirs, row.UpdateTime, c.now).String()
	restored := known && last.restored(theirs, row.UpdateTime)

	if delivery.State == store.DeliveryTheirs {
		if known && theirs == last.theirs {
			c.validity(record, row, delivery)
		} else if !restored {
			c.takeOver(record, row, rowForm, "backend")
		}
		return
	}
	if !known {
		switch {
		case agree(ourForm, rowForm):
			c.agreed(record, row, store.Delivery{
				State: store.DeliveryDelivered, Form: agreed, ID: delivery.ID,
			})
		case ourForm.Source != rowForm.Source || ourForm.Kind != rowForm.Kind:
			c.takeOver(record, row, rowForm, "backend") // somebody else's row under this id
		case !row.UpdateTime.Equal(row.CreateTime) &&
			(row.UpdateTime.After(record.UpdateTime) || !record.Touched && record.Source.Type.Automated()):
			// Somebody changed it there. Where Redis lost its data and the result came again, its time says nothing.
			c.takeOver(record, row, rowForm, "backend")
		default:
			c.update(record, row, ourForm, rowForm, false)
		}
		return
	}
	here, there := ours != last.ours, theirs != last.theirs
	switch {
	case ours == theirs, here && !there && agree(ourForm, rowForm):
		c.agreed(record, row, store.Delivery{State: store.DeliveryDelivered, Form: agreed, ID: delivery.ID})
	case !here && !there:
		if delivery.State == store.DeliveryDead {
			return
		}
		delivery.State = store.DeliveryDelivered
		c.agreed(record, row, delivery)
	case restored, overtaken(&record, rowForm, last):
		c.update(record, row, ourForm, rowForm, false) // what stands there was replaced before, and is in the history
	case !here:
		c.takeOver(record, row, rowForm, "backend")
	case !record.Touched && record.Source.Type.Automated() && !record.Invalid && row.Invalid && c.overriddenThere(row.ID):
		c.takeOver(record, row, rowForm, "overridden") // a person's judgement of what stands there
	case !there:
		c.update(record, row, ourForm, rowForm, false)
	case !record.Touched && record.Source.Type.Automated():
		c.takeOver(record, row, rowForm, "person_beats_automation")
	case row.UpdateTime.After(record.UpdateTime):
		c.takeOver(record, row, rowForm, "later_person")
	default:
		c.update(record, row, ourForm, rowForm, true)
	}
}

// agreed notes an agreement on the content, and looks at validity.
func (c *comparer) agreed(record store.Record, row assessment.Assessment, delivery store.Delivery) {
	if before := record.Backends[c.backend]; before.State != store.DeliveryDelivered || before.Attempts > 0 {
		c.out.counts[OutcomeDelivered]++ // a write whose answer was lost
	}
	delivery.Attempts, delivery.Reason = 0, ""
	if !c.validity(record, row, delivery) {
		c.settle(record, delivery)
	}
}
