package genai_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

// timedSpan is a span of the tests of traces: attributes between two moments.
type timedSpan struct {
	start, end uint64
	attributes attributes
}

// traceOf puts a trace together; its first span is the root.
func traceOf(t *testing.T, spans ...timedSpan) *genai.Trace {
	t.Helper()
	read := make([]*genai.Interaction, 0, len(spans))
	for n := range spans {
		span := spanOf(t, spans[n].attributes)
		span.SetName("span")
		span.SetStartTimestamp(pcommon.Timestamp(spans[n].start))
		span.SetEndTimestamp(pcommon.Timestamp(spans[n].end))
		read = append(read, ofSpan(span))
	}
	return genai.NewTrace(read[0], read)
}

func saidBy(role, text string) string {
	return `[{"role":"` + role + `","parts":[{"type":"text","content":"` + text + `"}]}]`
}

func asks(id, name, arguments string) string {
	return `[{"role":"assistant","parts":[{"type":"tool_call","id":"` + id + `","name":"` + name + `","arguments":` + arguments + `}]}]`
}

var (
	httpRoot = timedSpan{0, 100, attributes{"http.request.method": "POST"}}
	first    = timedSpan{10, 20, otelChat(saidBy("user", "What is the weather?"), asks("c1", "get_weather", `{"location": "Paris"}`))}
	weather  = timedSpan{21, 30, attributes{
		"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_weather", "gen_ai.tool.call.arguments": `{"location":"Paris"}`,
		"gen_ai.tool.call.result": "18 degrees",
	}}
	last = timedSpan{31, 40, otelChat(saidBy("user", "What is the weather?"), saidBy("assistant", "18 degrees."))}
)

func TestTraceOfTheRoot(t *testing.T) {
	t.Parallel()
	root := timedSpan{0, 100, attributes{
		"gen_ai.operation.name": "invoke_agent", "gen_ai.response.id": "r1", "gen_ai.system_instructions": `[{"type":"text","content":"Be brief."}]`,
		"gen_ai.input.messages": saidBy("user", "Weather?"), "gen_ai.output.messages": saidBy("assistant", "It is warm."),
	}}
	trace := traceOf(t, root, last, first, weather, httpRoot)
	assert.Equal(t, genai.KindTrace, trace.Kind())
	assert.Equal(t, 5, trace.SpansSeen())
	assert.Equal(t, "r1", trace.ResponseID())
	for part, want := range map[genai.Part]string{
		genai.PartQuestion:  "Weather?",
		genai.PartAnswer:    "It is warm.",
		genai.PartSystem:    "Be brief.",
		genai.PartToolCalls: `[{"name":"get_weather","arguments":{"location":"Paris"}}]`,
	} {
		text, state := trace.Text(part)
		assert.Equal(t, genai.StateText, state, part)
		if part == genai.PartToolCalls {
			assert.JSONEq(t, want, text, "asked for and run is one call")
			continue
		}
		assert.Equal(t, want, text)
	}
}

// TestTraceBelowItsRoot: a root without content of its own leaves the word to what it called.
func TestTraceBelowItsRoot(t *testing.T) {
	t.Parallel()
	trace := traceOf(t, httpRoot, last, weather, first)
	question, _ := trace.Text(genai.PartQuestion)
	answer, _ := trace.Text(genai.PartAnswer)
	assert.Equal(t, "What is the weather?", question)
	assert.Equal(t, "18 degrees.", answer)
	assert.Empty(t, trace.ResponseID())
}

func TestTraceStates(t *testing.T) {
	for _, test := range []struct {
		name  string
		spans []timedSpan
		kind  genai.Kind
		state genai.State
	}{
		{name: "nothing of GenAI", spans: []timedSpan{httpRoot}, kind: genai.KindOther, state: genai.StateNotCaptured},
		{name: "no text anywhere", spans: []timedSpan{httpRoot, {1, 2, otelChat(nil, nil)}}, kind: genai.KindTrace, state: genai.StateNotCaptured},
		{name: "only tools have text", spans: []timedSpan{httpRoot, weather}, kind: genai.KindTrace, state: genai.StateNotCaptured},
		{
			name:  "a hidden root hides the trace",
			spans: []timedSpan{{0, 9, attributes{"gen_ai.operation.name": "invoke_agent", "gen_ai.output.messages": saidBy("assistant", "[REDACTED]")}}, last},
			kind:  genai.KindTrace, state: genai.StateRedacted,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			trace := traceOf(t, test.spans...)
			assert.Equal(t, test.kind, trace.Kind())
			text, state := trace.Text(genai.PartAnswer)
			assert.Equal(t, test.state, state)
			assert.Empty(t, text)
		})
	}
}

func TestTraceDocuments(t *testing.T) {
	t.Parallel()
	retriever := func(start uint64, documents string) timedSpan {
		return timedSpan{start, start + 1, attributes{"gen_ai.operation.name": "retrieval", "gen_ai.retrieval.documents": documents}}
	}
	trace := traceOf(t, httpRoot,
		retriever(30, `[{"id":"3","content":"third"}]`),
		retriever(10, `[{"id":"1","content":"first"},{"id":"2","content":"second"}]`),
		retriever(11, `[{"id":"1","content":"first"}]`), // the inner span of the same retriever
	)
	text, state := trace.Text(genai.PartContext)
	assert.Equal(t, genai.StateText, state)
	assert.Equal(t, "first\n\nsecond\n\nthird", text)
}

func TestTraceToolCalls(t *testing.T) {
	tool := func(start uint64, name, arguments string) timedSpan {
		return timedSpan{start, start + 1, attributes{
			"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name, "gen_ai.tool.call.arguments": arguments,
		}}
	}
	for _, test := range []struct {
		name  string
		spans []timedSpan
		want  string
	}{
		{
			name:  "in the order of time",
			spans: []timedSpan{httpRoot, tool(30, "b", `{}`), tool(10, "a", `{}`)},
			want:  `[{"name":"a","arguments":{}},{"name":"b","arguments":{}}]`,
		},
		{
			name:  "the same call twice is two calls",
			spans: []timedSpan{httpRoot, {1, 2, otelChat(nil, asks("1", "a", `{"x": 1}`))}, tool(3, "a", `{"x":1}`), {5, 6, otelChat(nil, asks("2", "a", `{"x": 1}`))}, tool(7, "a", `{"x":1}`)},
			want:  `[{"name":"a","arguments":{"x":1}},{"name":"a","arguments":{"x":1}}]`,
		},
		{
			name:  "a call on two spans of one exchange is one",
			spans: []timedSpan{httpRoot, {1, 4, otelChat(nil, asks("1", "a", `{}`))}, {2, 3, otelChat(nil, asks("1", "a", `{}`))}},
			want:  `[{"name":"a","arguments":{}}]`,
		},
		{
			name:  "run without having been asked for by any model that is seen",
			spans: []timedSpan{httpRoot, first, tool(50, "get_time", `{}`)},
			want:  `[{"name":"get_weather","arguments":{"location":"Paris"}},{"name":"get_time","arguments":{}}]`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text, state := traceOf(t, test.spans...).Text(genai.PartToolCalls)
			require.Equal(t, genai.StateText, state)
			assert.JSONEq(t, test.want, text)
		})
	}
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		_, state := traceOf(t, httpRoot, last).Text(genai.PartToolCalls)
		assert.Equal(t, genai.StateNotCaptured, state)
	})
}
