package judge

import (
	"math"
	"strconv"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

// Keys of a result's metadata that only judges use.
const (
	// MetadataInputTruncated is "true" on a result whose judge did not see all of the interaction's text.
	MetadataInputTruncated = "input_truncated"
	// MetadataCached is "true" on a result that was given before, on the same content.
	MetadataCached = "cached"
	// MetadataAgreement is how far the votes of a panel agree, from 0 to 1.
	MetadataAgreement = "agreement"
	// MetadataCachedTokens and MetadataReasoningTokens are parts of the input and the output tokens; absent where 0.
	MetadataCachedTokens    = "cached_tokens"
	MetadataReasoningTokens = "reasoning_tokens"
)

// Result is how one judgement ended: with a value, with an error, or refused by the budget.
type Result struct {
	Value     assessment.Value
	Verdict   assessment.Verdict
	Rationale string
	// Error is set when there is no value. Its message holds no content, no secret and nothing of a server's words.
	Error *assessment.Error
	// Refused is set when the budget ended the judgement. Then there is neither value nor error, and nothing to tell of
	// the subject but this decision; what earlier calls used is in the counts all the same.
	Refused *Refusal
	// Metadata is model, latency, tokens, cost where all models have a price, input_truncated where it is true, and of a
	// panel votes and agreement.
	Metadata map[string]string
	// Agreement is how far the votes of a panel agree, from 0 to 1; HasAgreement is false where nothing was aggregated.
	Agreement    float64
	HasAgreement bool
	// Attempts is the number of HTTP requests made.
	Attempts int
	// Model is the model's key in `models`, of a panel all keys.
	Model string
	// The tokens of all attempts, as the provider counts them; cached ones are part of the input, reasoning ones of the
	// output.
	InputTokens, CachedTokens, OutputTokens, ReasoningTokens int64
	// Cost of all attempts in USD; without that of models that have no price.
	Cost float64
	// Duration is from the first attempt to the end, waits included.
	Duration time.Duration
	// Usage has the same by model, in their order; empty for a cached result.
	Usage []ModelUsage
}

// ModelUsage is what a judgement used of one model.
type ModelUsage struct {
	// Model is the model's key in `models`.
	Model string
	// Calls is the number of HTTP requests made.
	Calls                                                    int
	InputTokens, CachedTokens, OutputTokens, ReasoningTokens int64
	// Cost is in USD; 0 where the model has no price.
	Cost     float64
	Duration time.Duration
}

// used is what a vote used.
func (v *vote) used() ModelUsage {
	return ModelUsage{
		Model: v.model.key, Calls: v.attempts,
		InputTokens: v.usage.input, CachedTokens: v.usage.cached, OutputTokens: v.usage.output, ReasoningTokens: v.usage.reasoning,
		Cost: v.model.cfg.Price.cost(v.usage), Duration: v.end.Sub(v.start),
	}
}

// result holds what all results have.
func (r *judgement) result(votes []vote) Result {
	result := Result{Model: r.judge.Model()}
	priced := len(votes) > 0
	var start, end time.Time
	for i := range votes {
		v := &votes[i]
		used := v.used()
		result.Usage = append(result.Usage, used)
		result.Attempts += used.Calls
		result.InputTokens += used.InputTokens
		result.CachedTokens += used.CachedTokens
		result.OutputTokens += used.OutputTokens
		result.ReasoningTokens += used.ReasoningTokens
		result.Cost += used.Cost
		priced = priced && v.model.cfg.Price.Known()
		if v.attempts > 0 && (start.IsZero() || v.start.Before(start)) {
			start = v.start
		}
		if v.end.After(end) {
			end = v.end
		}
	}
	result.Duration = end.Sub(start)
	result.Metadata = map[string]string{
		assessment.MetadataModel:         result.Model,
		assessment.MetadataLatencyMillis: strconv.FormatInt(result.Duration.Milliseconds(), 10),
	}
	if result.InputTokens > 0 || result.OutputTokens > 0 {
		result.setTokens(priced)
	}
	if r.input.Truncated {
		result.Metadata[MetadataInputTruncated] = "true"
	}
	if len(votes) > 1 {
		result.Metadata[assessment.MetadataVotes] = votesJSON(votes, r.judge.output)
	}
	return result
}

func (r *Result) setTokens(priced bool) {
	set := func(key string, n int64) { r.Metadata[key] = strconv.FormatInt(n, 10) }
	set(assessment.MetadataJudgeInputTokens, r.InputTokens)
	set(assessment.MetadataJudgeOutputTokens, r.OutputTokens)
	if r.CachedTokens > 0 {
		set(MetadataCachedTokens, r.CachedTokens)
	}
	if r.ReasoningTokens > 0 {
		set(MetadataReasoningTokens, r.ReasoningTokens)
	}
	if priced {
		r.Metadata[assessment.MetadataJudgeCost] = strconv.FormatFloat(roundCost(r.Cost), 'f', -1, 64)
	}
}

func (r *Result) setAgreement(agreement float64) {
	r.Agreement, r.HasAgreement = agreement, true
	r.Metadata[MetadataAgreement] = strconv.FormatFloat(math.Round(agreement*1e4)/1e4, 'f', -1, 64)
}

// roundCost leaves a billionth of a dollar, which is enough, and keeps float noise off MLflow's page.
func roundCost(usd float64) float64 { return math.Round(usd*1e9) / 1e9 }
