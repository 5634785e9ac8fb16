package proxy

import (
	"bytes"
	"io"
	"net/http"
)

// maxRepeated bounds the body of a request that can be repeated, in bytes.
const maxRepeated = 256 << 10

// repeatable lets the transport repeat a request that only reads, where it met a connection that MLflow was about to
// close: searches are POSTs, which it would not repeat on its own.
func repeatable(r *http.Request) error {
	if r.Method != http.MethodPost || r.ContentLength <= 0 || r.ContentLength > maxRepeated {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	r.Header["Idempotency-Key"] = []string{} // without a value it is not sent
	return nil
}
