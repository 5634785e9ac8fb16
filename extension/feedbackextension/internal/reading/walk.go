package reading

import (
	"context"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// stepSize is how many traces of a walk are found at once; their records are read one trace after the other, so that no
// more than one trace is held.
const stepSize = 200

// each visits the traces that changed at the given time or later, newest first, until visit wants no more.
func (h *Handler) each(
	ctx context.Context, from store.Place, since time.Time,
	visit func(trace store.Visit, records map[string]store.Record) (more bool, err error),
) error {
	for {
		visits, more, err := h.settings.Store.Walk(ctx, from, since, stepSize)
		if err != nil {
			return unavailable(err)
		}
		for _, trace := range visits {
			records, err := h.load(ctx, trace.TraceID)
			if err != nil {
				return err
			}
			if goOn, err := visit(trace, records); err != nil || !goOn {
				return err
			}
			from = trace.Place
		}
		if !more || len(visits) == 0 {
			return nil
		}
	}
}

func (h *Handler) load(ctx context.Context, traceID string) (map[string]store.Record, error) {
	records, err := h.settings.Store.Load(ctx, traceID)
	if err != nil {
		return nil, unavailable(err)
	}
	return records, nil
}
