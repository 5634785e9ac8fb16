package limits

import (
	"bytes"
	"context"
	"net"
	"os/exec"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// fakeClock is the time of all replicas, and of Redis.
type fakeClock struct{ ns atomic.Int64 }

func (c *fakeClock) Now() time.Time { return time.Unix(0, c.ns.Load()).UTC() }

// place is where limits are counted.
type place struct {
	clock *fakeClock
	// redis is nil where they are counted in memory.
	redis *redis.Client
	mini  *miniredis.Miniredis
	addr  string
	// script is what Redis tells the time by.
	script string
}

// noon is no hour's beginning, and neither a minute's nor a second's.
var noon = time.Date(2026, 3, 4, 12, 0, 20, 700e6, time.UTC)

// places are where every rule is tested: in memory, in miniredis, and in a real redis-server where there is one.
var places = map[string]func(t *testing.T) *place{
	"memory": newPlace, "miniredis": startMini, "redis": startReal,
}

// redisPlaces are all but the process' memory.
var redisPlaces = map[string]func(t *testing.T) *place{"miniredis": startMini, "redis": startReal}

func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{clock: &fakeClock{}}
	p.set(t, noon)
	return p
}

func startMini(t *testing.T) *place {
	t.Helper()
	p := &place{clock: &fakeClock{}, mini: miniredis.RunT(t)}
	p.connect(t, p.mini.Addr())
	p.set(t, noon)
	return p
}

// startReal starts a redis-server whose scripts read the time from a key, which a test can set.
func startReal(t *testing.T) *place {
	t.Helper()
	p := &place{clock: &fakeClock{}, script: `
local function clock()
  return tonumber(redis.call('GET', string.match(KEYS[1], '^{[^}]+}') .. ':clock'))
end
`}
	p.connect(t, startRedis(t))
	p.set(t, noon)
	return p
}

func (p *place) connect(t *testing.T, addr string) {
	t.Helper()
	p.addr = addr
	p.redis = redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { require.NoError(t, p.redis.Close()) })
}

// startRedis starts a redis-server of the test's own; without the program the test is skipped.
func startRedis(tb testing.TB, args ...string) (addr string) {
	tb.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		tb.Skip("no redis-server on PATH")
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	addr = listener.Addr().String()
	require.NoError(tb, listener.Close())
	_, port, err := net.SplitHostPort(addr)
	require.NoError(tb, err)
	ctx, stop := context.WithCancel(context.Background())
	flags := []string{"--port", port, "--bind", "127.0.0.1", "--dir", tb.TempDir(), "--save", "", "--appendonly", "no"}
	command := exec.CommandContext(ctx, program, append(flags, args...)...)
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	require.NoError(tb, command.Start())
	tb.Cleanup(func() {
		stop()
		_ = command.Wait()
		if tb.Failed() {
			tb.Log(output.String())
		}
	})
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer func() { require.NoError(tb, client.Close()) }()
	require.Eventually(tb, func() bool { return client.Ping(ctx).Err() == nil }, 20*time.Second, 10*time.Millisecond)
	return addr
}

// set sets everyone's clock.
func (p *place) set(t *testing.T, now time.Time) {
	t.Helper()
	passed := now.Sub(p.clock.Now())
	p.clock.ns.Store(now.UnixNano())
	p.setRedis(t, now)
	if p.mini != nil && passed > 0 {
		p.mini.FastForward(passed)
	}
}

// setRedis sets the clock of Redis only.
func (p *place) setRedis(t *testing.T, now time.Time) {
	t.Helper()
	if p.mini != nil {
		p.mini.SetTime(now)
	} else if p.redis != nil {
		require.NoError(t, p.redis.Set(t.Context(), "{fb:limits}:clock", strconv.FormatInt(now.UnixMilli(), 10), 0).Err())
	}
}

func (p *place) pass(t *testing.T, d time.Duration) {
	t.Helper()
	p.set(t, p.clock.Now().Add(d))
}

// unlimited are settings without any limit and with two judges, each of which has a rule of each stratum.
func unlimited() Settings {
	set := Settings{Config: NewDefaultGlobalConfig(), Logger: zap.NewNop()}
	set.Config.Limits = Config{}
	set.Config.Burst = true
	for _, name := range []string{"relevance", "safety"} {
		set.Judges = append(set.Judges, JudgeSettings{
			Name: name, Rules: []RuleSettings{{Name: "failed", Triggered: true}, {Name: "rest"}},
		})
	}
	return set
}

// replica is a limiter with its rules.
type replica struct {
	*Limiter
	// failed and rest are the triggered and the random rule of the judge relevance, others the random one of safety.
	failed, rest, others *Rule
}

// open starts a replica.
func (p *place) open(tb testing.TB, change func(*Settings)) replica {
	tb.Helper()
	set := unlimited()
	set.Now, set.clock, set.timeout = p.clock.Now, p.script, time.Minute
	if p.addr != "" {
		config := store.NewDefaultConfig()
		config.Endpoints = []string{p.addr}
		set.Config.Redis = configoptional.Some(config)
	}
	if change != nil {
		change(&set)
	}
	return open(tb, set)
}

func open(tb testing.TB, set Settings) replica {
	tb.Helper()
	limiter, err := New(context.Background(), set)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, limiter.Close()) })
	return replica{
		Limiter: limiter,
		failed:  limiter.Rule("relevance", "failed"),
		rest:    limiter.Rule("relevance", "rest"),
		others:  limiter.Rule("safety", "rest"),
	}
}

// reserve makes a reservation that must succeed.
func reserve(t *testing.T, r *Rule, need Need) *Reservation {
	t.Helper()
	reservation, verdict := r.Reserve(t.Context(), need)
	require.Equal(t, admitted, verdict)
	require.NotNil(t, reservation)
	return reservation
}

// refuse makes a reservation that must not succeed.
func refuse(t *testing.T, r *Rule, need Need) Verdict {
	t.Helper()
	reservation, verdict := r.Reserve(t.Context(), need)
	require.Nil(t, reservation)
	return verdict
}

// count reserves until it is refused.
func count(t *testing.T, r *Rule, need Need) (n int, last Verdict) {
	t.Helper()
	for {
		reservation, verdict := r.Reserve(t.Context(), need)
		if reservation == nil {
			return n, verdict
		}
		n++
	}
}

var call = Need{Tokens: 100, USD: 0.001}
