package proxy

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// pacedWriter moves the connection's write deadline on with each write: a stream may be as long as it wants to, and a
// client that takes nothing is cut.
type pacedWriter struct {
	http.ResponseWriter

	controller *http.ResponseController
	patience   time.Duration
}

// Write implements http.ResponseWriter.
func (w *pacedWriter) Write(p []byte) (int, error) {
	// A connection that has no deadlines has none to move.
	_ = w.controller.SetWriteDeadline(time.Now().Add(w.patience))
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController find what the writer can do.
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// pacedBody moves the connection's read deadline on with each read, as pacedWriter does.
type pacedBody struct {
	io.ReadCloser

	controller *http.ResponseController
	patience   time.Duration
	// until ends all reading, if it is set.
	until time.Time
}

// Read implements io.Reader.
func (b *pacedBody) Read(p []byte) (int, error) {
	deadline := time.Now().Add(b.patience)
	if !b.until.IsZero() && b.until.Before(deadline) {
		deadline = b.until
	}
	_ = b.controller.SetReadDeadline(deadline)
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		// It is no longer the client's turn; that the connection is read on, to see whether the client leaves, must not end.
		_ = b.controller.SetReadDeadline(time.Time{})
	}
	return n, err
}
