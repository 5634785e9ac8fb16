package sampling

import (
	"errors"
	"fmt"
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

// Validate implements confmap.Validator.
func (c *RuleConfig) Validate() error {
	var errs error
	if c.Name == "" {
		errs = errors.Join(errs, errors.New("`name` is missing: results and metrics name the sampling rule"))
	}
	if !(c.Rate > 0 && c.Rate <= 1) {
		errs = errors.Join(errs, fmt.Errorf("`rate` of rule %q is %v: give a share above 0 and at most 1, such as 0.05", c.Name, c.Rate))
	}
	return errs
}
