package deliver

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// openStore is the real store over the Redis at the address.
func openStore(tb testing.TB, address string) *store.Store {
	tb.Helper()
	config := store.NewDefaultConfig()
	config.Endpoints = []string{address}
	opened, err := store.Open(tb.Context(), config,
		store.Settings{Backends: []store.Backend{{Name: testBackend}}}, zap.NewNop())
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, opened.Close()) })
	return opened
}

func startReal(tb testing.TB, s *store.Store, uri string, o Observer, refreshWindow time.Duration) {
	tb.Helper()
	config := NewDefaultMLflowConfig()
	config.HTTP.Endpoint = uri
	backend, err := NewMLflow(tb.Context(), &config, nil, componenttest.NewNopTelemetrySettings())
	require.NoError(tb, err)
	tb.Cleanup(backend.Close)
	loop, err := New(Settings{
		Name: testBackend, Queue: s, Gate: s, Backend: backend, Observer: o,
		Refresher: s, RefreshRate: 20, RefreshWindow: refreshWindow,
	})
	require.NoError(tb, err)
	loop.Start()
	tb.Cleanup(func() { require.NoError(tb, loop.Shutdown(context.Background())) })
}

// TestLoopOnTheRealStore runs two replicas between one Redis and one MLflow, while people work in MLflow.
func TestLoopOnTheRealStore(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	f := newFakeMLflow(t)
	s := openStore(t, server.Addr())
	o := &tally{}
	startReal(t, s, f.URL, o, 0)
	startReal(t, openStore(t, server.Addr()), f.URL, o, 0)

	source := assessment.Source{Type: assessment.SourceTypeCode, ID: "checker_v1"}
	const traces, perTrace = 30, 3
	batch := make([]assessment.Assessment, 0, traces*perTrace)
	for i := range traces {
		trace := fmt.Sprintf("%032x", i+1)
		f.arrive(trace, time.Minute)
		for n := range perTrace {
			name := fmt.Sprintf("check_%d", n)
			batch = append(batch, assessment.Assessment{
				ID: assessment.NewID(trace, "", name, source), TraceID: trace, Name: name, Kind: assessment.KindFeedback,
				Source: source, Value: assessment.Int(int64(n)), Fingerprint: "f1",
			})
		}
	}
	put := func(wanted store.Outcome) {
		outcomes, err := s.Put(t.Context(), batch)
		require.NoError(t, err)
		for _, outcome := range outcomes {
			require.Equal(t, wanted, outcome)
		}
	}
	settled := func() bool {
		stats, err := s.Stats(t.Context(), testBackend)
		return err == nil && stats.Backlog == 0
	}
	put(store.OutcomeStored)
	require.Eventually(t, settled, 20*time.Second, 5*time.Millisecond)
	delivered := map[string]int{OutcomeDelivered: len(batch)} // counted after it is settled
	require.Eventually(t, func() bool { return maps.Equal(delivered, o.all()) }, 20*time.Second, 5*time.Millisecond)
	bulks, _ := f.bulks()
	assert.Equal(t, traces, bulks)

	// People work in MLflow; then the evaluators get a new version.
	trace := batch[0].TraceID
	f.edit(trace, batch[0].ID, func(row map[string]any) map[string]any {
		row["feedback"] = map[string]any{"value": "a person's"}
		return row
	})
	f.edit(trace, batch[1].ID, func(map[string]any) map[string]any { return nil })
	f.edit(trace, "a-theirs", func(map[string]any) map[string]any {
		return map[string]any{
			"assessment_id": "a-theirs", "assessment_name": "tone", "feedback": map[string]any{"value": "warm"},
			"source": map[string]any{"source_type": "HUMAN", "source_id": "eve"},
		}
	})
	for i := range batch {
		batch[i].Fingerprint, batch[i].Value = "f2", assessment.Bool(true)
	}
	put(store.OutcomeUpdated)
	require.Eventually(t, settled, 20*time.Second, 5*time.Millisecond)
	records, err := s.Load(t.Context(), trace)
	require.NoError(t, err)
	assert.Equal(t, assessment.Value(`"a person's"`), records[batch[0].ID].Value)
	assert.True(t, records[batch[0].ID].Touched)
	assert.NotEmpty(t, records[batch[0].ID].History)
	assert.Equal(t, store.DeliveryWithdrawn, records[batch[1].ID].Backends[testBackend].State)
	assert.Equal(t, "eve", records["a-theirs"].Author)
	assert.Equal(t, store.DeliveryTheirs, records["a-theirs"].Backends[testBackend].State)
	assert.Equal(t, "a person's", f.row(trace, batch[0].ID)["feedback"].(map[string]any)["value"])
	assert.Nil(t, f.row(trace, batch[1].ID))
	assert.Equal(t, "warm", f.row(trace, "a-theirs")["feedback"].(map[string]any)["value"])
	last := batch[len(batch)-1]
	assert.Equal(t, true, f.row(last.TraceID, last.ID)["feedback"].(map[string]any)["value"])
	assert.Equal(t, "f2", f.row(last.TraceID, last.ID)["metadata"].(map[string]any)["fingerprint"])
	assert.Zero(t, o.of(OutcomeDead))
}
