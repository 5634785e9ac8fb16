package records

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// calls are all that need to know the assessment a-1; the error of each.
func calls(t *testing.T, f *fixture, traceID string) map[string]error {
	t.Helper()
	const id = "a-1"
	_, get := f.Get(t.Context(), traceID, id)
	_, update := f.Update(t.Context(), traceID, id, Patch{Rationale: new("r")})
	_, override := f.Create(t.Context(), traceID, overriding("", id))
	return map[string]error{"get": get, "update": update, "delete": f.Delete(t.Context(), traceID, id), "override": override}
}

func TestMLflowIsAskedForWhatRedisLacks(t *testing.T) {
	t.Parallel()
	const unknown = "ffffffffffffffffffffffffffffffff"
	const noTrace = "Trace with request_id 'tr-" + unknown + "' not found"
	t.Run("neither has the trace", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, nil)
		errs := calls(t, f, unknown)
		requireRefused(t, errs["get"], 404, answer.CodeDoesNotExist, noTrace)
		requireRefused(t, errs["update"], 404, answer.CodeDoesNotExist, noTrace)
		requireRefused(t, errs["override"], 404, answer.CodeDoesNotExist, "Trace with ID 'tr-"+unknown+"' not found.")
		require.NoError(t, errs["delete"])
	})
	t.Run("neither has the assessment", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, nil)
		errs := calls(t, f, trace)
		for _, call := range []string{"get", "update", "override"} {
			requireRefused(t, errs[call], 404, answer.CodeDoesNotExist, missingOn("a-1"))
		}
		require.NoError(t, errs["delete"])
	})
	t.Run("there is no mlflow", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, func(s *Settings, _ *store.Settings) { s.Upstream = nil })
		_, err := f.Get(t.Context(), trace, "a-1")
		requireRefused(t, err, 404, answer.CodeDoesNotExist, "Trace with request_id '"+mlflowTrace+"' not found")
	})
	t.Run("mlflow does not answer", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, func(s *Settings, _ *store.Settings) { s.AcceptUnknown = true })
		f.mlflow.arrive(theirRow("a-1", "true"))
		f.mlflow.breakDown(true)
		for call, err := range calls(t, f, trace) {
			t.Log(call)
			requireRefused(t, err, 503, answer.CodeUnavailable, "MLflow does not answer, and this trace is not known here")
		}
		f.mlflow.breakDown(false)
		for call, err := range calls(t, f, trace) {
			require.NoError(t, err, call)
		}
	})
}

func TestAdoption(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	overrider := theirRow("a-2", "false")
	overrider.Overrides = "a-1"
	overridden := theirRow("a-1", "true")
	overridden.Valid = new(false)
	oddSpan := theirRow("a-odd", "true")
	oddSpan.SpanID = "span-1"
	large := theirRow("a-large", `"`+strings.Repeat("x", 300<<10)+`"`)
	f.mlflow.arrive(overridden, overrider, oddSpan, large, mlflow.Assessment{ID: "a-of-no-kind"})

	got, err := f.Get(t.Context(), trace, "a-1")
	require.NoError(t, err)
	assert.True(t, got.Invalid)
	assert.Equal(t, "bob", got.Author)
	records, err := f.store.Load(t.Context(), trace)
	require.NoError(t, err)
	assert.Len(t, records, 2, "all rows that can be kept")
	assert.Equal(t, store.DeliveryTheirs, records["a-2"].Backends[testBackend].State)

	got, err = f.Get(t.Context(), trace, "a-odd")
	require.NoError(t, err, "what stands in MLflow is no false 404")
	assert.Equal(t, "span-1", got.SpanID)
	_, err = f.Update(t.Context(), trace, "a-large", Patch{Rationale: new("r")})
	requireRefused(t, err, 409, answer.CodeConflict, "MLflow holds this assessment in a form that cannot be kept here")

	// What changes here becomes ours to deliver, with what was agreed on.
	form := records["a-1"].Backends[testBackend].Form
	_, err = f.Update(t.Context(), trace, "a-1", Patch{Feedback: &Feedback{Value: "1.0"}})
	require.NoError(t, err)
	assert.Equal(t, store.Delivery{State: store.DeliveryDelivered, Form: form}, f.record(t, "a-1").Backends[testBackend])
	require.NoError(t, f.Delete(t.Context(), trace, "a-2"))
	assert.Equal(t, store.DeliveryDelivered, f.record(t, "a-2").Backends[testBackend].State)
	assert.False(t, f.record(t, "a-1").Invalid)

	// Nor does what MLflow holds come over what Redis knows.
	readings := f.mlflow.readings()
	_, err = f.Get(t.Context(), trace, "a-1")
	require.NoError(t, err)
	_, err = f.Get(t.Context(), trace, "a-2")
	requireRefused(t, err, 404, answer.CodeDoesNotExist, missingOn("a-2"))
	assert.Equal(t, readings, f.mlflow.readings(), "without asking")
	require.NoError(t, f.Adopt(t.Context(), trace, []mlflow.Assessment{overridden, overrider, theirRow("a-3", "true")}))
	assert.Equal(t, assessment.Value("1.0"), f.record(t, "a-1").Value)
	assert.False(t, f.record(t, "a-2").Deleted.IsZero())
	assert.Equal(t, assessment.True, f.record(t, "a-3").Value)
	require.NoError(t, f.Adopt(t.Context(), trace, nil))
}

func TestAdoptionOfAFullTrace(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(_ *Settings, s *store.Settings) { s.MaxPerTrace = 2 })
	rows := make([]mlflow.Assessment, 0, 5)
	for _, id := range []string{"a-1", "a-2", "a-3", "a-4", "a-5"} {
		rows = append(rows, theirRow(id, "true"))
	}
	require.NoError(t, f.Adopt(t.Context(), trace, rows))
	records, err := f.store.Load(t.Context(), trace)
	require.NoError(t, err)
	assert.Len(t, records, 2)
}

// A row that stands in MLflow under a second id is the record's, and what overrides it overrides the record.
func TestAdoptionKnowsOurRows(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	require.NoError(t, f.store.Edit(t.Context(), trace, func(e *store.Edit) error {
		a := opinion("a-ours", "true")
		return e.Put(store.Record{Assessment: a, Backends: map[string]store.Delivery{
			testBackend: {State: store.DeliveryDelivered, ID: "a-second"},
		}})
	}))
	over := theirRow("a-over", "false")
	over.Overrides = "a-second"
	require.NoError(t, f.Adopt(t.Context(), trace, []mlflow.Assessment{theirRow("a-second", "true"), over}))
	records, err := f.store.Load(t.Context(), trace)
	require.NoError(t, err)
	assert.Len(t, records, 2)
	assert.Equal(t, "a-ours", records["a-over"].Overrides)
}

func TestWithdrawnIsGone(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	withdrawn := map[string]store.Delivery{testBackend: {State: store.DeliveryWithdrawn, Form: "1:a:b"}}
	require.NoError(t, f.store.Edit(t.Context(), trace, func(e *store.Edit) error {
		return e.Put(store.Record{Assessment: opinion("a-1", "true"), Backends: withdrawn})
	}))
	errs := calls(t, f, trace)
	for _, call := range []string{"get", "update", "override"} {
		requireRefused(t, errs[call], 404, answer.CodeDoesNotExist, missingOn("a-1"))
	}
	require.NoError(t, errs["delete"])
	f.create(t, opinion("a-1", "false"))
	assert.Equal(t, store.Delivery{Form: "1:a:b"}, f.record(t, "a-1").Backends[testBackend], "to be delivered anew")
}

func TestConcurrentCreatesReadMLflowOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.mlflow.hold = make(chan struct{})
	const n = 8
	errs := make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { _, errs[i] = f.Create(t.Context(), trace, opinion("", assessment.Int(int64(i)))) })
	}
	require.Eventually(t, func() bool { return f.redis.CommandCount() >= n }, waitFor, tick)
	close(f.mlflow.hold)
	group.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	records, err := f.store.Load(t.Context(), trace)
	require.NoError(t, err)
	assert.Len(t, records, n)
	assert.Less(t, f.mlflow.readings(), n)
}

func TestRecordsOfANewerVersion(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.create(t, opinion("a-1", "true"))
	key := f.redis.Keys()
	for _, k := range key {
		if strings.Contains(k, ":trace:") {
			var doc map[string]any
			require.NoError(t, json.Unmarshal([]byte(f.redis.HGet(k, "a-1")), &doc))
			doc["version"] = 99
			text, err := json.Marshal(doc)
			require.NoError(t, err)
			f.redis.HSet(k, "a-1", string(text))
		}
	}
	_, err := f.Get(t.Context(), trace, "a-1")
	require.NoError(t, err)
	_, err = f.Update(t.Context(), trace, "a-1", Patch{Rationale: new("r")})
	requireRefused(t, err, 409, answer.CodeConflict, "The assessment was written by a newer version of this endpoint")
}
