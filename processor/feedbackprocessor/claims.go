package feedbackprocessor

import (
	"slices"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

// claim is a name and a source that only one of our own evaluators may speak in.
type claim struct {
	name   string
	source assessment.Source
}

// claims are those of all our evaluators.
type claims map[claim]struct{}

// holds reports whether the attributes of an inbound evaluation event claim to be ours. Where they name no evaluator,
// whoever decodes the event takes the instrumentation scope's name for it.
func (c claims) holds(attributes pcommon.Map, scope pcommon.InstrumentationScope) bool {
	name, source := assessment.Identity(attributes)
	if source.ID == "" {
		source.ID = strings.ToValidUTF8(scope.Name(), "\uFFFD")
	}
	_, ok := c[claim{name, source}]
	return ok
}

// byEvaluator reports whether an evaluator's span, which links to its subject, claims to be one of ours.
func (c claims) byEvaluator(span ptrace.Span, scope pcommon.InstrumentationScope) bool {
	if !assessment.IsEvaluatorSpan(span) {
		return false
	}
	results, _ := assessment.DecodeEvaluatorSpan(span, assessment.DecodeOptions{Scope: scope.Name()})
	return slices.ContainsFunc(results, func(a assessment.Assessment) bool {
		_, ok := c[claim{a.Name, a.Source}]
		return ok
	})
}

// onSpan reports whether a span or any of its events claims to be ours.
func (c claims) onSpan(span ptrace.Span, scope pcommon.InstrumentationScope) bool {
	events := span.Events()
	for i := range events.Len() {
		if event := events.At(i); assessment.IsResult(event) && c.holds(event.Attributes(), scope) {
			return true
		}
	}
	return c.byEvaluator(span, scope)
}

// inTraces reports whether any span or span event claims to be ours.
func (c claims) inTraces(td ptrace.Traces) bool {
	for _, resource := range td.ResourceSpans().All() {
		for _, scope := range resource.ScopeSpans().All() {
			for _, span := range scope.Spans().All() {
				if c.onSpan(span, scope.Scope()) {
					return true
				}
			}
		}
	}
	return false
}

// removeFromSpan removes the events that claim to be ours, and from an evaluator's span that does the link to its
// subject, without which it is nobody's evaluation. It returns their number.
func (c claims) removeFromSpan(span ptrace.Span, scope pcommon.InstrumentationScope) (removed int) {
	span.Events().RemoveIf(func(event ptrace.SpanEvent) bool {
		if !assessment.IsResult(event) || !c.holds(event.Attributes(), scope) {
			return false
		}
		removed++
		return true
	})
	if c.byEvaluator(span, scope) {
		span.Links().RemoveIf(func(ptrace.SpanLink) bool { return true })
		removed++
	}
	return removed
}

// inLogs reports whether any record claims to be ours.
func (c claims) inLogs(ld plog.Logs) bool {
	for _, resource := range ld.ResourceLogs().All() {
		for _, scope := range resource.ScopeLogs().All() {
			for _, record := range scope.LogRecords().All() {
				if assessment.IsResultRecord(record) && c.holds(record.Attributes(), scope.Scope()) {
					return true
				}
			}
		}
	}
	return false
}

// removeFromLogs removes the records that claim to be ours, with what they leave empty, and returns their number.
func (c claims) removeFromLogs(ld plog.Logs) (removed int) {
	ld.ResourceLogs().RemoveIf(func(resource plog.ResourceLogs) bool {
		before := removed
		resource.ScopeLogs().RemoveIf(func(scope plog.ScopeLogs) bool {
			before := removed
			scope.LogRecords().RemoveIf(func(record plog.LogRecord) bool {
				if !assessment.IsResultRecord(record) || !c.holds(record.Attributes(), scope.Scope()) {
					return false
				}
				removed++
				return true
			})
			return removed > before && scope.LogRecords().Len() == 0
		})
		return removed > before && resource.ScopeLogs().Len() == 0
	})
	return removed
}
