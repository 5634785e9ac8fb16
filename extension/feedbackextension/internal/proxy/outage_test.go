package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// clock is moved by hand.
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

// way is a transport whose way is open or not.
type way struct {
	http.Transport

	tries atomic.Int64
	dial  atomic.Pointer[func(context.Context) error]
}

func newWay() *way {
	w := &way{}
	w.DisableKeepAlives = true
	w.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		w.tries.Add(1)
		if dial := w.dial.Load(); dial != nil {
			if err := (*dial)(ctx); err != nil {
				return nil, err
			}
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	return w
}

func (w *way) set(dial func(context.Context) error) { w.dial.Store(&dial) }

func TestUnreachable(t *testing.T) {
	t.Parallel()
	refused := func(context.Context) error { return &net.OpError{Op: "dial", Err: errors.New("refused")} }
	// A dial outlives the request that it was for.
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	hanging := func(context.Context) error { <-release; return errors.New("at last") }
	for name, dial := range map[string]func(context.Context) error{"refused": refused, "hanging": hanging} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mlflow := startUpstream(t, ok)
			time := &clock{now: time.Now()}
			way := newWay()
			f := startFront(t, mlflow.URL, func(s *Settings) {
				s.Transport, s.Now, s.ConnectTimeout = way, time.Now, 50_000_000
			})
			way.set(dial)
			get := func() (reply, string) { return f.send(t, http.MethodGet, "/x", "", nil) }
			for range 5 {
				response, body := get()
				assertRefused(t, http.StatusServiceUnavailable, response, body)
				assert.Equal(t, "1", response.Header.Get("Retry-After"))
				assert.NotContains(t, body, mlflow.Listener.Addr().String())
			}
			assert.EqualValues(t, 1, way.tries.Load(), "it is not tried again at once")
			time.pass(999_000_000)
			get()
			assert.EqualValues(t, 1, way.tries.Load())
			time.pass(1_000_000)
			for range 3 {
				get()
			}
			assert.EqualValues(t, 2, way.tries.Load(), "one finds out")
			way.set(func(context.Context) error { return nil })
			time.pass(1_000_000_000)
			for range 3 {
				response, _ := get()
				assert.Equal(t, http.StatusOK, response.StatusCode)
			}
			assert.EqualValues(t, 5, way.tries.Load())
		})
	}
}

// TestProbeLeaves lets the client go away whose request was to find out: the next one finds out.
func TestProbeLeaves(t *testing.T) {
	t.Parallel()
	mlflow := startUpstream(t, ok)
	time := &clock{now: time.Now()}
	way := newWay()
	f := startFront(t, mlflow.URL, func(s *Settings) {
		s.Transport, s.Now, s.ConnectTimeout = way, time.Now, 3600_000_000_000
	})
	way.set(func(context.Context) error { return &net.OpError{Op: "dial", Err: errors.New("refused")} })
	f.send(t, http.MethodGet, "/x", "", nil)
	dialing, release := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(release) })
	way.set(func(context.Context) error { close(dialing); <-release; return errors.New("at last") })
	time.pass(1_000_000_000)
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan struct{})
	go func() {
		defer close(left)
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, f.URL+"/x", http.NoBody)
		if err == nil {
			if response, err := f.Client().Do(r); err == nil { //nolint:bodyclose // there is none
				t.Errorf("answered %d", response.StatusCode)
			}
		}
	}()
	<-dialing
	response, _ := f.send(t, http.MethodGet, "/x", "", nil)
	assert.Equal(t, http.StatusServiceUnavailable, response.StatusCode, "the others do not wait")
	way.set(func(context.Context) error { return nil })
	cancel()
	<-left
	require.Eventually(t, func() bool {
		response, _ := f.send(t, http.MethodGet, "/x", "", nil)
		return response.StatusCode == http.StatusOK
	}, 30_000_000_000, 1_000_000)
}

func TestBrokenAnswer(t *testing.T) {
	t.Parallel()
	mlflow := startUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, apiTraces) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"traces":[`)
			return
		}
		panic(http.ErrAbortHandler)
	})
	f := startFront(t, mlflow.URL, nil)
	for _, path := range []string{"/x", apiTraces + "/get"} {
		response, body := f.send(t, http.MethodGet, path, "", nil)
		assertRefused(t, http.StatusServiceUnavailable, response, body)
	}
	response, _ := f.send(t, http.MethodGet, "/x", "", nil)
	assert.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
	assert.Len(t, mlflow.requests(), 3, "an answer that breaks off is no reason to stop asking")
}

// TestProbeThatTakesItsTime is found connected: the others need not wait for its end.
func TestProbeThatTakesItsTime(t *testing.T) {
	t.Parallel()
	mlflow := startUpstream(t, ok)
	time := &clock{now: time.Now()}
	way := newWay()
	f := startFront(t, mlflow.URL, func(s *Settings) { s.Transport, s.Now = way, time.Now })
	way.set(func(context.Context) error { return &net.OpError{Op: "dial", Err: errors.New("refused")} })
	f.send(t, http.MethodGet, "/x", "", nil)
	way.set(func(context.Context) error { return nil })
	time.pass(1_000_000_000)
	slow, writer := io.Pipe()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.URL+"/x", slow)
	require.NoError(t, err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if response, err := f.Client().Do(r); err == nil {
			_ = response.Body.Close()
		}
	}()
	require.Eventually(t, func() bool {
		response, _ := f.send(t, http.MethodGet, "/x", "", nil)
		return response.StatusCode == http.StatusOK
	}, 30_000_000_000, 1_000_000)
	require.NoError(t, writer.Close())
	<-ended
}

// TestConnectionThatIsBeingClosed meets MLflow's server just as it closes a connection that was idle.
func TestConnectionThatIsBeingClosed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, path       string
		status, requests int
	}{
		{"a read", apiTraces + "/search", http.StatusOK, 3},
		{"what may change something", "/api/2.0/mlflow/runs/create", http.StatusServiceUnavailable, 2},
		{"of another trace", apiTraces + "/tr-1/assessments", http.StatusServiceUnavailable, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int64
			mlflow := startUpstream(t, func(w http.ResponseWriter, _ *http.Request) {
				if calls.Add(1) == 2 {
					panic(http.ErrAbortHandler)
				}
				_, _ = io.WriteString(w, `{}`)
			})
			f := startFront(t, mlflow.URL, func(s *Settings) {
				transport := &http.Transport{MaxConnsPerHost: 1}
				t.Cleanup(transport.CloseIdleConnections)
				s.Transport = transport
			})
			const request = `{"max_results": 5}`
			for _, expected := range []int{http.StatusOK, tt.status} {
				response, _ := f.send(t, http.MethodPost, tt.path, request, nil)
				assert.Equal(t, expected, response.StatusCode)
			}
			assert.Len(t, mlflow.requests(), tt.requests)
			for _, seen := range mlflow.requests() {
				assert.Equal(t, request, seen.body)
				assert.NotContains(t, seen.header, "Idempotency-Key")
			}
		})
	}
}
