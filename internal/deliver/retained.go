package deliver

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// shortestRead is the time that reading a batch is given at least: a read that runs into the end of its leases would be
// taken for a backend that does not work.
const shortestRead = time.Second

// retained are claims that the backend's failure interrupted before anything was tried. Their lease runs on, so that
// they are read again when the backend works, without counting as a try of the trace.
type retained struct {
	mu     sync.Mutex
	claims []store.Claim
}

func (r *retained) keep(claims ...store.Claim) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.claims = append(r.claims, claims...)
}

// take returns at most one batch of those whose lease leaves time for a call, and forgets those whose lease does not:
// they become due again by themselves.
func (r *retained) take(now time.Time) []store.Claim {
	r.mu.Lock()
	defer r.mu.Unlock()
	var taken []store.Claim
	for len(r.claims) > 0 && len(taken) < batchSize {
		if claim := r.claims[0]; claim.Expires.Add(-leaseMargin - shortestRead).After(now) {
			taken = append(taken, claim)
		}
		r.claims = r.claims[1:]
	}
	return taken
}

// left is the time until no call for the claims may be under way any more.
func (l *Loop) left(claims []store.Claim) time.Duration {
	first := claims[0].Expires
	for _, claim := range claims[1:] {
		if claim.Expires.Before(first) {
			first = claim.Expires
		}
	}
	return first.Add(-leaseMargin).Sub(l.settings.Clock.Now())
}

// giveBackAfter is when a claim that was given back is due again.
const giveBackAfter = time.Millisecond

// giveBackRetained makes what is left due again, for other replicas: this one ends.
func (l *Loop) giveBackRetained() {
	ctx, cancel := context.WithTimeout(context.Background(), settleTimeout)
	defer cancel()
	for {
		claims := l.retained.take(l.settings.Clock.Now())
		if len(claims) == 0 {
			return
		}
		settlements := make([]store.Settlement, len(claims))
		for i := range settlements {
			settlements[i].RetryAfter = giveBackAfter
		}
		if _, err := l.settings.Queue.SettleAll(ctx, claims, settlements); err != nil {
			l.settings.Logger.Debug("claims not given back; their leases end", zap.Error(err))
			return
		}
	}
}
