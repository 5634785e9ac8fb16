package deliver

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

const (
	// firstWait and longestWait bound the patience with a trace that does not exist yet; it doubles in between.
	firstWait   = 5 * time.Second
	longestWait = time.Hour
	// soon is the wait before a trace is read again that moved under our hands.
	soon = time.Second
)

// patience is the wait after the given number of deferrals.
func patience(attempts int) time.Duration {
	wait := firstWait
	for range min(attempts, 20) {
		wait *= 2
	}
	return min(wait, longestWait)
}

// verdict collects what one claimed trace ends in.
type verdict struct {
	settlement store.Settlement
	counts     map[string]int
	// recordDead is the reason of the first record that was given up.
	recordDead string
}

// finish is the settlement of a claim. A trace that needs nothing more but holds records that were given up goes to the
// dead ones, where somebody sees it.
func (v *verdict) finish(claim store.Claim) store.Settlement {
	if !v.settlement.Done {
		return v.settlement
	}
	reason := v.recordDead
	for id, record := range claim.Records {
		if reason != "" {
			break
		}
		if v.takes(id) {
			continue // what the backend decided is settled
		}
		delivery := record.Backends[claim.Backend]
		if changed, found := v.settlement.Deliveries[id]; found {
			delivery = changed
		}
		if delivery.State == store.DeliveryDead && record.Deleted.IsZero() {
			reason = delivery.Reason
		}
	}
	v.settlement.Dead = reason
	return v.settlement
}

// takes reports whether the record's content is taken over.
func (v *verdict) takes(id string) bool {
	return slices.ContainsFunc(v.settlement.TakenOver, func(r store.Record) bool { return r.ID == id })
}

// await defers a claim with patience until the longest wait is over, then gives it up with the reason. pending is the
// number of assessments that wait.
func (v *verdict) await(claim store.Claim, traceWait time.Duration, pending int, reason string) {
	left := traceWait - claim.Waited
	if left <= 0 {
		v.settlement.Done, v.settlement.RetryAfter, v.settlement.Dead = false, 0, reason
		v.counts[OutcomeDead] += pending
		return
	}
	v.settlement.Done = false
	v.settlement.RetryAfter = min(patience(claim.Attempts), max(left, time.Second))
	v.counts[OutcomeRetried] += pending
}

// again defers a claim for a short while, more patiently the more often that happened, and gives it up when the longest
// wait is over: a user who may read a trace but not write to it is told of no trace at all.
func (v *verdict) again(claim store.Claim, traceWait time.Duration, pending int) {
	if claim.Waited >= traceWait {
		v.await(claim, traceWait, pending, reasonNotTaken)
		return
	}
	v.settlement.Done = false
	v.settlement.RetryAfter = min(soon<<min(claim.Attempts, 12), longestWait)
	v.counts[OutcomeRetried] += pending
}

// newVerdict starts from what the comparison settled without writes.
func newVerdict(c *comparison) *verdict {
	v := &verdict{counts: c.counts, recordDead: c.dead}
	v.settlement.Deliveries = c.deliveries
	v.settlement.Done = true
	for _, record := range c.taken {
		v.settlement.TakenOver = append(v.settlement.TakenOver, record)
	}
	slices.SortFunc(v.settlement.TakenOver, func(a, b store.Record) int {
		return a.CreateTime.Compare(b.CreateTime)
	})
	return v
}

// written adds what the writes came to. again is the number of those after which the trace has to be read again,
// stumbled of those that the backend fell over while it took others.
func (v *verdict) written(backend string, now time.Time, writes []Write, results []Result) (again, stumbled int) {
	revived := map[string]bool{} // rows that the end of an override makes valid again
	for i := range writes {
		if writes[i].Op == OpDelete {
			revived[writes[i].Row.Overrides] = true
		}
	}
	for i, result := range results {
		w := writes[i]
		delivery := w.Record.Backends[backend]
		var refused *refusedError
		switch {
		case errors.As(result.Err, &refused):
			delivery.State, delivery.Reason = store.DeliveryDead, refused.reason
			if w.Op != OpDelete {
				delivery.Form = base{ours: digest(w.Form), theirs: w.rowDigest}.String()
			}
			v.dead(w.Record.ID, delivery)
		case errors.Is(result.Err, errStumbled):
			stumbled++
		case result.Err != nil:
			again++
		case w.Op == OpDelete:
			v.settlement.Deliveries[w.Record.ID] = store.Delivery{}
			v.counts[OutcomeDelivered]++
		default:
			if revived[w.ID] {
				result.Row = valid(result.Row)
			}
			again += v.compared(backend, w, result, now)
		}
	}
	return again, stumbled
}

// compared checks the row that a write left behind.
func (v *verdict) compared(backend string, w Write, result Result, now time.Time) (again int) {
	row, err := hold(result.Row)
	if err != nil {
		return 1
	}
	delivery := store.Delivery{ID: result.ID, Form: agreement(digest(w.Form), digest(row), result.Row.UpdateTime, now).String()}
	if agree(w.Form, row) {
		delivery.State = store.DeliveryDelivered
		v.settlement.Deliveries[w.Record.ID] = delivery
		v.counts[OutcomeDelivered]++
		if invalid := w.Op == OpUpdate && result.Row.Invalid; w.keepLoser || invalid && !w.Record.Invalid {
			v.keepLoser(backend, w, delivery, invalid, now)
		}
		if !w.Record.Deleted.IsZero() {
			return 1 // it was made to be deleted
		}
		return 0
	}
	delivery.Attempts = w.attempts + 1
	if delivery.Attempts >= maxWrites || !expressible(w.Form, row) {
		delivery.State, delivery.Reason = store.DeliveryDead, reasonCannotHold
		v.dead(w.Record.ID, delivery)
		return 0
	}
	delivery.State = store.DeliveryDelivered
	delivery.Form = base{ours: tried(w.Form), theirs: digest(row)}.String()
	v.settlement.Deliveries[w.Record.ID] = delivery
	return 1
}

// valid is a row as it will be once its override has ended.
func valid(row *assessment.Assessment) *assessment.Assessment {
	next := *row
	next.Invalid = false
	return &next
}

func (v *verdict) dead(id string, delivery store.Delivery) {
	v.settlement.Deliveries[id] = delivery
	v.counts[OutcomeDead]++
	v.recordDead = cmp.Or(v.recordDead, delivery.Reason)
}

// keepLoser puts the row that a later person's change replaced into the record's history, and notes that the row is
// overridden. The delivery stands although the record may have changed meanwhile, which the history then waits for.
func (v *verdict) keepLoser(backend string, w Write, delivery store.Delivery, invalid bool, now time.Time) {
	record := w.Record
	record.Invalid = record.Invalid || invalid
	record.History = append(slices.Clip(record.History), store.Change{
		Time: now, Author: record.Author, Door: doorBackend, Reason: "later_person", Old: w.Row,
	})
	record.Backends = withDelivery(record.Backends, backend, delivery)
	v.settlement.TakenOver = append(v.settlement.TakenOver, record)
}
