package replica

import (
	"context"
	"sync/atomic"

	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// Backlog holds where the delivery stands, for gauges: its methods are their callbacks. They observe nothing while that
// is not known.
type Backlog struct {
	// Attributes are those of each observation.
	Attributes metric.MeasurementOption

	stats atomic.Pointer[store.Stats]
}

// Set is told where the delivery stands; nil: not known.
func (b *Backlog) Set(stats *store.Stats) { b.stats.Store(stats) }

// Waiting observes the traces that wait.
func (b *Backlog) Waiting(_ context.Context, o metric.Int64Observer) error {
	if s := b.stats.Load(); s != nil {
		o.Observe(s.Backlog, b.Attributes)
	}
	return nil
}

// Dead observes the traces that were given up.
func (b *Backlog) Dead(_ context.Context, o metric.Int64Observer) error {
	if s := b.stats.Load(); s != nil {
		o.Observe(s.Dead, b.Attributes)
	}
	return nil
}

// Age observes for how long the longest due trace has been due, in seconds.
func (b *Backlog) Age(_ context.Context, o metric.Float64Observer) error {
	if s := b.stats.Load(); s != nil {
		o.Observe(s.BacklogAge.Seconds(), b.Attributes)
	}
	return nil
}
