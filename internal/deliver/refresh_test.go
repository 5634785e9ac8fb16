package deliver

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// watched tells of each step before it is taken.
type watched struct {
	Refresher
	step func()
}

func (w watched) Revisit(ctx context.Context, backend string, revisit store.Revisit) (int, time.Duration, error) {
	w.step()
	return w.Refresher.Revisit(ctx, backend, revisit)
}

// refreshing makes a rig's loop read traces again, each step being told first.
func refreshing(step func()) func(s *Settings, c *MLflowConfig) {
	return func(s *Settings, _ *MLflowConfig) {
		s.Refresher = watched{s.Queue.(*fakeStore), step}
		s.RefreshRate, s.RefreshWindow = 0.5, time.Hour
	}
}

// writes are the requests that changed something.
func (f *fakeMLflow) writes() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(f.requests), func(request string) bool {
		return strings.HasPrefix(request, http.MethodGet) || strings.HasSuffix(request, "batchGetInfos")
	})
}

func TestRefreshFindsWhatPeopleDo(t *testing.T) {
	t.Parallel()
	r := newRig(t, refreshing(func() {}))
	r.mlflow.arrive(testTrace, time.Minute)
	edited, deleted := testRecord("edited", assessment.True), testRecord("deleted", assessment.True)
	r.store.put(edited, deleted)
	r.loop.Start()
	r.until(r.store.idle)
	written := r.mlflow.writes()
	delivered := map[string]int{OutcomeDelivered: 2}
	r.until(func() bool { return maps.Equal(delivered, r.tally.all()) })

	// Nobody did anything: nothing is counted, whatever is read.
	steps := len(r.store.revisited())
	r.until(func() bool { return len(r.store.revisited()) > steps+2 && r.store.idle() })
	assert.Equal(t, delivered, r.tally.all())

	r.mlflow.edit(testTrace, edited.ID, func(row map[string]any) map[string]any {
		row = maps.Clone(row)
		row["feedback"] = map[string]any{"value": false}
		return row
	})
	r.until(func() bool { return r.store.record(edited.ID).Value == assessment.False })
	assert.True(t, r.store.record(edited.ID).Touched)

	r.mlflow.edit(testTrace, "a-theirs", func(map[string]any) map[string]any {
		return map[string]any{
			"assessment_id": "a-theirs", "assessment_name": "tone", "feedback": map[string]any{"value": "warm"},
			"source": map[string]any{"source_type": "HUMAN", "source_id": "eve"},
		}
	})
	r.until(func() bool { return r.store.record("a-theirs").Author == "eve" })

	r.mlflow.edit(testTrace, deleted.ID, func(map[string]any) map[string]any { return nil })
	r.until(func() bool {
		return r.store.record(deleted.ID).Backends[testBackend].State == store.DeliveryWithdrawn
	})

	r.mlflow.edit(testTrace, "a-theirs", func(map[string]any) map[string]any { return nil })
	r.until(func() bool {
		return r.store.record("a-theirs").Backends[testBackend].State == store.DeliveryWithdrawn
	})

	// What was learned is not written back, nor learned again.
	steps = len(r.store.revisited())
	r.until(func() bool { return len(r.store.revisited()) > steps+2 && r.store.idle() })
	assert.Equal(t, written, r.mlflow.writes())
	learned := map[string]int{OutcomeDelivered: 2, OutcomeTakenOver: 2, OutcomeWithdrawn: 2, OutcomeRetried: 2}
	r.until(func() bool { return maps.Equal(learned, r.tally.all()) })
	at := r.store.revisited()
	for i := 1; i < len(at); i++ {
		assert.GreaterOrEqual(t, at[i].Sub(at[i-1]), 2*time.Second)
	}
}

func TestRefreshIsOff(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(s *Settings)
	}{
		{name: "no window", change: func(s *Settings) { s.RefreshWindow = 0 }},
		{name: "no refresher", change: func(s *Settings) { s.Refresher = nil }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(s *Settings, c *MLflowConfig) {
				refreshing(func() {})(s, c)
				tt.change(s)
			})
			record := testRecord("check", assessment.True)
			r.mlflow.arrive(testTrace, time.Minute)
			r.store.put(record)
			r.loop.Start()
			start := r.clock.Now()
			r.until(func() bool { return r.store.idle() && r.clock.Now().Sub(start) > time.Minute })
			assert.Empty(t, r.store.revisited())
		})
	}
}

func TestRefreshSurvivesTheStoresFailure(t *testing.T) {
	t.Parallel()
	r := newRig(t, refreshing(func() {}))
	r.store.err = assert.AnError
	r.loop.Start()
	start := r.clock.Now()
	r.until(func() bool { return r.clock.Now().Sub(start) > 10*time.Second })
	assert.Empty(t, r.store.revisited())
	r.store.mu.Lock()
	r.store.err = nil
	r.store.mu.Unlock()
	r.until(func() bool { return len(r.store.revisited()) > 1 })
}

func TestRefreshWaitsForDelivery(t *testing.T) {
	t.Parallel()
	const traces = 4 * batchSize
	var r *rig
	r = newRig(t, refreshing(func() {
		r.store.mu.Lock()
		defer r.store.mu.Unlock()
		for _, trace := range r.store.traces {
			assert.False(t, trace.queued && trace.attempts == 0 && trace.leased.IsZero())
		}
	}))
	for i := range traces { // none of them is in the backend
		record := testRecord("check", assessment.True)
		record.TraceID = fmt.Sprintf("%032x", i+1)
		r.store.put(record)
	}
	r.loop.Start()
	r.until(func() bool { return len(r.store.revisited()) > 0 })
	r.until(func() bool { return r.tally.of(OutcomeRetried) >= traces })
}

func TestRefreshPausesWithTheBackend(t *testing.T) {
	t.Parallel()
	var r *rig
	r = newRig(t, refreshing(func() {
		r.store.mu.Lock()
		defer r.store.mu.Unlock()
		assert.False(t, r.clock.Now().Before(r.store.pausedUntil))
	}))
	record := testRecord("check", assessment.True)
	r.mlflow.arrive(testTrace, time.Minute)
	r.store.put(record)
	r.loop.Start()
	r.until(func() bool { return len(r.store.revisited()) > 1 })
	r.mlflow.mu.Lock()
	r.mlflow.answer = func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	r.mlflow.mu.Unlock()
	r.until(func() bool {
		r.store.mu.Lock()
		defer r.store.mu.Unlock()
		return len(r.store.pauses) > 3
	})
	r.mlflow.mu.Lock()
	r.mlflow.answer = nil
	r.mlflow.mu.Unlock()
	steps := len(r.store.revisited())
	r.until(func() bool { return len(r.store.revisited()) > steps+1 && r.store.idle() })
	assert.Equal(t, map[string]int{OutcomeDelivered: 1}, r.tally.all())
}

// TestRefreshOnTheRealStore has two replicas find what a person did.
func TestRefreshOnTheRealStore(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	f := newFakeMLflow(t)
	s := openStore(t, server.Addr())
	o := &tally{}
	startReal(t, s, f.URL, o, time.Hour)
	startReal(t, openStore(t, server.Addr()), f.URL, o, time.Hour)
	source := assessment.Source{Type: assessment.SourceTypeCode, ID: "checker_v1"}
	var batch []assessment.Assessment
	for i := range 2 * batchSize {
		trace := fmt.Sprintf("%032x", i+1)
		f.arrive(trace, time.Minute)
		batch = append(batch, assessment.Assessment{
			ID: assessment.NewID(trace, "", "check", source), TraceID: trace, Name: "check",
			Kind: assessment.KindFeedback, Source: source, Value: assessment.True,
		})
	}
	_, err := s.Put(t.Context(), batch)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return o.of(OutcomeDelivered) == len(batch) }, 20*time.Second, 5*time.Millisecond)
	written := f.writes()
	for _, a := range []assessment.Assessment{batch[0], batch[len(batch)-1]} {
		f.edit(a.TraceID, a.ID, func(row map[string]any) map[string]any {
			row = maps.Clone(row)
			row["feedback"] = map[string]any{"value": false}
			return row
		})
		require.Eventually(t, func() bool {
			records, err := s.Load(t.Context(), a.TraceID)
			return err == nil && records[a.ID].Value == assessment.False && records[a.ID].Touched
		}, 20*time.Second, 5*time.Millisecond)
	}
	assert.Equal(t, written, f.writes())
	learned := map[string]int{OutcomeDelivered: len(batch), OutcomeTakenOver: 2}
	require.Eventually(t, func() bool { return maps.Equal(learned, o.all()) }, 20*time.Second, 5*time.Millisecond)
}
