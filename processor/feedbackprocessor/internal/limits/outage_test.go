package limits

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// local lets four replicas have a quarter each.
func local(set *Settings) {
	set.Config.OnUnavailable = OnUnavailableLocal
	set.Config.Replicas = 4
}

func both(changes ...func(*Settings)) func(*Settings) {
	return func(set *Settings) {
		for _, change := range changes {
			change(set)
		}
	}
}

// again lets the next call ask Redis again.
func again(t *testing.T, p *place) {
	t.Helper()
	p.pass(t, retryAfter)
}

func TestStop(t *testing.T) {
	t.Parallel()
	p := startMini(t)
	core, logs := observer.New(zap.InfoLevel)
	r := p.open(t, func(set *Settings) {
		set.Config.Limits = Config{CallsPerMinute: 600, TokensPerDay: 1000}
		set.Logger = zap.New(core)
	})
	lost := reserve(t, r.rest, call)
	p.mini.Close()
	for range 3 {
		verdict := refuse(t, r.rest, call)
		assert.Equal(t, Unavailable, verdict.Outcome)
		require.Error(t, verdict.Err)
	}
	require.ErrorIs(t, refuse(t, r.rest, call).Err, errUnanswered)
	require.Error(t, lost.Settle(t.Context(), 10, 0))
	assert.Equal(t, admitted, r.rest.Admit(call))
	again(t, p)
	require.NotErrorIs(t, refuse(t, r.rest, call).Err, errUnanswered)
	require.NoError(t, p.mini.Restart())
	require.ErrorIs(t, refuse(t, r.rest, call).Err, errUnanswered)
	require.NoError(t, lost.Settle(t.Context(), 10, 0), "it can be tried again, and shows that Redis is back")
	n, _ := count(t, r.rest, Need{Tokens: 10})
	assert.Equal(t, 99, n)
	var lines []string
	for _, entry := range logs.All() {
		lines = append(lines, entry.Message)
	}
	assert.Equal(t, []string{
		"Redis does not answer, so limits cannot be counted there", "Redis answers again; limits are counted there",
	}, lines)
}

func TestErrorsOfRedisAreOutages(t *testing.T) {
	t.Parallel()
	p := startMini(t)
	r := p.open(t, func(set *Settings) { set.Config.Limits.CallsPerMinute = 2 })
	p.mini.SetError("OOM command not allowed when used memory > 'maxmemory'.")
	verdict := refuse(t, r.rest, call)
	assert.Equal(t, Unavailable, verdict.Outcome)
	require.ErrorContains(t, verdict.Err, "OOM")
	p.mini.SetError("")
	again(t, p)
	n, _ := count(t, r.rest, call)
	assert.Equal(t, 2, n)
}

func TestRedisHangs(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.addr = silentRedis(t)
	limit := func(set *Settings) { set.Config.Limits.CallsPerMinute, set.timeout = 8, 0 }
	r := p.open(t, limit)
	assert.Equal(t, Unavailable, refuse(t, r.rest, call).Outcome)
	require.ErrorIs(t, refuse(t, r.rest, call).Err, errUnanswered)
	l := p.open(t, both(local, limit))
	n, _ := count(t, l.rest, call)
	assert.Equal(t, 2, n)
}

// TestCallerGone says nothing of Redis.
func TestCallerGone(t *testing.T) {
	t.Parallel()
	p := startMini(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, change := range []func(*Settings){func(*Settings) {}, local} {
		r := p.open(t, both(change, func(set *Settings) { set.Config.Limits.CallsPerMinute = 8 }))
		reservation, verdict := r.rest.Reserve(gone, call)
		assert.Nil(t, reservation)
		assert.Equal(t, Unavailable, verdict.Outcome)
		reservation = reserve(t, r.rest, call)
		require.NoError(t, reservation.Release(gone), "what is known is told all the same")
	}
	r := p.open(t, func(set *Settings) { set.Config.Limits.CallsPerMinute = 8 })
	n, _ := count(t, r.rest, call)
	assert.Equal(t, 8, n)
}

func TestLocal(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		limits Config
		// own is what one replica has of 40.
		own int
	}{
		{name: "calls", limits: Config{CallsPerMinute: 40}, own: 10},
		{name: "calls rounded down", limits: Config{CallsPerMinute: 43}, own: 10},
		{name: "calls that are no four", limits: Config{CallsPerMinute: 3}, own: 0},
		{name: "tokens", limits: Config{TokensPerDay: 4000}, own: 10},
		{name: "dollars", limits: Config{USDPerDay: 0.04}, own: 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := startMini(t)
			limit := both(local, func(set *Settings) { set.Judges[0].Limits = tt.limits })
			r, other := p.open(t, limit), p.open(t, limit)
			whole := 4*tt.own + int(tt.limits.CallsPerMinute)%4
			p.mini.Close()
			n, verdict := count(t, r.rest, call)
			assert.Equal(t, tt.own, n)
			assert.Equal(t, ScopeJudge, verdict.Scope)
			n, _ = count(t, other.failed, call)
			assert.Equal(t, tt.own*7/10, n, "of its share too some is kept for the random stratum")
			require.NoError(t, p.mini.Restart())
			again(t, p)
			n, _ = count(t, r.rest, call)
			assert.Equal(t, whole-tt.own, n, "what this replica took meanwhile is counted now")
			n, _ = count(t, other.rest, call)
			assert.Zero(t, n)
		})
	}
}

// TestLocalShareIncludesWhatRedisGave is a replica that had more than its share already.
func TestLocalShareIncludesWhatRedisGave(t *testing.T) {
	t.Parallel()
	p := startMini(t)
	r := p.open(t, both(local, func(set *Settings) { set.Config.Limits.TokensPerDay = 4000 }))
	var reservations []*Reservation
	for range 12 {
		reservations = append(reservations, reserve(t, r.rest, call))
	}
	p.mini.Close()
	assert.Equal(t, OverBudget, refuse(t, r.rest, call).Outcome)
	for _, reservation := range reservations[:4] {
		require.Error(t, reservation.Release(t.Context()), "Redis does not know")
	}
	n, _ := count(t, r.rest, call)
	assert.Equal(t, 2, n)
	require.NoError(t, p.mini.Restart())
	require.NoError(t, reservations[0].Release(t.Context()))
	n, _ = count(t, r.rest, call)
	assert.Equal(t, 40-12-2+1, n)
}

// TestLocalDebts are counted in Redis as what they came to, if that is known by then.
func TestLocalDebts(t *testing.T) {
	t.Parallel()
	p := startMini(t)
	r := p.open(t, both(local, func(set *Settings) {
		set.Config.Limits = Config{CallsPerMinute: 40, TokensPerDay: 12 * 4000}
		set.Config.Burst = false
	}))
	p.mini.Close()
	settled, released, late := reserve(t, r.rest, call), reserve(t, r.rest, call), reserve(t, r.failed, call)
	require.NoError(t, settled.Settle(t.Context(), 10, 0))
	require.NoError(t, released.Release(t.Context()))
	p.pass(t, 59*time.Minute+50*time.Second) // into the next hour
	reserve(t, r.rest, Need{Tokens: 40})
	require.NoError(t, p.mini.Restart())
	again(t, p)
	reserve(t, r.others, Need{Tokens: 1})
	require.NoError(t, late.Settle(t.Context(), 1, 0))
	spent, err := p.redis.HGetAll(t.Context(), "{fb:limits}:day:1772582400").Result()
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"all": "151 1000000 100 1000000 41 0 0 0 13"}, spent)
	calls, err := p.redis.HGet(t.Context(), "{fb:limits}:calls:all", "sum").Result()
	require.NoError(t, err)
	assert.Equal(t, "2 0", calls, "older calls are no matter of this minute")
}

// TestLocalDebtsOfYesterday are no matter of today.
func TestLocalDebtsOfYesterday(t *testing.T) {
	t.Parallel()
	p := startMini(t)
	r := p.open(t, both(local, func(set *Settings) { set.Config.Limits.TokensPerDay = 4000 }))
	p.mini.Close()
	count(t, r.rest, call)
	p.pass(t, 12*time.Hour)
	require.NoError(t, p.mini.Restart())
	n, _ := count(t, r.rest, call)
	assert.Equal(t, 40, n)
}

// TestLocalDebtsStay until Redis has really counted them.
func TestLocalDebtsStay(t *testing.T) {
	t.Parallel()
	p := startMini(t)
	r := p.open(t, both(local, func(set *Settings) { set.Config.Limits.TokensPerDay = 4000 }))
	p.mini.SetError("LOADING Redis is loading the dataset in memory")
	for range 3 {
		reserve(t, r.rest, call)
		reserve(t, r.others, call)
		again(t, p)
	}
	kept := reserve(t, r.rest, call)
	// As if a call came while the debts were on their way.
	f := r.ledger.(*fallback)
	f.mu.Lock()
	onTheWay := f.debts
	f.debts = map[*Rule]*usage{}
	f.mu.Unlock()
	reserve(t, r.rest, call)
	f.owe(onTheWay)
	require.NoError(t, kept.Settle(t.Context(), 50, 0))
	p.mini.SetError("")
	again(t, p)
	n, _ := count(t, r.rest, Need{Tokens: 50})
	assert.Equal(t, (4000-750)/50, n)
}

func TestGateIgnoresWhatEndsLate(t *testing.T) {
	t.Parallel()
	ticks := int64(0)
	g := &gate{logger: zap.NewNop(), ticks: func() int64 { return ticks }}
	ticks = 5
	g.report(t.Context(), 1, nil)
	g.report(t.Context(), 4, assert.AnError)
	assert.True(t, g.pass(), "another call had an answer after this one began")
	g.report(t.Context(), 6, assert.AnError)
	assert.False(t, g.pass())
	ticks += int64(retryAfter)
	assert.True(t, g.pass())
	assert.False(t, g.pass(), "only one asks")
}

// TestSentinel and other deployments are made by the store's own constructor.
func TestSentinel(t *testing.T) {
	t.Parallel()
	set := unlimited()
	config := store.NewDefaultConfig()
	config.Mode, config.MasterName = store.ModeSentinel, "main"
	set.Config.Redis = configoptional.Some(config)
	limiter, err := New(t.Context(), set)
	require.NoError(t, err)
	require.NoError(t, limiter.Close())
}
