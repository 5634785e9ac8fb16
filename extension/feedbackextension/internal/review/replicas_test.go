package review

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOneReplicaWorksAtATime(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	a, b := f.reviewer(failing()), f.reviewer(failing())
	f.mlflow.arrive("7", traceID(1))
	f.pass(time.Second)
	assert.Equal(t, idle, a.step(t.Context()))
	assert.Equal(t, standby, b.step(t.Context()))
	f.put(1)
	f.deliver()
	f.pass(2 * lease) // a died
	assert.Equal(t, idle, b.step(t.Context()))
	assert.Equal(t, standby, a.step(t.Context()))
	assert.Equal(t, counts{"failing added": 1}, f.counts)
}

func TestTurnIsLostWhileWorking(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.reviewer(failing())
	f.mlflow.arrive("7", traceID(1))
	f.put(1)
	f.deliver()
	f.mlflow.instead(func(_ http.ResponseWriter, path string) bool {
		if path == "traces/batchGetInfos" {
			f.redis.FastForward(2 * lease)
			_, err := f.store.ReviewLease(context.Background(), backendName, "another", lease)
			assert.NoError(t, err)
		}
		return false
	})
	f.pass(2 * time.Second)
	assert.Equal(t, idle, r.step(t.Context()))
	assert.Empty(t, f.counts)
	assert.Empty(t, f.mlflow.items("7", "failing"))
}

func TestRedisFails(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.reviewer(failing())
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
	assert.Equal(t, idle, r.step(t.Context()))
	assert.Equal(t, idle, r.step(t.Context()))
	assert.Empty(t, f.counts)
	f.redis.SetError("")
	f.mlflow.instead(nil)
	f.steps(r, 2*time.Second)
	assert.Equal(t, counts{"failing added": 1}, f.counts, "the step was taken again, and nothing doubled")
	assert.Len(t, f.mlflow.items("7", "failing"), 1)
}

func TestLifecycle(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	realTime := func(s *Settings) { s.Clock = nil }
	never := f.reviewer(nil, realTime)
	never.Start()
	require.NoError(t, never.Shutdown(t.Context()))

	f.mlflow.arrive("7", traceID(1))
	f.put(1)
	f.deliver()
	f.pass(2 * time.Second)
	r := f.reviewer(failing(), realTime)
	r.Start()
	require.Eventually(t, func() bool { return len(f.mlflow.items("7", "failing")) == 1 }, time.Minute, time.Millisecond)
	require.NoError(t, r.Shutdown(t.Context()))
	require.NoError(t, r.Shutdown(t.Context()))
	held, err := f.store.ReviewLease(t.Context(), backendName, "another", lease)
	require.NoError(t, err)
	assert.True(t, held, "the turn was given back")
}
