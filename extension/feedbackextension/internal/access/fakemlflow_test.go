package access

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
)

const (
	traceA  = "0102030405060708090a0b0c0d0e0f10" // in experiment 1
	traceA2 = "1102030405060708090a0b0c0d0e0f10" // in experiment 1
	traceB  = "2102030405060708090a0b0c0d0e0f10" // in experiment 2
	traceC  = "3102030405060708090a0b0c0d0e0f10" // nowhere
)

// fakeMLflow answers as basic-auth does.
type fakeMLflow struct {
	t       *testing.T
	mu      sync.Mutex
	down    int               // the status that everything is answered with, 0 when up
	open    bool              // without authentication
	rights  map[string]string // letters of the acts allowed, by Authorization and experiment
	places  map[string]string
	asked   []string
	gate    chan struct{} // questions wait for it if set
	entered chan struct{} // and say here that they do
}

func newFakeMLflow(t *testing.T) *fakeMLflow {
	t.Helper()
	return &fakeMLflow{
		t: t, rights: map[string]string{},
		places: map[string]string{"tr-" + traceA: "1", "tr-" + traceA2: "1", "tr-" + traceB: "2"},
	}
}

func (f *fakeMLflow) client() *mlflow.Client {
	f.t.Helper()
	server := httptest.NewServer(f)
	f.t.Cleanup(server.Close)
	client, err := mlflow.NewClient(server.Client(), server.URL)
	require.NoError(f.t, err)
	return client
}

func (f *fakeMLflow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	gate, entered := f.gate, f.entered
	f.mu.Unlock()
	if gate != nil {
		entered <- struct{}{}
		<-gate
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/api/3.0/mlflow/traces/")
	trace, assessment, _ := strings.Cut(path, "/")
	act := map[string]string{"GET": "r", "POST": "c", "PATCH": "u", "DELETE": "d"}[r.Method]
	if assessment == "" {
		act = "g"
	}
	user := r.Header.Get("Authorization")
	f.asked = append(f.asked, strings.TrimSpace(user+" "+act+" "+trace[max(0, len(trace)-32):]))
	place, exists := f.places[trace]
	rights, known := f.rights[user+" "+place]
	switch {
	case f.down != 0:
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(f.down)
	case strings.HasSuffix(r.URL.Path, "/experiments/search") && f.open:
		_, _ = io.WriteString(w, `{"experiments": []}`)
	case user == "" || user == "Basic wrong":
		w.Header().Set("WWW-Authenticate", `Basic realm="mlflow"`)
		w.WriteHeader(http.StatusUnauthorized)
	case user == "Basic root" && !exists:
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"Trace not found."}`)
	case !known || !strings.Contains(rights, act):
		http.Error(w, "Permission denied", http.StatusForbidden)
	case act == "g":
		_, _ = io.WriteString(w, `{"trace":{"trace_info":{"trace_location":{"mlflow_experiment":{"experiment_id":"`+place+`"}}}}}`)
	case act == "r":
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"Assessment not found"}`)
	case act == "d":
		_, _ = io.WriteString(w, `{}`)
	default:
		body, err := io.ReadAll(r.Body)
		if err != nil || strings.TrimSpace(string(body)) != "{}" {
			f.t.Errorf("a question with a body that may change something: %q", body)
		}
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error_code":"INVALID_PARAMETER_VALUE","message":"Missing value for required parameter"}`)
	}
}

// questions are what was asked since the last call, as "Authorization act trace".
func (f *fakeMLflow) questions() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	asked := f.asked
	f.asked = nil
	return asked
}

func (f *fakeMLflow) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

// memory is a Memory that may fail.
type memory struct {
	saved string
	err   error
}

func (m *memory) Load(context.Context) (string, error) { return m.saved, m.err }

func (m *memory) Save(_ context.Context, found string) error {
	if m.err == nil {
		m.saved = found
	}
	return m.err
}

var errRedis = errors.New("redis is gone")

// clock stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// bench is rights before a fake MLflow.
type bench struct {
	*fakeMLflow
	*Rights
	clock  *clock
	memory *memory
	logs   *observer.ObservedLogs
}

func newBench(t *testing.T, change func(*Settings)) *bench {
	t.Helper()
	b := &bench{
		fakeMLflow: newFakeMLflow(t), memory: &memory{}, clock: &clock{now: time.Unix(1_000_000, 0)},
	}
	core, logs := observer.New(zap.InfoLevel)
	b.logs = logs
	set := Settings{
		Authorization: AuthorizationMLflow, Named: true, Upstream: b.client(), Memory: b.memory, Logger: zap.New(core), Now: b.clock.Now,
	}
	if change != nil {
		change(&set)
	}
	b.Rights = NewRights(set)
	return b
}

// as is the context of a caller with an Authorization header.
func (b *bench) as(authorization string, change ...func(*Caller)) context.Context {
	caller := Caller{Credentials: Credentials{}}
	if authorization != "" {
		caller.Credentials["Authorization"] = []string{authorization}
	}
	for _, f := range change {
		f(&caller)
	}
	return WithCaller(b.t.Context(), caller)
}
