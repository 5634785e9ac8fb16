package limits

import (
	"context"
	"sync"
	"sync/atomic"
)

// fallback counts in Redis, and while that does not answer lets this replica have its share. The replica counts its
// calls for itself all the time, so that its share is not its share once more, and counts in Redis afterwards what it
// took without it.
type fallback struct {
	shared *shared
	own    *memory
	gate   *gate

	// reporting is held by who counts debts in Redis.
	reporting sync.Mutex
	owing     atomic.Bool
	mu        sync.Mutex
	debts     map[*Rule]*usage
}

var _ ledger = (*fallback)(nil)

func newFallback(s *shared, own *memory, g *gate) *fallback {
	return &fallback{shared: s, own: own, gate: g, debts: map[*Rule]*usage{}}
}

// take implements ledger.
func (f *fallback) take(ctx context.Context, r *Rule, o order) (answer, error) {
	if !f.gate.pass() {
		return f.takeOwn(ctx, r, o)
	}
	var a answer
	err := f.gate.ask(ctx, func() (err error) {
		a, err = f.takeShared(ctx, r, o)
		return err
	})
	if err != nil && ctx.Err() == nil {
		return f.takeOwn(ctx, r, o)
	}
	return a, err
}

func (f *fallback) takeShared(ctx context.Context, r *Rule, o order) (answer, error) {
	if err := f.repay(ctx); err != nil {
		return answer{}, err
	}
	a, err := f.shared.take(ctx, r, o)
	if err != nil || a.ticket == nil {
		return a, err
	}
	o.forced = true
	own, err := f.own.take(ctx, r, o)
	a.ticket.own = own.ticket
	return a, err
}

func (f *fallback) takeOwn(ctx context.Context, r *Rule, o order) (answer, error) {
	a, err := f.own.take(ctx, r, o)
	if err != nil || a.ticket == nil {
		return a, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	debt := f.debts[r]
	if debt == nil {
		debt = &usage{}
		f.debts[r] = debt
	}
	debt.advance(&moment{second: a.ticket.second, day: a.ticket.day, hour: a.ticket.hour})
	debt.take(r.stratum, &o, a.ticket.second)
	a.ticket = &ticket{own: a.ticket, debt: debt}
	f.owing.Store(true)
	return a, nil
}

// repay counts in Redis what was taken without it.
func (f *fallback) repay(ctx context.Context) error {
	if !f.owing.Load() {
		return nil
	}
	f.reporting.Lock()
	defer f.reporting.Unlock()
	f.mu.Lock()
	debts := f.debts
	f.debts = map[*Rule]*usage{}
	f.owing.Store(false)
	f.mu.Unlock()
	for r, debt := range debts {
		if _, err := f.shared.take(ctx, r, f.orderOf(r, debt)); err != nil {
			f.owe(debts)
			return err
		}
		delete(debts, r)
	}
	return nil
}

// orderOf is what a debt means now. What was taken on an earlier day is no matter of this one.
func (f *fallback) orderOf(r *Rule, debt *usage) order {
	now := f.own.moment()
	debt.advance(&now)
	return order{calls: debt.sum[r.stratum], day: debt.ofDay[r.stratum], hour: debt.ofHour[r.stratum], forced: true}
}

// owe takes back debts that could not be repaid, and adds to them what came meanwhile.
func (f *fallback) owe(debts map[*Rule]*usage) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for r, debt := range debts {
		if newer := f.debts[r]; newer != nil {
			o := f.orderOf(r, newer)
			debt.advance(&moment{second: newer.at, day: newer.day, hour: newer.hour})
			debt.take(r.stratum, &o, newer.at)
		}
		f.debts[r] = debt
	}
	f.owing.Store(true)
}

// settle implements ledger. A debt that was repaid stays what it was: what Redis counts is then what was reserved.
func (f *fallback) settle(ctx context.Context, r *Rule, t *ticket, cost amount, sent bool) error {
	if err := f.own.settle(ctx, r, t.own, cost, sent); err != nil {
		return err
	}
	if t.debt == nil {
		return f.gate.ask(ctx, func() error { return f.shared.settle(ctx, r, t, cost, sent) })
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.debts[r] == t.debt {
		t.debt.settle(t.own, cost, sent)
	}
	return nil
}

func (f *fallback) close() error { return f.shared.close() }
