package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

const (
	testBackend = "feedback"
	firstTrace  = "00000000000000000000000000000001"
	secondTrace = "00000000000000000000000000000002"
	newTrace    = "00000000000000000000000000000004"
	apiTraces   = "/api/3.0/mlflow/traces"
	uiTraces    = "/ajax-api/3.0/mlflow/traces"
)

// seen is a request as the upstream met it.
type seen struct {
	method, target, host string
	header               http.Header
	body                 string
}

// upstream is a stand-in for MLflow that notes what it meets.
type upstream struct {
	*httptest.Server

	mu   sync.Mutex
	seen []seen
}

func startUpstream(t *testing.T, handler http.HandlerFunc) *upstream {
	t.Helper()
	u := &upstream{}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		u.mu.Lock()
		u.seen = append(u.seen, seen{r.Method, r.RequestURI, r.Host, r.Header.Clone(), string(body)})
		u.mu.Unlock()
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		handler(w, r)
	}))
	t.Cleanup(u.Close)
	return u
}

func (u *upstream) requests() []seen {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.seen)
}

func (u *upstream) last(t *testing.T) seen {
	t.Helper()
	requests := u.requests()
	require.NotEmpty(t, requests)
	return requests[len(requests)-1]
}

// ok answers nothing of interest.
func ok(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "OK") }

// golden answers with what a real MLflow answered.
func golden(t *testing.T, name string) http.HandlerFunc {
	t.Helper()
	document := goldenDocument(t, name)
	return func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, document) }
}

func writeJSON(w http.ResponseWriter, document string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(document)))
	_, _ = io.WriteString(w, document)
}

func goldenDocument(tb testing.TB, name string) string {
	tb.Helper()
	document, err := os.ReadFile("testdata/" + name + ".json")
	require.NoError(tb, err)
	return strings.TrimSpace(string(document))
}

// memory stands in for Redis, the records' service and the metrics.
type memory struct {
	mu        sync.Mutex
	records   map[string]map[string]store.Record
	err       error
	hang      bool
	forgotten []string
	adopted   map[string][]mlflow.Assessment
	passed    []string
}

func (m *memory) LoadAll(ctx context.Context, traceIDs []string) (map[string]map[string]store.Record, error) {
	if m.hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	loaded := map[string]map[string]store.Record{}
	for _, id := range traceIDs {
		if records, found := m.records[id]; found {
			loaded[id] = maps.Clone(records)
		}
	}
	return loaded, m.err
}

func (m *memory) Forget(_ context.Context, traceIDs ...string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forgotten = append(m.forgotten, traceIDs...)
	return m.err
}

func (m *memory) Adopt(_ context.Context, traceID string, rows []mlflow.Assessment) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.adopted == nil {
		m.adopted = map[string][]mlflow.Assessment{}
	}
	m.adopted[traceID] = rows
	return m.err
}

func (m *memory) Passed(reason string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.passed = append(m.passed, reason)
}

// render is a row that tells which record it stands for, and to whom.
func render(record *store.Record, caller access.Caller) json.RawMessage {
	row := map[string]string{
		"assessment_id": record.ID, "assessment_name": record.Name, "door": string(caller.Door),
		"create_time": record.CreateTime.UTC().Format(time.RFC3339Nano),
	}
	text, _ := json.Marshal(row)
	return text
}

// bindTo names the caller in a row.
func bindTo(caller access.Caller, row json.RawMessage) (json.RawMessage, error) {
	var members map[string]any
	if json.Unmarshal(row, &members) != nil {
		return nil, errors.New("no row")
	}
	members["source"] = map[string]string{"source_type": "HUMAN", "source_id": caller.Name}
	return json.Marshal(members)
}

// front is the proxy behind a real server, with the checks in front of it.
type front struct {
	*httptest.Server

	memory *memory
}

func startFront(t *testing.T, upstreamURL string, change func(*Settings)) *front {
	t.Helper()
	f := &front{memory: &memory{}}
	transport := &http.Transport{DisableCompression: true}
	set := Settings{
		Upstream: upstreamURL, Transport: transport, Backend: testBackend,
		Traces: f.memory, Adopter: f.memory, Render: render, Bind: bindTo, Observer: f.memory, Logger: zap.NewNop(),
		RedisTimeout: 10 * time.Second, KnowsNames: func(context.Context) bool { return false },
	}
	if change != nil {
		change(&set)
	}
	proxy, err := New(set)
	require.NoError(t, err)
	identified := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.Header.Get("X-Test-User")
		caller := access.Caller{Name: name, Trusted: name == "robot"}
		proxy.ServeHTTP(w, r.WithContext(access.WithCaller(r.Context(), caller)))
	})
	f.Server = httptest.NewServer(Hosts(DefaultHosts("127.0.0.1:0"), SameOrigin(nil, identified)))
	f.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.Cleanup(func() {
		f.Close()
		transport.CloseIdleConnections()
	})
	return f
}

// reply is an answer without its body.
type reply struct {
	StatusCode    int
	Header        http.Header
	ContentLength int64
}

// send makes a request and returns its answer, read.
func (f *front) send(t *testing.T, method, path, body string, header map[string]string) (reply, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, f.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	for name, value := range header {
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header[name] = []string{value}
	}
	response, err := f.Client().Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return reply{response.StatusCode, response.Header, response.ContentLength}, string(content)
}

// assertRefused checks that a refusal has MLflow's shape.
func assertRefused(t *testing.T, status int, response reply, body string) {
	t.Helper()
	assert.Equal(t, status, response.StatusCode, body)
	var refusal struct {
		Code    string `json:"error_code"`
		Message string `json:"message"`
	}
	if assert.NoError(t, json.Unmarshal([]byte(body), &refusal), body) {
		assert.NotEmpty(t, refusal.Code)
		assert.NotEmpty(t, refusal.Message)
	}
}

// pendingRecord is a person's record that MLflow does not have yet.
func pendingRecord(id string, created time.Time) store.Record {
	return store.Record{
		Version: store.RecordVersion, Touched: true,
		Assessment: assessment.Assessment{
			ID: id, TraceID: firstTrace, Name: "mine", Kind: assessment.KindFeedback, Value: assessment.True,
			Source:     assessment.Source{Type: assessment.SourceTypeHuman, ID: "ann"},
			CreateTime: created, UpdateTime: created,
		},
	}
}
