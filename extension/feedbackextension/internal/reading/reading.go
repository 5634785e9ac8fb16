package reading

import (
	"context"
	"encoding/json"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// Store is where assessments are. *store.Store is one.
type Store interface {
	Load(ctx context.Context, traceID string) (map[string]store.Record, error)
	LoadAll(ctx context.Context, traceIDs []string) (map[string]map[string]store.Record, error)
	Reviews(ctx context.Context, traceID string) ([]store.Review, error)
	Content(ctx context.Context, traceID string) (map[string]store.Content, error)
	Walk(ctx context.Context, from store.Place, since time.Time, limit int) ([]store.Visit, bool, error)
	Restore(ctx context.Context, backend string, restore store.Restore, from store.Place) (store.Restored, error)
}

// Rights says whether the caller may see a trace, given as 32 hex digits; the error is an *answer.Error.
type Rights interface {
	Check(ctx context.Context, traceID string, write bool) error
}

// Admins says whether the caller may see and do everything; the error is an *answer.Error.
type Admins interface {
	Admin(ctx context.Context) error
}

// Settings is what a Handler is made of.
type Settings struct {
	Store  Store
	Rights Rights
	Admins Admins
	// Backend is the tracking backend's name in Redis, empty without one.
	Backend string
	// Render is an assessment as MLflow answers it, as compact JSON.
	Render func(record *store.Record, caller access.Caller) json.RawMessage
	Logger *zap.Logger

	// prevent unkeyed literal initialization
	_ struct{}
}

// Handler answers the reading calls.
type Handler struct {
	settings Settings
}

// New makes a handler; it starts nothing.
func New(settings Settings) *Handler {
	if settings.Logger == nil {
		settings.Logger = zap.NewNop()
	}
	return &Handler{settings: settings}
}

// traceIDOf is the trace id in MLflow's or in OTLP's spelling.
func traceIDOf(text string) (traceID string, ok bool) {
	if traceID, ok = mlflow.OTLPTraceID(text); ok {
		return traceID, true
	}
	return mlflow.OTLPTraceID(mlflow.TraceID(text))
}

// maxQuoted bounds what a message repeats of a request.
const maxQuoted = 64

func unknownTrace(id string) error {
	return answer.NotFound("Trace with ID '" + id[:min(len(id), maxQuoted)] + "' not found.")
}

// visible leaves out what was deleted, here or in the backend, and what only a newer build can read.
func (h *Handler) visible(record *store.Record) bool {
	return record.Deleted.IsZero() && record.Version <= store.RecordVersion &&
		record.Backends[h.settings.Backend].State != store.DeliveryWithdrawn
}
