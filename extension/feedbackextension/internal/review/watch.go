package review

import (
	"context"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

const (
	// watchShare is the part of the refresh's window after which queues are looked at again, between two bounds.
	watchShare                = 4
	watchSoonest, watchLatest = 10 * time.Second, 5 * time.Minute
	// maxWatched bounds the items of a queue that are read; those that were added last come first.
	maxWatched = 50_000
	// clockSlack is how far MLflow's clock may be from Redis'.
	clockSlack = 10 * time.Minute
)

// watch keeps what stands in a queue among the traces that are read again, so that answers given directly in MLflow are
// found: each trace that waits there counts as changed at each look, and so does one that was answered since.
type watch struct {
	store   *store.Store
	mlflow  *mlflow.Client
	backend string
	clock   Clock
	// every is 0 where nothing is read again.
	every time.Duration
	next  time.Time
}

func newWatch(s *Settings) watch {
	w := watch{store: s.Store, mlflow: s.MLflow, backend: s.Backend, clock: s.Clock}
	if s.RefreshWindow > 0 {
		w.every = max(watchSoonest, min(s.RefreshWindow/watchShare, watchLatest))
	}
	return w
}

// note remembers a queue.
func (w *watch) note(ctx context.Context, queueID string, now time.Time) error {
	if w.every == 0 {
		return nil
	}
	return w.store.AddReviewQueue(ctx, w.backend, queueID, now)
}

// look looks at all queues, if it is time.
func (w *watch) look(ctx context.Context, outage *outage) {
	if now := w.clock.Now(); w.every == 0 || now.Before(w.next) || outage.lasts() {
		return
	}
	queues, now, err := w.store.ReviewQueues(ctx, w.backend)
	if err != nil {
		return // the store says itself that it does not answer
	}
	for id, last := range queues {
		ids, err := w.standing(ctx, id, last, now)
		switch {
		case err == nil:
			outage.end()
			if err = w.store.ReviewPending(ctx, w.backend, ids); err == nil {
				err = w.store.ReviewQueueSeen(ctx, w.backend, id, now)
			}
		case absent(err): // somebody deleted it
			err = w.store.ForgetReviewQueue(ctx, w.backend, id)
		case down(err):
			outage.begin(ctx, err)
		default: // the next look may see it
			err = nil
		}
		if err != nil {
			return
		}
	}
	w.next = w.clock.Now().Add(w.every)
}

// standing returns the traces that wait in a queue; after a time without looks, those that were answered meanwhile as well.
func (w *watch) standing(ctx context.Context, queueID string, last, now time.Time) ([]string, error) {
	status := mlflow.StatusPending
	if now.Sub(last) > 2*w.every {
		status = ""
	}
	answered := last.Add(-clockSlack).UnixMilli()
	var ids []string
	page := ""
	for read := 0; read < maxWatched; {
		items, next, err := w.mlflow.ReviewItems(ctx, queueID, status, pageSize, page)
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			if id, ours := mlflow.OTLPTraceID(item.ID); ours && (item.Status == mlflow.StatusPending || item.Updated >= answered) {
				ids = append(ids, id)
			}
		}
		if page = next; page == "" || len(items) == 0 {
			break
		}
		read += len(items)
	}
	return ids, nil
}
