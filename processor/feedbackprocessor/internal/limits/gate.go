package limits

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// retryAfter is how often a Redis that does not answer is asked again. The calls between do not wait for it.
const retryAfter = time.Second

// errUnanswered is what calls get while Redis is not asked.
var errUnanswered = errors.New("redis did not answer within the last second")

// gate spares calls the waiting for a Redis that does not answer.
type gate struct {
	logger *zap.Logger
	// meanwhile is what the log says of the time until it answers.
	meanwhile string
	ticks     func() int64
	down      atomic.Bool
	// next is when one call may try, answered when one had an answer last.
	next, answered atomic.Int64
}

// pass lets all calls through while Redis answers, else one a second.
func (g *gate) pass() bool {
	if !g.down.Load() {
		return true
	}
	now, next := g.ticks(), g.next.Load()
	return now >= next && g.next.CompareAndSwap(next, now+int64(retryAfter))
}

// ask asks Redis, and draws the conclusion.
func (g *gate) ask(ctx context.Context, question func() error) error {
	began := g.ticks()
	err := question()
	g.report(ctx, began, err)
	return err
}

// report says how a call that began at began went.
func (g *gate) report(ctx context.Context, began int64, err error) {
	switch {
	case err == nil:
		g.answered.Store(g.ticks())
		if g.down.CompareAndSwap(true, false) {
			g.logger.Info("Redis answers again; limits are counted there")
		}
	case ctx.Err() != nil, began < g.answered.Load(): // says nothing of Redis, or nothing new
	default:
		g.next.Store(g.ticks() + int64(retryAfter))
		if g.down.CompareAndSwap(false, true) {
			g.logger.Warn("Redis does not answer, so limits cannot be counted there", zap.String("meanwhile", g.meanwhile), zap.Error(err))
		}
	}
}

// gated stops with a Redis that does not answer.
type gated struct {
	*shared
	gate *gate
}

var _ ledger = (*gated)(nil)

func newGated(s *shared, g *gate) *gated { return &gated{shared: s, gate: g} }

// take implements ledger.
func (g *gated) take(ctx context.Context, r *Rule, o order) (answer, error) {
	if !g.gate.pass() {
		return answer{}, errUnanswered
	}
	var a answer
	err := g.gate.ask(ctx, func() (err error) {
		a, err = g.shared.take(ctx, r, o)
		return err
	})
	return a, err
}

// settle implements ledger. It asks a Redis that does not answer, too: there are no more of these calls than are in flight.
func (g *gated) settle(ctx context.Context, r *Rule, t *ticket, cost amount, sent bool) error {
	return g.gate.ask(ctx, func() error { return g.shared.settle(ctx, r, t, cost, sent) })
}
