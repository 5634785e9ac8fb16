package review

import (
	"context"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
)

// maxAdded is how many traces are added in one call.
const maxAdded = 100

// fill puts a group's traces into their queue, as far as there is room.
func (r *Reviewer) fill(ctx context.Context, now time.Time, g *group) {
	spec := g.picks[0].rule.queue
	key := queueKey{g.experiment, spec.name}
	known, err := r.queues.find(ctx, g.experiment, spec, shownBy(g.picks))
	if err != nil {
		r.refuse(ctx, g, g.picks, err)
		return
	}
	if err := r.queues.count(ctx, known, spec.maxPending); err != nil {
		delete(r.queues.known, key) // it may have been deleted
		if !absent(err) {
			r.refuse(ctx, g, g.picks, err)
		}
		return
	}
	if !known.noted {
		if r.watch.note(ctx, known.id, now) != nil {
			return // the store says itself that it does not answer
		}
		known.noted = true
	}
	var chunk []*pick
	ids := map[string]struct{}{}
	for _, p := range g.picks {
		if _, twice := ids[p.traceID]; !twice && known.pending+len(ids) >= p.rule.maxPending {
			p.fate = full
			continue
		}
		ids[p.traceID] = struct{}{}
		p.note.Queue, p.note.Time = known.id, now
		if chunk = append(chunk, p); len(ids) == maxAdded {
			r.add(ctx, g, known, chunk)
			chunk = nil
			clear(ids)
		}
	}
	if len(chunk) > 0 {
		r.add(ctx, g, known, chunk)
	}
}

// shownBy is how the questions are answered, by the first pick that shows it.
func shownBy(picks []*pick) map[string]mlflow.LabelInput {
	shown := map[string]mlflow.LabelInput{}
	for _, p := range picks {
		for name, input := range p.inputs {
			if _, known := shown[name]; !known {
				shown[name] = input
			}
		}
	}
	return shown
}

// add adds picks in one call. Where MLflow does not find one of them it adds each by itself, and those that are missing
// wait.
func (r *Reviewer) add(ctx context.Context, g *group, known *queue, picks []*pick) {
	traces := byTrace(picks)
	ids := make([]string, 0, len(traces))
	for _, same := range traces {
		ids = append(ids, mlflow.TraceID(same[0].traceID))
	}
	items, err := r.settings.MLflow.AddReviewItems(ctx, known.id, ids)
	switch {
	case err == nil:
		delete(r.queues.refused, queueKey{g.experiment, g.picks[0].rule.queue.name})
		r.show(ctx, g, known, picks, items)
	case !absent(err):
		r.refuse(ctx, g, picks, err)
	case len(ids) == 1:
		delete(r.queues.known, queueKey{g.experiment, g.picks[0].rule.queue.name}) // or is it the queue that is gone?
		for _, p := range picks {
			r.await(p, gaveUp)
		}
	default:
		for _, same := range traces {
			if r.outage.lasts() {
				return
			}
			r.add(ctx, g, known, same)
		}
	}
}

// byTrace are picks by their traces, in the order of the first.
func byTrace(picks []*pick) [][]*pick {
	at := map[string]int{}
	var traces [][]*pick
	for _, p := range picks {
		i, known := at[p.traceID]
		if !known {
			i = len(traces)
			at[p.traceID] = i
			traces = append(traces, nil)
		}
		traces[i] = append(traces[i], p)
	}
	return traces
}

// refuse lets picks wait for what MLflow did not take: all of it while it does not work, or this queue.
func (r *Reviewer) refuse(ctx context.Context, g *group, picks []*pick, err error) {
	if down(err) {
		r.outage.begin(ctx, err)
		return
	}
	r.queues.refuse(queueKey{g.experiment, g.picks[0].rule.queue.name}, err)
	for _, p := range picks {
		r.await(p, failed)
	}
}
