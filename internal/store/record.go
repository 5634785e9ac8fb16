package store

import (
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

// RecordVersion is the version of the JSON record that this build writes. A record of a newer version is left
// untouched.
const RecordVersion = 1

// Record is one assessment as Redis holds it: a JSON object in the field named by its id of the trace's hash.
type Record struct {
	assessment.Assessment
	// Version is RecordVersion at the time of writing.
	Version int
	// Revision grows by one with each change of the record's content, through whichever door.
	Revision int64
	// Author is who really wrote the last change: empty for automation, the person's id where one is known.
	Author string
	// Door is where the record came in first: telemetry, or a door of a component's.
	Door string
	// Written is when an Edit wrote the record last, by Redis' clock; zero for what never was edited.
	Written time.Time
	// Touched is set once a person has changed, overridden or deleted the record; automation then leaves it alone.
	Touched bool
	// Deleted is the time of deletion; a tombstone stays until the trace expires. Zero: not deleted.
	Deleted time.Time
	// History holds what was replaced, oldest first, bounded.
	History []Change
	// Backends is the state of delivery per backend.
	Backends map[string]Delivery
}

// Change is one replaced state of a record.
type Change struct {
	Time time.Time
	// Author is who made the new state; Door is where it came in: telemetry, api or backend.
	Author string
	Door   string
	// Reason says why the new state won, such as "fingerprint", "value_replaces_error", "backend".
	Reason string
	// Old is the state that was replaced.
	Old assessment.Assessment
}

// DeliveryState is where a record stands with one backend.
type DeliveryState string

// The delivery states; the empty one is "never delivered".
const (
	DeliveryPending   DeliveryState = ""
	DeliveryDelivered DeliveryState = "delivered"
	// DeliveryTheirs marks a row that somebody made in the backend; it is never changed or deleted by us.
	DeliveryTheirs DeliveryState = "theirs"
	// DeliveryWithdrawn marks a row that was delivered and that somebody deleted in the backend; kept here.
	DeliveryWithdrawn DeliveryState = "withdrawn"
	// DeliverySkipped marks a record that no `forward` rule takes.
	DeliverySkipped DeliveryState = "skipped"
	DeliveryDead    DeliveryState = "dead"
)

// Delivery is a record's state with one backend.
type Delivery struct {
	State DeliveryState
	// Form is what was last delivered, in the canonical form that the backend can hold, or its hash; the third
	// leg of the three-way comparison.
	Form string
	// ID is the record's id in the backend where it differs from ours.
	ID string
	// Attempts counts writes since the last agreement.
	Attempts int
	// Reason says why the record is dead.
	Reason string
}
