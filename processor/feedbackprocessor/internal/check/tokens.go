package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

const tokensKey = "tokens"

// TokensConfig holds when no bound is passed. It needs at least one. The value is the number that is bounded; with
// more than one bound it is the sum of input and output. A subject that does not tell a number that is needed is not
// checked.
type TokensConfig struct {
	// MaxInput is the largest number of tokens in the prompt that holds. Default none.
	MaxInput int64 `mapstructure:"max_input"`
	// MaxOutput is the largest number of tokens in the answer that holds. Default none.
	MaxOutput int64 `mapstructure:"max_output"`
	// MaxTotal is the largest sum of both that holds. Default none.
	MaxTotal int64 `mapstructure:"max_total"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var (
	_ confmap.Validator = (*TokensConfig)(nil)
	_ kindConfig        = (*TokensConfig)(nil)
	_ kind              = (*tokens)(nil)
)

// Validate implements confmap.Validator.
func (c *TokensConfig) Validate() error {
	var errs []error
	for _, bound := range []struct {
		key string
		max int64
	}{{"max_input", c.MaxInput}, {"max_output", c.MaxOutput}, {"max_total", c.MaxTotal}} {
		if bound.max < 0 {
			errs = append(errs, fmt.Errorf("`%s` is %d: give 1 or more, or leave it out for no bound", bound.key, bound.max))
		}
	}
	if c.MaxInput == 0 && c.MaxOutput == 0 && c.MaxTotal == 0 {
		errs = append(errs, errors.New("no bounds: give any of `max_input`, `max_output` and `max_total`, such as {max_total: 8000}"))
	}
	return errors.Join(errs...)
}

func (*TokensConfig) key() string { return tokensKey }

func (*TokensConfig) fields() []field { return []field{fieldValue, fieldProblem} }

func (*TokensConfig) reads() source { return sourceSpan }

func (c *TokensConfig) compile(component.TelemetrySettings) (kind, error) {
	return &tokens{input: c.MaxInput, output: c.MaxOutput, total: c.MaxTotal}, nil
}

// tokens are the bounds; 0 is none.
type tokens struct{ input, output, total int64 }

func (t *tokens) identity() any { return []any{tokensKey, t.input, t.output, t.total} }

func (t *tokens) test(_ context.Context, in *input) *assessment.Error {
	f := &in.facts
	meter, ok := in.subject.Interaction.(Meter)
	if !ok {
		f.state = genai.StateNotCaptured
		return nil
	}
	input, hasInput := meter.InputTokens()
	output, hasOutput := meter.OutputTokens()
	if !hasInput && (t.input > 0 || t.total > 0) || !hasOutput && (t.output > 0 || t.total > 0) {
		f.state = genai.StateNotCaptured
		return nil
	}
	value := input + output
	switch {
	case t.output == 0 && t.total == 0:
		value = input
	case t.input == 0 && t.total == 0:
		value = output
	}
	f.value, f.judged = assessment.Int(value), true
	f.holds = !beyond(input, t.input) && !beyond(output, t.output) && !beyond(input+output, t.total)
	if !f.holds {
		f.problem = t.problem(input, output)
	}
	return nil
}

// beyond reports whether a number passes a bound.
func beyond(n, most int64) bool { return n > cmp.Or(most, n) }

// problem names the bounds that are passed.
func (t *tokens) problem(input, output int64) string {
	var problems []string
	for _, one := range []struct {
		n, most int64
		what    string
	}{{input, t.input, "input"}, {output, t.output, "output"}, {input + output, t.total, "total"}} {
		if beyond(one.n, one.most) {
			problems = append(problems, fmt.Sprintf("%d %s tokens are more than %d", one.n, one.what, one.most))
		}
	}
	return strings.Join(problems, ", ")
}
