package intake

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/records"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

var received = time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)

// fixture is an intake on a Redis of its own, without MLflow.
type fixture struct {
	redis   *miniredis.Miniredis
	store   *store.Store
	records *records.Service
	rights  *fakeRights
	limiter *fakeLimiter
	set     Settings
	caller  access.Caller
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{redis: miniredis.RunT(t), rights: &fakeRights{}, limiter: &fakeLimiter{}, caller: access.Caller{Door: access.DoorLookup}}
	f.redis.SetTime(received)
	config := store.NewDefaultConfig()
	config.Endpoints = []string{f.redis.Addr()}
	var err error
	f.store, err = store.Open(t.Context(), config, store.Settings{MaxPending: 64 * 2}, zap.NewNop())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.store.Close()) })
	f.records = records.New(records.Settings{Store: f.store, AcceptUnknown: true, Logger: zap.NewNop()})
	f.set = Settings{
		Config: NewDefaultConfig(), Store: f.store, Named: f.records, Indexed: f.records, Rights: f.rights,
		Limiter: f.limiter, Wait: time.Hour, Now: func() time.Time { return received },
	}
	return f
}

type fakeRights struct {
	check, unknown error
	// denied are the traces that the caller has no right on.
	denied  map[string]bool
	checked []string
}

func (r *fakeRights) Check(_ context.Context, traceID string, write bool) error {
	if write {
		r.checked = append(r.checked, traceID)
	}
	if r.denied[traceID] {
		return answer.Denied("no")
	}
	return r.check
}

func (r *fakeRights) CheckUnknown(context.Context) error { return r.unknown }

type fakeLimiter struct{ wait time.Duration }

func (l *fakeLimiter) Allow(key string) (bool, time.Duration) {
	return l.wait == 0 && key != "", l.wait
}

// post is the answer to a body.
func (f *fixture) post(t *testing.T, text string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(access.WithCaller(t.Context(), f.caller), http.MethodPost, "/feedback/v1/feedback", strings.NewReader(text))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	return f.serve(r)
}

func (f *fixture) serve(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	New(f.set).ServeHTTP(w, r)
	return w
}

// given is the assessment in an answer.
func given(t *testing.T, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	var body struct {
		Assessment map[string]any `json:"assessment"`
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
	return body.Assessment
}

// waits is the id of what an answer says is pending.
func waits(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	require.Equal(t, http.StatusAccepted, w.Code, w.Body.String())
	var body map[string]string
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
	assert.Equal(t, "pending", body["status"])
	return body["assessment_id"]
}

// pass lets spans pass that have a value, each of a trace, the later the further behind.
func (f *fixture) pass(t *testing.T, kind, value string, matches ...store.Match) {
	t.Helper()
	entries := make([]store.IndexEntry, len(matches))
	for i, match := range matches {
		match.Time = received.Add(time.Duration(i-100) * time.Second)
		entries[i] = store.IndexEntry{Digest: store.NewDigest(kind, value), Match: match}
	}
	_, err := f.store.Index(t.Context(), entries)
	require.NoError(t, err)
}

// kept are the trace's records.
func (f *fixture) kept(t *testing.T) map[string]store.Record {
	t.Helper()
	kept, err := f.store.Load(t.Context(), trace)
	require.NoError(t, err)
	return kept
}
