package deliver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// Backend is one tracking backend, as the loop sees it. It retries nothing.
type Backend interface {
	// Read returns what the backend holds of the traces, by id; those that do not exist are left out. The error is
	// an *UnavailableError.
	Read(ctx context.Context, traceIDs []string) (Reading, error)
	// Write carries out writes for one trace in order and returns a result for each that was tried. The error is
	// an *UnavailableError, and ends the writing; what it hit has no result and is settled by the next reading.
	Write(ctx context.Context, traceID string, trace Trace, writes []Write) ([]Result, error)
}

// Reading is what the backend holds of several traces.
type Reading struct {
	Traces map[string]Trace
	// Unreadable are traces whose content this build cannot read.
	Unreadable map[string]error
}

// Trace is what the backend holds of one trace.
type Trace struct {
	Rows []assessment.Assessment
	// unreadable are the ids of rows that are there and make no assessment: they are neither missing nor comparable.
	unreadable map[string]bool
	// info is MLflow's, with the server's and our clock at the reading.
	info       *mlflow.TraceInfo
	serverTime time.Time
	readAt     time.Time
}

// Op is the kind of a write.
type Op int8

// The kinds of a write, in the order of sending.
const (
	OpCreate Op = iota
	OpUpdate
	OpDelete
)

// Write is one change of a row.
type Write struct {
	Op     Op
	Record store.Record
	// State is the record's state before.
	State store.DeliveryState
	// ID is the row's.
	ID string
	// Form is what is to be held, empty for a deletion.
	Form assessment.Assessment
	// Row is what the decision was made on, empty for a creation.
	Row assessment.Assessment

	// overrides is the id of the row that a new one overrides, where it is known.
	overrides string
	rowForm   assessment.Assessment
	rowDigest string
	attempts  int
	keepLoser bool
}

// Result is what became of one write.
type Result struct {
	// ID is the row's, where it differs from the write's.
	ID string
	// Row is the row as the backend keeps it, nil after a deletion or an error.
	Row *assessment.Assessment
	// Err is nil, errChanged, errStumbled or a *refusedError.
	Err error
}

// errChanged says that the backend moved since the reading; the trace is read again.
var errChanged = errors.New("the backend changed since it was read")

// errStumbled says that the backend fell over this write and took others.
var errStumbled = errors.New("the backend fails on this write alone")

// refusedError is a write that a repeat cannot cure.
type refusedError struct {
	reason string
	cause  error
}

func (e *refusedError) Error() string { return e.reason }
func (e *refusedError) Unwrap() error { return e.cause }

// UnavailableError says that the backend as a whole does not work now.
type UnavailableError struct {
	// RetryAfter is what the backend asked for, 0 when it did not.
	RetryAfter time.Duration
	// Suspect is set where the content of the one request may be what the backend stumbles over.
	Suspect bool
	Err     error
}

// Error implements error.
func (e *UnavailableError) Error() string { return fmt.Sprintf("backend unavailable: %v", e.Err) }

// Unwrap gives the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }
