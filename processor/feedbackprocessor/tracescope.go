package feedbackprocessor

import (
	"context"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

// placed is a span with what it stands in.
type placed struct {
	resource ptrace.ResourceSpans
	scope    ptrace.ScopeSpans
	span     ptrace.Span
}

// evaluateTraces evaluates the traces whose root span is in the batch, with all of their spans that are.
func (in *instance) evaluateTraces(ctx context.Context, b *batch, td ptrace.Traces) {
	if !in.tracesToo {
		return
	}
	roots := rootsOf(td)
	if len(roots) == 0 {
		return
	}
	for id, spans := range spansOf(td, roots) {
		in.evaluateTrace(ctx, b, roots[id], spans)
	}
}

// rootsOf finds the root spans: those without a parent, of several in one trace the first.
func rootsOf(td ptrace.Traces) map[pcommon.TraceID]placed {
	var roots map[pcommon.TraceID]placed
	for _, resource := range td.ResourceSpans().All() {
		for _, scope := range resource.ScopeSpans().All() {
			for _, span := range scope.Spans().All() {
				id := span.TraceID()
				if !span.ParentSpanID().IsEmpty() || span.SpanID().IsEmpty() || id.IsEmpty() {
					continue
				}
				if known, ok := roots[id]; ok && known.span.StartTimestamp() <= span.StartTimestamp() {
					continue
				}
				if roots == nil {
					roots = make(map[pcommon.TraceID]placed)
				}
				roots[id] = placed{resource, scope, span}
			}
		}
	}
	return roots
}

// spansOf collects the spans of the traces that have a root.
func spansOf(td ptrace.Traces, roots map[pcommon.TraceID]placed) map[pcommon.TraceID][]placed {
	all := make(map[pcommon.TraceID][]placed, len(roots))
	for _, resource := range td.ResourceSpans().All() {
		for _, scope := range resource.ScopeSpans().All() {
			for _, span := range scope.Spans().All() {
				if _, ok := roots[span.TraceID()]; ok {
					all[span.TraceID()] = append(all[span.TraceID()], placed{resource, scope, span})
				}
			}
		}
	}
	return all
}

// evaluateTrace evaluates one trace, which has failed some checks already. Its conditions and its draw are the root
// span's.
func (in *instance) evaluateTrace(ctx context.Context, b *batch, root placed, spans []placed, failed ...string) {
	trace, textMayCome := in.readTrace(ctx, b, root, spans)
	if trace.Kind() == genai.KindOther {
		return
	}
	b.at(root.resource, root.scope, root.span)
	b.about(trace)
	b.spansSeen = trace.SpansSeen()
	b.failed = append(b.failed, failed...)
	if !b.late {
		b.tally.add(in.subjects.of(genai.KindTrace))
	}
	switch {
	case b.late:
		in.runAll(ctx, b, assessment.ScopeTrace, withText)
	case textMayCome:
		in.runAll(ctx, b, assessment.ScopeTrace, withoutText)
		in.joiner.holdTrace(ctx, b, spans)
	default:
		in.runAll(ctx, b, assessment.ScopeTrace, everything)
	}
	in.annotate(b)
}

// readTrace reads all spans of a trace, and reports whether any of them may yet gain text.
func (in *instance) readTrace(ctx context.Context, b *batch, root placed, spans []placed) (trace *genai.Trace, textMayCome bool) {
	var rootRead *genai.Interaction
	read := make([]*genai.Interaction, 0, len(spans))
	for _, one := range spans {
		b.at(one.resource, one.scope, one.span)
		if in.readSpan(ctx, b) {
			textMayCome = textMayCome || in.joiner.putsOffTrace(b)
		}
		own := b.interaction
		read = append(read, &own)
		if one.span == root.span {
			rootRead = &own
		}
	}
	return genai.NewTrace(rootRead, read), textMayCome
}
