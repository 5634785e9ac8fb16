package judge

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configretry"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-feedback/otelcol-feedback/test/standinllm"
)

// newTestBreaker makes a breaker whose log is observed.
func newTestBreaker() (*breaker, *observer.ObservedLogs) {
	core, logs := observer.New(zap.DebugLevel)
	return newBreaker("gpt-4", zap.New(core)), logs
}

// patient waits for an hour.
func patient(clock Clock) waiting {
	return waiting{clock: clock, until: clock.Now().Add(time.Hour), enough: newSignal()}
}

// say makes one call that says something.
func say(t *testing.T, b *breaker, clock Clock, said outcome, class string) {
	t.Helper()
	pass, fail := b.enter(t.Context(), patient(clock))
	require.Nil(t, fail)
	b.report(pass, said, class, clock.Now())
}

// openBreaker lets as many calls fail as it takes.
func openBreaker(t *testing.T, b *breaker, clock Clock) {
	t.Helper()
	for range breakerFailures {
		require.False(t, b.isOpen())
		say(t, b, clock, outcomeDown, ErrorTypeServerError)
	}
	require.True(t, b.isOpen())
}

func TestBreakerOpensAfterFailuresInARow(t *testing.T) {
	for _, tt := range []struct {
		name string
		// said is said after all failures but one.
		said outcome
		open bool
	}{
		{"a call that was broken off says nothing", outcomeNone, true},
		{"nor does one that was told to slow down", outcomeLimited, true},
		{"an answer says that the server is there", outcomeUp, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, logs := newTestBreaker()
			clock := newFakeClock()
			for range breakerFailures - 1 {
				say(t, b, clock, outcomeDown, ErrorTypeConnection)
			}
			say(t, b, clock, tt.said, "")
			say(t, b, clock, outcomeDown, ErrorTypeConnection)
			assert.Equal(t, tt.open, b.isOpen())
			if tt.open {
				require.Equal(t, 1, logs.Len())
				assert.Equal(t, map[string]any{"model": "gpt-4", "error_type": "connection_failed", "failures": int64(breakerFailures)}, logs.All()[0].ContextMap())
			}
		})
	}
}

func TestBreakerProbesWithLongerAndLongerPauses(t *testing.T) {
	b, logs := newTestBreaker()
	clock := newFakeClock()
	openBreaker(t, b, clock)
	clock.waits = nil
	for range 12 {
		say(t, b, clock, outcomeDown, ErrorTypeServerError)
		assert.True(t, b.isOpen())
	}
	require.Len(t, clock.waits, 12, "each call waited for its turn as the one that tries")
	for i, wait := range clock.waits {
		middle := min(2*time.Second<<i, time.Minute)
		assert.GreaterOrEqual(t, wait, middle/2)
		assert.LessOrEqual(t, wait, middle*3/2)
	}
	say(t, b, clock, outcomeUp, "")
	assert.False(t, b.isOpen())
	require.Equal(t, 2, logs.Len(), "one line when it opens, one when it closes")
	assert.Equal(t, zap.WarnLevel, logs.All()[0].Level)
	assert.Equal(t, zap.InfoLevel, logs.All()[1].Level)
	assert.Equal(t, "gpt-4", logs.All()[1].ContextMap()["model"])

	openBreaker(t, b, clock) // and the next outage begins with a short pause
	assert.LessOrEqual(t, b.probeAt.Sub(clock.Now()), 3*time.Second)
}

func TestBreakerLimitedProbeIsNoProof(t *testing.T) {
	b, _ := newTestBreaker()
	clock := newFakeClock()
	openBreaker(t, b, clock)
	say(t, b, clock, outcomeLimited, ErrorTypeRateLimited)
	assert.True(t, b.isOpen())
	assert.True(t, b.probeAt.After(clock.Now()))
}

func TestBreakerLetsOneCallTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := newTestBreaker()
		openBreaker(t, b, wallClock{})
		passes := make(chan permit, 8)
		var calls sync.WaitGroup
		for range 8 {
			calls.Go(func() {
				pass, fail := b.enter(t.Context(), patient(wallClock{}))
				assert.Nil(t, fail)
				passes <- pass
			})
		}
		first := <-passes
		require.True(t, first.probe)
		synctest.Wait()
		assert.Empty(t, passes)

		b.report(first, outcomeNone, "", time.Now()) // it was broken off, so another one tries at once
		second := <-passes
		require.True(t, second.probe)
		synctest.Wait()
		assert.Empty(t, passes)

		b.report(second, outcomeUp, "", time.Now())
		calls.Wait()
		assert.Len(t, passes, 6, "then all go on")
	})
}

func TestBreakerIgnoresHistory(t *testing.T) {
	b, _ := newTestBreaker()
	clock := newFakeClock()
	early, fail := b.enter(t.Context(), patient(clock))
	require.Nil(t, fail)
	openBreaker(t, b, clock)
	assert.True(t, b.stale(early))
	b.report(early, outcomeUp, "", clock.Now())
	assert.True(t, b.isOpen(), "an answer to a call from before is no proof")
	b.exhausted(ErrorTypeRateLimited, clock.Now())
	say(t, b, clock, outcomeUp, "")
	b.report(early, outcomeDown, "", clock.Now())
	assert.Zero(t, b.failures)
}

func TestBreakerCountsJudgementsThatWereLimitedToTheEnd(t *testing.T) {
	b, logs := newTestBreaker()
	for range breakerFailures {
		b.exhausted(ErrorTypeRateLimited, newFakeClock().Now())
	}
	assert.True(t, b.isOpen())
	assert.Equal(t, "rate_limited", logs.All()[0].ContextMap()["error_type"])
}

func TestRateLimitWithoutEndPausesTheModel(t *testing.T) {
	s, server := standin(t, "standin-429", guideConfig(), func(_ *ModelConfig, retry *configretry.BackOffConfig) { retry.Enabled = false })
	for range breakerFailures {
		assert.False(t, s.model.Paused())
		result, err := s.judge.Judge(t.Context(), guideInput)
		require.NoError(t, err)
		requireFailed(t, result, ErrorTypeRateLimited, "")
	}
	assert.True(t, s.model.Paused())
	result, err := s.judge.Judge(t.Context(), guideInput)
	require.NoError(t, err)
	requireFailed(t, result, ErrorTypeTimeout, "`max_age`")
	assert.Equal(t, int64(breakerFailures), server.Stats().Calls)
}

func TestBreakerEndsWaits(t *testing.T) {
	for _, tt := range []struct {
		name  string
		class string
		end   func(cancel, enough context.CancelFunc)
	}{
		{"ctx ends", errorTypeCancelled, func(cancel, _ context.CancelFunc) { cancel() }},
		{"the others are enough", errorTypePaused, func(_, enough context.CancelFunc) { enough() }},
		{"max_age is over", ErrorTypeTimeout, func(context.CancelFunc, context.CancelFunc) {}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, _ := newTestBreaker()
				openBreaker(t, b, wallClock{})
				probe, fail := b.enter(t.Context(), patient(wallClock{})) // so that only the end can wake the other
				require.Nil(t, fail)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				enough := newSignal()
				done := make(chan *failure, 1)
				go func() {
					_, fail := b.enter(ctx, waiting{clock: wallClock{}, until: time.Now().Add(time.Minute), enough: enough})
					done <- fail
				}()
				synctest.Wait()
				require.Empty(t, done)
				tt.end(cancel, enough.send)
				fail = <-done
				require.NotNil(t, fail)
				assert.Equal(t, tt.class, fail.class)
				b.report(probe, outcomeUp, "", time.Now())
			})
		})
	}
}

// TestOutage is a server that is down for a while: judgements wait and are judged once it is back.
func TestOutage(t *testing.T) {
	s, server := standin(t, "standin", guideConfig(), func(_ *ModelConfig, retry *configretry.BackOffConfig) { retry.MaxElapsedTime = 2 * time.Minute })
	s.judge.cfg.MaxAge = 15 * time.Minute
	server.SetDown(true)
	s.clock.onWait = func() {
		if s.model.Paused() && server.Stats().Calls == breakerFailures+2 {
			assert.True(t, s.judge.Paused())
			server.SetDown(false)
		}
	}
	result, err := s.judge.Judge(t.Context(), guideInput)
	require.NoError(t, err)
	require.Nil(t, result.Error, "%+v", result.Error)
	assert.Equal(t, breakerFailures+3, result.Attempts)
	assert.False(t, s.model.Paused())
	assert.False(t, s.judge.Paused())
}

func TestOutageBeyondMaxAge(t *testing.T) {
	s, server := standin(t, "standin", guideConfig(), nil)
	s.judge.cfg.MaxAge = 15 * time.Minute
	server.SetDown(true)
	openBreaker(t, s.model.breaker, s.clock)

	in := guideInput
	in.Queued = s.clock.Now().Add(-14 * time.Minute)
	begun := s.clock.Now()
	result, err := s.judge.Judge(t.Context(), in)
	require.NoError(t, err)
	requireFailed(t, result, ErrorTypeTimeout, "longer than `max_age`")
	assert.Equal(t, time.Minute, s.clock.Now().Sub(begun), "it waited until it was 15 minutes old")

	in.Queued = s.clock.Now().Add(-time.Hour)
	s.model.breaker.probeAt = s.clock.Now().Add(time.Second)
	result, err = s.judge.Judge(t.Context(), in)
	require.NoError(t, err)
	requireFailed(t, result, ErrorTypeTimeout, "(0 calls)")

	server.SetDown(false)
	s.model.breaker.probeAt = s.clock.Now()
	result, err = s.judge.Judge(t.Context(), in)
	require.NoError(t, err)
	assert.Nil(t, result.Error, "an old judgement may be the one that tries")
	result, err = s.judge.Judge(t.Context(), in)
	require.NoError(t, err)
	assert.Nil(t, result.Error, "and age is no matter to a server that is up")
}

// TestBreakerSurvivesPanics panics in the one call that tries.
func TestBreakerSurvivesPanics(t *testing.T) {
	s, _ := standin(t, "standin", guideConfig(), nil)
	openBreaker(t, s.model.breaker, s.clock)
	s.judge.cfg.MaxAge = time.Hour
	provider := s.model.provider
	s.model.provider = nil
	result, err := s.judge.Judge(t.Context(), guideInput)
	require.NoError(t, err)
	requireFailed(t, result, ErrorTypeInternal, "failed internally")
	s.model.provider = provider
	result, err = s.judge.Judge(t.Context(), guideInput)
	require.NoError(t, err)
	assert.Nil(t, result.Error)
	assert.Empty(t, s.model.pace.places)
}

// TestOutageWithWorkers has eight workers against a server that goes down and comes back: all is judged, the server is
// left in peace meanwhile, and the log has two lines.
func TestOutageWithWorkers(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	set := componenttest.NewNopTelemetrySettings()
	set.Logger = zap.New(core)
	handler := standinllm.NewHandler(standinllm.Options{})
	s := newSetup(t, handler, boolConfig(), func(m *ModelConfig, _ *configretry.BackOffConfig) { m.Model = "standin" })
	s.model.breaker.logger = set.Logger
	s.model.breaker.pauses.InitialInterval = 5 * time.Millisecond
	s.model.breaker.pauses.MaxInterval = 5 * time.Millisecond
	s.judge.cfg.MaxAge = time.Hour
	s.judge.clock = wallClock{}
	s.judge.retry.InitialInterval = time.Millisecond
	s.judge.retry.MaxInterval = time.Millisecond

	handler.SetDown(true)
	var judgements sync.WaitGroup
	for range 8 {
		judgements.Go(func() {
			for range 5 {
				result, err := s.judge.Judge(t.Context(), guideInput)
				assert.NoError(t, err)
				assert.Nil(t, result.Error)
			}
		})
	}
	require.Eventually(t, s.model.Paused, 10*time.Second, time.Millisecond)
	require.Eventually(t, func() bool { return handler.Stats().Calls > 30 }, 10*time.Second, time.Millisecond, "calls that try go on")
	assert.Zero(t, handler.Stats().Answered)
	handler.SetDown(false)
	judgements.Wait()
	assert.Equal(t, int64(40), handler.Stats().Answered)
	assert.False(t, s.model.Paused())
	require.Equal(t, 2, logs.Len(), "%v", logs.All())
}
