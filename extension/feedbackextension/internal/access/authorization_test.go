package access

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func auto(s *Settings) { s.Authorization = AuthorizationAuto }

func TestNeverKnown(t *testing.T) {
	t.Parallel()
	for _, m := range []*memory{{}, {saved: "nonsense"}, {err: errRedis}} {
		b := newBench(t, func(s *Settings) { auto(s); s.Memory = m })
		b.down = 503
		for range 3 {
			refusal := refusalOf(t, b.Check(b.as("Basic root"), traceA, false))
			assert.Equal(t, 503, refusal.Status)
			assert.Equal(t, retryAfter, refusal.RetryAfter)
		}
		assert.Len(t, b.questions(), 1, "at most once a second")
		b.clock.pass(patience)
		b.change(func() { b.down, b.open = 0, true })
		require.NoError(t, b.Check(b.as(""), traceA, true))
		assert.Len(t, b.logs.FilterMessageSnippet("has never said").All(), 1)
	}
}

func TestFindings(t *testing.T) {
	t.Parallel()
	b := newBench(t, auto)
	assert.Equal(t, 401, refusalOf(t, b.Check(b.as(""), traceA, false)).Status)
	assert.Equal(t, "mlflow", b.memory.saved)

	b.change(func() { b.open = true })
	b.clock.pass(recheck - time.Second)
	require.Error(t, b.Check(b.as(""), traceA, false))
	b.clock.pass(time.Second)
	require.NoError(t, b.Check(b.as(""), traceA, true))
	assert.Equal(t, "endpoint", b.memory.saved)
	assert.Len(t, b.logs.FilterMessageSnippet("MLflow has no authentication").All(), 1)

	b.change(func() { b.down = 500 })
	b.clock.pass(recheck)
	b.questions()
	for range 3 {
		require.NoError(t, b.Check(b.as(""), traceA, true), "what was found last")
	}
	assert.Len(t, b.questions(), 1)

	b.change(func() { b.down, b.open = 0, false })
	b.Doubt()
	require.NoError(t, b.Check(b.as(""), traceA, true), "it was asked this second")
	b.clock.pass(patience)
	b.Doubt()
	assert.Equal(t, 401, refusalOf(t, b.Check(b.as(""), traceA, true)).Status)
	b.questions()
	b.Doubt()
	b.clock.pass(refusalFresh)
	require.Error(t, b.Check(b.as("Basic wrong"), traceA, true))
	assert.Len(t, b.questions(), 1, "401 is no news of a server with authentication")
}

func TestFindingOfTheLastRun(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(s *Settings) { auto(s); s.Memory = &memory{saved: "endpoint"} })
	b.down = 503
	require.NoError(t, b.Check(b.as(""), traceA, true))
	b.change(func() { b.down = 0 })
	require.NoError(t, b.Check(b.as(""), traceA, true))
	b.clock.pass(recheckDown)
	require.Error(t, b.Check(b.as(""), traceA, true))

	b = newBench(t, func(s *Settings) { auto(s); s.Memory = &memory{saved: "mlflow"} })
	b.down = 503
	assert.Equal(t, 503, refusalOf(t, b.Check(b.as("Basic root"), traceA, false)).Status)
}

func TestFindingThatCannotBeKept(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(s *Settings) { auto(s); s.Memory = &memory{err: errRedis} })
	b.open = true
	require.NoError(t, b.Check(b.as(""), traceA, true))
	assert.Len(t, b.logs.FilterMessageSnippet("could not be kept").All(), 1)
}

func TestOthersDoNotWaitForARecheck(t *testing.T) {
	t.Parallel()
	b := newBench(t, auto)
	b.open = true
	require.NoError(t, b.Check(b.as(""), traceA, true))
	b.clock.pass(recheck)
	b.change(func() { b.gate, b.entered = make(chan struct{}), make(chan struct{}, 1) })
	var wg sync.WaitGroup
	wg.Go(func() { assert.NoError(t, b.Check(b.as(""), traceA, true)) })
	<-b.entered
	require.NoError(t, b.Check(b.as(""), traceA, true))
	close(b.gate)
	wg.Wait()
}
