package feedbackprocessor

import (
	"context"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlspan"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/attribute"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/check"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/metadata"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/sampling"
)

// evaluate is a batch's way through the processor: of each span, first what others claim in our name is removed,
// then, if it is a subject, the checks are evaluated and the judges asked whether they want it. It returns the batch
// to forward, and the results that follow it as log records, if any.
func (in *instance) evaluate(ctx context.Context, td ptrace.Traces) (forward ptrace.Traces, ready *readyResults) {
	b := in.batches.Get().(*batch)
	b.tally = in.series.tally()
	defer func() {
		if cause := recover(); cause != nil { // reading a span; evaluators have their own
			in.logPanic("", cause)
			forward = td
		}
		ready = b.ready
		in.series.flush(ctx, b.tally)
		b.reset()
		in.batches.Put(b)
	}()
	td = in.ownCopy(td)
	resources := td.ResourceSpans()
	for i := range resources.Len() {
		b.subject.Resource = resources.At(i)
		scopes := b.subject.Resource.ScopeSpans()
		for j := range scopes.Len() {
			b.subject.Scope = scopes.At(j)
			spans := b.subject.Scope.Spans()
			for k := range spans.Len() {
				in.evaluateSpan(ctx, b, spans.At(k))
			}
		}
	}
	return td, nil
}

// ownCopy returns a copy of a batch that claims to hold results of ours, where we have no leave to write on it.
func (in *instance) ownCopy(td ptrace.Traces) ptrace.Traces {
	if in.writesEvents() || !in.claims.inTraces(td) {
		return td
	}
	own := ptrace.NewTraces()
	td.CopyTo(own)
	return own
}

func (in *instance) evaluateSpan(ctx context.Context, b *batch, span ptrace.Span) {
	if scope := b.subject.Scope.Scope(); in.claims.onSpan(span, scope) {
		for range in.claims.removeFromSpan(span, scope) {
			b.tally.add(in.removedEvents)
		}
	}
	b.interaction = genai.Read(b.subject.Resource.Resource(), b.subject.Scope.Scope(), span)
	kind := b.interaction.Kind()
	if kind == genai.KindOther || span.TraceID().IsEmpty() || span.SpanID().IsEmpty() {
		return // without ids nothing can be said about it that would be found again
	}
	b.begin(span)
	b.tally.add(in.subjects.of(kind))
	for _, runner := range in.checks {
		in.checkSubject(ctx, b, runner)
	}
	for _, runner := range in.judges {
		if decided := in.judgeSubject(ctx, b, runner); decided != pendingDecision {
			b.tally.add(decided)
		}
	}
	b.end()
}

// batch is what one call works with; it is pooled, because even batches without GenAI spans need it.
type batch struct {
	tally *tally
	ready *readyResults
	now   time.Time

	// The rest is about the span under way.
	interaction genai.Interaction
	subject     check.Subject
	span        ptrace.Span
	spanID      string
	draw        sampling.Draw
	drawn       bool
	ottl        *ottlspan.TransformContext
	result      assessment.Assessment
}

func (b *batch) begin(span ptrace.Span) {
	b.span = span
	b.subject.Span = span
	b.subject.Interaction = &b.interaction
	b.spanID, b.drawn = "", false
}

func (b *batch) end() {
	if b.ottl != nil {
		b.ottl.Close()
		b.ottl = nil
	}
}

// reset forgets everything, so that the pool pins no batch.
func (b *batch) reset() {
	*b = batch{}
}

// time is the moment of the batch's first result.
func (b *batch) time() time.Time {
	if b.now.IsZero() {
		b.now = time.Now().UTC()
	}
	return b.now
}

func (b *batch) spanIDText() string {
	if b.spanID == "" {
		b.spanID = b.span.SpanID().String()
	}
	return b.spanID
}

// sampled is what chance decided about the subject, for all judges.
func (b *batch) sampled() sampling.Draw {
	if !b.drawn {
		b.draw, b.drawn = sampling.NewDraw(sampling.DefaultCohort, b.span), true
	}
	return b.draw
}

func (b *batch) ottlContext() *ottlspan.TransformContext {
	if b.ottl == nil {
		b.ottl = ottlspan.NewTransformContext(b.subject.Resource, b.subject.Scope, b.span)
	}
	return b.ottl
}

// kindSeries counts subjects by their kind.
type kindSeries map[genai.Kind]series

func newKindSeries(set *seriesSet, telemetry *metadata.TelemetryBuilder) kindSeries {
	kinds := make(kindSeries)
	for _, kind := range []genai.Kind{
		genai.KindLLM, genai.KindAgent, genai.KindChain, genai.KindTool, genai.KindRetriever, genai.KindReranker,
		genai.KindEmbedding, genai.KindGuardrail, genai.KindEvaluator,
	} {
		kinds[kind] = set.add(telemetry.ProcessorFeedbackSubjects, attribute.String("kind", string(kind)))
	}
	return kinds
}

func (k kindSeries) of(kind genai.Kind) series { return k[kind] }
