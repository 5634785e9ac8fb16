package sampling

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlspan"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"go.opentelemetry.io/collector/component"
)

// The strata of what is judged.
const (
	// StratumRandom is the stratum of subjects that chance alone chose.
	StratumRandom = "random"
	// StratumTriggered is the stratum of subjects that a failed check put forward.
	StratumTriggered = "triggered"
)

// Decision is what a judge's rules say about one subject. The zero value is that no rule matches it.
type Decision struct {
	// Sampled says whether the subject is judged.
	Sampled bool
	// Rule is the name of the rule that decided, empty where none matches.
	Rule string
	// Stratum says whether chance or a trigger chose the subject; empty where no rule matches.
	Stratum string
	// Probability is the subject's inclusion probability, in (0, 1]: the upstream probability times the rule's rate.
	// 0 where no rule matches.
	Probability float64
	// Rate is the rule's own.
	Rate float64
}

// Subject is what rules look at. Each part is asked for only where a rule needs it, and may be asked for again.
type Subject interface {
	// Draw is what chance decided about the subject in a cohort.
	Draw(cohort string) Draw
	// OTTL is the subject's span, of a trace its root span.
	OTTL() *ottlspan.TransformContext
	// CheckFailed reports whether a check failed on the subject. One that has no verdict on it did not.
	CheckFailed(name string) bool
}

// Failure is a condition that could not be evaluated and counts as not matching. It has no cause: that may quote the
// span's content.
type Failure struct {
	// Rule is the name of the condition's rule.
	Rule string
	// Condition is the condition's text.
	Condition string
	// First says that it is this condition's first failure: what fails on one span often fails on all.
	First bool
}

// Sampler decides by the rules of one judge. It is safe for concurrent use.
type Sampler struct {
	cohort string
	rules  []rule
}

type rule struct {
	name         string
	checksFailed []string
	conditions   []*condition
	stratum      string
	rate         float64
	threshold    sampling.Threshold
}

type condition struct {
	*ottl.Condition[*ottlspan.TransformContext]
	// failed is set once a failure was reported.
	failed atomic.Bool
}

// New compiles the rules of a judge of a cohort; both must have passed their validation.
func New(cohort string, rules []RuleConfig, set component.TelemetrySettings) (*Sampler, error) {
	conditions, err := compile(rules, set)
	errs := []error{err}
	sampler := &Sampler{cohort: cohort, rules: make([]rule, 0, len(rules))}
	for i, config := range rules {
		threshold, err := sampling.ProbabilityToThreshold(config.Rate)
		if err != nil {
			errs = append(errs, fmt.Errorf("`sampling` rule %q: `rate` is %v: %w", config.Name, config.Rate, err))
		}
		stratum := StratumRandom
		if len(config.ChecksFailed) > 0 {
			stratum = StratumTriggered
		}
		sampler.rules = append(sampler.rules, rule{
			name: config.Name, checksFailed: config.ChecksFailed, conditions: conditions[i],
			stratum: stratum, rate: config.Rate, threshold: threshold,
		})
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return sampler, nil
}

// Rules are the names of the rules, in their order.
func (s *Sampler) Rules() []string {
	names := make([]string, 0, len(s.rules))
	for i := range s.rules {
		names = append(names, s.rules[i].name)
	}
	return names
}

// Decide applies the rules to a subject: the first that matches decides. failed is told of each condition that could
// not be evaluated.
func (s *Sampler) Decide(ctx context.Context, subject Subject, failed func(Failure)) Decision {
	for i := range s.rules {
		if rule := &s.rules[i]; rule.matches(ctx, subject, failed) {
			return rule.decide(subject.Draw(s.cohort))
		}
	}
	return Decision{}
}

// matches asks first what costs least.
func (r *rule) matches(ctx context.Context, subject Subject, failed func(Failure)) bool {
	return r.anyCheckFailed(subject) && r.anyConditionHolds(ctx, subject, failed)
}

func (r *rule) anyCheckFailed(subject Subject) bool {
	return len(r.checksFailed) == 0 || slices.ContainsFunc(r.checksFailed, subject.CheckFailed)
}

func (r *rule) anyConditionHolds(ctx context.Context, subject Subject, failed func(Failure)) bool {
	for _, one := range r.conditions {
		holds, err := one.Eval(ctx, subject.OTTL())
		if err != nil {
			failed(Failure{Rule: r.name, Condition: one.String(), First: !one.failed.Swap(true)})
			continue
		}
		if holds {
			return true
		}
	}
	return len(r.conditions) == 0
}

func (r *rule) decide(draw Draw) Decision {
	return Decision{
		Sampled:     r.threshold.ShouldSample(draw.randomness),
		Rule:        r.name,
		Stratum:     r.stratum,
		Probability: draw.upstream * r.rate,
		Rate:        r.rate,
	}
}
