package check

import (
	"context"
	"fmt"
	"math"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

const latencyKey = "latency"

// LatencyConfig holds when the span, or the root span of a trace, took no longer than max. The value is its duration in
// seconds. A span without an end is not checked.
type LatencyConfig struct {
	// Max is the longest duration that holds, such as 2s. Required.
	Max time.Duration `mapstructure:"max"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var (
	_ confmap.Validator = (*LatencyConfig)(nil)
	_ kindConfig        = (*LatencyConfig)(nil)
	_ kind              = (*latency)(nil)
)

// Validate implements confmap.Validator.
func (c *LatencyConfig) Validate() error {
	if c.Max <= 0 {
		return fmt.Errorf("`max` is %s: give a positive duration, such as 2s", c.Max)
	}
	return nil
}

func (*LatencyConfig) key() string { return latencyKey }

func (*LatencyConfig) fields() []field { return []field{fieldValue, fieldProblem} }

func (*LatencyConfig) reads() source { return sourceSpan }

func (c *LatencyConfig) compile(component.TelemetrySettings) (kind, error) {
	return &latency{c.Max}, nil
}

type latency struct{ max time.Duration }

func (l *latency) identity() any { return []any{latencyKey, l.max} }

func (l *latency) test(_ context.Context, in *input) *assessment.Error {
	start, end := in.subject.Span.StartTimestamp(), in.subject.Span.EndTimestamp()
	f := &in.facts
	if start == 0 || end < start || end-start > math.MaxInt64 {
		f.state = genai.StateNotCaptured
		return nil
	}
	took := time.Duration(end - start)
	f.value, f.judged = assessment.Float(took.Seconds()), true
	if f.holds = took <= l.max; !f.holds {
		f.problem = fmt.Sprintf("took %s, more than %s", took.Round(time.Millisecond), l.max)
	}
	return nil
}
