package judge

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configretry"
)

func TestPaceIsUnboundedByDefault(t *testing.T) {
	clock := newFakeClock()
	p := newPace(0, 0)
	for range 100 {
		_, err := p.enter(t.Context(), clock)
		require.NoError(t, err)
	}
	assert.Empty(t, clock.waits)
}

func TestPaceBoundsConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(2, 0)
		var inside, most atomic.Int64
		var calls sync.WaitGroup
		for range 10 {
			calls.Go(func() {
				leave, err := p.enter(t.Context(), wallClock{})
				assert.NoError(t, err)
				most.Store(max(most.Load(), inside.Add(1)))
				assert.NoError(t, wallClock{}.Wait(t.Context(), time.Second))
				inside.Add(-1)
				leave()
			})
		}
		calls.Wait()
		assert.Equal(t, int64(2), most.Load())
	})
}

func TestPaceSpreadsCalls(t *testing.T) {
	clock := newFakeClock()
	p := newPace(0, 120)
	for range 4 {
		_, err := p.enter(t.Context(), clock)
		require.NoError(t, err)
	}
	assert.Equal(t, []time.Duration{500 * time.Millisecond, 500 * time.Millisecond, 500 * time.Millisecond}, clock.waits)

	clock.now = clock.now.Add(time.Hour) // what was not used is not saved up
	for range 2 {
		_, err := p.enter(t.Context(), clock)
		require.NoError(t, err)
	}
	assert.Len(t, clock.waits, 4)
}

func TestPaceEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(1, 1)
		leave, err := p.enter(t.Context(), wallClock{})
		require.NoError(t, err)
		for _, waitsFor := range []string{"a place", "its turn"} {
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() {
				_, err := p.enter(ctx, wallClock{})
				done <- err
			}()
			synctest.Wait()
			assert.Empty(t, done, waitsFor)
			cancel()
			require.ErrorIs(t, <-done, context.Canceled, waitsFor)
			if waitsFor == "a place" {
				leave()
			}
		}
		assert.Empty(t, p.places, "whoever gives up leaves no place taken")
	})
}

func TestModelKeepsItsPace(t *testing.T) {
	var inside, most atomic.Int64
	completions := completionServer(`{"rationale": "", "value": true}`)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		most.Store(max(most.Load(), inside.Add(1)))
		defer inside.Add(-1)
		completions.ServeHTTP(w, r)
	}))
	defer server.Close()
	modelConfig := NewDefaultModelConfig()
	modelConfig.ClientConfig.Endpoint = server.URL
	modelConfig.MaxConcurrency, modelConfig.RequestsPerMinute = 1, 60
	s := newJudge(t, boolConfig(), &modelConfig, retryConfig())
	var judgements sync.WaitGroup
	for range 8 {
		judgements.Go(func() {
			result, err := s.judge.Judge(t.Context(), guideInput)
			assert.NoError(t, err)
			assert.Nil(t, result.Error)
		})
	}
	judgements.Wait()
	assert.Equal(t, int64(1), most.Load())
	total := time.Duration(0)
	for _, wait := range s.clock.waits {
		total += wait
	}
	assert.Equal(t, 7*time.Second, total)
}

func TestTurnsDoNotUseUpRetries(t *testing.T) {
	s, _ := standin(t, "standin-500", guideConfig(), func(m *ModelConfig, _ *configretry.BackOffConfig) { m.RequestsPerMinute = 1 })
	result, err := s.judge.Judge(t.Context(), guideInput)
	require.NoError(t, err)
	requireFailed(t, result, ErrorTypeServerError, "(9 calls)")
	assert.Greater(t, result.Duration, 8*time.Minute-time.Second)
}
