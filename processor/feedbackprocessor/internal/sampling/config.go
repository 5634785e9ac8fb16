package sampling

import (
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/confmap"
)

// RuleConfig is one entry of a judge's `sampling` list.
type RuleConfig struct {
	// Name is the rule's name in metrics and results. Required, unique within the judge.
	Name string `mapstructure:"name"`
	// Rate is the share of the arriving subjects that this rule judges, in (0, 1]. Required.
	Rate float64 `mapstructure:"rate"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var _ confmap.Validator = (*RuleConfig)(nil)

// Validate implements confmap.Validator.
func (c *RuleConfig) Validate() error {
	var errs error
	if c.Name == "" {
		errs = errors.Join(errs, errors.New("`name` is missing: results and metrics name the sampling rule"))
	}
	if !(c.Rate > 0 && c.Rate <= 1) { // also refuses NaN
		errs = errors.Join(errs, fmt.Errorf("`rate` is %v: give a share above 0 and at most 1, such as 0.05", c.Rate))
	}
	return errs
}

// ValidateRules checks a list of rules as a whole: the first rule that matches decides, so every rule behind one
// that always matches would never be asked.
func ValidateRules(rules []RuleConfig) error {
	if len(rules) < 2 {
		return nil
	}
	var errs error
	for _, rule := range rules[1:] {
		errs = errors.Join(errs, fmt.Errorf(
			"`sampling` rule %q is never asked: rule %q before it matches every subject, remove one of them",
			rule.Name, rules[0].Name))
	}
	return errs
}
