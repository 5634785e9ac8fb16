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

// each visits the traces that changed at the given time or later, newest first, until visit wants no more.
func (h *Handler) each(ctx context.Context, from store.Place, since time.Time, visit visitor) error {
	for {
		visits, more, err := h.settings.Store.Walk(ctx, from, since, stepSize)
		if err != nil {
			return unavailable(err)
		}
		for traces := range slices.Chunk(visits, loadSize) {
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
