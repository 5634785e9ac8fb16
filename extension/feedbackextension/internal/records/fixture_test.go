package records

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

const (
	testBackend = "feedback"
	trace       = "0102030405060708090a0b0c0d0e0f10"
	mlflowTrace = "tr-" + trace
)

var redisTime = time.Date(2026, 3, 1, 12, 0, 0, 123_456_000, time.UTC)

// fixture is a service over a Redis and a fake MLflow that knows the trace.
type fixture struct {
	*Service

	store  *store.Store
	redis  *miniredis.Miniredis
	mlflow *fakeMLflow
}

func newFixture(t *testing.T, change func(*Settings, *store.Settings)) *fixture {
	t.Helper()
	f := &fixture{redis: miniredis.RunT(t), mlflow: newFakeMLflow(t)}
	f.redis.SetTime(redisTime)
	f.mlflow.arrive()
	settings := Settings{Upstream: f.mlflow.client(t), Backend: testBackend}
	stored := store.Settings{Backends: []store.Backend{{Name: testBackend}}}
	if change != nil {
		change(&settings, &stored)
	}
	config := store.NewDefaultConfig()
	config.Endpoints = []string{f.redis.Addr()}
	opened, err := store.Open(t.Context(), config, stored, zap.NewNop())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, opened.Close()) })
	f.store, settings.Store = opened, opened
	f.Service = New(settings)
	return f
}

func as(t *testing.T, caller access.Caller) context.Context {
	t.Helper()
	return access.WithCaller(t.Context(), caller)
}

// opinion is a person's feedback.
func opinion(id string, value assessment.Value) assessment.Assessment {
	return assessment.Assessment{
		ID: id, Name: "quality", Kind: assessment.KindFeedback, Value: value, Rationale: "because",
		Source: assessment.Source{Type: assessment.SourceTypeHuman, ID: "eve"},
	}
}

func overriding(id, original string) assessment.Assessment {
	a := opinion(id, `"other"`)
	a.Overrides = original
	return a
}

func (f *fixture) create(t *testing.T, a assessment.Assessment) store.Record {
	t.Helper()
	record, err := f.Create(t.Context(), trace, a)
	require.NoError(t, err)
	return record
}

func (f *fixture) record(t *testing.T, id string) store.Record {
	t.Helper()
	records, err := f.store.Load(t.Context(), trace)
	require.NoError(t, err)
	return records[id]
}

func theirRow(id, value string) mlflow.Assessment {
	valid := true
	return mlflow.Assessment{
		ID: id, Name: "quality", TraceID: mlflowTrace, Source: &mlflow.Source{Type: "HUMAN", ID: "bob"}, Valid: &valid,
		CreateTime: mlflow.NewTime(redisTime), LastUpdateTime: mlflow.NewTime(redisTime),
		Feedback: &mlflow.Feedback{Value: json.RawMessage(value)},
	}
}

// requireRefused also sees to it that a caller is told when to come back, where that helps.
func requireRefused(t *testing.T, err error, status int, code, message string) {
	t.Helper()
	var refused *answer.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, status, refused.Status)
	require.Equal(t, code, refused.Code)
	require.Equal(t, message, refused.Message)
	require.Equal(t, status == 503 || status == 429, refused.RetryAfter > 0)
}
