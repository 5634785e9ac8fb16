package reading

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
)

const (
	// maxBuffered is how much of the lines is held before it is sent.
	maxBuffered = 32 << 10
	// writeTimeout is how long a client may take for what is sent at once; a server's own bound is for whole answers.
	writeTimeout = 30 * time.Second
)

// lines writes JSON lines to a client, a part at a time.
type lines struct {
	w       http.ResponseWriter
	control *http.ResponseController
	buffer  bytes.Buffer
	started bool
	sent    time.Time
}

// flushEvery bounds how long a line waits for others.
const flushEvery = time.Second

// add takes one compact JSON document. An error means that the client is gone.
func (l *lines) add(line []byte) error {
	l.buffer.Write(line)
	l.buffer.WriteByte('\n')
	if l.buffer.Len() < maxBuffered && time.Since(l.sent) < flushEvery {
		return nil
	}
	return l.flush()
}

func (l *lines) flush() error {
	if !l.started {
		l.started = true
		header := l.w.Header()
		header.Set("Content-Type", contentTypeLines)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Cache-Control", "no-store")
		l.w.WriteHeader(http.StatusOK)
	}
	l.sent = time.Now()
	if err := l.control.SetWriteDeadline(l.sent.Add(writeTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return errGone(err)
	}
	_, err := l.w.Write(l.buffer.Bytes())
	l.buffer.Reset()
	if err != nil {
		return errGone(err)
	}
	if err := l.control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return errGone(err)
	}
	return nil
}

// goneError says that the client reads no longer.
type goneError struct{ cause error }

func errGone(cause error) error { return &goneError{cause: cause} }

func (e *goneError) Error() string { return "the client is gone: " + e.cause.Error() }
func (e *goneError) Unwrap() error { return e.cause }

// stream writes the lines that write adds. An error before the first line is refused as usual; one after it breaks the
// connection, because an answer that just ends would pass for a whole one.
func (h *Handler) stream(
	w http.ResponseWriter, r *http.Request, write func(ctx context.Context, out *lines) error,
) {
	out := &lines{w: w, control: http.NewResponseController(w), sent: time.Now()}
	err := write(r.Context(), out)
	if err == nil {
		err = out.flush()
	}
	var gone *goneError
	switch {
	case err == nil:
	case !out.started && r.Context().Err() == nil:
		answer.Refuse(w, err)
	case errors.As(err, &gone), r.Context().Err() != nil:
		panic(http.ErrAbortHandler)
	default:
		h.settings.Logger.Warn("a stream of assessments broke off")
		panic(http.ErrAbortHandler)
	}
}
