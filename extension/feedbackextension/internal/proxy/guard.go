package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// errDown says that MLflow could not be reached just now, and was not tried again.
var errDown = errors.New("mlflow does not answer")

// guard is the way to MLflow. Where no connection comes about it says so soon, and for a while without trying: then one
// request tries, and the others need not wait for what it finds.
type guard struct {
	next    http.RoundTripper
	logger  *zap.Logger
	now     func() time.Time
	connect time.Duration
	pause   time.Duration

	mu      sync.Mutex
	down    bool
	probing bool
	until   time.Time
}

// RoundTrip implements http.RoundTripper. The error is errDown where no connection came about.
func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	probe, ok := g.admit()
	if !ok {
		return nil, errDown
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	timer := time.AfterFunc(g.connect, func() { cancel(errDown) })
	// That there is a connection is what is to be found out; how long the request then takes is its own affair.
	var reached atomic.Bool
	reach := func() {
		if reached.CompareAndSwap(false, true) {
			g.report(probe, false, true)
		}
	}
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { timer.Stop(); reach() }}
	response, err := g.next.RoundTrip(r.WithContext(httptrace.WithClientTrace(ctx, trace)))
	timer.Stop()
	if err == nil {
		reach() // a transport may tell of no connection
		response.Body = &tracedBody{ReadCloser: response.Body, cancel: cancel}
		return response, nil
	}
	failed := errors.Is(context.Cause(ctx), errDown) || isDial(err)
	cancel(nil)
	if failed || !reached.Load() {
		g.report(probe && !reached.Load(), failed, false)
	}
	if failed {
		err = errDown
	}
	return nil, err
}

// admit reports whether a request may try, and whether it is the one that finds out.
func (g *guard) admit() (probe, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.down {
		return false, true
	}
	if g.probing || g.now().Before(g.until) {
		return false, false
	}
	g.probing = true
	return true, true
}

// report takes in how a try went; one that neither failed to connect nor did, because its client went away, says
// nothing.
func (g *guard) report(probe, failed, reached bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if probe {
		g.probing = false
	}
	switch {
	case failed:
		if !g.down {
			g.logger.Warn("mlflow does not answer; what is not about assessments is refused meanwhile")
		}
		g.down, g.until = true, g.now().Add(g.pause)
	case reached && g.down:
		g.logger.Info("mlflow answers again")
		g.down = false
	}
}

// isDial reports whether an error came before there was a connection.
func isDial(err error) bool {
	var operation *net.OpError
	var name *net.DNSError
	return errors.As(err, &operation) && operation.Op == "dial" || errors.As(err, &name)
}

// tracedBody ends the request's context with the body.
type tracedBody struct {
	io.ReadCloser

	cancel context.CancelCauseFunc
}

// Close implements io.Closer.
func (b *tracedBody) Close() error {
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}
