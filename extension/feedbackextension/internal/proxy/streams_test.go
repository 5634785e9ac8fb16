package proxy

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
// TestDripIsCut sends what is read whole a byte at a time: each is in time, all of them are not.
func TestDripIsCut(t *testing.T) {
	t.Parallel()
	mlflow := startUpstream(t, ok)
	f := startFront(t, mlflow.URL, func(s *Settings) { s.WholeTimeout = 50 * time.Millisecond })
	connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", f.Listener.Addr().String())
	require.NoError(t, err)
	defer connection.Close()
	_, err = io.WriteString(connection, "POST "+apiTraces+"/delete-traces HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, err := io.WriteString(connection, " ")
		return err != nil
	}, 20*time.Second, 10*time.Millisecond)
	assert.Empty(t, mlflow.requests())
}

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
