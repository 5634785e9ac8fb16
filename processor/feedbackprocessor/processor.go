package feedbackprocessor

import (
	"context"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

// evaluate is a batch's way through the processor: of each span, first what others claim in our name is removed,
// then, if it is a subject, the checks are evaluated and the judges asked whether they want it; at last the same for
// whole traces. It returns the batch to forward, and the results that follow it as log records, if any.
func (in *instance) evaluate(ctx context.Context, td ptrace.Traces) (forward ptrace.Traces, ready *readyResults) {
	b := in.newBatch()
	defer func() {
		if cause := recover(); cause != nil { // reading a span; evaluators have their own
			in.logPanic("", cause)
			forward = td
		}
		ready = in.endBatch(ctx, b)
	}()
	td = in.ownCopy(td)
	for _, resource := range td.ResourceSpans().All() {
		for _, scope := range resource.ScopeSpans().All() {
			for _, span := range scope.Spans().All() {
				b.at(resource, scope, span)
				in.removeClaims(b)
				in.evaluateSpan(ctx, b)
			}
		}
	}
	in.evaluateTraces(ctx, b, td)
	return td, nil
}

func (in *instance) newBatch() *batch {
	b := in.batches.Get().(*batch)
	b.tally = in.series.tally()
	return b
}

// endBatch counts what was tallied and returns what is to follow as log records.
func (in *instance) endBatch(ctx context.Context, b *batch) *readyResults {
	ready := b.ready
	in.series.flush(ctx, b.tally)
	b.reset()
	in.batches.Put(b)
	return ready
}

// ownCopy returns a copy of a batch that claims to hold results of ours, where we have no leave to write on it.
func (in *instance) ownCopy(td ptrace.Traces) ptrace.Traces {
	if in.writesEvents() || in.config.TrustUpstream || !in.claims.inTraces(td) {
		return td
	}
	own := ptrace.NewTraces()
	td.CopyTo(own)
	return own
}

func (in *instance) removeClaims(b *batch) {
	if in.config.TrustUpstream {
		return
	}
	if scope := b.subject.Scope.Scope(); in.claims.onSpan(b.span, scope) {
		for range in.claims.removeFromSpan(b.span, scope) {
			b.tally.add(in.removedEvents)
		}
	}
}

// evaluateSpan evaluates the batch's span, if it is a subject. What needs text that may yet come in log records is
// put off.
func (in *instance) evaluateSpan(ctx context.Context, b *batch) {
	isSubject := in.readSpan(ctx, b)
	for range b.misread {
		b.tally.add(in.readErrors)
	}
	if !isSubject {
		return
	}
	b.tally.add(in.subjects.of(b.content.Kind()))
	if in.joiner.putsOff(b) {
		in.runAll(ctx, b, assessment.ScopeSpan, withoutText)
		in.joiner.holdSpan(ctx, b)
	} else {
		in.runAll(ctx, b, assessment.ScopeSpan, everything)
	}
	in.annotate(b)
}

// readSpan reads the batch's span, and reports whether it is a subject: without ids nothing can be said about it that
// would be found again.
func (in *instance) readSpan(ctx context.Context, b *batch) bool {
	b.interaction, b.mayGainText, b.misread = genai.Interaction{}, false, 0
	if b.span.TraceID().IsEmpty() || b.span.SpanID().IsEmpty() {
		return false
	}
	b.interaction = genai.Read(b.subject.Resource.Resource(), b.subject.Scope.Scope(), b.span)
	if in.reader != nil {
		b.misread = in.reader.Read(ctx, b.OTTL(), &b.interaction)
	}
	if b.interaction.Kind() == genai.KindOther {
		return false
	}
	in.joiner.joinRecords(b)
	b.about(&b.interaction)
	return true
}

// evaluators says which evaluators are run.
type evaluators uint8

const (
	everything  evaluators = iota
	withoutText            // those that do not read text
	withText               // those that do
)

func (e evaluators) include(needsText bool) bool {
	return e == everything || (e == withText) == needsText
}

// runAll runs the evaluators of a scope on the batch's subject.
func (in *instance) runAll(ctx context.Context, b *batch, scope assessment.Scope, which evaluators) {
	for _, runner := range in.checks {
		if runner.scope == scope && which.include(len(runner.needs) > 0) {
			in.checkSubject(ctx, b, runner)
		}
	}
	if !which.include(true) { // judges read text
		return
	}
	for _, runner := range in.judges {
		if runner.scope == scope {
			in.judgeSubject(ctx, b, runner)
		}
	}
}
