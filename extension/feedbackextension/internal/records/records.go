// Package records gives assessments in Redis the semantics that MLflow's SQL store gives its rows: what may be made,
// changed and deleted, by whom, and what that does to others. What Redis lacks is first read from MLflow and taken
// over, so that an answer never depends on which of the two an assessment was given to.
package records

import (
	"cmp"
	"context"
	"errors"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/singleflight"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// Store keeps the records; *store.Store is one.
type Store interface {
	Load(ctx context.Context, traceID string) (map[string]store.Record, error)
	Edit(ctx context.Context, traceID string, change func(*store.Edit) error, ids ...string) error
}

var _ Store = (*store.Store)(nil)

// Upstream is the MLflow behind this endpoint; *mlflow.Client is one.
type Upstream interface {
	// GetTraceInfo reads a trace, by MLflow's id, with its assessments.
	GetTraceInfo(ctx context.Context, traceID string) (*mlflow.TraceInfo, time.Time, error)
}

var _ Upstream = (*mlflow.Client)(nil)

// Settings is what a Service is made of.
type Settings struct {
	Store Store
	// Upstream is asked for what Redis lacks; nil: there is no MLflow, and what Redis lacks does not exist.
	Upstream Upstream
	// Backend is the name under which records are delivered to MLflow.
	Backend string
	// AcceptUnknown takes assessments for traces that nobody has seen; else they are refused as MLflow does.
	AcceptUnknown bool
	Logger        *zap.Logger

	// prevent unkeyed literal initialization
	_ struct{}
}

// Service makes, reads, changes and deletes assessments. Trace ids are 32 hex digits; the caller is the context's; every
// refusal is an *answer.Error. It is safe for concurrent use.
type Service struct {
	store         Store
	upstream      Upstream
	backend       string
	acceptUnknown bool
	logger        *zap.Logger
	// reads are those of MLflow under way, by trace.
	reads singleflight.Group
}

// New makes a Service.
func New(set Settings) *Service {
	return &Service{
		store: set.Store, upstream: set.Upstream, backend: set.Backend, acceptUnknown: set.AcceptUnknown,
		logger: cmp.Or(set.Logger, zap.NewNop()),
	}
}

// Visible reports whether a record is there for readers: neither deleted here nor in the backend.
func Visible(record *store.Record, backend string) bool {
	return record.Deleted.IsZero() && record.Backends[backend].State != store.DeliveryWithdrawn
}

// Get is one assessment.
func (s *Service) Get(ctx context.Context, traceID, id string) (store.Record, error) {
	records, err := s.store.Load(ctx, traceID)
	if err != nil {
		return store.Record{}, refusal(err)
	}
	if record, found := records[id]; found && Visible(&record, s.backend) {
		return record, nil
	} else if found {
		return store.Record{}, noAssessment(traceID, id)
	}
	var got store.Record
	err = s.change(ctx, traceID, s.ask(ctx, traceID), func(d *draft) error {
		var err error
		if got, err = d.find(id); errors.Is(err, errNotKept) {
			got, err = d.there.record(s.backend, id), nil
		}
		return err
	})
	return got, err
}

// draft is an edit of one trace, together with what MLflow says of the trace if it was asked.
type draft struct {
	*store.Edit

	backend string
	caller  access.Caller
	// there is nil until MLflow is asked.
	there *standing
}

var (
	// errLacking says that MLflow has to be asked.
	errLacking = errors.New("redis lacks what the call is about")
	// errNotKept says that MLflow holds a row that Redis refuses.
	errNotKept = answer.Conflict("MLflow holds this assessment in a form that cannot be kept here")
)

// change edits a trace; where edit finds that Redis lacks something, MLflow is asked, its rows are taken over, and edit
// is called once more. Until then it sees the records of ids alone, if any are given.
func (s *Service) change(
	ctx context.Context, traceID string, there *standing, edit func(*draft) error, ids ...string,
) error {
	for {
		err := s.edit(ctx, traceID, there, edit, ids...)
		if !errors.Is(err, errLacking) {
			return refusal(err)
		}
		there, ids = s.ask(ctx, traceID), nil
	}
}

// edit is one try. Rows that Redis refuses are left where they are: one of them must not hide the others.
func (s *Service) edit(
	ctx context.Context, traceID string, there *standing, edit func(*draft) error, ids ...string,
) error {
	var left leftOut
	for {
		left.again = false
		err := s.store.Edit(ctx, traceID, func(e *store.Edit) error {
			d := &draft{Edit: e, backend: s.backend, caller: access.CallerOf(ctx), there: there}
			if !d.adopt(&left) {
				return errRefusedRow
			}
			return edit(d)
		}, ids...)
		if !left.again {
			return err
		}
	}
}

// find is a record that readers see, or the refusal of a call about it.
func (d *draft) find(id string) (store.Record, error) {
	record, found := d.Records[id]
	switch {
	case found && Visible(&record, d.backend):
		return record, nil
	case found:
		return store.Record{}, noAssessment(d.TraceID, id)
	case d.there == nil:
		return store.Record{}, errLacking
	case d.there.err != nil:
		return store.Record{}, d.there.err
	case d.there.holds(id):
		return store.Record{}, errNotKept
	case !d.Known && !d.there.found:
		return store.Record{}, answer.NotFound("Trace with request_id '" + mlflow.TraceID(d.TraceID) + "' not found")
	default:
		return store.Record{}, noAssessment(d.TraceID, id)
	}
}

func noAssessment(traceID, id string) error {
	return answer.NotFound("Assessment with ID '" + id + "' not found for trace '" + mlflow.TraceID(traceID) + "'")
}

// The waits that refused callers are told.
const (
	retryRedis   = 2 * time.Second
	retryMLflow  = 5 * time.Second
	retryPending = 30 * time.Second
)

// refusal is err as an *answer.Error.
func refusal(err error) error {
	var refused *answer.Error
	switch {
	case err == nil, errors.As(err, &refused):
		return err
	case errors.Is(err, store.ErrTooMany):
		return answer.Invalid("The trace holds as many assessments as it may")
	case errors.Is(err, store.ErrTooLarge):
		return answer.TooLarge("The assessment is larger than it may be")
	case errors.Is(err, store.ErrUnreadable):
		return answer.Conflict("The assessment was written by a newer version of this endpoint")
	case errors.Is(err, store.ErrTooManyPending):
		return &answer.Error{
			Status: 429, Code: answer.CodeExhausted, RetryAfter: retryPending,
			Message: "As many assessments of traces that have not arrived wait as may",
		}
	default:
		return answer.Unavailable("The store of assessments does not answer", retryRedis)
	}
}
