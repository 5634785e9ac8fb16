package feedbackprocessor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/judge"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/limits"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/sampling"
)

// newLimiter makes the limiter of all enabled judges. Judgements that a persistent queue kept may be of rules that are
// gone: they are bounded by the judge's limits, under a rule without a name.
func (in *instance) newLimiter(ctx context.Context) (*limits.Limiter, error) {
	set := limits.Settings{Config: in.config.Limits, Logger: in.logger, Now: in.now}
	for _, name := range sortedKeys(in.config.Judges) {
		config := in.config.Judges[name]
		if !config.Enabled {
			continue
		}
		ofJudge := limits.JudgeSettings{Name: name, Limits: config.Limits}
		triggered := func(rule sampling.RuleConfig) bool { return len(rule.ChecksFailed) > 0 }
		for _, rule := range config.Sampling {
			ofJudge.Rules = append(ofJudge.Rules, limits.RuleSettings{Name: rule.Name, Limits: rule.Limits, Triggered: triggered(rule)})
		}
		all := !slices.ContainsFunc(config.Sampling, func(rule sampling.RuleConfig) bool { return !triggered(rule) })
		ofJudge.Rules = append(ofJudge.Rules, limits.RuleSettings{Triggered: all})
		set.Judges = append(set.Judges, ofJudge)
	}
	return limits.New(ctx, set)
}

// fits says that a limit is too small for any call of a judge.
func (in *instance) fits(asked *judge.Judge, rules []string) error {
	var errs []error
	for _, rule := range rules {
		for _, need := range asked.Most() {
			if err := in.limiter.Rule(asked.Name(), rule).Fits(tokensOf(need)); err != nil {
				errs = append(errs, fmt.Errorf("judge %q: %w", asked.Name(), err))
			}
		}
	}
	return errors.Join(errs...)
}

func tokensOf(need judge.Need) limits.Need {
	return limits.Need{Tokens: need.InputTokens + need.OutputTokens, USD: need.USD}
}

// admit says why a judgement would not be admitted, or "": what this replica knows decides, and nothing is taken.
func admit(runner *judgeRunner, decided *decision) (reason string) {
	var whole limits.Need
	for _, need := range runner.judge.Estimate(&decided.input) {
		one := tokensOf(need)
		whole.Tokens, whole.USD = whole.Tokens+one.Tokens, whole.USD+one.USD
	}
	switch runner.rules[decided.sampling.Rule].Admit(whole).Outcome {
	case limits.Throttled:
		return reasonThrottled
	case limits.OverBudget:
		return reasonOverBudget
	default:
		return ""
	}
}

// Redis is asked again patience times, after pauses of patiencePause, before a judgement ends because nobody knows what is
// left: a Redis that starts anew is back by then.
const (
	patience      = 5
	patiencePause = time.Second
)

// budget binds the calls of judges to the limits.
type budget struct{ in *instance }

var _ judge.Budget = budget{}

// Reserve implements judge.Budget. While nobody knows what is left, nothing is.
func (b budget) Reserve(ctx context.Context, need judge.Need) (judge.Settlement, *judge.Refusal) {
	rule := b.in.limiter.Rule(need.Judge, need.Rule)
	if rule == nil {
		rule = b.in.limiter.Rule(need.Judge, "")
	}
	reservation, verdict := rule.Reserve(ctx, tokensOf(need))
	for range patience {
		if verdict.Outcome != limits.Unavailable || wait(ctx, patiencePause) != nil {
			break
		}
		reservation, verdict = rule.Reserve(ctx, tokensOf(need))
	}
	switch verdict.Outcome {
	case limits.Admitted:
		return settlement{reservation}, nil
	case limits.Throttled:
		return nil, &judge.Refusal{Reason: judge.ReasonThrottled}
	case limits.Unavailable:
		return nil, &judge.Refusal{Reason: judge.ReasonOverBudget, Class: judge.ClassLimitsUnavailable}
	default:
		return nil, &judge.Refusal{Reason: judge.ReasonOverBudget}
	}
}

// settlement is a reservation. What cannot be settled, because Redis does not answer, counts as it was reserved; the
// limiter says so.
type settlement struct{ reservation *limits.Reservation }

var _ judge.Settlement = settlement{}

// Settle implements judge.Settlement.
func (s settlement) Settle(ctx context.Context, spent judge.Spent) {
	_ = s.reservation.Settle(ctx, spent.InputTokens+spent.OutputTokens, spent.USD)
}

// Release implements judge.Settlement.
func (s settlement) Release(ctx context.Context) { _ = s.reservation.Release(ctx) }

// countShadow counts what a judge in shadow would have spent.
func (in *instance) countShadow(runner *judgeRunner, decided *decision) {
	ctx := context.Background()
	for _, need := range runner.judge.Estimate(&decided.input) {
		evaluator, model := attribute.String("evaluator", runner.judge.Name()), attribute.String("model", need.Model)
		in.telemetry.ProcessorFeedbackShadowCalls.Add(ctx, 1, metric.WithAttributes(evaluator, model))
		in.telemetry.ProcessorFeedbackShadowTokens.Add(ctx, need.InputTokens, metric.WithAttributes(evaluator, model, attribute.String("direction", "input")))
		in.telemetry.ProcessorFeedbackShadowTokens.Add(ctx, need.OutputTokens, metric.WithAttributes(evaluator, model, attribute.String("direction", "output")))
		if need.USD > 0 {
			in.telemetry.ProcessorFeedbackShadowCost.Add(ctx, need.USD, metric.WithAttributes(evaluator, model))
		}
	}
}
