package review

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// readAgain says how many traces the refresh finds in a window that is long over for all but those in queues.
func (f *fixture) readAgain() int {
	f.t.Helper()
	f.deliver()
	visits, _, err := f.store.Walk(f.t.Context(), store.Place{}, f.now.Add(-24*time.Hour), 1000)
	require.NoError(f.t, err)
	return len(visits)
}

func TestWatched(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.reviewer(failing())
	f.mlflow.arrive("7", traceID(1), traceID(2), traceID(3))
	f.put(1, 2, 3, 4)
	f.deliver()
	f.steps(r, 2*time.Second)
	queue := f.mlflow.queue("7", "failing")
	require.Len(t, queue.items, 3)

	f.steps(r, 2*watchLatest)
	for range 30 {
		f.steps(r, time.Hour)
	}
	assert.Equal(t, 3, f.readAgain(), "what waits in a queue is read for as long as it does")

	f.mlflow.complete(queue, 0, f.now.UnixMilli())
	f.steps(r, watchLatest)
	assert.Equal(t, 3, f.readAgain(), "an answer is found: the trace was seen in the queue a moment ago")
	for range 30 {
		f.steps(r, time.Hour)
	}
	assert.Equal(t, 2, f.readAgain())

	// All replicas are down for days; meanwhile somebody answers, and leaves.
	f.pass(72 * time.Hour)
	f.mlflow.complete(queue, 1, f.now.Add(-30*time.Hour).UnixMilli())
	again := f.reviewer(failing())
	f.pass(lease)
	f.steps(again, 2*time.Second)
	assert.Equal(t, 2, f.readAgain(), "one that waits and one that was answered since the last look")
	assert.Equal(t, counts{"failing added": 3, "failing gave_up": 1}, f.counts)

	f.mlflow.drop(queue)
	f.steps(again, watchLatest)
	queues, _, err := f.store.ReviewQueues(t.Context(), backendName)
	require.NoError(t, err)
	assert.Empty(t, queues, "a queue that was deleted is looked at no longer")
}

func TestWatchPaces(t *testing.T) {
	t.Parallel()
	for window, want := range map[time.Duration]time.Duration{
		0: 0, time.Second: watchSoonest, 8 * time.Minute: 2 * time.Minute, 24 * time.Hour: watchLatest,
	} {
		w := newWatch(&Settings{RefreshWindow: window})
		assert.Equal(t, want, w.every, window)
	}
	f := newFixture(t)
	r := f.reviewer(failing(), func(s *Settings) { s.RefreshWindow = 0 })
	f.mlflow.arrive("7", traceID(1))
	f.put(1)
	f.deliver()
	f.steps(r, 2*time.Second)
	queues, _, err := f.store.ReviewQueues(t.Context(), backendName)
	require.NoError(t, err)
	assert.Empty(t, queues, "nothing is read again, so nothing is watched")
	assert.Equal(t, counts{"failing added": 1}, f.counts)
}
