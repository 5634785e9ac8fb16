package review

import (
	"context"
	"errors"
	"slices"

	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
)

// anew says whether the pick is news to whoever answered the item: another rule had put the trace into this queue, or it
// was there before the rule held. Else it is our own add, whose note was lost, and it was answered since. A repeated add
// to what another rule had put there looks like a first one: people are rather asked twice than not at all.
func (p *pick) anew(queueID string, item *mlflow.ReviewItem) bool {
	return slices.Contains(p.stood, queueID) || item.Created < p.since.UnixMilli()
}

// show makes sure that picks whose items these are stand before people: what was answered there waits again.
func (r *Reviewer) show(ctx context.Context, g *group, known *queue, picks []*pick, items []mlflow.ReviewItem) {
	answered := map[string]*mlflow.ReviewItem{}
	for i := range items {
		if items[i].Status != mlflow.StatusPending {
			answered[items[i].ID] = &items[i]
		}
	}
	known.enter(items)
	for _, same := range byTrace(picks) {
		item := answered[mlflow.TraceID(same[0].traceID)]
		if item != nil && slices.ContainsFunc(same, func(p *pick) bool { return p.anew(known.id, item) }) {
			if !r.reopen(ctx, g, known, same, item) {
				continue
			}
		}
		for _, p := range same {
			p.fate = added
		}
	}
}

// reopen lets a trace's item wait again; where MLflow does not, the picks do.
func (r *Reviewer) reopen(ctx context.Context, g *group, known *queue, picks []*pick, item *mlflow.ReviewItem) bool {
	if r.outage.lasts() {
		return false
	}
	key := queueKey{g.experiment, g.picks[0].rule.queue.name}
	again, err := r.queues.reopen(ctx, known.id, item.ID)
	switch {
	case err == nil:
		known.pending++
		known.newest = max(known.newest, again.Created)
		delete(r.queues.closed, key)
		return true
	case down(err):
		r.outage.begin(ctx, err)
		return false
	case absent(err):
		delete(r.queues.known, key) // somebody took it out, or deleted the queue: the next add says
	default:
		r.queues.refuseToReopen(key, err)
	}
	for _, p := range picks {
		r.await(p, failed)
	}
	return false
}

// enter counts items that were added since the count. MLflow's clock alone tells them from those that waited already.
func (q *queue) enter(items []mlflow.ReviewItem) {
	counted := q.newest
	for i := range items {
		if items[i].Status == mlflow.StatusPending && items[i].Created > counted {
			q.pending++
			q.newest = max(q.newest, items[i].Created)
		}
	}
}

// reopen sets an item back to pending. With MLflow's authentication only the queue's own users may; who made the queue may
// take the item out and add it anew.
func (q *queues) reopen(ctx context.Context, queueID, itemID string) (*mlflow.ReviewItem, error) {
	item, err := q.mlflow.ReopenReviewItem(ctx, queueID, itemID)
	if !denied(err) {
		return item, err
	}
	if removal := q.mlflow.RemoveReviewItems(ctx, queueID, []string{itemID}); denied(removal) {
		return nil, err
	} else if removal != nil {
		return nil, removal
	}
	items, err := q.mlflow.AddReviewItems(ctx, queueID, []string{itemID})
	if err != nil || len(items) == 0 { // else somebody takes it out at this moment
		return &mlflow.ReviewItem{ID: itemID}, err
	}
	return &items[0], nil
}

func denied(err error) bool {
	var refusal *mlflow.Error
	return errors.As(err, &refusal) && refusal.Denied()
}

// refuseToReopen says once why what was answered is not asked again.
func (q *queues) refuseToReopen(key queueKey, err error) {
	if len(q.closed) >= maxQueues {
		clear(q.closed)
	}
	if !q.closed[key] {
		q.logger.Warn("mlflow refuses to reopen answered items of a review queue that a rule picked again; these traces wait; "+
			"make the collector's account one of the queue's users",
			zap.String("queue", key.name), zap.String("experiment", key.experiment), zap.Error(err))
	}
	q.closed[key] = true
}
