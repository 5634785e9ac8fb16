package deliver

import (
	"cmp"
	"slices"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// forwarded reports whether a rule takes the record or one that overrides it: an override needs its original.
func (c *comparer) forwarded(record store.Record) bool {
	if c.forward.takes(&record.Assessment) {
		return true
	}
	met := map[string]bool{record.ID: true} // whatever refers to whom, each is looked at once
	for waiting := []string{record.ID}; len(waiting) > 0; waiting = waiting[1:] {
		for _, over := range c.overriding(waiting[0]) {
			if c.forward.takes(&over.Assessment) {
				return true
			}
			if !met[over.ID] {
				met[over.ID] = true
				waiting = append(waiting, over.ID)
			}
		}
	}
	return false
}

// overriding are the living records that override the given one.
func (c *comparer) overriding(id string) []store.Record {
	var over []store.Record
	for _, record := range c.records {
		if record.Overrides == id && record.Deleted.IsZero() {
			over = append(over, record)
		}
	}
	return over
}

// update writes ours over a row that was written from here.
func (c *comparer) update(record store.Record, row, ourForm, rowForm assessment.Assessment, keepLoser bool) {
	delivery := record.Backends[c.backend]
	if last, known := parseBase(delivery.Form); known && last.ours != digest(ourForm) && last.ours != tried(ourForm) {
		delivery.Attempts = 0 // another content than the one that was tried
	}
	form := base{ours: digest(ourForm), theirs: digest(rowForm)}.String()
	if delivery.Attempts >= maxWrites || !expressible(ourForm, rowForm) {
		if delivery.State != store.DeliveryDead || delivery.Form != form {
			c.kill(record, form)
		}
		return
	}
	c.write(Write{
		Op: OpUpdate, Record: record, ID: row.ID, Form: ourForm, Row: row, rowForm: rowForm,
		rowDigest: digest(rowForm), attempts: delivery.Attempts, keepLoser: keepLoser,
	})
}

// expressible reports whether an update can bring the row to ours: source, span and kind never change.
func expressible(ours, row assessment.Assessment) bool {
	return ours.Source == row.Source && ours.SpanID == row.SpanID && ours.Kind == row.Kind
}

func (c *comparer) write(w Write) {
	w.State = w.Record.Backends[c.backend].State
	if original, found := c.records[w.Record.Overrides]; found {
		w.overrides = backendID(original, c.backend)
	}
	c.out.writes = append(c.out.writes, w)
}

// turn is when a write goes. The end of an override makes its original valid in MLflow, whatever else overrides it: it
// goes first where the original is to be invalid.
func (c *comparer) turn(w Write) Op {
	if original, found := c.records[w.Record.Overrides]; w.Op == OpDelete && found && original.Invalid {
		return OpCreate - 1
	}
	return w.Op
}

// order puts deletions last and overridden originals before what overrides them.
func (c *comparer) order() {
	depth := func(w Write) int {
		d, record := 0, w.Record
		for d < len(c.records) {
			original, found := c.records[record.Overrides]
			if record.Overrides == "" || !found {
				break
			}
			d, record = d+1, original
		}
		return d
	}
	slices.SortStableFunc(c.out.writes, func(a, b Write) int {
		return cmp.Or(
			cmp.Compare(c.turn(a), c.turn(b)), cmp.Compare(depth(a), depth(b)),
			a.Record.CreateTime.Compare(b.Record.CreateTime), cmp.Compare(a.ID, b.ID),
		)
	})
}
