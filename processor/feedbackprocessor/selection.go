package feedbackprocessor

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlspan"
	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/sampling"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/spanottl"
)

// condition is one OTTL condition of an evaluator.
type condition struct {
	*ottl.Condition[*ottlspan.TransformContext]
	// reported is set once an error was logged: conditions that err do so for every span.
	reported atomic.Bool
}

// compileConditions compiles conditions in span context, whose paths say their context: `span.name`.
func compileConditions(texts []string, set component.TelemetrySettings) ([]*condition, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	parser, err := spanottl.NewParser(set)
	if err != nil {
		return nil, err
	}
	compiled, err := parser.ParseConditions(texts)
	if err != nil {
		return nil, err
	}
	conditions := make([]*condition, 0, len(compiled))
	for _, one := range compiled {
		conditions = append(conditions, &condition{Condition: one})
	}
	return conditions, nil
}

// selection says which subjects an evaluator looks at.
type selection struct {
	evaluator  string
	kinds      []genai.Kind
	conditions []*condition
	errored    series
	// logger is nil where errors are to be silent.
	logger *zap.Logger
}

// matches reports whether the subject of a batch is of the evaluator's kinds and any of its conditions holds. A
// condition that errs does not hold, and is counted.
func (s *selection) matches(ctx context.Context, b *batch) bool {
	if !slices.Contains(s.kinds, b.content.Kind()) {
		return false
	}
	if len(s.conditions) == 0 {
		return true
	}
	for _, one := range s.conditions {
		holds, err := one.Eval(ctx, b.OTTL())
		if err != nil {
			b.tally.add(s.errored)
			s.report(one)
			continue
		}
		if holds {
			return true
		}
	}
	return false
}

// report logs a condition's first error, without its text: that may quote the span's content.
func (s *selection) report(failed *condition) {
	if s.logger == nil || failed.reported.Swap(true) {
		return
	}
	s.logger.Warn("A condition could not be evaluated and counts as not matching; further errors are only counted",
		zap.String("evaluator", s.evaluator), zap.Stringer("condition", failed))
}

// failedCondition counts a condition of a judge's sampling that could not be evaluated, and logs the first of each.
func (s *selection) failedCondition(b *batch, failed sampling.Failure) {
	b.tally.add(s.errored)
	if s.logger != nil && failed.First {
		s.logger.Warn("A condition could not be evaluated and counts as not matching; further errors are only counted",
			zap.String("evaluator", s.evaluator), zap.String("rule", failed.Rule), zap.String("condition", failed.Condition))
	}
}
