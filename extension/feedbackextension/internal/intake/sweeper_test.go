package intake

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// counts are the outcomes that an observer was told.
type counts struct {
	mu  sync.Mutex
	got map[string]int
}

func (c *counts) Held(outcome string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.got == nil {
		c.got = map[string]int{}
	}
	c.got[outcome]++
}

func (c *counts) of(outcome string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.got[outcome]
}

// fakeCreator creates nothing.
type fakeCreator struct {
	create  func() error
	callers []access.Caller
}

func (c *fakeCreator) Create(ctx context.Context, _ string, a assessment.Assessment) (store.Record, error) {
	c.callers = append(c.callers, access.CallerOf(ctx))
	return store.Record{Assessment: a}, c.create()
}

func (*fakeCreator) Get(context.Context, string, string) (store.Record, error) {
	return store.Record{}, answer.NotFound("no such assessment")
}

func (f *fixture) sweeper(observer Observer, change func(*SweeperSettings)) *Sweeper {
	set := SweeperSettings{Store: f.store, Indexed: f.records, Observer: observer}
	if change != nil {
		change(&set)
	}
	return NewSweeper(set)
}

// leaseEnds lets the leases of a sweep end, as when its replica has died.
func (f *fixture) leaseEnds() {
	received := received.Add(2 * lease)
	f.redis.SetTime(received)
	f.redis.FastForward(2 * lease)
}

func TestHeldFeedbackBecomesAnAssessment(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.caller.Name = "ada"
	id := waits(t, f.post(t, `{`+thumbs+`,"response_id":"r"}`))
	var seen counts
	s := f.sweeper(&seen, nil)
	assert.False(t, s.sweep(t.Context()))

	f.redis.SetTime(received.Add(time.Minute))
	f.pass(t, store.KindResponseID, "r", store.Match{TraceID: trace, SpanID: span})
	assert.True(t, s.sweep(t.Context()))
	record := f.kept(t)[id]
	assert.Equal(t, assessment.True, record.Value)
	assert.Equal(t, assessment.Source{Type: assessment.SourceTypeHuman, ID: "ada"}, record.Source)
	assert.Equal(t, "ada", record.Author)
	assert.Equal(t, span, record.SpanID)
	assert.Equal(t, "r", record.ResponseID)
	assert.True(t, record.CreateTime.Equal(received), "when it was given, not when it was found")
	assert.Equal(t, 1, seen.of(OutcomeResolved))
	assert.False(t, s.sweep(t.Context()))
	assert.Empty(t, heldKeys(f))
	again := given(t, f.post(t, `{"assessment":{"assessment_id":"`+id+`","assessment_name":"thumbs","feedback":{"value":false}},"response_id":"r"}`))
	assert.Equal(t, map[string]any{"value": true}, again["feedback"])
}

// A replica dies between making the assessment and saying so: the next one makes no second assessment, and one counts.
func TestReplicaDiesHalfWay(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := waits(t, f.post(t, `{`+thumbs+`,"response_id":"r"}`))
	f.pass(t, store.KindResponseID, "r", store.Match{TraceID: trace, SpanID: span})
	var seen counts
	dying := f.sweeper(&seen, func(set *SweeperSettings) { set.Store = forgetful{f.store} })
	assert.False(t, dying.sweep(t.Context()))
	assert.Contains(t, f.kept(t), id)
	assert.Zero(t, seen.of(OutcomeResolved))

	s := f.sweeper(&seen, nil)
	assert.False(t, s.sweep(t.Context()), "leased")
	f.leaseEnds()
	assert.True(t, s.sweep(t.Context()))
	assert.Len(t, f.kept(t), 1)
	assert.Equal(t, 1, seen.of(OutcomeResolved))
}

type forgetful struct{ *store.Store }

func (forgetful) DropHeld(context.Context, *store.Waiting, string) (bool, error) {
	return false, errors.New("connection refused")
}

func TestSweepFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err    error
		reason string
	}{
		"MLflow is away":       {answer.Unavailable("away", time.Second), ""},
		"too many":             {&answer.Error{Status: 429}, ""},
		"no refusal":           {context.DeadlineExceeded, ""},
		"refused":              {answer.Invalid("no"), "refused"},
		"taken by another one": {&answer.Error{Status: 500}, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.caller = access.Caller{Name: "ci", Trusted: true}
			waits(t, f.post(t, `{`+thumbs+`,"response_id":"r"}`))
			f.pass(t, store.KindResponseID, "r", store.Match{TraceID: trace, SpanID: span})
			var seen counts
			creator := &fakeCreator{create: func() error { return tt.err }}
			core, lines := observer.New(zapcore.DebugLevel)
			s := f.sweeper(&seen, func(set *SweeperSettings) { set.Indexed, set.Logger = creator, zap.New(core) })
			s.sweep(t.Context())
			assert.Equal(t, "ci", creator.callers[0].Name)
			assert.True(t, creator.callers[0].Trusted)
			dead, err := f.store.DeadHeld(t.Context(), 10)
			require.NoError(t, err)
			if tt.reason == "" {
				assert.Empty(t, dead)
				assert.Zero(t, seen.of(OutcomeDead))
				f.leaseEnds()
				s.sweep(t.Context())
				assert.Len(t, creator.callers, 2, "it is tried again")
				assert.Zero(t, lines.Len())
				return
			}
			require.Len(t, dead, 1)
			assert.Equal(t, tt.reason, dead[0].Reason)
			assert.Equal(t, 1, seen.of(OutcomeDead))
			assert.Equal(t, 1, lines.Len())
		})
	}
}

func TestSweepGivesUp(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	waits(t, f.post(t, `{`+thumbs+`,"response_id":"r"}`))
	for _, content := range []string{`{`, `{"version":2}`, `{"version":1,"assessment":{}}`} {
		_, err := f.store.Hold(t.Context(), store.NewDigest(store.KindResponseID, content), store.Held{ID: "a", Content: []byte(content)}, 3*time.Hour)
		require.NoError(t, err)
		f.pass(t, store.KindResponseID, content, store.Match{TraceID: trace, SpanID: span})
	}
	f.redis.SetTime(received.Add(2 * time.Hour))
	var seen counts
	s := f.sweeper(&seen, nil)
	for s.sweep(t.Context()) {
	}
	assert.Equal(t, 4, seen.of(OutcomeDead))
	assert.Zero(t, seen.of(OutcomeResolved))
	dead, err := f.store.DeadHeld(t.Context(), 10)
	require.NoError(t, err)
	reasons := map[string]int{}
	for _, one := range dead {
		reasons[one.Reason]++
	}
	assert.Equal(t, map[string]int{"trace_wait": 1, "unreadable": 3}, reasons)

	f.redis.Close()
	assert.False(t, s.sweep(t.Context()))
}

func TestSweeperRuns(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var seen counts
	ticks, stopped := make(chan time.Time), make(chan struct{})
	s := f.sweeper(&seen, func(set *SweeperSettings) {
		set.Tick = func() (<-chan time.Time, func()) { return ticks, func() { close(stopped) } }
	})
	require.NoError(t, s.Shutdown(t.Context()), "without Start")
	waits(t, f.post(t, `{`+thumbs+`,"response_id":"r"}`))
	f.pass(t, store.KindResponseID, "r", store.Match{TraceID: trace, SpanID: span})
	s.Start()
	ticks <- received
	ticks <- received // the first round is over
	assert.Equal(t, 1, seen.of(OutcomeResolved))
	require.NoError(t, s.Shutdown(t.Context()))
	<-stopped
	require.NoError(t, s.Shutdown(t.Context()))

	s = f.sweeper(&seen, nil)
	s.Start()
	require.NoError(t, s.Shutdown(t.Context()))
}
