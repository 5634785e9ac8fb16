package main

import (
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor"
)

// cost is what a judge would take of traffic like the file's, expected over the draws.
type cost struct {
	judge string
	// subjects is how many of the file's spans, or traces, its rules choose from; the rest is of those chosen.
	subjects               int
	judgements, calls, usd float64
	tokens                 float64
	unpriced               bool
}

// costsOf adds up what each judge would take of the spans of a file, in the order of the judges.
func costsOf(explained []feedbackprocessor.Explanation) []cost {
	var all []cost
	at := map[string]int{}
	for i := range explained {
		for _, o := range explained[i].Evaluators {
			if o.Type != feedbackprocessor.EvaluatorJudge {
				continue
			}
			place, ok := at[o.Name]
			if !ok {
				place = len(all)
				at[o.Name] = place
				all = append(all, cost{judge: o.Name})
			}
			if o.Calls == 0 {
				continue
			}
			one := &all[place]
			one.subjects++
			one.judgements += o.Rate
			one.calls += o.Rate * float64(o.Calls)
			one.tokens += o.Rate * float64(o.Tokens)
			one.usd += o.Rate * o.USD
			one.unpriced = one.unpriced || o.USD == 0
		}
	}
	return all
}

// writeCosts says what a day of traffic like the file's would cost. Limits and the reuse of verdicts make it less.
func writeCosts(out *page, explained []feedbackprocessor.Explanation, spansPerSecond float64) {
	costs := costsOf(explained)
	if len(costs) == 0 || len(explained) == 0 {
		return
	}
	perDay := spansPerSecond * (24 * time.Hour).Seconds() / float64(len(explained))
	out.line("")
	out.line("a day of such traffic at %g spans a second, before limits, with the longest answers:", spansPerSecond)
	for _, one := range costs {
		usd := "no price"
		if !one.unpriced || one.usd > 0 {
			usd = "USD " + rounded(one.usd*perDay)
		}
		out.line("  %-24s %s judgements, %s calls, %s tokens, %s", shown(one.judge),
			rounded(one.judgements*perDay), rounded(one.calls*perDay), rounded(one.tokens*perDay), usd)
	}
}
