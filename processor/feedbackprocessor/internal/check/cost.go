package check

import (
	"context"
	"fmt"
	"math"
	"strconv"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

const costKey = "cost"

// CostConfig holds when the subject cost no more than max_usd, by what its instrumentation reckons. The value is the cost
// in USD. A subject that does not tell it is not checked.
type CostConfig struct {
	// MaxUSD is the highest cost that holds, in USD. Required.
	MaxUSD float64 `mapstructure:"max_usd"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var (
	_ confmap.Validator = (*CostConfig)(nil)
	_ kindConfig        = (*CostConfig)(nil)
	_ kind              = (*cost)(nil)
)

// Validate implements confmap.Validator.
func (c *CostConfig) Validate() error {
	if !(c.MaxUSD > 0) || math.IsInf(c.MaxUSD, 0) {
		return fmt.Errorf("`max_usd` is %g: give a positive number of US dollars, such as 0.05", c.MaxUSD)
	}
	return nil
}

func (*CostConfig) key() string { return costKey }

func (*CostConfig) fields() []field { return []field{fieldValue, fieldProblem} }

func (*CostConfig) reads() source { return sourceSpan }

func (c *CostConfig) compile(component.TelemetrySettings) (kind, error) {
	return &cost{c.MaxUSD}, nil
}

type cost struct{ most float64 }

func (c *cost) identity() any { return []any{costKey, c.most} }

func (c *cost) test(_ context.Context, in *input) *assessment.Error {
	f := &in.facts
	meter, ok := in.subject.Interaction.(Meter)
	var usd float64
	if ok {
		usd, ok = meter.Cost()
	}
	if !ok {
		f.state = genai.StateNotCaptured
		return nil
	}
	f.value, f.judged = assessment.Float(usd), true
	if f.holds = usd <= c.most; !f.holds {
		f.problem = "cost " + dollars(usd) + ", more than " + dollars(c.most)
	}
	return nil
}

func dollars(usd float64) string { return "$" + strconv.FormatFloat(usd, 'f', -1, 64) }
