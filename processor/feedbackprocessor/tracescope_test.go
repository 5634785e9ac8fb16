package feedbackprocessor

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

// traceYAML has a check and a judge of whole traces; %s is the model's endpoint.
const traceYAML = `
checks:
  answered_well: {scope: trace, contains: {any: ["Paris"]}}
  root_is_fast: {scope: trace, ottl: {condition: 'IsRootSpan()'}}
models:
  stand-in: {endpoint: "%s"}
judges:
  grounded:
    scope: trace
    model: stand-in
    prompt: "{{.Question}} {{.Answer}} {{.Context}} {{.ToolCalls}}"
    output: {type: boolean}
    sampling: [{name: all, rate: 1}]
judge_retry: {enabled: false}
judge_cache: {window: 0s}
`

// agentTrace is a trace of four spans: an agent, the retriever and the model that it asked, and an HTTP call.
func agentTrace(n byte) ptrace.Traces {
	td := newBatch(0, 0)
	spans := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	add := func(id, parent byte, attributes map[string]any) {
		span := spans.AppendEmpty()
		span.SetTraceID(pcommon.TraceID{3, n})
		span.SetSpanID(pcommon.SpanID{3, id})
		if parent > 0 {
			span.SetParentSpanID(pcommon.SpanID{3, parent})
		}
		span.SetStartTimestamp(pcommon.Timestamp(id))
		span.SetEndTimestamp(pcommon.Timestamp(200 - int(id)))
		_ = span.Attributes().FromRaw(attributes)
	}
	add(3, 1, map[string]any{
		"gen_ai.operation.name": "chat", "gen_ai.input.messages": message("user", "prompt with documents"),
		"gen_ai.output.messages": `[{"role":"assistant","parts":[{"type":"tool_call","id":"c1","name":"get_weather","arguments":{"location":"Paris"}}]}]`,
	})
	add(2, 1, map[string]any{
		"gen_ai.operation.name": "retrieval", "gen_ai.retrieval.query.text": "capital",
		"gen_ai.retrieval.documents": `[{"id":"d1","content":"Paris is the capital of France."}]`,
	})
	add(1, 0, map[string]any{
		"gen_ai.operation.name": "invoke_agent", "gen_ai.input.messages": message("user", "What is the capital?"),
		"gen_ai.output.messages": message("assistant", "Paris."),
	})
	add(4, 3, map[string]any{"http.request.method": "POST"})
	return td
}

func TestATraceIsASubject(t *testing.T) {
	t.Parallel()
	model := newModel(t)
	prompt := model.keepsPrompt()
	p := startPipelines(t, loadConfig(t, fmt.Sprintf(traceYAML, model.URL)), componenttest.NewNopHost())
	td := agentTrace(1)
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
	spans := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	for n := range spans.Len() {
		want := 0
		if spans.At(n).ParentSpanID().IsEmpty() {
			want = 2
		}
		assert.Equal(t, want, spans.At(n).Events().Len(), "results are on the root")
	}
	result, err := assessment.DecodeSpanEvent(spans.At(2), spans.At(2).Events().At(0), assessment.DecodeOptions{})
	require.NoError(t, err)
	assert.Equal(t, "answered_well", result.Name)
	assert.Empty(t, result.SpanID, "it is about the trace")
	assert.Equal(t, assessment.VerdictPassed, result.Verdict)
	assert.Equal(t, "4", result.Metadata[assessment.MetadataSpansSeen])

	verdict, err := assessment.DecodeLogRecord(p.awaitRecords(t, 1)[0], assessment.DecodeOptions{})
	require.NoError(t, err)
	assert.Empty(t, verdict.SpanID)
	assert.Equal(t, pcommon.TraceID{3, 1}.String(), verdict.TraceID)
	assert.Equal(t, "4", verdict.Metadata[assessment.MetadataSpansSeen])
	for _, part := range []string{"What is the capital?", "Paris.", "Paris is the capital of France.", "get_weather"} {
		assert.Contains(t, prompt.Load(), part)
	}
	assert.NotContains(t, prompt.Load(), "prompt with documents")
	p.stop(t)
	assert.Equal(t, map[string]int64{"trace": 1, "agent": 1, "llm": 1, "retriever": 1}, sums(t, p.telemetry, "subjects", "kind"))
	assert.Equal(t, map[string]int64{"evaluated": 1}, sums(t, p.telemetry, "decisions", "reason"), "one decision a trace")
}

// TestNoTrace: without its root, or without any GenAI span, there is none to evaluate.
func TestNoTrace(t *testing.T) {
	for name, remove := range map[string]func(ptrace.Span) bool{
		"the root is in another batch": func(span ptrace.Span) bool { return span.ParentSpanID().IsEmpty() },
		"not GenAI": func(span ptrace.Span) bool {
			span.Attributes().Clear()
			return false
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			model := newModel(t)
			p := startPipelines(t, loadConfig(t, fmt.Sprintf(traceYAML, model.URL)), componenttest.NewNopHost())
			td := agentTrace(1)
			td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().RemoveIf(remove)
			require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
			p.stop(t)
			assert.Zero(t, sums(t, p.telemetry, "subjects", "kind")["trace"])
			assert.Empty(t, sums(t, p.telemetry, "decisions", "reason"))
		})
	}
}

// TestTracesOfABatch are evaluated one by one, a resent one once.
func TestTracesOfABatch(t *testing.T) {
	t.Parallel()
	model := newModel(t)
	p := startPipelines(t, loadConfig(t, fmt.Sprintf(traceYAML, model.URL)), componenttest.NewNopHost())
	td := ptrace.NewTraces()
	for n := range byte(10) {
		agentTrace(n).ResourceSpans().MoveAndAppendTo(td.ResourceSpans())
	}
	again := ptrace.NewTraces()
	td.CopyTo(again)
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), again))
	p.stop(t)
	assert.Equal(t, map[string]int64{"evaluated": 10, "duplicate": 10}, sums(t, p.telemetry, "decisions", "reason"))
}

// TestATraceWaitsForText of its model's span, which comes in log records.
func TestATraceWaitsForText(t *testing.T) {
	t.Parallel()
	model := newModel(t)
	p := startTimed(t, loadConfig(t, fmt.Sprintf(traceYAML, model.URL)))
	td := agentTrace(1)
	spans := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	for _, n := range []int{0, 2} {
		spans.At(n).Attributes().Remove("gen_ai.input.messages")
		spans.At(n).Attributes().Remove("gen_ai.output.messages")
	}
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
	assert.Equal(t, 1, spans.At(2).Events().Len(), "what needs no text does not wait")
	assert.EqualValues(t, 1, p.traces.(*tracesNode).instance.joiner.pending(true))
	require.NoError(t, p.logs.ConsumeLogs(t.Context(), detailsOf(spans.At(0), "q", "It is Paris.")))
	p.advance(10 * time.Second)
	records := p.awaitRecords(t, 3)
	passed := false
	for _, record := range records {
		if result, err := assessment.DecodeLogRecord(record, assessment.DecodeOptions{}); err == nil && result.Name == "answered_well" {
			passed = result.Verdict == assessment.VerdictPassed && result.Metadata[assessment.MetadataSpansSeen] == "4"
		}
	}
	assert.True(t, passed)
	p.stop(t)
	assert.Equal(t, map[string]int64{"trace": 1, "agent": 1, "llm": 1, "retriever": 1}, sums(t, p.telemetry, "subjects", "kind"))
	assert.Equal(t, map[string]int64{"evaluated": 1}, sums(t, p.telemetry, "decisions", "reason"))
}
