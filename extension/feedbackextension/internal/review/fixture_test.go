package review

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// fixture is a Redis, an MLflow and a time that the test drives.
type fixture struct {
	t      *testing.T
	redis  *miniredis.Miniredis
	store  *store.Store
	mlflow *fakeMLflow
	now    time.Time
	counts counts
	logs   *observer.ObservedLogs
	logger *zap.Logger
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{
		t: t, redis: miniredis.RunT(t), mlflow: newFakeMLflow(t), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		counts: counts{},
	}
	f.redis.SetTime(f.now)
	f.mlflow.now = f.Now
	core, logs := observer.New(zap.InfoLevel)
	f.logger, f.logs = zap.New(core), logs
	config := store.NewDefaultConfig()
	config.Endpoints = []string{f.redis.Addr()}
	var err error
	f.store, err = store.Open(t.Context(), config, store.Settings{Backends: []store.Backend{{Name: backendName, Endpoint: f.mlflow.URL}}}, zap.NewNop())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.store.Close()) })
	return f
}

// reviewer makes one that the test steps; change may alter its settings.
func (f *fixture) reviewer(rules map[string]*Rule, change ...func(*Settings)) *Reviewer {
	f.t.Helper()
	for _, rule := range rules {
		rule.Enabled = true
		if rule.MaxPending == 0 {
			rule.MaxPending = defaultMaxPending
		}
		require.NoError(f.t, rule.Validate())
	}
	settings := Settings{
		Rules: rules, Store: f.store, MLflow: f.mlflow.client(f.t), Backend: backendName,
		TraceWait: time.Hour, RefreshWindow: 24 * time.Hour, Observer: f.counts, Logger: f.logger, Clock: f,
	}
	for _, c := range change {
		c(&settings)
	}
	r, err := New(settings)
	require.NoError(f.t, err)
	f.t.Cleanup(func() { require.NoError(f.t, r.Shutdown(context.Background())) })
	return r
}

// Now implements Clock.
func (f *fixture) Now() time.Time { return f.now }

// After implements Clock; the tests that step a reviewer never wait.
func (*fixture) After(time.Duration) <-chan time.Time { return nil }

// pass lets time go by.
func (f *fixture) pass(d time.Duration) {
	f.now = f.now.Add(d)
	f.redis.SetTime(f.now)
	f.redis.FastForward(d)
}

// steps lets time go by and steps until nothing is left.
func (f *fixture) steps(r *Reviewer, d time.Duration) {
	f.t.Helper()
	f.pass(d)
	for more := true; more; {
		more = r.step(f.t.Context()) == 0
	}
}

func traceID(n int) string { return fmt.Sprintf("%032x", n) }

// put writes a check of traces that failed.
func (f *fixture) put(traces ...int) {
	f.t.Helper()
	batch := make([]assessment.Assessment, 0, len(traces))
	for _, n := range traces {
		source := assessment.Source{Type: assessment.SourceTypeCode, ID: "v1"}
		batch = append(batch, assessment.Assessment{
			ID: assessment.NewID(traceID(n), "", "c", source), TraceID: traceID(n), Name: "c", Kind: assessment.KindFeedback,
			Source: source, Value: assessment.False, Verdict: assessment.VerdictFailed,
		})
	}
	_, err := f.store.Put(f.t.Context(), batch)
	require.NoError(f.t, err)
}

// deliver brings what is in Redis to the backend.
func (f *fixture) deliver() {
	f.t.Helper()
	for {
		claims, err := f.store.Claim(f.t.Context(), backendName, 50, time.Minute)
		require.NoError(f.t, err)
		if len(claims) == 0 {
			return
		}
		for _, claim := range claims {
			settlement := store.Settlement{Done: true, Deliveries: map[string]store.Delivery{}}
			for id := range claim.Records {
				settlement.Deliveries[id] = store.Delivery{State: store.DeliveryDelivered}
			}
			held, err := f.store.Settle(f.t.Context(), claim, settlement)
			require.NoError(f.t, err)
			require.True(f.t, held)
		}
	}
}

func (f *fixture) reviews(n int) []store.Review {
	f.t.Helper()
	reviews, err := f.store.Reviews(f.t.Context(), traceID(n))
	require.NoError(f.t, err)
	return reviews
}

// counts are what an Observer is told, by rule and outcome.
type counts map[string]int

var countsLock sync.Mutex

// Reviewed implements Observer.
func (c counts) Reviewed(rule, outcome string, n int) {
	countsLock.Lock()
	defer countsLock.Unlock()
	c[rule+" "+outcome] += n
}
