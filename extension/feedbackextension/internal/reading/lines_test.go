package reading

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

// TestStreamBreaksOff: an answer that is not whole must not pass for one.
func TestStreamBreaksOff(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *Settings) { s.Store = &failingStore{Store: s.Store, left: 90} })
	long := check("c", assessment.True)
	long.Rationale = strings.Repeat("x", 1000)
	for n := range 100 {
		r.put(n+1, long)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		r.mux.ServeHTTP(w, request.WithContext(access.WithCaller(request.Context(), admin)))
	}))
	t.Cleanup(server.Close)
	client := server.Client()
	t.Cleanup(client.CloseIdleConnections)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/feedback/v1/assessments?format=jsonl", http.NoBody)
	require.NoError(t, err)
	response, err := client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	assert.Equal(t, http.StatusOK, response.StatusCode)
	text, err := io.ReadAll(response.Body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.NotEmpty(t, text)
}

// TestStreamStops: nothing more is read for a client that is gone.
func TestStreamStops(t *testing.T) {
	t.Parallel()
	counting := &failingStore{left: 1_000_000}
	r := newRig(t, func(s *Settings) { counting.Store, s.Store = s.Store, counting })
	long := check("c", assessment.True)
	long.Rationale = strings.Repeat("x", 20_000)
	for n := range 300 {
		r.put(n+1, long)
	}
	ctx, cancel := context.WithCancel(access.WithCaller(t.Context(), admin))
	request := httptest.NewRequestWithContext(ctx, http.MethodGet, "/feedback/v1/export", http.NoBody)
	w := &goneWriter{ResponseRecorder: httptest.NewRecorder(), cancel: cancel}
	assert.PanicsWithValue(t, http.ErrAbortHandler, func() { r.mux.ServeHTTP(w, request) })
	assert.Greater(t, counting.left, 1_000_000-20)
}

// goneWriter is a client that goes away with the first bytes.
type goneWriter struct {
	*httptest.ResponseRecorder

	cancel func()
}

func (w *goneWriter) Write([]byte) (int, error) {
	w.cancel()
	return 0, io.ErrClosedPipe
}
