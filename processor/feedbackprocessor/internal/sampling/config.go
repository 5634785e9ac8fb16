package sampling

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/limits"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/spanottl"
)

// DefaultCohort is the cohort of every judge that names none, so that all judges see the same subjects.
const DefaultCohort = "default"

// maxNameLength bounds the names of rules and cohorts, in bytes: a rule's is a label of metrics, and a cohort's is
// hashed for every subject.
const maxNameLength = 100

// RuleConfig is one entry of a judge's `sampling` list. A rule matches where all of its keys hold; the first rule that
// matches decides. One with neither `conditions` nor `checks_failed` matches every subject, and can only be the last.
type RuleConfig struct {
	// Name is the rule's name in metrics and results, at most 100 bytes. Required, unique within the judge.
	Name string `mapstructure:"name"`
	// Conditions are OTTL conditions in span context; any one may match. One that errs does not match. Default none:
	// all subjects.
	Conditions []string `mapstructure:"conditions"`
	// ChecksFailed are names of checks, any one of which failed on the same subject. Subjects that such a rule chooses
	// are of the stratum `triggered`, all others of `random`. Default none: whatever the checks say.
	ChecksFailed []string `mapstructure:"checks_failed"`
	// Limits bound what the rule's subjects may cost. Default none of its own.
	Limits limits.Config `mapstructure:"limits"`
	// Rate is the share of the arriving subjects that this rule judges, in (0, 1]. Required.
	Rate float64 `mapstructure:"rate"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var _ confmap.Validator = (*RuleConfig)(nil)

// Validate implements confmap.Validator. What lies between rules, and in other sections, is for ValidateRules.
func (c *RuleConfig) Validate() error {
	var errs []error
	switch {
	case c.Name == "":
		errs = append(errs, errors.New("`name` is missing: results and metrics name the sampling rule"))
	case !validName(c.Name):
		errs = append(errs, fmt.Errorf("`name` is %.20q, blank or %d bytes long: give 1 to %d", c.Name, len(c.Name), maxNameLength))
	}
	// Below 2^-56 nothing is ever drawn. NaN is refused too.
	if !(c.Rate >= sampling.MinSamplingProbability && c.Rate <= 1) {
		errs = append(errs, fmt.Errorf("`rate` is %v: give a share above 0 and at most 1, such as 0.05", c.Rate))
	}
	return errors.Join(errs...)
}

func (c *RuleConfig) unconditional() bool {
	return len(c.Conditions) == 0 && len(c.ChecksFailed) == 0
}

// ValidateCohort checks a judge's `cohort`.
func ValidateCohort(cohort string) error {
	if !validName(cohort) {
		return fmt.Errorf("`cohort` is %.20q, blank or %d bytes long: judges of one cohort see the same subjects, give it a name of 1 to %d bytes, or leave it out",
			cohort, len(cohort), maxNameLength)
	}
	return nil
}

func validName(name string) bool {
	return strings.TrimSpace(name) != "" && len(name) <= maxNameLength
}

// ValidateRules checks a judge's list of rules as a whole. knownChecks are the names of the checks that evaluate the
// same subjects, sorted.
func ValidateRules(rules []RuleConfig, knownChecks []string) error {
	var errs []error
	names := make(map[string]int, len(rules))
	always := slices.IndexFunc(rules, func(rule RuleConfig) bool { return rule.unconditional() })
	for i, rule := range rules {
		if names[rule.Name]++; names[rule.Name] == 2 && rule.Name != "" {
			errs = append(errs, fmt.Errorf("`sampling` has more than one rule %q: results tell rules apart by name, rename them", rule.Name))
		}
		if always >= 0 && i > always {
			errs = append(errs, fmt.Errorf("`sampling` rule %q is never asked: rule %q before it matches every subject, put that one last",
				rule.Name, rules[always].Name))
		}
		for _, check := range rule.ChecksFailed {
			if !slices.Contains(knownChecks, check) {
				errs = append(errs, fmt.Errorf("`sampling` rule %q: `checks_failed` has %q, which is no check of the judge's subjects: %s",
					rule.Name, check, known(knownChecks)))
			}
		}
	}
	_, err := compile(rules, component.TelemetrySettings{Logger: zap.NewNop()})
	return errors.Join(append(errs, err)...)
}

func known(checks []string) string {
	if len(checks) == 0 {
		return "there are none"
	}
	return "known are " + strings.Join(checks, ", ")
}

// compile compiles the conditions of each rule, and reports all that do not.
func compile(rules []RuleConfig, set component.TelemetrySettings) ([][]*condition, error) {
	parser, err := spanottl.NewParser(set)
	if err != nil {
		return nil, err
	}
	compiled := make([][]*condition, len(rules))
	var errs []error
	for i, rule := range rules {
		for _, text := range rule.Conditions {
			one, err := parser.ParseCondition(text)
			if err != nil {
				errs = append(errs, fmt.Errorf("`sampling` rule %q: condition %q: %w", rule.Name, text, err))
				continue
			}
			compiled[i] = append(compiled[i], &condition{Condition: one})
		}
	}
	return compiled, errors.Join(errs...)
}
