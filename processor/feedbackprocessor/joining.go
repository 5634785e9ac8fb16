package feedbackprocessor

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/join"
)

// joiner puts off the evaluation of spans whose text may yet come in log records. A nil joiner does nothing.
type joiner struct {
	in     *instance
	buffer *join.Buffer[*held]
	// kinds are those whose text some evaluator reads.
	kinds map[genai.Kind]bool
	// parts are of question and answer those that, where they are missing, are worth waiting for.
	parts []genai.Part
	// spans and traces are the numbers of those that wait.
	spans, traces atomic.Int64

	stopped chan struct{}
	done    chan struct{}
}

// held is a span, or a whole trace, that waits: a copy, because the batch has gone on.
type held struct {
	copied ptrace.Traces
	trace  bool
	// failed are the checks that it failed while it passed.
	failed []string
}

// newJoiner returns nil where joining is off, or nobody reads text.
func newJoiner(in *instance) *joiner {
	kinds := make(map[genai.Kind]bool)
	parts := []genai.Part{genai.PartAnswer, genai.PartQuestion}
	onlyAnswers := len(in.judges) == 0
	for _, runner := range in.checks {
		for _, part := range runner.needs {
			onlyAnswers = onlyAnswers && part == genai.PartAnswer
			for _, kind := range runner.selection.kinds {
				kinds[kind] = true
			}
		}
	}
	for _, runner := range in.judges {
		for _, kind := range runner.selection.kinds {
			kinds[kind] = true
		}
	}
	if onlyAnswers && !kinds[genai.KindTrace] {
		parts = parts[:1]
	}
	if in.config.JoinLogs.SpanWait == 0 || len(kinds) == 0 {
		return nil
	}
	j := &joiner{in: in, kinds: kinds, parts: parts, stopped: make(chan struct{}), done: make(chan struct{})}
	j.buffer = join.New[*held](in.config.JoinLogs, in.now, func(records int) {
		in.telemetry.ProcessorFeedbackUnjoinedRecords.Add(context.Background(), int64(records))
	})
	return j
}

// start looks from time to time whose wait is over.
func (j *joiner) start() {
	if j == nil {
		return
	}
	const slowest = time.Second
	ticks, stop := j.in.newTicker(min(slowest, max(j.in.config.JoinLogs.SpanWait/4, time.Millisecond)))
	go func() {
		defer close(j.done)
		defer stop()
		for {
			select {
			case <-ticks:
				j.evaluate(context.Background(), j.buffer.Expire(), j.in.emitter.emitLate)
			case <-j.stopped:
				return
			}
		}
	}()
}

// stop evaluates what waits with what is there.
func (j *joiner) stop() {
	if j == nil {
		return
	}
	close(j.stopped)
	<-j.done
	j.evaluate(context.Background(), j.buffer.Close(), j.in.emitter.emitLate)
}

// takeRecords keeps the records that carry text, and evaluates spans that waited for nothing else.
func (j *joiner) takeRecords(ctx context.Context, ld plog.Logs) {
	if j == nil {
		return
	}
	var ended []*held
	for _, resource := range ld.ResourceLogs().All() {
		for _, scope := range resource.ScopeLogs().All() {
			for _, record := range scope.LogRecords().All() {
				if found, ok := genai.ReadRecord(scope.Scope().Name(), record); ok {
					key := join.Key{Trace: record.TraceID(), Span: record.SpanID()}
					ended = append(ended, j.buffer.AddRecord(key, found.Clone())...)
				}
			}
		}
	}
	j.evaluate(ctx, ended, func(ready *readyResults) { j.in.emitter.emitReady(ctx, ready) })
}

// joinRecords gives the batch's interaction the records that have come for its span. Unless one of them holds all, more
// may come, even where there are a question and an answer: the last of them need not have come last.
func (j *joiner) joinRecords(b *batch) {
	if j == nil {
		return
	}
	records := j.buffer.Records(join.Key{Trace: b.span.TraceID(), Span: b.span.SpanID()})
	b.mayGainText = !b.late && (j.kinds[b.interaction.Kind()] || j.kinds[genai.KindTrace]) &&
		!slices.ContainsFunc(records, genai.Record.Complete) && j.lacksText(&b.interaction)
	if len(records) > 0 {
		b.interaction.Join(records)
	}
}

// putsOff reports whether the evaluation of the batch's span is put off: it lacks a text that some evaluator reads, and
// that log records may bring.
func (j *joiner) putsOff(b *batch) bool {
	return b.mayGainText && j.kinds[b.interaction.Kind()]
}

// putsOffTrace is putsOff for a span as part of its trace. That tools and the like have no text is no reason to wait.
func (j *joiner) putsOffTrace(b *batch) bool {
	kind := b.interaction.Kind()
	return b.mayGainText && j.kinds[genai.KindTrace] && (kind == genai.KindLLM || kind == genai.KindAgent)
}

func (j *joiner) lacksText(i *genai.Interaction) bool {
	return slices.ContainsFunc(j.parts, func(part genai.Part) bool {
		_, state := i.Text(part)
		return state == genai.StateNotCaptured
	})
}

// holdSpan lets the batch's span wait.
func (j *joiner) holdSpan(ctx context.Context, b *batch) {
	own := &held{copied: ptrace.NewTraces(), failed: slices.Clone(b.failed)}
	own.add(placed{b.subject.Resource, b.subject.Scope, b.span})
	key := join.Key{Trace: b.span.TraceID(), Span: b.span.SpanID()}
	j.hold(ctx, key, own, key)
}

// holdTrace lets a trace wait.
func (j *joiner) holdTrace(ctx context.Context, b *batch, spans []placed) {
	own := &held{copied: ptrace.NewTraces(), trace: true, failed: slices.Clone(b.failed)}
	about := make([]join.Key, len(spans))
	for n, one := range spans {
		own.add(one)
		about[n] = join.Key{Trace: one.span.TraceID(), Span: one.span.SpanID()}
	}
	j.hold(ctx, join.Key{Trace: spans[0].span.TraceID()}, own, about...)
}

func (j *joiner) hold(ctx context.Context, key join.Key, own *held, about ...join.Key) {
	j.waiting(own).Add(1)
	size := (&ptrace.ProtoMarshaler{}).TracesSize(own.copied)
	j.evaluate(ctx, j.buffer.Hold(key, own, int64(size), about...), func(ready *readyResults) { j.in.emitter.emitReady(ctx, ready) })
}

func (h *held) add(one placed) {
	resource := h.copied.ResourceSpans().AppendEmpty()
	one.resource.Resource().CopyTo(resource.Resource())
	resource.SetSchemaUrl(one.resource.SchemaUrl())
	scope := resource.ScopeSpans().AppendEmpty()
	one.scope.Scope().CopyTo(scope.Scope())
	scope.SetSchemaUrl(one.scope.SchemaUrl())
	one.span.CopyTo(scope.Spans().AppendEmpty())
}

func (j *joiner) waiting(own *held) *atomic.Int64 {
	if own.trace {
		return &j.traces
	}
	return &j.spans
}

// pending is the number of (judge, subject) pairs of a judge that wait for text.
func (j *joiner) pending(trace bool) int64 {
	switch {
	case j == nil:
		return 0
	case trace:
		return j.traces.Load()
	}
	return j.spans.Load()
}

// evaluate evaluates what has waited, and emits the results: its spans have left.
func (j *joiner) evaluate(ctx context.Context, ended []*held, emit func(*readyResults)) {
	for _, one := range ended {
		if ready := j.in.evaluateHeld(ctx, one); ready != nil {
			emit(ready)
		}
		j.waiting(one).Add(-1)
	}
}

// evaluateHeld runs the evaluators that have not been run on what waited.
func (in *instance) evaluateHeld(ctx context.Context, one *held) (ready *readyResults) {
	b := in.newBatch()
	b.late = true
	defer func() {
		if cause := recover(); cause != nil {
			in.logPanic("", cause)
		}
		ready = in.endBatch(ctx, b)
	}()
	if one.trace {
		for id, root := range rootsOf(one.copied) {
			in.evaluateTrace(ctx, b, root, spansOf(one.copied, map[pcommon.TraceID]placed{id: root})[id], one.failed...)
		}
		return nil
	}
	resource := one.copied.ResourceSpans().At(0)
	scope := resource.ScopeSpans().At(0)
	b.at(resource, scope, scope.Spans().At(0))
	b.failed = append(b.failed, one.failed...)
	if in.readSpan(ctx, b) {
		in.runAll(ctx, b, assessment.ScopeSpan, withText)
	}
	return nil
}
