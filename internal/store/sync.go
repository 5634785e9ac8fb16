package store

import "time"

// Claim is the exclusive right of one worker to bring one trace and one backend to agreement until the lease ends.
type Claim struct {
	TraceID string
	Backend string
	// Token proves the claim; every write of delivery state checks it.
	Token string
	// Expires is the end of the lease on this replica's clock; calls to the backend end before.
	Expires time.Time
	// Since is when the trace first became due, by Redis' clock; trace_wait counts from it.
	Since time.Time
	// Waited is the time from then to the claim, by the same clock.
	Waited time.Duration
	// Attempts counts how often the trace was deferred since then.
	Attempts int
	// Revision is that of the trace whose records these are; it grows with each change of any of them.
	Revision int64
	// Records are all of the trace's records, tombstones included, by id.
	Records map[string]Record
}

// Outcome is what a write did to one assessment; its values are those of the metric
// exporter_feedback_assessments.
type Outcome string

// The outcomes of a write.
const (
	OutcomeStored    Outcome = "stored"
	OutcomeUpdated   Outcome = "updated"
	OutcomeUnchanged Outcome = "unchanged"
	OutcomeRefused   Outcome = "refused"
)

// Settlement is what a worker learned of a claimed trace.
type Settlement struct {
	// Deliveries is the new delivery state of records, by id, written only where the claim's token still holds.
	Deliveries map[string]Delivery
	// TakenOver are records whose content the backend decided: rows made or changed there. Their Deliveries
	// state is part of the record, and stands before that in Deliveries; if the trace changed, that alone is written.
	TakenOver []Record
	// Done removes the trace from the queue unless it changed since the claim; else RetryAfter says when it is
	// due again.
	Done       bool
	RetryAfter time.Duration
	// Dead moves the trace to the dead set with the reason.
	Dead string
}
