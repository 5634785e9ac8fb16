package feedbackextension

import (
	"context"
	"encoding/json"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/proxy"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/records"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/request"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// memory keeps what was found out about MLflow's authentication in Redis.
type memory struct {
	store *store.Store
	fact  string
}

var _ access.Memory = memory{}

// Load implements access.Memory.
func (m memory) Load(ctx context.Context) (string, error) { return m.store.Noted(ctx, m.fact) }

// Save implements access.Memory.
func (m memory) Save(ctx context.Context, found string) error {
	return m.store.Note(ctx, m.fact, found)
}

// readable is what Redis holds of the traces whose assessments the caller may read: MLflow may show a trace and withhold
// its assessments.
type readable struct {
	*store.Store

	rights *access.Rights
}

var _ proxy.Traces = readable{}

// LoadAll implements proxy.Traces.
func (r readable) LoadAll(ctx context.Context, traceIDs []string) (map[string]map[string]store.Record, error) {
	all, err := r.Store.LoadAll(ctx, traceIDs)
	for traceID := range all {
		if r.rights.Check(ctx, traceID, false) != nil {
			delete(all, traceID)
		}
	}
	return all, err
}

// mine says whether a caller may write to a trace as if it were new. One that MLflow does not have may be made.
func mine(u *upstream, rights *access.Rights) func(context.Context, string) error {
	return func(ctx context.Context, traceID string) error {
		if !rights.ByMLflow(ctx) {
			return nil
		}
		if exists, err := u.exists(ctx, traceID); err == nil && exists {
			return rights.Check(ctx, traceID, true)
		}
		return nil // without an account that sees it, MLflow alone says what is there
	}
}

// bindRow makes the caller the author of a person's words on their way to MLflow.
func bindRow(caller access.Caller, row json.RawMessage) (json.RawMessage, error) {
	a, err := request.Assessment(row)
	if err != nil {
		return nil, err
	}
	records.Bind(&a, caller)
	bound := mlflow.FromAssessment(&a)
	bound.TraceID, bound.Overrides = "", a.Overrides // the trace is the one that the row stands in
	return json.Marshal(bound)
}
