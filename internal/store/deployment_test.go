package store_test

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// roundTrip runs everything that the exporter needs once.
func roundTrip(t *testing.T, st *store.Store) {
	t.Helper()
	require.NoError(t, st.Check(t.Context()))
	var batch []assessment.Assessment
	for n := range 200 {
		batch = append(batch, check(n, "c", assessment.True))
	}
	person := opinion(1, "a-1", assessment.False)
	person.Overrides = batch[1].ID
	for _, outcome := range put(t, st, append(batch, person)...) {
		require.Equal(t, store.OutcomeStored, outcome)
	}
	assert.True(t, load(t, st, 1)[batch[1].ID].Invalid)
	settled := 0
	for claims := claim(t, st, 50); len(claims) > 0; claims = claim(t, st, 50) {
		settlements := make([]store.Settlement, len(claims))
		for i := range settlements {
			settlements[i].Done = true
		}
		held, err := st.SettleAll(t.Context(), claims, settlements)
		require.NoError(t, err)
		assert.NotContains(t, held, false)
		settled += len(claims)
	}
	assert.Equal(t, 200, settled)
	recent, err := st.Recent(t.Context(), 1000)
	require.NoError(t, err)
	assert.Len(t, recent, 200)
	granted, _, err := st.Admit(t.Context(), backendName, "a", 1, 1, time.Minute)
	require.NoError(t, err)
	assert.Equal(t, 1, granted)
}

// peoplesRoundTrip runs everything that the extension needs once, on the traces of roundTrip and on others.
func peoplesRoundTrip(t *testing.T, st *store.Store) {
	t.Helper()
	ctx := t.Context()
	const first, n = 1000, 200
	var entries []store.IndexEntry
	var contents []store.SpanContent
	for i := first; i < first+n; i++ {
		require.NoError(t, edited(t, st, i, true, given(i, "a-1")))
		of := responseID(traceID(i))
		require.Empty(t, hold(t, st, of, "a-2"))
		entries = append(entries, indexed(of, i, created))
		contents = append(contents, store.SpanContent{TraceID: traceID(i), SpanID: spanID, Content: store.Content{Answer: "Yes."}})
	}
	require.Zero(t, index(t, st, entries...))
	refused, err := st.KeepContent(ctx, contents)
	require.NoError(t, err)
	require.Zero(t, refused)
	assert.Len(t, resolve(t, st, responseID(traceID(first))), 1)
	swept := sweep(t, st)
	require.Len(t, swept.Ready, n)
	for i := range swept.Ready {
		assert.True(t, drop(t, st, &swept.Ready[i], ""))
	}
	content, err := st.Content(ctx, traceID(first))
	require.NoError(t, err)
	assert.Len(t, content, 1)

	visited, from := 0, store.Place{}
	for more := true; more; {
		var visits []store.Visit
		visits, more, err = st.Walk(ctx, from, time.Time{}, 50)
		require.NoError(t, err)
		require.NotEmpty(t, visits)
		visited, from = visited+len(visits), visits[len(visits)-1].Place
	}
	assert.Equal(t, 400, visited)

	for _, c := range claim(t, st, 2*n) {
		require.True(t, settle(t, st, c, store.Settlement{
			Deliveries: map[string]store.Delivery{"a-1": {State: store.DeliveryDelivered, Form: "f"}}, Done: true,
		}))
	}
	assert.Zero(t, backlog(t, st))
	doubted, _, err := st.Doubt(ctx, backendName, store.Doubt{Missing: 100, Most: 20, Share: 0.05, Window: time.Minute, Hold: time.Minute})
	require.NoError(t, err)
	assert.True(t, doubted)
	revisited, _, err := st.Revisit(ctx, backendName, store.Revisit{Window: time.Hour, Limit: 50, Interval: time.Second})
	require.NoError(t, err)
	assert.Equal(t, 50, revisited)
	restored := restore(t, st, store.Restore{Limit: 2 * n})
	assert.Equal(t, n, restored.Traces)
	require.NoError(t, st.Forget(ctx, traceID(first), traceID(first+1), traceID(first+2)))
	assert.Empty(t, load(t, st, first+2))

	held, err := st.ReviewLease(ctx, backendName, "me", time.Minute)
	require.NoError(t, err)
	require.True(t, held)
	require.NoError(t, st.AddReviewQueue(ctx, backendName, "rq-1", time.Now()))
	require.NoError(t, st.ReviewPending(ctx, backendName, []string{traceID(first + 3)}))
	reviewed := 0
	for deadline := time.Now().Add(20 * time.Second); reviewed < 200+n-3 && time.Now().Before(deadline); {
		_, added, _ := looked(t, st, addedBy("doubtful"))
		reviewed += added["doubtful"]
	}
	assert.Equal(t, 200+n-3, reviewed)
	reviews, err := st.Reviews(ctx, traceID(first+3))
	require.NoError(t, err)
	assert.Len(t, reviews, 1)
}

func TestRedisDownThenUp(t *testing.T) {
	t.Parallel()
	mini := miniredis.NewMiniRedis()
	addr := freeAddr(t)
	core, logs := observer.New(zap.InfoLevel)
	cfg := store.NewDefaultConfig()
	cfg.Endpoints = []string{addr}
	st, err := store.Open(context.Background(), cfg, store.Settings{Backends: oneBackend}, zap.New(core))
	require.NoError(t, err)
	defer func() { require.NoError(t, st.Close()) }()

	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	a := check(1, "c", assessment.True)
	for range 3 {
		_, err = st.Put(ctx, []assessment.Assessment{a})
		require.Error(t, err)
	}
	err = st.Check(ctx)
	require.Error(t, err)
	require.NotErrorIs(t, err, store.ErrMismatch)
	_, err = st.Claim(ctx, backendName, 1, time.Minute)
	require.Error(t, err)
	assert.Equal(t, 1, logs.FilterMessage("redis does not answer").Len())

	require.NoError(t, mini.StartAddr(addr))
	defer mini.Close()
	roundTrip(t, st)
	assert.Equal(t, 1, logs.FilterMessage("redis answers again").Len())
	assert.Equal(t, 2, logs.Len())
}

func TestScriptsAreLoadedAnew(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			put(t, st, check(1, "c", assessment.True))
			require.NoError(t, s.client.ScriptFlush(t.Context()).Err())
			assert.Equal(t, []store.Outcome{store.OutcomeStored, store.OutcomeStored},
				put(t, st, check(2, "c", assessment.True), check(3, "c", assessment.True)))
		})
	}
}

func TestPassword(t *testing.T) {
	t.Parallel()
	mini := miniredis.RunT(t)
	mini.RequireUserAuth("me", "secret")
	open := func(password string) *store.Store {
		return (&server{addr: mini.Addr()}).open(t, func(cfg *store.Config, _ *store.Settings) {
			cfg.Username, cfg.Password = "me", "secret"
			if password != "" {
				cfg.Password = "wrong"
			}
		})
	}
	roundTrip(t, open(""))
	_, err := open("wrong").Put(t.Context(), []assessment.Assessment{check(1, "c", assessment.True)})
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "secret")
}

func TestWaitReplicas(t *testing.T) {
	t.Parallel()
	addr := startRedis(t)
	core, logs := observer.New(zap.InfoLevel)
	cfg := store.NewDefaultConfig()
	cfg.Endpoints, cfg.WaitReplicas = []string{addr}, 1
	st, err := store.Open(t.Context(), cfg, store.Settings{}, zap.New(core))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, st.Close()) })
	_, err = st.Put(t.Context(), []assessment.Assessment{check(1, "c", assessment.True)})
	require.ErrorContains(t, err, "write reached 0 replicas within 1s, `wait_replicas` is 1")
	load(t, st, 1)
	assert.Empty(t, logs.All(), "a Redis without enough replicas is no Redis that does not answer, and again does")

	host, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	startRedis(t, "--replicaof", host, port)
	require.Eventually(t, func() bool {
		_, err := st.Put(t.Context(), []assessment.Assessment{check(1, "c", assessment.True)})
		return err == nil
	}, 30*time.Second, 50*time.Millisecond)
	require.Eventually(t, func() bool { return len(load(t, st, 1)) == 1 }, time.Second, time.Millisecond)
}

func TestSentinel(t *testing.T) {
	t.Parallel()
	master := startRedis(t)
	program, err := exec.LookPath("redis-server")
	require.NoError(t, err)
	host, port, err := net.SplitHostPort(master)
	require.NoError(t, err)
	sentinel := freeAddr(t)
	file := filepath.Join(t.TempDir(), "sentinel.conf")
	writeFile(t, file, fmt.Sprintf("sentinel monitor feedback %s %s 1\n", host, port))
	runRedis(t, program, sentinel, file, "--sentinel")
	st := (&server{addr: sentinel}).open(t, func(cfg *store.Config, _ *store.Settings) {
		cfg.Mode, cfg.MasterName = store.ModeSentinel, "feedback"
	})
	roundTrip(t, st)
	peoplesRoundTrip(t, st)
}
