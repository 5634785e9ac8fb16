package feedbackprocessor

import (
	"context"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// series is one time series of a counter, known at start.
type series int

// seriesSet holds all series that the way of a batch counts in. Their attributes are built once, because building
// them costs more than a check does.
type seriesSet struct {
	counters []metric.Int64Counter
	options  [][]metric.AddOption
	tallies  sync.Pool
}

// add makes a series; it must not be called once counting has begun.
func (s *seriesSet) add(counter metric.Int64Counter, attributes ...attribute.KeyValue) series {
	s.counters = append(s.counters, counter)
	s.options = append(s.options, []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(attributes...))})
	return series(len(s.counters) - 1)
}

// tally returns an empty tally; flush takes it back.
func (s *seriesSet) tally() *tally {
	if t, ok := s.tallies.Get().(*tally); ok {
		return t
	}
	return &tally{counts: make([]int64, len(s.counters))}
}

// flush adds what t holds to the counters.
func (s *seriesSet) flush(ctx context.Context, t *tally) {
	for _, one := range t.touched {
		s.counters[one].Add(ctx, t.counts[one], s.options[one]...)
		t.counts[one] = 0
	}
	t.touched = t.touched[:0]
	s.tallies.Put(t)
}

// tally collects the counts of one batch, so that a batch and not each span pays for the counters.
type tally struct {
	counts  []int64
	touched []series
}

func (t *tally) add(one series) {
	if t.counts[one] == 0 {
		t.touched = append(t.touched, one)
	}
	t.counts[one]++
}
