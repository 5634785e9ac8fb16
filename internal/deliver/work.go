package deliver

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// settleTimeout bounds one write of results to the store.
const settleTimeout = 2 * time.Second

// job is a claimed trace and what is to be done about it.
type job struct {
	claim      store.Claim
	trace      Trace
	found      bool
	unreadable bool
	comparison comparison
	// held are the missing rows that are not believed now; early says that a second look may tell.
	held  int
	early bool
}

// work carries out jobs until there are no more.
func (l *Loop) work() {
	for j := range l.jobs {
		if l.dispatching.Err() != nil {
			l.retained.keep(j.claim)
			continue
		}
		l.deliver(j)
	}
}

func (l *Loop) deliver(j job) {
	s := &l.settings
	p, err := l.admission.enter(l.dispatching, j.claim.Expires.Add(-leaseMargin))
	if err != nil {
		l.retained.keep(j.claim)
		return
	}
	ctx, cancel := context.WithTimeout(l.working, l.left([]store.Claim{j.claim}))
	defer cancel()
	results, err := s.Backend.Write(ctx, j.claim.TraceID, j.trace, j.comparison.writes)
	own := err != nil && l.ownFault(ctx, j, err)
	switch {
	case err == nil:
		l.suspects.clear()
		l.admission.leave(l.working, p, nil)
	case own, ctx.Err() != nil: // the lease or this process ends, no fault of the backend
		l.admission.unused(l.working, p)
	default:
		l.admission.leave(l.working, p, err)
	}

	if err != nil && !own && len(results) == 0 {
		l.retained.keep(j.claim) // nothing was tried: it is read again when the backend works
		return
	}
	v := newVerdict(&j.comparison)
	now := s.Clock.Now()
	again, stumbled := v.written(s.Name, now, j.comparison.writes, results)
	rest := len(j.comparison.writes) - len(results)
	switch {
	case own:
		v.await(j.claim, s.TraceWait, rest+stumbled, reasonBackendError)
	case err != nil:
		v.settlement.Done, v.settlement.RetryAfter = false, giveBackAfter
	case stumbled > 0:
		v.await(j.claim, s.TraceWait, stumbled, reasonBackendError)
	case again > 0:
		v.again(j.claim, s.TraceWait, again)
	case j.held > 0:
		j.wait(v, s.TraceWait)
	}
	l.settle(j.claim, v)
}

// ownFault reports whether a plain 500 is about this trace alone: the backend still reads it, and works for others.
func (l *Loop) ownFault(ctx context.Context, j job, err error) bool {
	var unavailable *UnavailableError
	if !errors.As(err, &unavailable) || !unavailable.Suspect || l.suspects.many() {
		return false
	}
	_, err = l.settings.Backend.Read(ctx, []string{j.claim.TraceID})
	return err == nil
}

// maxSuspects is how many writes in a row may fail as one trace's own fault until it is the backend's.
const maxSuspects = 5

// suspects counts failures in a row that were taken for a trace's own.
type suspects struct {
	inRow atomic.Int32
}

func (s *suspects) many() bool { return s.inRow.Add(1) > maxSuspects }
func (s *suspects) clear()     { s.inRow.Store(0) }

func (l *Loop) settle(claim store.Claim, v *verdict) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.working), settleTimeout)
	defer cancel()
	held, err := l.settings.Queue.Settle(ctx, claim, v.finish(claim))
	if err != nil {
		l.settings.Logger.Debug("not settled; the next reading does", zap.Error(err))
		return
	}
	if held {
		l.observe(v)
	}
}

func (l *Loop) settleAll(claims []store.Claim, verdicts []*verdict) {
	if len(claims) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.working), settleTimeout)
	defer cancel()
	settlements := make([]store.Settlement, len(verdicts))
	for i, v := range verdicts {
		settlements[i] = v.finish(claims[i])
	}
	held, err := l.settings.Queue.SettleAll(ctx, claims, settlements)
	if err != nil {
		l.settings.Logger.Debug("not settled; the next reading does", zap.Error(err))
		return
	}
	for i, v := range verdicts {
		if held[i] {
			l.observe(v)
		}
	}
}

func (l *Loop) observe(v *verdict) {
	for outcome, n := range v.counts {
		if n > 0 {
			l.settings.Observer.Delivered(l.settings.Name, outcome, n)
		}
	}
}
