package genai_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func TestMastra(t *testing.T) {
	of := func(operation, kind, in, out string) attributes {
		return attributes{
			"gen_ai.operation.name": operation, "mastra.span.type": kind, "mastra." + kind + ".input": in, "mastra." + kind + ".output": out,
		}
	}
	const messages = `[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"q"}]}]`
	checkTold(t, "mastra", []told{
		{
			name: "agent", span: of("invoke_agent", "agent_run", "q", `{"text":"a","files":[]}`),
			want: read{genai.KindAgent, "q", "a", genai.StateText, genai.StateText, ""},
		},
		{
			name: "generation", span: of("model_generation", "model_generation", `{"messages":`+messages+`}`, `{"text":"a","sources":[]}`),
			want: read{genai.KindChain, "q", "a", genai.StateText, genai.StateText, "s"},
		},
		{
			name: "step that calls a tool",
			span: of("agent_step", "model_step", messages, `{"text":"","toolCalls":[{"toolCallId":"1","toolName":"f","args":{"a":1}}]}`),
			want: read{genai.KindChain, "q", "", genai.StateText, genai.StateToolCallOnly, "s"},
			calls: []genai.ToolCall{
				{ID: "1", Name: "f", Arguments: `{"a":1}`},
			},
		},
		{
			name: "step, its input the HTTP request", span: of("agent_step", "model_step", `{"body":{"model":"m","messages":`+messages+`}}`, `{"text":"a"}`),
			want: read{genai.KindChain, "q", "a", genai.StateText, genai.StateText, "s"},
		},
		{
			name: "workflow", span: of("invoke_workflow", "workflow_run", `{"city":"Paris","days":2}`, `{"result":"a"}`),
			want: read{genai.KindChain, `{"city":"Paris","days":2}`, "a", genai.StateText, genai.StateText, ""},
		},
		{
			name: "scorer", span: of("scorer_run", "scorer_run", "q", "0.5"),
			want: read{genai.KindEvaluator, "q", "0.5", genai.StateText, genai.StateText, ""},
		},
		{
			name: "2025", span: attributes{
				"gen_ai.operation.name": "tool.execute", "mastra.span.type": "tool_call", "input": `{"a":1}`, "output": `"18 C"`,
			},
			want: tool(`{"a":1}`, "18 C"),
		},
		{name: "no content", span: attributes{"gen_ai.operation.name": "invoke_agent", "mastra.span.type": "agent_run"}, want: silent(genai.KindAgent)},
	})
}

// Mastra's exporter for Arize calls each chunk of an answer a model's.
func TestMastraForArize(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]genai.Kind{"model_generation": genai.KindLLM, "model_chunk": genai.KindChain} {
		span := oi(attributes{"mastra.span.type": kind, "output.value": `{"text":"a"}`, "output.mime_type": "application/json"})
		assert.Equal(t, want, of(t, span).Kind())
	}
}
