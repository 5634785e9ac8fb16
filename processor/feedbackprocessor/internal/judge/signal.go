package judge

import "context"

// signal tells any number of waiters something, once.
type signal struct {
	ctx  context.Context
	send context.CancelFunc
}

func newSignal() signal {
	ctx, send := context.WithCancel(context.Background())
	return signal{ctx, send}
}

func (s signal) sent() bool { return s.ctx.Err() != nil }

// then calls f once the signal is sent, unless stop is called before.
func (s signal) then(f func()) (stop func() bool) { return context.AfterFunc(s.ctx, f) }
