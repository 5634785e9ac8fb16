package genai_test

import (
	"testing"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func TestSentry(t *testing.T) {
	const asked = `[{"role":"system","content":"s"},{"role":"user","content":"q"}]`
	checkTold(t, "sentry", []told{
		{
			name: "texts of all choices", want: llm("q", "a", "s"),
			span: attributes{"gen_ai.operation.name": "chat", "gen_ai.request.messages": asked, "gen_ai.response.text": `["","a","b"]`},
		},
		{
			name: "text", want: llm("q", "a", ""),
			span: attributes{"gen_ai.operation.name": "responses", "gen_ai.request.messages": "q", "gen_ai.response.text": "a"},
		},
		{
			name: "calls of tools", want: read{genai.KindLLM, "q", "", genai.StateText, genai.StateToolCallOnly, "s"},
			span: attributes{
				"gen_ai.operation.name": "chat", "gen_ai.request.messages": asked, "gen_ai.response.text": `[""]`,
				"gen_ai.response.tool_calls": `[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]`,
			},
			calls: []genai.ToolCall{{ID: "1", Name: "f", Arguments: `{"a":1}`}},
		},
		{
			name: "tool", want: tool(`{"a":1}`, "18 C"),
			span: attributes{"gen_ai.operation.name": "execute_tool", "gen_ai.tool.input": `{"a":1}`, "gen_ai.tool.output": `"18 C"`},
		},
		{
			name: "empty", want: read{genai.KindLLM, "", "", genai.StateNotCaptured, genai.StateError, ""},
			span: attributes{
				"gen_ai.operation.name": "chat", "gen_ai.response.text": `[""]`, "gen_ai.response.finish_reasons": `["length"]`,
			},
		},
		{
			name: "cut", want: read{genai.KindLLM, "", "a b", genai.StateTruncated, genai.StateTruncated, ""},
			span: attributes{"gen_ai.operation.name": "chat", "gen_ai.request.messages": asked[:40], "gen_ai.response.text": `["a b`},
		},
	})
}
