package genai_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func monocle(t *testing.T, kind string, in, out any) *genai.Interaction {
	t.Helper()
	return withEvents(t, attributes{
		"monocle_apptrace.version": "0.8", "span.type": kind, "entity.1.type": "inference.openai",
		"entity.1.provider_name": "api.openai.com", "entity.2.type": "model.llm.m", "entity.2.name": "m",
		"entity.3.type": "tool.function", "entity.3.name": "get_weather", "scope.agentic.session": "s",
	},
		said{name: "data.input", attributes: attributes{"input": in}},
		said{name: "data.output", attributes: attributes{"error_code": "completed", "response": out}},
		said{name: "metadata", attributes: attributes{"prompt_tokens": 24, "completion_tokens": 8, "finish_reason": "stop"}},
	)
}

func TestMonocle(t *testing.T) {
	weather := []genai.ToolCall{{ID: "1", Name: "get_weather", Arguments: `{"location":"Paris"}`}}
	for _, test := range []struct {
		name, kind string
		in, out    any
		want       read
		calls      []genai.ToolCall
		results    []genai.Document
		documents  []genai.Document
	}{
		{
			name: "call of a model", kind: "inference", want: llm("q", "a", "s"),
			in:  []any{`{"system":"s"}`, `{"user":"before"}`, `{"assistant":"said"}`, `{"user":"q"}`},
			out: `{"assistant":"a"}`,
		},
		{
			name: "LangChain's roles", kind: "inference.framework", want: llm("q", "a", "s"),
			in: []any{`{"system":"s"}`, `{"human":"q"}`}, out: `{"ai":"a"}`,
		},
		{
			name: "parts", kind: "inference", want: llm("q", "a\nb", ""),
			in:  []any{`{"user":[{"type":"text","text":"q"},{"type":"image_url","image_url":{"url":"u"}}]}`},
			out: `{"assistant":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}`,
		},
		{
			name: "one text", kind: "inference", in: "q", out: "a", want: llm("q", "a", ""),
		},
		{
			name: "texts that are no messages", kind: "inference", in: []any{"p", "{not json"}, out: `{"assistant":"a"}`,
			want: llm("{not json", "a", ""),
		},
		{
			name: "answer that is JSON", kind: "inference", in: []any{`{"user":"q"}`}, out: `{"assistant":"{\"a\":1}"}`,
			want: llm("q", `{"a":1}`, ""),
		},
		{
			name: "call of a tool", kind: "inference", in: []any{`{"user":"q"}`}, calls: weather,
			out:  `{"assistant":[{"tool_id":"1","tool_name":"get_weather","tool_arguments":"{\"location\":\"Paris\"}"}]}`,
			want: read{genai.KindLLM, "q", "", genai.StateText, genai.StateToolCallOnly, ""},
		},
		{
			name: "call of a tool, streamed", kind: "inference", in: []any{`{"user":"q"}`}, calls: weather,
			out:  `{"tools":[{"tool_id":"1","tool_name":"get_weather","tool_arguments":{"location":"Paris"}}]}`,
			want: read{genai.KindLLM, "q", "", genai.StateText, genai.StateToolCallOnly, ""},
		},
		{
			name: "call of a tool, of LangChain", kind: "inference.framework", in: []any{`{"human":"q"}`}, calls: weather,
			out:  `{"ai":{"name":"get_weather","args":{"location":"Paris"},"id":"1","type":"tool_call"}}`,
			want: read{genai.KindLLM, "q", "", genai.StateText, genai.StateToolCallOnly, ""},
		},
		{
			name: "results of tools", kind: "inference", out: `{"assistant":"a"}`, want: llm("q", "a", ""),
			in: []any{
				`{"user":"q"}`, `{"assistant":["{\"tool_function\":\"f\"}"]}`, `{"tool":"18 C"}`,
				`{"tool_function":"f","tool_arguments":"{}","call_id":"1"}`, `{"call_id":"1","output":"sunny"}`,
			},
			results: []genai.Document{{Text: "18 C"}, {Text: "sunny"}},
		},
		{
			name: "answer cut", kind: "inference", in: []any{`{"user":"q"}`}, out: `{"assistant":"The capital`,
			want: read{genai.KindLLM, "q", `{"assistant":"The capital`, genai.StateText, genai.StateTruncated, ""},
		},
		{
			name: "agent", kind: "agentic.invocation", in: `["q"]`, out: "a",
			want: read{genai.KindAgent, "q", "a", genai.StateText, genai.StateText, ""},
		},
		{
			name: "turn", kind: "agentic.turn", in: []any{"q"}, out: "a",
			want: read{genai.KindAgent, "q", "a", genai.StateText, genai.StateText, ""},
		},
		{
			name: "tool", kind: "agentic.tool.invocation", in: `{"location":"Paris"}`, out: "18 C",
			want: tool(`{"location":"Paris"}`, "18 C"),
		},
		{
			name: "retriever", kind: "retrieval", in: "q", out: "one, two", documents: []genai.Document{{Text: "one, two"}},
			want: read{genai.KindRetriever, "q", "one, two", genai.StateText, genai.StateText, ""},
		},
		{
			name: "embedding", kind: "embedding", in: "q", out: "index=0, embedding=[0.1",
			want: read{genai.KindEmbedding, "q", "", genai.StateText, genai.StateNotCaptured, ""},
		},
		{
			name: "nothing", kind: "inference", in: []any{}, out: "", want: silent(genai.KindLLM),
		},
		{
			name: "wrong types", kind: "inference", in: []any{1, `[1]`, `{"user":1}`, "null"}, out: `{"assistant":1}`,
			want: read{genai.KindLLM, "null", "", genai.StateText, genai.StateError, ""},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			i := monocle(t, test.kind, test.in, test.out)
			assert.Equal(t, test.want, readOf(i))
			assert.Equal(t, test.calls, i.ToolCalls())
			assert.Equal(t, test.results, i.ToolResults())
			assert.Equal(t, test.documents, i.Documents())
		})
	}
}

func TestMonocleFacts(t *testing.T) {
	t.Parallel()
	assert.Equal(t, factsOf{"m", "openai", "", "s", "", "stop", 24, 8}, tellFacts(monocle(t, "inference", "q", "a")))
}

func TestMonocleOfOtherKinds(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"workflow", "http.process", "http.send", "generic"} {
		assert.Equal(t, genai.KindOther, monocle(t, kind, "q", "a").Kind(), kind)
	}
}
