package feedbackprocessor

import (
	"context"
	"errors"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/judge"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/queue"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/sampling"
)

// The reasons of decisions that fall while a batch passes.
const (
	reasonFiltered   = "filtered"
	reasonNoContent  = "no_content"
	reasonDuplicate  = "duplicate"
	reasonNotSampled = "not_sampled"
	reasonCached     = "cached"
	reasonShadow     = "shadow"
	reasonThrottled  = judge.ReasonThrottled
	reasonOverBudget = judge.ReasonOverBudget
	reasonPaused     = "paused"
	reasonQueueFull  = "queue_full"
	reasonShutdown   = "shutdown"
)

// decision is what a judge decides about a subject: one reason why it is not asked, or none if it is.
type decision struct {
	reason   string
	state    genai.State // why there is no content
	sampling sampling.Decision
	input    judge.Input // redacted and bounded, once it is to be judged
	exchange exchange
	verdict  judge.Result // the one that was given before on the same content
}

// judgeSubject makes the one decision about the batch's subject, and counts it unless it falls later.
func (in *instance) judgeSubject(ctx context.Context, b *batch, runner *judgeRunner) {
	decided := in.decide(ctx, b, runner)
	switch decided.reason {
	case "":
		decided.reason = in.offer(b, runner, &decided) //nolint:contextcheck // nothing of the request may be kept
	case reasonCached:
		decided.reason = in.giveAgain(b, runner, &decided) //nolint:contextcheck // counting belongs to no request
	case reasonShadow:
		in.countShadow(runner, &decided) //nolint:contextcheck // counting belongs to no request
	}
	in.note(b, runner.judge.Name(), &decided)
	if decided.reason != "" {
		b.tally.add(runner.decided.of(&decided))
	}
}

// decide decides in the order in which it is cheapest to say no.
func (in *instance) decide(ctx context.Context, b *batch, runner *judgeRunner) (decided decision) {
	if !runner.selection.matches(ctx, b) {
		decided.reason = reasonFiltered
		return decided
	}
	if decided.input, decided.state = readInput(b.content, runner.judge.Needs()); decided.state != genai.StateText {
		decided.reason = reasonNoContent
		return decided
	}
	if in.config.TrustUpstream && b.carried(claim{runner.judge.Name(), runner.settler.source}) {
		decided.reason = reasonDuplicate
		return decided
	}
	decided.sampling = runner.sampler.Decide(ctx, b, func(failed sampling.Failure) { runner.selection.failedCondition(b, failed) })
	decided.exchange = newExchange(b, runner.index, &decided.input)
	switch {
	case in.recent.answered(&decided.exchange):
		decided.reason = reasonDuplicate
	case !decided.sampling.Sampled:
		in.recent.passOver(&decided.exchange)
		decided.reason = reasonNotSampled
	case !in.recent.claim(&decided.exchange):
		decided.reason = reasonDuplicate
	default:
		in.decideSampled(runner, &decided)
	}
	return decided
}

// decideSampled decides about a subject that is to be judged if that can be afforded.
func (in *instance) decideSampled(runner *judgeRunner, decided *decision) {
	for _, part := range runner.judge.Needs() {
		decided.input.SetPart(part, in.redact.Redact(decided.input.Part(part)))
	}
	decided.input = runner.judge.Bound(decided.input)
	decided.input.Rule, decided.input.Stratum = decided.sampling.Rule, decided.sampling.Stratum
	var given bool
	if decided.verdict, given = in.cache.Get(runner.judge.CacheKey(&decided.input)); given {
		decided.reason = reasonCached
		return
	}
	if runner.shadow {
		decided.reason = reasonShadow
		return
	}
	if decided.reason = admit(runner, decided); decided.reason != "" {
		in.recent.forget(&decided.exchange)
	}
}

// giveAgain sends a verdict that was given before on the same content, if that can still leave.
func (in *instance) giveAgain(b *batch, runner *judgeRunner, decided *decision) (reason string) {
	if !in.emitter.isOpen() {
		return reasonShutdown
	}
	item := newItem(b, runner.judge, decided)
	in.telemetry.ProcessorFeedbackResults.Add(context.Background(), 1, metric.WithAttributes(
		attribute.String("evaluator", runner.judge.Name()),
		attribute.String("outcome", outcomeOf(nil, decided.verdict.Verdict))))
	if b.ready == nil {
		b.ready = in.emitter.newReady()
	}
	b.ready.add(runner.settler.assessment(&item, &decided.verdict))
	return reasonCached
}

// offer queues the judgement, or says why not.
func (in *instance) offer(b *batch, runner *judgeRunner, decided *decision) (reason string) {
	err := runner.queue.Offer(newItem(b, runner.judge, decided))
	if err == nil {
		return ""
	}
	in.recent.forget(&decided.exchange)
	switch {
	case errors.Is(err, queue.ErrClosed):
		return reasonShutdown
	case runner.judge.Paused():
		return reasonPaused
	default:
		return reasonQueueFull
	}
}

// of is the series in which a decision is counted.
func (d *decisionSeries) of(decided *decision) series {
	rule := d.byRule[decided.sampling.Rule]
	switch decided.reason {
	case reasonNoContent:
		return d.noContent[decided.state]
	case reasonDuplicate:
		return rule.duplicate
	case reasonNotSampled:
		return rule.notSampled
	case reasonCached:
		return rule.cached
	case reasonShadow:
		return rule.shadow
	case reasonThrottled:
		return rule.throttled
	case reasonOverBudget:
		return rule.overBudget
	case reasonPaused:
		return rule.paused
	case reasonQueueFull:
		return rule.queueFull
	case reasonShutdown:
		return rule.shutdown
	}
	return d.filtered
}

// readInput reads what a judge needs. The state is StateText if it can be judged: all parts that its prompt shows
// must have text, except the system text and tool calls, which interactions may well be without. An answer that is
// nothing but tool calls can be judged by who is shown those. Half a question or answer is none; of the other parts, a
// half is shown and the result says so.
func readInput(subject content, needs []genai.Part) (judge.Input, genai.State) {
	var input judge.Input
	some, missing := false, genai.StateNotCaptured
	for _, part := range needs {
		text, state := subject.Text(part)
		switch {
		case state == genai.StateText:
		case state == genai.StateTruncated && part != genai.PartQuestion && part != genai.PartAnswer && text != "":
			input.Truncated = true
		default:
			missing = state
			if required(part, state, needs) {
				return input, state
			}
			continue
		}
		some = true
		input.SetPart(part, text)
	}
	if !some {
		return input, missing
	}
	return input, genai.StateText
}

func required(part genai.Part, state genai.State, needs []genai.Part) bool {
	switch part {
	case genai.PartSystem, genai.PartToolCalls:
		return false
	case genai.PartAnswer:
		return state != genai.StateToolCallOnly || !slices.Contains(needs, genai.PartToolCalls)
	default:
		return true
	}
}

// newItem makes what is queued: copies of the texts that the prompt shows, cut to the judge's bound.
func newItem(b *batch, asked *judge.Judge, decided *decision) queue.Item {
	input := decided.input
	item := queue.Item{
		TraceID:     b.span.TraceID(),
		SpansSeen:   b.spansSeen,
		Judge:       asked.Name(),
		Fingerprint: asked.Fingerprint(),
		Rule:        decided.sampling.Rule,
		Stratum:     decided.sampling.Stratum,
		Probability: decided.sampling.Probability,
		ResponseID:  b.content.ResponseID(),
		Truncated:   input.Truncated,
		Parts:       make([]queue.Part, 0, len(asked.Needs())),
	}
	if b.content.Kind() != genai.KindTrace {
		item.SpanID = b.span.SpanID()
	}
	for _, part := range asked.Needs() {
		if text := input.Part(part); text != "" {
			item.Parts = append(item.Parts, queue.Part{Name: string(part), Text: text})
		}
	}
	return item
}
