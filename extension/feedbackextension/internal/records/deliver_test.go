package records

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/deliver"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

const (
	waitFor = 20 * time.Second
	tick    = 5 * time.Millisecond
)

type uncounted struct{}

func (uncounted) Delivered(string, string, int) {}
func (uncounted) MassMissing(string, int)       {}

// deliverTo starts the delivery loop between the fixture's Redis, whose clock then runs, and its MLflow.
func (f *fixture) deliverTo(t *testing.T) {
	t.Helper()
	f.redis.SetTime(time.Time{})
	config := deliver.NewDefaultMLflowConfig()
	config.HTTP.Endpoint = f.mlflow.URL
	backend, err := deliver.NewMLflow(t.Context(), &config, nil, componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	t.Cleanup(func() {
		backend.Close()
		f.mlflow.CloseClientConnections()
	})
	loop, err := deliver.New(deliver.Settings{
		Name: testBackend, Queue: f.store, Gate: f.store, Backend: backend, Observer: uncounted{},
	})
	require.NoError(t, err)
	loop.Start()
	t.Cleanup(func() { require.NoError(t, loop.Shutdown(context.Background())) })
}

func (f *fixture) settled(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		stats, err := f.store.Stats(t.Context(), testBackend)
		return err == nil && stats.Backlog == 0
	}, waitFor, tick)
}

// agreed waits for the backlog's end and compares what readers see with MLflow's rows.
func (f *fixture) agreed(t *testing.T, ids ...string) {
	t.Helper()
	f.settled(t)
	for _, id := range ids {
		record := f.record(t, id)
		row, found := f.mlflow.row(id)
		require.Equal(t, record.ID != "" && Visible(&record, testBackend), found, id)
		if !found {
			continue
		}
		there, ok := row.ToAssessment(trace)
		require.True(t, ok)
		assert.Equal(t, record.Name, there.Name, id)
		assert.Equal(t, record.Source, there.Source, id)
		assert.JSONEq(t, string(record.Value), string(there.Value), id)
		assert.Equal(t, record.Overrides, there.Overrides, id)
		assert.Equal(t, record.Invalid, there.Invalid, id)
		if record.Kind != assessment.KindExpectation {
			assert.Equal(t, record.Rationale, there.Rationale, id)
		}
		for key, value := range record.Metadata {
			assert.Equal(t, value, there.Metadata[key], id)
		}
		state := record.Backends[testBackend].State
		assert.True(t, state == store.DeliveryDelivered || state == store.DeliveryTheirs, "%s is %q", id, state)
	}
}

// TestDelivery: whatever is done here, MLflow and Redis come to say the same.
func TestDelivery(t *testing.T) {
	t.Parallel()
	update := func(f *fixture, id string) error {
		_, err := f.Update(t.Context(), trace, id, Patch{
			Name: new("renamed"), Feedback: &Feedback{Value: `["new"]`}, Metadata: map[string]string{"k": "v"},
		})
		return err
	}
	create := func(f *fixture, a assessment.Assessment) error {
		_, err := f.Create(t.Context(), trace, a)
		return err
	}
	remove := func(f *fixture, id string) error { return f.Delete(t.Context(), trace, id) }
	type step = func(*fixture) error
	tests := []struct {
		name  string
		steps []step
	}{
		{"create, update, delete", []step{
			func(f *fixture) error { return create(f, opinion("a-1", "1.0")) },
			func(f *fixture) error { return update(f, "a-1") },
			func(f *fixture) error { return remove(f, "a-1") },
		}},
		{"update and delete of a row made in mlflow", []step{
			func(f *fixture) error { return update(f, "a-theirs") },
			func(f *fixture) error { return update(f, "a-theirs") },
			func(f *fixture) error { return remove(f, "a-theirs") },
		}},
		{"delete of a row made in mlflow", []step{func(f *fixture) error { return remove(f, "a-theirs") }}},
		{"override, and its end", []step{
			func(f *fixture) error { return create(f, opinion("a-1", "true")) },
			func(f *fixture) error { return create(f, overriding("a-2", "a-1")) },
			func(f *fixture) error { return create(f, overriding("a-3", "a-2")) },
			func(f *fixture) error { return remove(f, "a-3") },
			func(f *fixture) error { return remove(f, "a-2") },
			func(f *fixture) error { return update(f, "a-1") },
		}},
		{"override of a row made in mlflow, and its end", []step{
			func(f *fixture) error { return create(f, overriding("a-2", "a-theirs")) },
			func(f *fixture) error { return update(f, "a-theirs") },
			func(f *fixture) error { return remove(f, "a-2") },
		}},
		{"an original that goes before its override", []step{
			func(f *fixture) error { return create(f, opinion("a-1", "true")) },
			func(f *fixture) error { return create(f, overriding("a-2", "a-1")) },
			func(f *fixture) error { return remove(f, "a-1") },
			func(f *fixture) error { return remove(f, "a-2") },
		}},
		{"the same id once more", []step{
			func(f *fixture) error { return create(f, opinion("a-1", "true")) },
			func(f *fixture) error { return remove(f, "a-1") },
			func(f *fixture) error { return create(f, opinion("a-1", "false")) },
		}},
		{"expectation and issue", []step{
			func(f *fixture) error {
				a := opinion("a-1", `{"b":[1,2],"a":null}`)
				a.Kind = assessment.KindExpectation
				return create(f, a)
			},
			func(f *fixture) error {
				a := opinion("a-2", `"slow"`)
				a.Kind = assessment.KindIssue
				return create(f, a)
			},
			func(f *fixture) error {
				_, err := f.Update(t.Context(), trace, "a-1", Patch{Expectation: new(assessment.Value(`[1]`)), Rationale: new("r")})
				return err
			},
			func(f *fixture) error { return remove(f, "a-2") },
		}},
	}
	ids := []string{"a-1", "a-2", "a-3", "a-theirs"}
	for _, tt := range tests {
		t.Run(tt.name+", step by step", func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, nil)
			f.mlflow.arrive(theirRow("a-theirs", `"warm"`))
			_, err := f.Get(t.Context(), trace, "a-theirs")
			require.NoError(t, err)
			f.deliverTo(t)
			for _, step := range tt.steps {
				require.NoError(t, step(f))
				f.agreed(t, ids...)
			}
		})
		t.Run(tt.name+", at once", func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, nil)
			f.mlflow.arrive(theirRow("a-theirs", `"warm"`))
			for _, step := range tt.steps {
				require.NoError(t, step(f))
			}
			f.deliverTo(t)
			f.agreed(t, ids...)
		})
	}
}

// A person's change in MLflow after the delivery is taken over, and what is changed here after that is delivered.
func TestDeliveryBothWays(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.deliverTo(t)
	f.create(t, opinion("a-1", "true"))
	f.agreed(t, "a-1")

	row, _ := f.mlflow.row("a-1")
	row.Feedback.Value = json.RawMessage(`"theirs"`)
	row.LastUpdateTime.Time = time.Now().Add(time.Hour)
	f.mlflow.arrive(row)
	f.create(t, opinion("a-2", "true")) // makes the trace due
	f.agreed(t, "a-1", "a-2")
	assert.Equal(t, assessment.Value(`"theirs"`), f.record(t, "a-1").Value)

	_, err := f.Update(t.Context(), trace, "a-1", Patch{Feedback: &Feedback{Value: `"ours"`}})
	require.NoError(t, err)
	f.agreed(t, "a-1", "a-2")
	assert.Equal(t, assessment.Value(`"ours"`), f.record(t, "a-1").Value)
}
