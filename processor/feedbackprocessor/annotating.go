package feedbackprocessor

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

// decisionEvent is the span event that tells what each judge decided about the span, or about the trace whose root it
// is. Its attributes are `feedback.scope`, and of each judge its name: the reason; `<name>.rule` and `<name>.state`
// where there are such.
const decisionEvent = "feedback.decision"

// The values of a judge's attribute while the decision has not fallen.
const (
	decisionQueued  = "queued"
	decisionWaiting = "waiting" // for text
)

// noted is a decision that is to be annotated.
type noted struct {
	judge, reason, rule string
	state               genai.State
}

// note remembers a decision for annotate.
func (in *instance) note(b *batch, judge string, decided *decision) {
	if !in.config.AnnotateDecisions || b.late {
		return
	}
	one := noted{judge: judge, reason: decided.reason, rule: decided.sampling.Rule}
	if one.reason == "" {
		one.reason = decisionQueued
	}
	if one.reason == reasonNoContent {
		one.state = decided.state
	}
	b.noted = append(b.noted, one)
}

// annotate writes what the judges decided about the batch's subject onto its span.
func (in *instance) annotate(b *batch) {
	if !in.config.AnnotateDecisions || b.late || len(in.judges) == 0 {
		return
	}
	scope := b.scope()
	event := b.span.Events().AppendEmpty()
	event.SetName(decisionEvent)
	event.SetTimestamp(pcommon.NewTimestampFromTime(b.time()))
	attributes := event.Attributes()
	attributes.PutStr(assessment.AttributeScope, string(scope))
	for _, runner := range in.judges {
		if runner.scope == scope {
			attributes.PutStr(runner.judge.Name(), decisionWaiting)
		}
	}
	for _, one := range b.noted {
		attributes.PutStr(one.judge, one.reason)
		if one.rule != "" {
			attributes.PutStr(one.judge+".rule", one.rule)
		}
		if one.state != "" {
			attributes.PutStr(one.judge+".state", string(one.state))
		}
	}
}

// carried reports whether the batch's subject came with a result of an evaluator, or was given to its judge by a
// collector in front. It is asked only of those that are trusted.
func (b *batch) carried(evaluator claim) bool {
	for _, event := range b.span.Events().All() {
		if event.Name() == decisionEvent && b.decidedUpstream(event, evaluator.name) {
			return true
		}
		if !assessment.IsResult(event) || scopeOf(event.Attributes()) != b.scope() {
			continue
		}
		if name, source := assessment.Identity(event.Attributes()); name == evaluator.name && source == evaluator.source {
			return true
		}
	}
	return false
}

func (b *batch) decidedUpstream(event ptrace.SpanEvent, judge string) bool {
	if scopeOf(event.Attributes()) != b.scope() {
		return false
	}
	reason, ok := event.Attributes().Get(judge)
	return ok && (reason.Str() == decisionQueued || reason.Str() == decisionWaiting || reason.Str() == reasonCached)
}

// scope is what the batch's subject is.
func (b *batch) scope() assessment.Scope {
	if b.content.Kind() == genai.KindTrace {
		return assessment.ScopeTrace
	}
	return assessment.ScopeSpan
}

func scopeOf(attributes pcommon.Map) assessment.Scope {
	if scope, ok := attributes.Get(assessment.AttributeScope); ok && scope.Str() == string(assessment.ScopeTrace) {
		return assessment.ScopeTrace
	}
	return assessment.ScopeSpan
}
