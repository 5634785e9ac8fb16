package limits

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configoptional"

	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

func TestReplicasShare(t *testing.T) {
	t.Parallel()
	for name, start := range redisPlaces {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			limit := func(set *Settings) { set.Config.Limits = Config{CallsPerMinute: 6, TokensPerDay: 1000} }
			one, two := p.open(t, limit), p.open(t, limit)
			for range 3 {
				reserve(t, two.failed, call)
				reserve(t, one.rest, call)
			}
			assert.Equal(t, Throttled, refuse(t, one.others, call).Outcome)
			assert.Equal(t, admitted, two.rest.Admit(call), "what it has not been told it does not know")
			refuse(t, two.rest, call)
			assert.Equal(t, Throttled, two.rest.Admit(call).Outcome)
		})
	}
}

func TestRestart(t *testing.T) {
	t.Parallel()
	for name, start := range redisPlaces {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			limit := func(set *Settings) { set.Config.Limits = Config{CallsPerMinute: 10, TokensPerDay: 1000} }
			for range 5 {
				r := p.open(t, limit)
				reserve(t, r.rest, call)
				require.NoError(t, reserve(t, r.rest, call).Settle(t.Context(), 50, 0))
			}
			n, verdict := count(t, p.open(t, limit).rest, Need{Tokens: 50})
			assert.Zero(t, n)
			assert.Equal(t, Throttled, verdict.Outcome)
			p.pass(t, 61*time.Second)
			n, verdict = count(t, p.open(t, limit).rest, Need{Tokens: 50})
			assert.Equal(t, 5, n)
			assert.Equal(t, OverBudget, verdict.Outcome)
		})
	}
}

func TestMemoryForgets(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	for range 2 {
		r := p.open(t, func(set *Settings) { set.Config.Limits.TokensPerDay = 1000 })
		n, _ := count(t, r.rest, call)
		assert.Equal(t, 10, n)
	}
}

// TestClocksOfReplicas are as wrong as can be, and Redis' own counts.
func TestClocksOfReplicas(t *testing.T) {
	for name, wrong := range map[string]time.Duration{
		"a second": time.Second, "hours": -5 * time.Hour, "a day": 24 * time.Hour, "days": -40 * 24 * time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for name, start := range redisPlaces {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					p := start(t)
					r := p.open(t, func(set *Settings) {
						set.Config.Limits = Config{CallsPerMinute: 3, TokensPerDay: 12 * 400}
						set.Config.Burst = false
						set.Now = func() time.Time { return p.clock.Now().Add(wrong) }
					})
					n, verdict := count(t, r.rest, call)
					assert.Equal(t, 3, n)
					assert.Equal(t, 60300*time.Millisecond, verdict.Wait)
					p.pass(t, verdict.Wait)
					_, verdict = count(t, r.rest, call)
					assert.Equal(t, OverBudget, verdict.Outcome)
					p.pass(t, verdict.Wait)
					assert.Equal(t, time.Date(2026, 3, 4, 13, 0, 0, 0, time.UTC), p.clock.Now())
					assert.Equal(t, admitted, r.rest.Admit(call))
					reserve(t, r.rest, call)
				})
			}
		})
	}
}

// TestTimeGoesBack is another Redis taking over whose clock is behind.
func TestTimeGoesBack(t *testing.T) {
	t.Parallel()
	for name, start := range redisPlaces {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			r := p.open(t, func(set *Settings) {
				set.Config.Limits = Config{CallsPerMinute: 4, TokensPerDay: 12 * 600}
				set.Config.Burst = false
			})
			reserve(t, r.rest, call)
			p.pass(t, time.Minute)
			reserve(t, r.rest, call)
			reserve(t, r.rest, call)
			for _, back := range []time.Duration{3 * time.Second, 2 * time.Hour} {
				p.setRedis(t, p.clock.Now().Add(-back))
				reservation := reserve(t, r.rest, call)
				assert.Equal(t, Throttled, refuse(t, r.rest, call).Outcome)
				require.NoError(t, reservation.Release(t.Context()))
			}
			reserve(t, r.rest, call)
			assert.Equal(t, OverBudget, refuse(t, r.rest, Need{Tokens: 201}).Outcome)
			p.setRedis(t, p.clock.Now().Add(-2*time.Hour+61*time.Second))
			n, verdict := count(t, r.rest, call)
			assert.Equal(t, 2, n, "it heals within a minute and an hour")
			assert.Equal(t, OverBudget, verdict.Outcome)
			p.setRedis(t, p.clock.Now().Add(-time.Hour))
			n, _ = count(t, r.rest, call)
			assert.Equal(t, 4, n)
			p.setRedis(t, p.clock.Now().Add(-24*time.Hour))
			assert.Equal(t, Throttled, refuse(t, r.rest, call).Outcome)
			p.setRedis(t, p.clock.Now().Add(-24*time.Hour+61*time.Second))
			reserve(t, r.rest, Need{Tokens: 600})
		})
	}
}

// TestRedisTells goes by the time of a real Redis.
func TestRedisTells(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.connect(t, startRedis(t))
	r := p.open(t, func(set *Settings) { set.Config.Limits = Config{CallsPerMinute: 2, USDPerDay: 1} })
	for range 2 {
		before, err := p.redis.Time(t.Context()).Result()
		require.NoError(t, err)
		require.NoError(t, reserve(t, r.rest, call).Release(t.Context()))
		after, err := p.redis.Time(t.Context()).Result()
		require.NoError(t, err)
		told := p.clock.Now().Add(time.Duration(r.ledger.(*gated).ahead.Load()))
		assert.False(t, told.Before(before.Truncate(time.Millisecond)))
		assert.False(t, told.After(after))
	}
	n, verdict := count(t, r.rest, call)
	assert.Equal(t, 2, n)
	assert.Positive(t, verdict.Wait)
	assert.LessOrEqual(t, verdict.Wait, 61*time.Second)
}

// TestKeys keeps all keys in one slot, and lets none of them stay.
func TestKeys(t *testing.T) {
	t.Parallel()
	for name, start := range redisPlaces {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			r := p.open(t, func(set *Settings) {
				set.Config.Limits = Config{CallsPerMinute: 10, TokensPerDay: 1000}
				set.Judges[0].Name = "a:b/{c} %"
				set.Judges[0].Limits = Config{CallsPerMinute: 10}
				set.Judges[0].Rules[1].Limits = Config{CallsPerMinute: 1, USDPerDay: 1}
			})
			rest := r.Rule("a:b/{c} %", "rest")
			reservation := reserve(t, rest, call)
			refuse(t, rest, call)
			keys, err := p.redis.Keys(t.Context(), "*").Result()
			require.NoError(t, err)
			var names []string
			for _, key := range keys {
				name, ours := strings.CutPrefix(key, "{fb:limits}:")
				require.True(t, ours, key)
				if name == "clock" {
					continue
				}
				ttl := p.redis.TTL(t.Context(), key).Val()
				switch kind, _, _ := strings.Cut(name, ":"); kind {
				case "open":
					name = kind
					assert.LessOrEqual(t, ttl, time.Hour)
				case "calls":
					assert.LessOrEqual(t, ttl, 122*time.Second)
				default:
					assert.LessOrEqual(t, ttl, 36*time.Hour)
				}
				assert.Positive(t, ttl, key)
				names = append(names, name)
			}
			day := time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
			assert.ElementsMatch(t, []string{
				"open", "calls:all", "calls:judge/a:b%2F%7Bc%7D%20%25", "calls:rule/a:b%2F%7Bc%7D%20%25/rest", "day:1772582400",
			}, names)
			assert.Equal(t, int64(1772582400), day.Unix())
			fields, err := p.redis.HKeys(t.Context(), "{fb:limits}:day:1772582400").Result()
			require.NoError(t, err)
			assert.ElementsMatch(t, []string{"all", "rule/a:b%2F%7Bc%7D%20%25/rest"}, fields, "only what has a limit is counted")
			require.NoError(t, reservation.Settle(t.Context(), 1, 0))
			assert.Zero(t, p.redis.Exists(t.Context(), "{fb:limits}:open:"+reservation.ticket.id).Val())
		})
	}
}

// TestRepeated is a call that Redis carried out and whose answer was lost.
func TestRepeated(t *testing.T) {
	t.Parallel()
	for name, start := range redisPlaces {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			r := p.open(t, func(set *Settings) { set.Config.Limits = Config{CallsPerMinute: 10, TokensPerDay: 1000} })
			shared := r.ledger.(*gated).shared
			order := orderOf(newAmount(600, 0))
			days := shared.calendar.around(p.clock.Now())
			keys, args := shared.arguments(r.rest, "once", days, order)
			for range 2 {
				reply, err := shared.reserve.Run(t.Context(), p.redis, keys, args...).Slice()
				require.NoError(t, err)
				assert.Equal(t, int64(statusTaken), reply[0])
			}
			n, _ := count(t, r.rest, call)
			assert.Equal(t, 4, n)
			once := &ticket{id: "once", day: days[1]}
			for range 2 {
				require.NoError(t, shared.settle(t.Context(), r.rest, once, amount{tokens: 500}, true))
			}
			n, _ = count(t, r.rest, call)
			assert.Equal(t, 1, n)
		})
	}
}

func TestReplyOfAnotherForm(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		reply []any
	}{
		{name: "empty"},
		{name: "text for a number", reply: []any{"0"}},
		{name: "too short", reply: []any{int64(0), int64(1), int64(2)}},
		{name: "unknown limit", reply: []any{int64(1), int64(1), int64(2), int64(3), int64(4), int64(1), int64(9), int64(0), int64(0), int64(0), ""}},
		{name: "unknown scope", reply: []any{int64(1), int64(1), int64(2), int64(3), int64(4), int64(7), int64(1), int64(0), int64(0), int64(0), ""}},
		{name: "short budget", reply: []any{int64(0), int64(1), int64(2), int64(3), int64(4), int64(0), int64(0), int64(0), int64(0), int64(0), "1 2"}},
		{name: "no budget", reply: []any{int64(0), int64(1), int64(2), int64(3), int64(4), int64(0), int64(0), int64(0), int64(0), int64(0), "1 2 3 4 5 6 7 x 9"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			r := p.open(t, func(set *Settings) { set.Config.Limits.TokensPerDay = 1000 })
			s := &shared{caps: []caps{r.rest.scopes[0].caps}}
			values := replied{values: tt.reply}
			status := values.number()
			values.number()
			s.answer(r.rest, &values, status)
			assert.True(t, values.broken)
		})
	}
}

// TestCluster has all keys of a call in one slot, or Redis would refuse it.
func TestCluster(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.connect(t, startRedis(t, "--cluster-enabled", "yes"))
	require.NoError(t, p.redis.ClusterAddSlotsRange(t.Context(), 0, 16383).Err())
	require.Eventually(t, func() bool {
		info, err := p.redis.ClusterInfo(t.Context()).Result()
		return err == nil && strings.Contains(info, "cluster_state:ok")
	}, 20*time.Second, 10*time.Millisecond)
	r := p.open(t, func(set *Settings) {
		config := *set.Config.Redis.Get()
		config.Mode = store.ModeCluster
		set.Config.Redis = configoptional.Some(config)
		set.Config.Limits = Config{CallsPerMinute: 3, TokensPerDay: 250}
		set.Judges[0].Limits.CallsPerMinute = 3
	})
	reservation := reserve(t, r.rest, call)
	reserve(t, r.rest, call)
	require.NoError(t, reservation.Settle(t.Context(), 50, 0))
	reserve(t, r.rest, call)
	assert.Equal(t, OverBudget, refuse(t, r.rest, call).Outcome)
}

func TestTLSOfRedisIsRead(t *testing.T) {
	t.Parallel()
	set := unlimited()
	config := store.NewDefaultConfig()
	config.TLS.Insecure = false
	config.TLS.CAFile = "no/such/file"
	set.Config.Redis = configoptional.Some(config)
	_, err := New(t.Context(), set)
	assert.ErrorContains(t, err, "`limits`: redis `tls`")
	set.Config.DayZone = "Atlantis"
	_, err = New(t.Context(), set)
	assert.ErrorContains(t, err, "`day_zone`")
}

// silentRedis takes connections and never answers.
func silentRedis(t *testing.T) (addr string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		var held []net.Conn
		for {
			conn, err := listener.Accept()
			if err != nil {
				break
			}
			held = append(held, conn)
		}
		for _, conn := range held {
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return listener.Addr().String()
}

// flush makes Redis forget everything but the time.
func flush(t *testing.T, p *place) {
	t.Helper()
	require.NoError(t, p.redis.FlushAll(t.Context()).Err())
	p.setRedis(t, p.clock.Now())
}

// TestReleaseAfterTimeWentBack takes nothing from calls that stand where this one stood.
func TestReleaseAfterTimeWentBack(t *testing.T) {
	t.Parallel()
	for name, start := range redisPlaces {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			r := p.open(t, func(set *Settings) { set.Config.Limits.CallsPerMinute = 2 })
			late := reserve(t, r.rest, call)
			p.setRedis(t, p.clock.Now().Add(-2*windowSeconds*time.Second))
			reserve(t, r.rest, call)
			p.setRedis(t, p.clock.Now().Add(-windowSeconds*time.Second))
			reserve(t, r.rest, call)
			reserve(t, r.rest, call)
			require.NoError(t, late.Release(t.Context()))
			refuse(t, r.rest, call)
		})
	}
}

// TestRedisForgets settles what Redis knows nothing of, which must not become a credit.
func TestRedisForgets(t *testing.T) {
	t.Parallel()
	for name, start := range redisPlaces {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			r := p.open(t, func(set *Settings) { set.Config.Limits = Config{CallsPerMinute: 10, TokensPerDay: 1000} })
			first, second := reserve(t, r.rest, call), reserve(t, r.rest, call)
			flush(t, p)
			require.NoError(t, first.Release(t.Context()))
			require.NoError(t, second.Settle(t.Context(), 0, 0))
			n, verdict := count(t, r.rest, call)
			assert.Equal(t, 10, n)
			assert.Equal(t, OverBudget, verdict.Outcome)
			p.pass(t, 12*time.Hour)
			third := reserve(t, r.rest, Need{Tokens: 900})
			require.NoError(t, p.redis.Del(t.Context(), "{fb:limits}:calls:all", "{fb:limits}:day:1772668800").Err())
			reserve(t, r.rest, call)
			require.NoError(t, third.Release(t.Context()))
			n, _ = count(t, r.rest, call)
			assert.Equal(t, 10, n)
		})
	}
}
