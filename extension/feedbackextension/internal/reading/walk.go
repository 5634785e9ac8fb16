package reading

import (
	"context"
	"slices"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

const (
	// stepSize is how many traces of a walk are found at once, loadSize of how many the records are held.
	stepSize = 200
	loadSize = 8
)

// visitor is given a trace of a walk and its records, and says whether it wants more.
type visitor func(trace store.Visit, records map[string]store.Record) (more bool, err error)

// each visits the traces that changed at the given time or later, newest first, until visit wants no more. One that
// moves meanwhile is met at the end, unless it was visited already: the ids of all are held, as many as the recent list
// has.
func (h *Handler) each(ctx context.Context, from store.Place, since time.Time, visit visitor) error {
	visited := map[string]struct{}{}
	for {
		visits, more, err := h.settings.Store.Walk(ctx, from, since, stepSize)
		if err != nil {
			return unavailable(err)
		}
		for traces := range slices.Chunk(unvisited(visits, visited), loadSize) {
			goOn, err := h.visit(ctx, traces, visit)
			if err != nil || !goOn {
				return err
			}
		}
		if !more || len(visits) == 0 {
			return nil
		}
		from = visits[len(visits)-1].Place
	}
}

// unvisited are the visits of traces that are not in the set yet; it adds them.
func unvisited(visits []store.Visit, visited map[string]struct{}) []store.Visit {
	fresh := make([]store.Visit, 0, len(visits))
	for _, trace := range visits {
		if _, twice := visited[trace.TraceID]; !twice {
			visited[trace.TraceID] = struct{}{}
			fresh = append(fresh, trace)
		}
	}
	return fresh
}

func (h *Handler) visit(ctx context.Context, traces []store.Visit, visit visitor) (more bool, err error) {
	ids := make([]string, len(traces))
	for i, trace := range traces {
		ids[i] = trace.TraceID
	}
	loaded, err := h.settings.Store.LoadAll(ctx, ids)
	if err != nil {
		return false, unavailable(err)
	}
	for _, trace := range traces {
		if more, err = visit(trace, loaded[trace.TraceID]); err != nil || !more {
			return false, err
		}
	}
	return true, nil
}

func (h *Handler) load(ctx context.Context, traceID string) (map[string]store.Record, error) {
	records, err := h.settings.Store.Load(ctx, traceID)
	if err != nil {
		return nil, unavailable(err)
	}
	return records, nil
}
