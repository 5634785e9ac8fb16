package review

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
)

// sharing are two rules with one queue.
func sharing(maxPending int) map[string]*Rule {
	return map[string]*Rule{
		"failing": {ChecksFailed: []string{"c"}, Queue: "shared", MaxPending: maxPending},
		"thumbs":  {ThumbsDown: []string{"t"}, Queue: "shared", MaxPending: maxPending},
	}
}

// dislike writes people's thumbs down.
func (f *fixture) dislike(traces ...int) {
	f.t.Helper()
	for _, n := range traces {
		source := assessment.Source{Type: assessment.SourceTypeHuman, ID: "ann"}
		f.write(assessment.Assessment{
			ID: assessment.NewID(traceID(n), "", "t", source), TraceID: traceID(n), Name: "t", Kind: assessment.KindFeedback,
			Source: source, Value: assessment.False,
		})
	}
}

func (f *fixture) write(a assessment.Assessment) {
	f.t.Helper()
	_, err := f.store.Put(f.t.Context(), []assessment.Assessment{a})
	require.NoError(f.t, err)
}

// answered brings a trace into the shared queue by the first rule, and lets a person answer it.
func (f *fixture) answered(r *Reviewer, status string, traces ...int) {
	f.t.Helper()
	for _, n := range traces {
		f.mlflow.arrive("7", traceID(n))
	}
	f.put(traces...)
	f.deliver()
	f.steps(r, 2*time.Second)
	for i := range f.mlflow.queue("7", "shared").items {
		f.mlflow.mark(f.mlflow.queue("7", "shared"), i, status, f.now.UnixMilli())
	}
	f.pass(countedFor)
}

// What another rule of the queue picks is shown to people again.
func TestAnsweredOneIsReopenedByAnotherRule(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"COMPLETE", "DECLINED"} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			r := f.reviewer(sharing(1))
			f.answered(r, status, 2)
			f.dislike(2)
			f.deliver()
			f.steps(r, 2*time.Second)
			assert.Equal(t, []string{"PENDING"}, f.mlflow.statuses(f.mlflow.queue("7", "shared")))
			assert.Equal(t, counts{"failing added": 1, "thumbs added": 1}, f.counts)
			assert.Len(t, f.reviews(2), 2)

			f.mlflow.arrive("7", traceID(1))
			f.put(1)
			f.deliver()
			f.steps(r, 2*time.Second)
			assert.Equal(t, 1, f.counts["failing queue_full"], "what was reopened waits")
		})
	}
}

// What waits in the queue already is no news there, and counts once.
func TestOneThatWaitsCountsOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.reviewer(sharing(3))
	f.mlflow.arrive("7", traceID(1), traceID(2), traceID(3))
	f.put(1)
	f.deliver()
	f.steps(r, 2*time.Second)
	f.dislike(1)
	f.deliver()
	f.steps(r, 2*time.Second)
	f.put(2, 3)
	f.deliver()
	f.steps(r, 2*time.Second)
	assert.Equal(t, []string{traceID(1), traceID(2), traceID(3)}, f.mlflow.items("7", "shared"))
	assert.Equal(t, counts{"failing added": 3, "thumbs added": 1}, f.counts)
	assert.Zero(t, f.mlflow.asked("items/set-status"))
}

// A trace that both rules pick while they are added one by one counts once.
func TestSingleAddsCountOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.reviewer(sharing(3))
	f.mlflow.arrive("7", traceID(1), traceID(2))
	f.put(1, 2)
	f.dislike(1, 2)
	f.deliver()
	f.mlflow.instead(func(_ http.ResponseWriter, path string) bool {
		if path == "review-queues/items/add" {
			f.mlflow.mu.Lock()
			delete(f.mlflow.traces, mlflow.TraceID(traceID(2)))
			f.mlflow.mu.Unlock()
		}
		return false
	})
	f.steps(r, 2*time.Second)
	assert.Equal(t, 3, f.mlflow.asked("items/add"), "both, and each once")
	f.mlflow.instead(nil)
	f.mlflow.arrive("7", traceID(3), traceID(4))
	f.put(3, 4)
	f.deliver()
	f.steps(r, time.Second)
	f.steps(r, 500*time.Millisecond)
	assert.Equal(t, []string{traceID(1), traceID(3), traceID(4)}, f.mlflow.items("7", "shared"))
	assert.Zero(t, f.counts["failing queue_full"])
}

// The note of a trace that was added gets lost; what a person answered meanwhile stays answered.
func TestRepeatedAddReopensNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.reviewer(sharing(10))
	f.mlflow.arrive("7", traceID(1))
	f.put(1)
	f.deliver()
	f.mlflow.instead(func(_ http.ResponseWriter, path string) bool {
		if path == "review-queues/items/add" {
			f.redis.SetError("LOADING Redis is loading the dataset in memory")
		}
		return false
	})
	f.pass(2 * time.Second)
	r.step(t.Context())
	assert.Empty(t, f.counts)
	f.redis.SetError("")
	f.mlflow.instead(nil)
	f.mlflow.complete(f.mlflow.queue("7", "shared"), 0, f.now.UnixMilli())

	f.pass(lease)
	again := f.reviewer(sharing(10))
	f.steps(again, 2*time.Second)
	assert.Equal(t, []string{"COMPLETE"}, f.mlflow.statuses(f.mlflow.queue("7", "shared")))
	assert.Equal(t, counts{"failing added": 1}, f.counts)
}

// What a person put into the queue and answered before the rule held is news all the same.
func TestOneOfAPersonIsReopened(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.reviewer(sharing(10))
	f.mlflow.arrive("7", traceID(1))
	f.mlflow.queues["rq-theirs"] = &fakeQueue{
		ReviewQueue: mlflow.ReviewQueue{ID: "rq-theirs", ExperimentID: "7", Name: "shared"},
		items: []mlflow.ReviewItem{{
			ID: mlflow.TraceID(traceID(1)), Status: "COMPLETE", Created: f.now.Add(-time.Hour).UnixMilli(),
		}},
	}
	f.put(1)
	f.deliver()
	f.steps(r, 2*time.Second)
	assert.Equal(t, []string{"PENDING"}, f.mlflow.statuses(f.mlflow.queue("7", "shared")))
	assert.Equal(t, counts{"failing added": 1}, f.counts)
}

// Who is no reviewer of the queue may not set a status, but may have the right to take items out.
func TestReopenedByWhoMadeTheQueue(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.reviewer(sharing(10))
	f.answered(r, "COMPLETE", 1)
	f.dislike(1)
	f.deliver()
	f.mlflow.denying("review-queues/items/set-status")
	f.steps(r, 2*time.Second)
	assert.Equal(t, []string{"PENDING"}, f.mlflow.statuses(f.mlflow.queue("7", "shared")))
	assert.Equal(t, counts{"failing added": 1, "thumbs added": 1}, f.counts)
	assert.Empty(t, f.logs.FilterMessageSnippet("refuses").All())
}

// What may not be reopened waits, and is never counted as added; others are.
func TestReopeningIsDenied(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.reviewer(sharing(100))
	f.answered(r, "COMPLETE", 1)
	f.mlflow.arrive("7", traceID(2))
	f.dislike(1, 2)
	f.deliver()
	f.mlflow.denying("review-queues/items/set-status", "review-queues/items/remove")
	f.steps(r, 2*time.Second)
	assert.Equal(t, []string{"COMPLETE", "PENDING"}, f.mlflow.statuses(f.mlflow.queue("7", "shared")))
	for i := range 20 {
		f.mlflow.arrive("7", traceID(10+i))
		f.put(10 + i) // what MLflow takes meanwhile is no reason to say it again
		f.deliver()
		f.steps(r, 15*time.Minute)
	}
	assert.Equal(t, counts{"failing added": 21, "thumbs added": 1, "thumbs failed": 1}, f.counts)
	assert.Equal(t, 1, f.logs.FilterMessageSnippet("refuses to reopen").Len(), "said once")
}

// MLflow fails, or somebody interferes, while an item is reopened: it is tried again.
func TestReopeningFails(t *testing.T) {
	t.Parallel()
	const setStatus, remove, add = "review-queues/items/set-status", "review-queues/items/remove", "review-queues/items/add"
	tests := []struct {
		name, path, code string
		status           int
		denied           []string
	}{
		{"status", setStatus, "TEMPORARILY_UNAVAILABLE", http.StatusServiceUnavailable, nil},
		{"somebody took it out", setStatus, "RESOURCE_DOES_NOT_EXIST", http.StatusNotFound, nil},
		{"taking out", remove, "TEMPORARILY_UNAVAILABLE", http.StatusServiceUnavailable, []string{setStatus}},
		{"adding", add, "TEMPORARILY_UNAVAILABLE", http.StatusServiceUnavailable, []string{setStatus}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			r := f.reviewer(sharing(10))
			f.answered(r, "COMPLETE", 1)
			f.dislike(1)
			f.deliver()
			f.mlflow.denying(tt.denied...)
			removed := false
			denying := f.mlflow.answer
			f.mlflow.instead(func(w http.ResponseWriter, path string) bool {
				removed = removed || path == remove
				if path == tt.path && (path != add || removed) {
					refuse(w, tt.status, tt.code)
					return true
				}
				return denying != nil && denying(w, path)
			})
			f.steps(r, 2*time.Second)
			assert.Equal(t, counts{"failing added": 1}, f.counts)
			f.mlflow.instead(nil)
			f.steps(r, time.Minute)
			assert.Equal(t, []string{"PENDING"}, f.mlflow.statuses(f.mlflow.queue("7", "shared")))
			assert.Equal(t, counts{"failing added": 1, "thumbs added": 1}, f.counts)
		})
	}
}
