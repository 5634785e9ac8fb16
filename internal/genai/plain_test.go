package genai_test

import (
	"testing"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

// Shapes from the producers' sources and documentation; no recording.
func TestPlainKeys(t *testing.T) {
	of := func(operation string, more attributes) attributes {
		more["gen_ai.operation.name"] = operation
		return more
	}
	checkTold(t, "plain", []told{
		{
			name: "Pipecat", want: llm("q", "a", "s"),
			span: of("chat", attributes{"input": `[{"role":"system","content":"s"},{"role":"user","content":"q"}]`, "output": "a"}),
		},
		{name: "prompt and response", span: of("chat", attributes{"prompt": "q", "response": "a"}), want: llm("q", "a", "")},
		{
			name: "system text beside them", span: of("chat", attributes{"prompt": "q", "completion": "a", "system_prompt": "s"}),
			want: llm("q", "a", "s"),
		},
		{
			name: "raw response", want: llm("q", "a", ""),
			span: of("chat", attributes{
				"inputs": `{"model":"m","messages":[{"role":"user","content":"q"}]}`,
				"output": `{"id":"1","choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}`,
			}),
		},
		{name: "tool", span: of("execute_tool", attributes{"input": `{"a":1}`, "output": "18 C"}), want: tool(`{"a":1}`, "18 C")},
		{
			name: "answer in brackets", span: of("chat", attributes{"question": "q", "answer": "[1] says {x}"}),
			want: llm("q", "[1] says {x}", ""),
		},
		{
			name: "hidden", span: of("chat", attributes{"input": "[REDACTED]", "output": "[REDACTED]"}),
			want: read{genai.KindLLM, "", "", genai.StateRedacted, genai.StateRedacted, ""},
		},
		{
			name: "an object without text", span: of("chat", attributes{"input": "q", "output": "<openai.Stream object at 0x7f0b9ed51dd0>"}),
			want: read{genai.KindLLM, "q", "", genai.StateText, genai.StateNotCaptured, ""},
		},
		{
			name: "cut, and says so", span: of("chat", attributes{"input": "q", "output": "a [TRUNCATED - Content exceeds 60KB limit]"}),
			want: read{genai.KindLLM, "q", "a [TRUNCATED - Content exceeds 60KB limit]", genai.StateText, genai.StateTruncated, ""},
		},
		{name: "not GenAI", span: attributes{"input": "q", "output": "a"}, want: silent(genai.KindOther)},
	})
}
