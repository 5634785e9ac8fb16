package feedbackprocessor

import (
	"slices"
	"strconv"
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

// content is what evaluators see of a subject.
type content interface {
	Kind() genai.Kind
	Text(part genai.Part) (string, genai.State)
	ResponseID() string
}

var (
	_ content = (*genai.Interaction)(nil)
	_ content = (*genai.Trace)(nil)

	_ sampling.Subject = (*batch)(nil)
)

// batch is what one call works with; it is pooled, because even batches without GenAI spans need it.
type batch struct {
	tally *tally
	ready *readyResults
	now   time.Time
	// late says that the spans have left: results can no more be put on them.
	late bool

	// The rest is about the subject under way. Of a trace, subject and span are those of the root.
	interaction genai.Interaction
	misread     int  // expressions of `read` that failed on it
	mayGainText bool // it lacks text that log records may bring
	content     content
	spansSeen   int // of a trace
	subject     check.Subject
	span        ptrace.Span
	spanID      string
	draws       sampling.Draws
	failed      []string // the checks that the subject failed
	noted       []noted  // what judges decided about it
	ottl        *ottlspan.TransformContext
	result      assessment.Assessment
}

// at turns to a span, and closes what belongs to the one before.
func (b *batch) at(resource ptrace.ResourceSpans, scope ptrace.ScopeSpans, span ptrace.Span) {
	b.close()
	b.subject = check.Subject{Resource: resource, Scope: scope, Span: span}
	b.span, b.content, b.spansSeen = span, nil, 0
	b.spanID, b.failed, b.noted = "", b.failed[:0], b.noted[:0]
	b.draws.Turn(span)
}

// about says what evaluators will see.
func (b *batch) about(subject content) {
	b.content, b.subject.Interaction = subject, subject
}

func (b *batch) close() {
	if b.ottl != nil {
		b.ottl.Close()
		b.ottl = nil
	}
}

// reset forgets everything, so that the pool pins no batch.
func (b *batch) reset() {
	b.close()
	clear(b.failed)
	clear(b.noted)
	*b = batch{failed: b.failed[:0], noted: b.noted[:0]}
}

// time is the moment of the batch's first result.
func (b *batch) time() time.Time {
	if b.now.IsZero() {
		b.now = time.Now().UTC()
	}
	return b.now
}

// subjectID is the span id of the subject; a trace has none.
func (b *batch) subjectID() string {
	if b.content.Kind() == genai.KindTrace {
		return ""
	}
	if b.spanID == "" {
		b.spanID = b.span.SpanID().String()
	}
	return b.spanID
}

// metadata is what results say of the subject; most have nothing to say.
func (b *batch) metadata() map[string]string {
	if b.spansSeen == 0 {
		return nil
	}
	return map[string]string{assessment.MetadataSpansSeen: strconv.Itoa(b.spansSeen)}
}

// Draw implements sampling.Subject.
func (b *batch) Draw(cohort string) sampling.Draw { return b.draws.In(cohort) }

// CheckFailed implements sampling.Subject.
func (b *batch) CheckFailed(name string) bool { return slices.Contains(b.failed, name) }

// OTTL implements sampling.Subject.
func (b *batch) OTTL() *ottlspan.TransformContext {
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
		genai.KindEmbedding, genai.KindGuardrail, genai.KindEvaluator, genai.KindTrace,
	} {
		kinds[kind] = set.add(telemetry.ProcessorFeedbackSubjects, attribute.String("kind", string(kind)))
	}
	return kinds
}

func (k kindSeries) of(kind genai.Kind) series { return k[kind] }
