package proxy

import (
	"bufio"
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

// raw sends bytes over TCP and returns the status line and the body of what comes back.
func raw(t *testing.T, address, request string) (statusLine, answer string) {
	t.Helper()
	connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	defer connection.Close()
	require.NoError(t, connection.SetDeadline(time.Now().Add(30*time.Second)))
	_, err = io.WriteString(connection, strings.ReplaceAll(request, "\n", "\r\n"))
	require.NoError(t, err)
	reader := bufio.NewReader(connection)
	statusLine, err = reader.ReadString('\n')
	require.NoError(t, err)
	rest, _ := io.ReadAll(reader)
	return strings.TrimSpace(statusLine), string(rest)
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, upstream := range []string{
		"", "localhost:5000", "ftp://localhost", "http://", "http://user:secret@localhost", "http://localhost/?q=1",
		"http://localhost/#f", "http://localhost/../x", "http://localhost/a%2fb", "http://%zz",
	} {
		_, err := New(Settings{Upstream: upstream})
		require.Error(t, err, upstream)
		assert.NotContains(t, err.Error(), "secret")
	}
}

// TestPathTricks sends request lines as they are: a client would tidy them up.
func TestPathTricks(t *testing.T) {
	t.Parallel()
	mlflow := startUpstream(t, ok)
	f := startFront(t, mlflow.URL+"/mlflow", nil)
	address := f.Listener.Addr().String()
	for _, target := range []string{
		"/..", "/../", "/.", "/a/../b", "/a/..", "/./a", "/mlflow/../admin", "/mlflow/..", "/..;/a", "/a/..;x=1/b",
		"/%2e%2e/a", "/.%2e/a", "/%2E./a", "/%2e", "/mlflow/%2e%2e/admin", "/%252e%252e/a", "/a%252fb",
		"/a%2fb", "/a%2Fb", "/%2f%2fevil.com", "/a%5cb", "/a%5C..%5cb", "/a\\b", "/\\evil.com", "/a%255cb",
		"//evil.com/a", "/a//b", "///", "/mlflow//api", "/%00", "/a%0d%0aX:%20y", "/a%09", "/%7f", "/%ff",
		"/api/2.0/mlflow-artifacts/artifacts/..%2f..%2fetc", "/api/2.0/mlflow-artifacts/artifacts/%2fetc",
		"/api/2.0/mlflow-artifacts/artifacts/a%5cb",
		"/api/3.0/mlflow%2ftraces/tr-" + firstTrace + "/assessments",
		"//api/3.0/mlflow/traces/tr-" + firstTrace + "/assessments",
	} {
		status, body := raw(t, address, "POST "+target+" HTTP/1.1\nHost: localhost\nConnection: close\nContent-Length: 0\n\n")
		assert.Equal(t, "HTTP/1.1 400 Bad Request", status, target)
		assert.Contains(t, body, `"error_code":"INVALID_PARAMETER_VALUE"`, target)
	}
	for _, target := range []string{"evil", "*", "/%zz", "/a b"} {
		status, _ := raw(t, address, "GET "+target+" HTTP/1.1\nHost: localhost\nConnection: close\n\n")
		assert.Equal(t, "HTTP/1.1 400 Bad Request", status, target)
	}
	assert.Empty(t, mlflow.requests())
}

func TestPaths(t *testing.T) {
	t.Parallel()
	tests := []struct{ prefix, target, want string }{
		{"", "/", "/"},
		{"", "/api/3.0/mlflow/server-info", "/api/3.0/mlflow/server-info"},
		{"", "/static-files/", "/static-files/"},
		{"", "/x?a=%2f..%2F&b;c=%zz&d", "/x?a=%2f..%2F&b;c=%zz&d"},
		{"", "/x?", "/x?"},
		{"", "/ajax-api/2.0/mlflow/get-artifact?path=a%2Fb", "/ajax-api/2.0/mlflow/get-artifact?path=a%2Fb"},
		{"", "/api/2.0/mlflow-artifacts/artifacts/0/a%2Fb%20c/d..e", "/api/2.0/mlflow-artifacts/artifacts/0/a%2Fb%20c/d..e"},
		{"", "/a/...", "/a/..."},
		{"", "/m%2Ex", "/m%2Ex"},
		{"", "/100%25", "/100%25"},
		{"", "/%C3%BC", "/%C3%BC"},
		{"/mlflow", "/", "/mlflow/"},
		{"/mlflow", "/health", "/mlflow/health"},
		{"/mlflow/", "/health", "/mlflow/health"},
		{"/mlflow", "/mlflow", "/mlflow"},
		{"/mlflow", "/mlflow/", "/mlflow/"},
		{"/mlflow", "/mlflow/health?q", "/mlflow/health?q"},
		{"/mlflow", "/mlflowers", "/mlflow/mlflowers"},
		{"/mlflow", "/%6dlflow/health", "/%6dlflow/health"},
		{"/a%20b", "/m%2Ex", "/a%20b/m%2Ex"},
		{"/a%20b", "/a%20b/m", "/a%20b/m"},
	}
	for _, test := range tests {
		t.Run(test.prefix+test.target, func(t *testing.T) {
			t.Parallel()
			mlflow := startUpstream(t, ok)
			f := startFront(t, mlflow.URL+test.prefix, nil)
			status, _ := raw(t, f.Listener.Addr().String(), "GET "+test.target+" HTTP/1.1\nHost: localhost\nConnection: close\n\n")
			assert.Equal(t, "HTTP/1.1 200 OK", status)
			assert.Equal(t, test.want, mlflow.last(t).target)
		})
	}
}

// TestNeverElsewhere asks for other hosts in all ways that HTTP has.
func TestNeverElsewhere(t *testing.T) {
	t.Parallel()
	mlflow, elsewhere := startUpstream(t, ok), startUpstream(t, ok)
	f := startFront(t, mlflow.URL, nil)
	address := f.Listener.Addr().String()
	host := elsewhere.Listener.Addr().String()
	_, port, err := net.SplitHostPort(host)
	require.NoError(t, err)
	tests := []struct{ request, status string }{
		{"GET http://evil.com/ HTTP/1.1\nHost: localhost\n", "HTTP/1.1 403 Forbidden"},
		{"GET http://evil.com/ HTTP/1.1\nHost: evil.com\n", "HTTP/1.1 403 Forbidden"},
		{"CONNECT " + host + " HTTP/1.1\nHost: " + host + "\n", "HTTP/1.1 405 Method Not Allowed"},
		{"TRACE / HTTP/1.1\nHost: localhost\n", "HTTP/1.1 405 Method Not Allowed"},
		{"GET / HTTP/1.0\n", "HTTP/1.0 403 Forbidden"},
		{"GET / HTTP/1.1\nHost: localhost\nHost: evil.com\n", "HTTP/1.1 400 Bad Request"},
	}
	for _, test := range tests {
		status, _ := raw(t, address, test.request+"Connection: close\n\n")
		assert.Equal(t, test.status, status, test.request)
	}
	assert.Empty(t, mlflow.requests())
	// Where the name is allowed, the address still is MLflow's.
	for _, target := range []string{"http://localhost:" + port + "/x", "http://user:pw@localhost:" + port + "/x", "http://localhost:" + port} {
		status, _ := raw(t, address, "GET "+target+" HTTP/1.1\nHost: localhost\nConnection: close\n\n")
		assert.Equal(t, "HTTP/1.1 200 OK", status)
		assert.Equal(t, mlflow.Listener.Addr().String(), mlflow.last(t).host)
		assert.Empty(t, mlflow.last(t).header.Get("Authorization"))
	}
	assert.Empty(t, elsewhere.requests())
}

func TestSmuggling(t *testing.T) {
	t.Parallel()
	mlflow := startUpstream(t, ok)
	f := startFront(t, mlflow.URL, func(s *Settings) { s.Strip = []string{"x-remote-user"} })
	address := f.Listener.Addr().String()

	for _, headers := range []string{
		"Content-Length: 5\nContent-Length: 6\n",
		"Content-Length: 5, 6\n",
		"Content-Length: -1\n",
		"Content-Length: +5\n",
		"Content-Length: 0x5\n",
		"Transfer-Encoding: identity, chunked\n",
		"Transfer-Encoding: xchunked\n",
		"Transfer-Encoding: chunked\nTransfer-Encoding: chunked\n",
		"Bad Name: x\n",
		"Bad\x00Name: x\n",
	} {
		status, _ := raw(t, address, "POST /x HTTP/1.1\nHost: localhost\nConnection: close\n"+headers+"\nhello")
		assert.Regexp(t, "^HTTP/1.1 (400|501) ", status, headers)
	}
	assert.Empty(t, mlflow.requests())

	// Both framings at once: the chunks count, and one request with one framing leaves.
	status, _ := raw(t, address, "POST /x HTTP/1.1\nHost: localhost\nConnection: close\nContent-Length: 4\n"+
		"Transfer-Encoding: chunked\n\n5\nhello\n0\n\nGET /smuggled HTTP/1.1\nHost: localhost\n\n")
	assert.Equal(t, "HTTP/1.1 200 OK", status)
	assert.Equal(t, "hello", mlflow.last(t).body)
	assert.Len(t, mlflow.requests(), 1)

	status, _ = raw(t, address, "GET /x HTTP/1.1\nHost: localhost\nConnection: close, X-Hop, X-Forwarded-For, Upgrade\n"+
		"Upgrade: websocket\nX-Hop: 1\nKeep-Alive: 1\nTe: gzip\nProxy-Authorization: Basic eDp5\nProxy-Connection: x\n"+
		"X-Remote-User: root\nX_Remote_User: root\nX-Remote_User: root\nX-Forwarded-For: 1.2.3.4\nX-Forwarded-User: root\n"+
		"X-Forwarded-Prefix: /evil\nX-Forwarded-Proto: gopher\nForwarded: for=1.2.3.4\nX-Real-Ip: 1.2.3.4\n"+
		"Origin: http://localhost\nSec-Fetch-Site: same-origin\nSec-Fetch-Mode: cors\nAuthorization: Basic YTpi\n"+
		"Cookie: a=b\nX-Mlflow-Workspace: w\n\n")
	assert.Equal(t, "HTTP/1.1 200 OK", status)
	got := mlflow.last(t)
	assert.Equal(t, http.Header{
		"X-Forwarded-For": {"127.0.0.1"}, "X-Forwarded-Host": {"localhost"}, "X-Forwarded-Proto": {"http"},
		"Authorization": {"Basic YTpi"}, "Cookie": {"a=b"}, "X-Mlflow-Workspace": {"w"}, "Accept-Encoding": {"identity"},
	}, got.header)
	assert.Equal(t, mlflow.Listener.Addr().String(), got.host)
}

func TestServiceCredentials(t *testing.T) {
	t.Parallel()
	mlflow := startUpstream(t, ok)
	f := startFront(t, mlflow.URL, func(s *Settings) { s.Credentials = CredentialsService })
	f.send(t, http.MethodGet, "/x", "", map[string]string{"Authorization": "Basic YTpi", "Cookie": "a=b"})
	assert.NotContains(t, mlflow.last(t).header, "Authorization")
	assert.NotContains(t, mlflow.last(t).header, "Cookie")
}

func TestForeignOriginAndHost(t *testing.T) {
	t.Parallel()
	mlflow := startUpstream(t, ok)
	f := startFront(t, mlflow.URL, nil)
	for _, header := range []map[string]string{
		{"Origin": "https://evil.com"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "rebound.evil.com"},
	} {
		response, body := f.send(t, http.MethodPost, uiTraces+"/search", "{}", header)
		assertRefused(t, http.StatusForbidden, response, body)
	}
	response, body := f.send(t, http.MethodGet, "/", "", map[string]string{"Host": "rebound.evil.com:5080"})
	assertRefused(t, http.StatusForbidden, response, body)
	assert.Empty(t, mlflow.requests())
}

func TestAssessmentsAreNotPassedOn(t *testing.T) {
	t.Parallel()
	mlflow := startUpstream(t, ok)
	f := startFront(t, mlflow.URL+"/mlflow", nil)
	for _, prefix := range []string{apiTraces, uiTraces, "/mlflow" + apiTraces, "/%61pi/3.0/mlflow/traces"} {
		for _, trace := range []string{"tr-" + firstTrace, "TR-" + firstTrace, "tr-ABCDEF00000000000000000000000001"} {
			response, body := f.send(t, http.MethodPost, prefix+"/"+trace+"/assessment%73", "{}", nil)
			assertRefused(t, http.StatusNotFound, response, body)
			for _, method := range []string{http.MethodPatch, http.MethodDelete} {
				response, body = f.send(t, method, prefix+"/"+trace+"/assessments/a-1", "{}", nil)
				assertRefused(t, http.StatusNotFound, response, body)
			}
		}
	}
	assert.Empty(t, mlflow.requests())

	// What is not in Redis is MLflow's, in the caller's name.
	body := `{"assessment":{"assessment_name":"n","source":{"source_type":"HUMAN","source_id":"boss"}}}`
	f.send(t, http.MethodPost, apiTraces+"/other/assessments", body, map[string]string{"X-Test-User": "ann"})
	assert.JSONEq(t, `{"assessment":{"assessment_name":"n","source":{"source_type":"HUMAN","source_id":"ann"}}}`, mlflow.last(t).body)
	f.send(t, http.MethodPost, apiTraces+"/other/assessments", body, map[string]string{"X-Test-User": "robot"})
	assert.Equal(t, body, mlflow.last(t).body)
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	var location atomic.Value
	mlflow := startUpstream(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", location.Load().(string))
		w.Header().Set("Set-Cookie", "session=1; Path=/")
		w.WriteHeader(http.StatusFound)
	})
	f := startFront(t, mlflow.URL, nil)
	host := mlflow.Listener.Addr().String()
	for from, to := range map[string]string{
		"http://" + host + "/a%2Fb?c=d#e": "/a%2Fb?c=d#e",
		"//" + host + "/a":                "/a",
		"http://" + host:                  "/",
		"http://" + host + "//evil.com":   "/evil.com",
		"/relative":                       "/relative",
		"https://elsewhere.com/x":         "https://elsewhere.com/x",
	} {
		location.Store(from)
		response, _ := f.send(t, http.MethodGet, "/x", "", nil)
		assert.Equal(t, http.StatusFound, response.StatusCode)
		assert.Equal(t, to, response.Header.Get("Location"))
		assert.Equal(t, "session=1; Path=/", response.Header.Get("Set-Cookie"))
	}
}

func TestAnswersPassUnchanged(t *testing.T) {
	t.Parallel()
	mlflow := startUpstream(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("X-Odd", "1")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "not really")
	})
	f := startFront(t, mlflow.URL, nil)
	response, body := f.send(t, http.MethodGet, "/x", "", map[string]string{"Accept-Encoding": "gzip, br"})
	assert.Equal(t, http.StatusTeapot, response.StatusCode)
	assert.Equal(t, "gzip", response.Header.Get("Content-Encoding"))
	assert.Equal(t, "1", response.Header.Get("X-Odd"))
	assert.Equal(t, "not really", body)
	assert.Equal(t, "gzip, br", mlflow.last(t).header.Get("Accept-Encoding"))
}

func TestBodyTooLarge(t *testing.T) {
	t.Parallel()
	mlflow := startUpstream(t, ok)
	f := startFront(t, mlflow.URL, nil)
	inner := f.Config.Handler
	f.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 10)
		inner.ServeHTTP(w, r)
	})
	for _, path := range []string{"/x", apiTraces, apiTraces + "/delete-traces"} {
		response, body := f.send(t, http.MethodPost, path, strings.Repeat("x", 1000), map[string]string{"X-Test-User": "ann"})
		assertRefused(t, http.StatusRequestEntityTooLarge, response, body)
	}
}

// TestStreams reads each event before the next one is written, for longer than the server's own deadline.
func TestStreams(t *testing.T) {
	t.Parallel()
	next := make(chan struct{})
	mlflow := startUpstream(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for range 3 {
			_, _ = io.WriteString(w, "data: x\n\n")
			_ = http.NewResponseController(w).Flush()
			<-next
		}
	})
	f := startFront(t, mlflow.URL, nil)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.URL+"/stream", http.NoBody)
	require.NoError(t, err)
	response, err := f.Client().Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	reader := bufio.NewReader(response.Body)
	for range 3 {
		line, err := reader.ReadString('\n')
		require.NoError(t, err)
		assert.Equal(t, "data: x\n", line)
		_, err = reader.ReadString('\n')
		require.NoError(t, err)
		next <- struct{}{}
	}
}

// TestSlowClientIsCut opens a connection and takes nothing of an endless answer.
func TestSlowClientIsCut(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	mlflow := startUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		chunk := make([]byte, 1<<16)
		for r.Context().Err() == nil {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	f := startFront(t, mlflow.URL, func(s *Settings) { s.StreamTimeout = 50 * time.Millisecond })
	connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", f.Listener.Addr().String())
	require.NoError(t, err)
	defer connection.Close()
	_, err = io.WriteString(connection, "GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
	require.NoError(t, err)
	<-ended
}

// TestSlowSenderIsCut announces a body and sends nothing.
func TestSlowSenderIsCut(t *testing.T) {
	t.Parallel()
	mlflow := startUpstream(t, ok)
	f := startFront(t, mlflow.URL, func(s *Settings) { s.StreamTimeout = 50 * time.Millisecond })
	for _, path := range []string{"/x", apiTraces + "/delete-traces"} {
		status, _ := raw(t, f.Listener.Addr().String(), "POST "+path+" HTTP/1.1\nHost: localhost\nContent-Length: 5\n\nhe")
		assert.NotContains(t, status, "200")
	}
}

// TestSlowUpstreamIsAwaited lets MLflow take longer than a client may: it is not the client's turn.
func TestSlowUpstreamIsAwaited(t *testing.T) {
	t.Parallel()
	const patience = 20 * time.Millisecond
	mlflow := startUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(10 * patience):
			_, _ = io.WriteString(w, "at last")
		}
	})
	f := startFront(t, mlflow.URL, func(s *Settings) { s.StreamTimeout = patience })
	for _, body := range []string{"", "x", strings.Repeat("x", 1<<16)} {
		_, answered := f.send(t, http.MethodPost, "/gateway/x", body, nil)
		assert.Equal(t, "at last", answered)
	}
}

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
