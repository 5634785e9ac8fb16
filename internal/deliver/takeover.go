package deliver

import (
	"maps"
	"slices"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// doorBackend is where a taken-over change came in.
const doorBackend = "backend"

// Adopt is the record of a row that somebody made in the backend; ok is false for one that cannot be compared.
func Adopt(backend string, row assessment.Assessment) (record store.Record, ok bool) {
	form, err := hold(&row)
	if err != nil {
		return store.Record{}, false
	}
	row.Verdict = verdictOf(row.Value)
	d := digest(form)
	return store.Record{
		Assessment: row, Version: store.RecordVersion, Author: authorOf(row.Source), Door: doorBackend, Touched: true,
		Backends: map[string]store.Delivery{
			backend: {State: store.DeliveryTheirs, Form: base{ours: d, theirs: d}.String()},
		},
	}, true
}

// takeOver makes the row's content the record's; what was there before goes to the history. What the backend cannot
// hold, and so cannot have changed, keeps our spelling.
func (c *comparer) takeOver(record store.Record, row, rowForm assessment.Assessment, reason string) {
	old := record.Assessment
	next := old
	oldForm, err := hold(&old)
	if err != nil {
		oldForm = assessment.Assessment{}
	}
	next.Name = row.Name
	if rowForm.Value != oldForm.Value || err != nil {
		next.Value, next.Verdict = row.Value, verdictOf(row.Value)
	}
	if rowForm.Rationale != oldForm.Rationale {
		next.Rationale = row.Rationale
	}
	if !sameError(rowForm.Error, oldForm.Error) {
		next.Error = row.Error
	}
	if !maps.Equal(rowForm.Metadata, oldForm.Metadata) {
		next.Metadata, next.Fingerprint = row.Metadata, row.Fingerprint
	}
	next.Kind, next.Source, next.SpanID = row.Kind, row.Source, row.SpanID
	next.Invalid = row.Invalid
	next.UpdateTime = row.UpdateTime

	record.Assessment = next
	record.Author = authorOf(row.Source)
	record.Touched = true
	record.Deleted = time.Time{} // a row that changed after the deletion brings the record back
	record.History = append(slices.Clip(record.History), store.Change{
		Time: c.now, Author: record.Author, Door: doorBackend, Reason: reason, Old: old,
	})
	delivery := record.Backends[c.backend]
	state := store.DeliveryDelivered
	if delivery.State == store.DeliveryTheirs || oldForm.Source != rowForm.Source {
		state = store.DeliveryTheirs
	}
	ours, err := hold(&next)
	if err != nil {
		return
	}
	c.take(record, store.Delivery{
		State: state, ID: delivery.ID,
		Form: agreement(digest(ours), digest(rowForm), row.UpdateTime, c.now).String(),
	})
}

// authorOf is whose words a row of the source is, where the row tells: who changed an evaluator's result there, it does
// not.
func authorOf(source assessment.Source) string {
	if source.Type.Automated() {
		return ""
	}
	return source.ID
}

func sameError(a, b *assessment.Error) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// verdictOf is what a value alone says.
func verdictOf(value assessment.Value) assessment.Verdict {
	switch value {
	case assessment.True, assessment.False:
		return assessment.VerdictOf(value == assessment.True)
	default:
		return assessment.VerdictNone
	}
}
