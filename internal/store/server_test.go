package store_test

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// server is a Redis to test with.
type server struct {
	addr   string
	client *redis.Client
	mini   *miniredis.Miniredis
	now    time.Time
}

// servers are the Redis that every rule is tested with: miniredis, and a real redis-server where there is one.
var servers = map[string]func(t *testing.T) *server{"miniredis": startMini, "redis": startReal}

func startMini(t *testing.T) *server {
	t.Helper()
	mini := miniredis.RunT(t)
	s := newServer(t, mini.Addr())
	s.mini, s.now = mini, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	mini.SetTime(s.now)
	return s
}

func startReal(t *testing.T) *server {
	t.Helper()
	return newServer(t, startRedis(t))
}

func newServer(tb testing.TB, addr string) *server {
	tb.Helper()
	client := redis.NewClient(&redis.Options{Addr: addr})
	tb.Cleanup(func() { require.NoError(tb, client.Close()) })
	return &server{addr: addr, client: client}
}

// startRedis starts a redis-server of the test's own; without the program the test is skipped.
func startRedis(tb testing.TB, args ...string) string {
	tb.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		tb.Skip("no redis-server on PATH")
	}
	addr := freeAddr(tb)
	runRedis(tb, program, addr, args...)
	return addr
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
}

func freeAddr(tb testing.TB) string {
	tb.Helper()
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	require.NoError(tb, listener.Close())
	return listener.Addr().String()
}

// runRedis starts redis-server and returns when it answers.
func runRedis(tb testing.TB, program, addr string, args ...string) {
	tb.Helper()
	_, port, err := net.SplitHostPort(addr)
	require.NoError(tb, err)
	ctx, stop := context.WithCancel(context.Background())
	flags := []string{
		"--port", port, "--bind", "127.0.0.1", "--dir", tb.TempDir(),
	}
	if !slices.Contains(args, "--sentinel") {
		flags = append(flags, "--save", "", "--appendonly", "no")
	}
	// A configuration file, if any, comes first.
	command := exec.CommandContext(ctx, program, append(args, flags...)...)
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
}

// pass lets d pass on the server's clock.
func (s *server) pass(t *testing.T, d time.Duration) {
	t.Helper()
	if s.mini != nil {
		s.now = s.now.Add(d)
		s.mini.SetTime(s.now)
		s.mini.FastForward(d)
		return
	}
	start := s.time(t)
	require.Eventually(t, func() bool { return s.time(t).Sub(start) >= d }, time.Minute, time.Millisecond)
}

func (s *server) time(t *testing.T) time.Time {
	t.Helper()
	now, err := s.client.Time(t.Context()).Result()
	require.NoError(t, err)
	return now
}

// info is a number of the server's INFO.
func (s *server) info(tb testing.TB, section, name string) float64 {
	tb.Helper()
	text, err := s.client.Info(context.Background(), section).Result()
	require.NoError(tb, err)
	for line := range strings.Lines(text) {
		if key, value, _ := strings.Cut(strings.TrimSpace(line), ":"); key == name {
			number, err := strconv.ParseFloat(value, 64)
			require.NoError(tb, err)
			return number
		}
	}
	require.Fail(tb, "no "+name+" in INFO "+section)
	return 0
}

const backendName = "feedback"

var oneBackend = []store.Backend{{Name: backendName, Endpoint: "http://localhost:5000"}}

// open opens a store with one backend unless the settings say otherwise.
func (s *server) open(tb testing.TB, change func(*store.Config, *store.Settings)) *store.Store {
	tb.Helper()
	cfg, set := store.NewDefaultConfig(), store.Settings{Backends: oneBackend}
	cfg.Endpoints = []string{s.addr}
	if change != nil {
		change(&cfg, &set)
	}
	opened, err := store.Open(context.Background(), cfg, set, zap.NewNop())
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, opened.Close()) })
	return opened
}

// traceID is the nth trace's id.
func traceID(n int) string { return fmt.Sprintf("%032x", n) }

// ofOneShard are numbers of traces that stand in one shard.
func ofOneShard(count int) []int {
	var numbers []int
	for n := 0; len(numbers) < count; n++ {
		h := fnv.New32a()
		_, _ = h.Write([]byte(traceID(n)))
		if h.Sum32()%64 == 7 {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

var created = time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC)

// check is an automated assessment of the nth trace.
func check(n int, name string, value assessment.Value) assessment.Assessment {
	source := assessment.Source{Type: assessment.SourceTypeCode, ID: "compliance_validator_v2.1"}
	return assessment.Assessment{
		ID: assessment.NewID(traceID(n), "00000000000000ab", name, source), TraceID: traceID(n),
		SpanID: "00000000000000ab", Name: name, Kind: assessment.KindFeedback, Source: source, Value: value,
		Rationale: "All compliance checks passed", Metadata: map[string]string{"model": "gpt-4", "a": "b"},
		Verdict: assessment.VerdictPassed, Fingerprint: "f1", ResponseID: "resp-1",
		CreateTime: created, UpdateTime: created,
	}
}

// opinion is a person's assessment of the nth trace.
func opinion(n int, id string, value assessment.Value) assessment.Assessment {
	return assessment.Assessment{
		ID: id, TraceID: traceID(n), Name: "quality", Kind: assessment.KindFeedback, Value: value,
		Source:     assessment.Source{Type: assessment.SourceTypeHuman, ID: "expert@company.com"},
		CreateTime: created, UpdateTime: created,
	}
}

// failed is a's evaluation that gave an error.
func failed(a assessment.Assessment) assessment.Assessment {
	a.Value, a.Verdict = "", assessment.VerdictNone
	a.Error = &assessment.Error{Code: assessment.ErrorCodeEvaluationFailed, Type: "timeout", Message: "no answer in 30s"}
	return a
}

func put(t *testing.T, s *store.Store, batch ...assessment.Assessment) []store.Outcome {
	t.Helper()
	outcomes, err := s.Put(t.Context(), batch)
	require.NoError(t, err)
	return outcomes
}

func load(t *testing.T, s *store.Store, n int) map[string]store.Record {
	t.Helper()
	records, err := s.Load(t.Context(), traceID(n))
	require.NoError(t, err)
	return records
}

func claim(t *testing.T, s *store.Store, limit int) []store.Claim {
	t.Helper()
	claims, err := s.Claim(t.Context(), backendName, limit, time.Minute)
	require.NoError(t, err)
	return claims
}

func settle(t *testing.T, s *store.Store, c store.Claim, settlement store.Settlement) bool {
	t.Helper()
	held, err := s.Settle(t.Context(), c, settlement)
	require.NoError(t, err)
	return held
}

func backlog(t *testing.T, s *store.Store) int {
	t.Helper()
	stats, err := s.Stats(t.Context(), backendName)
	require.NoError(t, err)
	return int(stats.Backlog)
}
