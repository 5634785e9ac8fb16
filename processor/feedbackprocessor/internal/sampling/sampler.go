package sampling

import (
	"errors"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
)

// StratumRandom is the stratum of subjects that chance chose.
const StratumRandom = "random"

// Decision is what a judge's rules say about one subject.
type Decision struct {
	// Sampled says whether the subject is judged.
	Sampled bool
	// Rule is the name of the rule that decided.
	Rule string
	// Stratum says whether chance or a trigger chose the subject.
	Stratum string
	// Probability is the subject's inclusion probability, in (0, 1]: the upstream probability times the rule's rate.
	Probability float64
}

// Sampler decides by the rules of one judge. It is safe for concurrent use.
type Sampler struct {
	rule      string
	rate      float64
	threshold sampling.Threshold
}

// New compiles a judge's rules; they must have passed their validation.
func New(rules []RuleConfig) (*Sampler, error) {
	if len(rules) != 1 {
		return nil, errors.New("`sampling` needs exactly one rule that matches every subject")
	}
	threshold, err := sampling.ProbabilityToThreshold(rules[0].Rate)
	if err != nil {
		return nil, err
	}
	return &Sampler{rule: rules[0].Name, rate: rules[0].Rate, threshold: threshold}, nil
}

// Rules are the names of the rules, in their order.
func (s *Sampler) Rules() []string { return []string{s.rule} }

// Decide applies the rules to a subject's draw.
func (s *Sampler) Decide(draw Draw) Decision {
	return Decision{
		Sampled:     s.threshold.ShouldSample(draw.randomness),
		Rule:        s.rule,
		Stratum:     StratumRandom,
		Probability: draw.upstream * s.rate,
	}
}
