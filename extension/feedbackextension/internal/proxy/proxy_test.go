package proxy

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
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
