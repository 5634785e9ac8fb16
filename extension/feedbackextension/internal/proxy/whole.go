package proxy

import (
	"bytes"
	"io"
	"net/http"
	"time"
)

// maxRepeated bounds the body of a request that can be repeated, in bytes.
const maxRepeated = 256 << 10

// repeatable lets the transport repeat a request that only reads, where it met a connection that MLflow was about to
// close: searches are POSTs, which it would not repeat on its own.
func (p *Proxy) repeatable(r *http.Request) error {
	if r.Method != http.MethodPost || r.ContentLength <= 0 || r.ContentLength > maxRepeated {
		return nil
	}
	body, err := p.whole(r)
	if err != nil {
		return err
	}
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	r.Header["Idempotency-Key"] = []string{} // without a value it is not sent
	return nil
}

// whole reads a request's body, which may be read once more afterwards. The error is an *http.MaxBytesError for one that
// is too large, once it is unpacked.
func (p *Proxy) whole(r *http.Request) ([]byte, error) {
	if paced, ok := r.Body.(*pacedBody); ok {
		paced.until = time.Now().Add(p.set.WholeTimeout)
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, p.set.MaxWhole))
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}
