package review

import (
	"context"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

const (
	// soonest and latest bound the wait until a trace is looked at again; in between it is half the time since its last
	// change.
	soonest = 2 * time.Second
	latest  = 15 * time.Minute
	// maxRead is how many traces are asked for in one call.
	maxRead = 50
)

// step looks at traces once and returns how long nothing is to be done.
func (r *Reviewer) step(ctx context.Context) time.Duration {
	s := &r.settings
	held, err := r.hold(ctx)
	switch {
	case err != nil:
		return idle // the store says itself that it does not answer
	case !held:
		r.queues.forget() // the other replica changes them
		return standby
	}
	r.watch.look(ctx, &r.outage)
	var picks []*pick
	step, err := s.Store.ReviewNext(ctx, s.Backend, func(trace *store.ReviewTrace) {
		all := present(trace.Records, s.Backend)
		for _, rule := range r.rules {
			if p := rule.pick(trace, all, s.Backend); p != nil {
				picks = append(picks, p)
			}
		}
	})
	if err != nil {
		s.Logger.Debug("no trace is looked at for review", zap.Error(err))
		return idle
	}
	if !r.place(ctx, step.Now, picks) || !r.settle(ctx, step, picks) {
		return idle // the step is taken again
	}
	if step.More {
		return 0
	}
	return idle
}

// place decides the fate of all picks; ok is false where this replica may go on no longer.
func (r *Reviewer) place(ctx context.Context, now time.Time, picks []*pick) (ok bool) {
	slices.SortStableFunc(picks, byAge)
	ready := make([]*pick, 0, len(picks))
	for _, p := range picks {
		switch {
		case p.delivered:
			ready = append(ready, p)
		case p.dead:
			r.await(p, gaveUp)
		default:
		}
	}
	if len(ready) == 0 || r.outage.lasts() {
		return true
	}
	for _, group := range r.group(ctx, ready) {
		held, err := r.hold(ctx)
		switch {
		case err == nil && !held:
			return false
		case err != nil || r.outage.lasts():
			return true
		default:
			r.fill(ctx, now, group)
		}
	}
	return true
}

// group is picks for one queue.
type group struct {
	experiment string
	picks      []*pick
}

// group asks MLflow which experiments the traces are in. Picks whose trace it does not have are in no group.
func (r *Reviewer) group(ctx context.Context, picks []*pick) []*group {
	type key struct {
		experiment string
		spec       *queueSpec
	}
	var ids []string
	for _, p := range picks {
		ids = union(ids, []string{mlflow.TraceID(p.traceID)})
	}
	experiments, err := r.experiments(ctx, ids)
	if err != nil {
		r.outage.begin(ctx, err)
		return nil
	}
	byQueue := map[key]*group{}
	var groups []*group
	for _, p := range picks {
		experiment := experiments[mlflow.TraceID(p.traceID)]
		if experiment == "" {
			r.await(p, gaveUp)
			continue
		}
		at := key{experiment, p.rule.queue}
		if byQueue[at] == nil {
			byQueue[at] = &group{experiment: experiment}
			groups = append(groups, byQueue[at])
		}
		byQueue[at].picks = append(byQueue[at].picks, p)
	}
	return groups
}

// experiments returns the experiments of the traces that MLflow has. Where it falls over a batch, each trace is asked for by
// itself, and those that it falls over are left out.
func (r *Reviewer) experiments(ctx context.Context, ids []string) (map[string]string, error) {
	experiments := make(map[string]string, len(ids))
	read := func(ids ...string) error {
		infos, err := r.settings.MLflow.BatchGetInfos(ctx, ids)
		if err != nil {
			return err
		}
		r.outage.end()
		for id, info := range infos.Traces {
			experiments[id] = info.ExperimentID()
		}
		return nil
	}
	for chunk := range slices.Chunk(ids, maxRead) {
		err := read(chunk...)
		if !mlflow.Blames(err) {
			if err != nil {
				return nil, err
			}
			continue
		}
		all := err // of a batch, the server's fault unless it reads one of them
		for _, id := range chunk {
			if err := read(id); err == nil {
				all = nil
			} else if !mlflow.Blames(err) {
				return nil, err
			}
		}
		if all != nil && len(chunk) > 1 {
			return nil, all
		}
	}
	return experiments, nil
}

// await lets a pick wait until trace_wait is over.
func (r *Reviewer) await(p *pick, otherwise fate) {
	if p.fate = waits; p.waited >= r.settings.TraceWait {
		p.fate = otherwise
	}
}

// settle writes what became of the picks, and counts it.
func (r *Reviewer) settle(ctx context.Context, step *store.ReviewStep, picks []*pick) (ok bool) {
	s := &r.settings
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writing)
	defer cancel()
	at := map[string]int{}
	var results []store.ReviewResult
	for _, p := range picks {
		i, known := at[p.traceID]
		if !known {
			i = len(results)
			at[p.traceID] = i
			results = append(results, store.ReviewResult{TraceID: p.traceID})
		}
		switch p.fate {
		case waits:
			results[i].Again = max(soonest, min(p.waited/2, latest))
		case added:
			results[i].Added = append(results[i].Added, p.note)
		default:
		}
	}
	noted, refused, err := s.Store.ReviewDone(ctx, step, results)
	if err != nil {
		s.Logger.Debug("reviews are not noted; the step is taken again", zap.Error(err))
		return false
	}
	for rule, n := range noted {
		s.Observer.Reviewed(rule, OutcomeAdded, n)
	}
	outcomes := map[fate]string{full: OutcomeFull, gaveUp: OutcomeGaveUp, failed: OutcomeFailed}
	for _, p := range picks {
		if p.fate == waits && slices.Contains(refused, p.traceID) {
			p.fate = gaveUp
		}
		if outcome, counted := outcomes[p.fate]; counted {
			s.Observer.Reviewed(p.rule.name, outcome, 1)
		}
	}
	return true
}
