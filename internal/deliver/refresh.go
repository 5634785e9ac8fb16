package deliver

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// Refresher makes traces due that nothing changed here, so that the next comparison finds what people did in the
// backend. *store.Store is one.
type Refresher interface {
	// Revisit makes up to a limit of traces due; all replicas share the rate and the place. wait says when to ask again.
	Revisit(ctx context.Context, backend string, revisit store.Revisit) (n int, wait time.Duration, err error)
}

var _ Refresher = (*store.Store)(nil)

const (
	// refreshFloor keeps a replica that just missed its turn from asking in a row.
	refreshFloor = 5 * time.Millisecond
	// never is the wait of a loop that reads nothing again.
	never = time.Duration(1<<63 - 1)
)

// refresh is this replica's side of the re-reading. It is the dispatcher's alone.
type refresh struct {
	refresher Refresher
	backend   string
	revisit   store.Revisit
	clock     Clock
	logger    *zap.Logger
	next      time.Time
}

func newRefresh(s *Settings) refresh {
	return refresh{
		refresher: s.Refresher, backend: s.Name, clock: s.Clock, logger: s.Logger,
		revisit: store.Revisit{
			Window: s.RefreshWindow, Limit: batchSize,
			Interval: time.Duration(float64(time.Second) / s.RefreshRate),
		},
	}
}

// step makes a batch due if it is time, and returns how long nothing is to be done for it: 0 where traces became due.
func (r *refresh) step(ctx context.Context) time.Duration {
	if r.refresher == nil || r.revisit.Window <= 0 {
		return never
	}
	now := r.clock.Now()
	if left := r.next.Sub(now); left > 0 {
		return left
	}
	n, wait, err := r.refresher.Revisit(ctx, r.backend, r.revisit)
	if err != nil {
		r.logger.Debug("no trace is read again", zap.Error(err))
		wait = r.revisit.Interval
	}
	wait = max(wait, refreshFloor)
	r.next = now.Add(wait)
	if n > 0 {
		return 0
	}
	return wait
}
