package feedbackprocessor

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// of is a span of the tests of exchanges: its ids, its operation and what it says.
type of struct {
	trace, id                          byte
	operation, response, asked, answer string
}

func (o of) appendTo(spans ptrace.SpanSlice) {
	span := newSpan(spans, 0, o.asked, o.answer)
	span.SetTraceID(pcommon.TraceID{1, o.trace})
	span.SetSpanID(pcommon.SpanID{2, o.id})
	span.Attributes().PutStr("gen_ai.operation.name", o.operation)
	span.Attributes().PutStr("gen_ai.response.id", o.response)
	if o.answer == "" {
		span.Attributes().Remove("gen_ai.input.messages")
		span.Attributes().Remove("gen_ai.output.messages")
	}
}

// TestAnExchangeIsJudgedOnce: whichever of the spans that it stands on comes first, in one batch or in several.
func TestAnExchangeIsJudgedOnce(t *testing.T) {
	const chat, agent, chain, tool = "chat", "invoke_agent", "chain", "execute_tool"
	tests := []struct {
		name  string
		spans []of
		want  map[string]int64
	}{
		{
			name:  "the SDK and a proxy, with the response's id",
			spans: []of{{1, 1, chat, "r", "q", "a"}, {1, 2, chat, "r", "q", "a"}},
			want:  map[string]int64{"evaluated ": 1, "duplicate ": 1},
		},
		{
			name:  "the proxy has put a question of its own",
			spans: []of{{1, 1, chat, "r", "q", "a"}, {1, 2, chat, "r", "template: q", "a"}},
			want:  map[string]int64{"evaluated ": 1, "duplicate ": 1},
		},
		{
			name:  "in another trace",
			spans: []of{{1, 1, chat, "r", "q", "a"}, {2, 2, chat, "r", "q", "a"}},
			want:  map[string]int64{"evaluated ": 1, "duplicate ": 1},
		},
		{
			name:  "in another trace, without content: it silences nobody",
			spans: []of{{1, 1, chat, "r", "", ""}, {2, 2, chat, "r", "q", "a"}, {3, 3, chat, "r", "", ""}},
			want:  map[string]int64{"evaluated ": 1, "no_content not_captured": 2},
		},
		{
			name:  "a server that counts its ids anew: another answer is another exchange",
			spans: []of{{1, 1, chat, "chatcmpl-1", "q", "a"}, {2, 2, chat, "chatcmpl-1", "q", "b"}},
			want:  map[string]int64{"evaluated ": 2},
		},
		{
			name:  "one of them has no response id",
			spans: []of{{1, 1, chat, "r", "q", "a"}, {1, 2, chat, "", "q", "a"}},
			want:  map[string]int64{"evaluated ": 1, "duplicate ": 1},
		},
		{
			name:  "two calls that say the same are two exchanges",
			spans: []of{{1, 1, chat, "r1", "q", "a"}, {1, 2, chat, "r2", "q", "a"}},
			want:  map[string]int64{"evaluated ": 2},
		},
		{
			name:  "without ids, other questions with one answer are two",
			spans: []of{{1, 1, chat, "", "q", "Yes."}, {1, 2, chat, "", "other", "Yes."}},
			want:  map[string]int64{"evaluated ": 2},
		},
		{
			name:  "without ids, other traces are others",
			spans: []of{{1, 1, chat, "", "q", "a"}, {2, 2, chat, "", "q", "a"}},
			want:  map[string]int64{"evaluated ": 2},
		},
		{
			name:  "leaf, steps and root",
			spans: []of{{1, 1, chat, "r", "q", "a"}, {1, 2, chain, "", `{"q":"q"}`, "a"}, {1, 3, chain, "", "q", "a"}, {1, 4, agent, "", "q", "a"}},
			want:  map[string]int64{"evaluated ": 1, "duplicate ": 3},
		},
		{
			name:  "a step that gave something else",
			spans: []of{{1, 1, chat, "r", "q", "a"}, {1, 2, chain, "", "q", "documents"}},
			want:  map[string]int64{"evaluated ": 2},
		},
		{
			name:  "tools are called twice",
			spans: []of{{1, 1, tool, "", "q", "a"}, {1, 2, tool, "", "q", "a"}},
			want:  map[string]int64{"evaluated ": 2},
		},
	}
	for _, tt := range tests {
		for _, batches := range []bool{false, true} {
			for _, backwards := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/batches=%v,backwards=%v", tt.name, batches, backwards), func(t *testing.T) {
					t.Parallel()
					model := newModel(t)
					p := startPipelines(t, loadConfig(t, fmt.Sprintf(judgeYAML, model.URL),
						"judges: {quality: {kinds: [llm, agent, chain, tool]}}"), componenttest.NewNopHost())
					td := newBatch(0, 0)
					for n := range tt.spans {
						if backwards {
							n = len(tt.spans) - 1 - n
						}
						tt.spans[n].appendTo(td.ResourceSpans().At(0).ScopeSpans().At(0).Spans())
						if batches {
							require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
							td = newBatch(0, 0)
						}
					}
					require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
					p.stop(t)
					assert.Equal(t, tt.want, sums(t, p.telemetry, "decisions", "reason", "state"))
					assert.Equal(t, tt.want["evaluated "], model.calls.Load())
				})
			}
		}
	}
}

// TestAnExchangeIsDrawnOnce: chance must not get a second try because the exchange is reported in two traces.
func TestAnExchangeIsDrawnOnce(t *testing.T) {
	t.Parallel()
	model := newModel(t)
	p := startPipelines(t, loadConfig(t, fmt.Sprintf(judgeYAML, model.URL),
		"judges: {quality: {sampling: [{name: half, rate: 0.5}]}}"), componenttest.NewNopHost())
	const n = 200
	for i := range n {
		for copies := range 2 {
			td := newBatch(0, 0)
			span := newSpan(td.ResourceSpans().At(0).ScopeSpans().At(0).Spans(), i, "q", "a")
			span.SetTraceID(pcommon.TraceID{byte(copies + 1), byte(i), 15: 1})
			require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
		}
	}
	p.stop(t)
	decided := sums(t, p.telemetry, "decisions", "reason")
	assert.EqualValues(t, n, decided["duplicate"])
	assert.InDelta(t, n/2, decided["evaluated"], 4*7.1, "the rate, within four standard errors")
}

func TestWhatCouldNotBeQueuedIsNoDuplicate(t *testing.T) {
	t.Parallel()
	var seen recent
	e := exchange{kind: "llm", trace: "t", question: 1, answer: 3, span: 5, response: 7}
	require.True(t, seen.claim(&e))
	require.False(t, seen.claim(&e))
	seen.forget(&e)
	require.True(t, seen.claim(&e))
}
