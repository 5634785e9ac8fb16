package check

import (
	"context"
	"errors"
	"fmt"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlspan"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/spanottl"
)

const ottlKey = "ottl"

// OTTLConfig computes from the span, in OTTL's span context with context names (`span.attributes["x"]`). It needs
// exactly one of value and condition. An expression that fails on a span is a failed evaluation.
type OTTLConfig struct {
	// Value is an expression whose result is the value: bool, number, string, list, map, time or id; nil is a failed
	// evaluation, so conditions should leave out the spans that have none. Only a bool has a verdict.
	Value string `mapstructure:"value"`
	// Condition is a condition that holds or not.
	Condition string `mapstructure:"condition"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var (
	_ confmap.Validator = (*OTTLConfig)(nil)
	_ kindConfig        = (*OTTLConfig)(nil)
	_ kind              = (*ottlValue)(nil)
	_ kind              = (*ottlCondition)(nil)
)

// Validate implements confmap.Validator.
func (c *OTTLConfig) Validate() error {
	if (c.Value == "") == (c.Condition == "") {
		return errors.New("give exactly one of `value` and `condition`, such as value: 'Milliseconds(span.end_time - span.start_time)'")
	}
	_, err := c.compile(component.TelemetrySettings{Logger: zap.NewNop()})
	return err
}

func (*OTTLConfig) key() string { return ottlKey }

func (*OTTLConfig) fields() []field { return []field{fieldValue} }

func (*OTTLConfig) reads() source { return sourceSpan }

func (c *OTTLConfig) compile(set component.TelemetrySettings) (kind, error) {
	parser, err := spanottl.NewParser(set)
	if err != nil {
		return nil, err
	}
	if c.Condition != "" {
		condition, err := parser.ParseCondition(c.Condition)
		if err != nil {
			return nil, fmt.Errorf("`condition` %q: %w", c.Condition, err)
		}
		return &ottlCondition{condition: condition, source: c.Condition}, nil
	}
	expression, err := parser.ParseValueExpression(c.Value)
	if err != nil {
		return nil, fmt.Errorf("`value` %q: %w", c.Value, err)
	}
	return &ottlValue{expression: expression, source: c.Value}, nil
}

type ottlCondition struct {
	condition *ottl.Condition[*ottlspan.TransformContext]
	source    string
}

func (o *ottlCondition) identity() any { return []any{ottlKey, "condition", o.source} }

func (o *ottlCondition) test(ctx context.Context, in *input) *assessment.Error {
	span := ottlspan.NewTransformContext(in.subject.Resource, in.subject.Scope, in.subject.Span)
	defer span.Close()
	holds, err := o.condition.Eval(ctx, span)
	if err != nil {
		return ottlFailure(o.source, err)
	}
	in.facts.holds = holds
	return nil
}

type ottlValue struct {
	expression *ottl.ValueExpression[*ottlspan.TransformContext]
	source     string
}

func (o *ottlValue) identity() any { return []any{ottlKey, "value", o.source} }

func (o *ottlValue) test(ctx context.Context, in *input) *assessment.Error {
	span := ottlspan.NewTransformContext(in.subject.Resource, in.subject.Scope, in.subject.Span)
	defer span.Close()
	result, err := o.expression.Eval(ctx, span)
	if err != nil {
		return ottlFailure(o.source, err)
	}
	value, err := valueOf(result)
	if err != nil {
		return failure("ottl", fmt.Sprintf("the OTTL expression %s %v", o.source, err))
	}
	in.facts.value, in.facts.holds = value, value == assessment.True
	return nil
}

// ottlFailure tells of OTTL's own error only what names types: the rest may quote the span.
func ottlFailure(source string, err error) *assessment.Error {
	message := "the OTTL expression " + source + " fails on this span"
	if mismatch, ok := errors.AsType[ottl.TypeError](err); ok {
		message += ": " + mismatch.Error()
	}
	return failure("ottl", message)
}
