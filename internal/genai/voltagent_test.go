package genai_test

import (
	"testing"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func TestVoltAgent(t *testing.T) {
	const messages = `[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"q"}]}]`
	under := func(more attributes) attributes {
		more["entity.type"], more["operation.id"] = "agent", "1"
		return more
	}
	checkTold(t, "voltagent", []told{
		{
			name: "agent", want: read{genai.KindAgent, "q", "a", genai.StateText, genai.StateText, "s"},
			span: under(attributes{
				"voltagent.operation_id": "1", "input": "q", "agent.messages": messages, "agent.instructions": "s", "output": "a",
			}),
		},
		{
			name: "agent without messages", want: read{genai.KindAgent, "q", `{"city":"Paris"}`, genai.StateText, genai.StateText, "s"},
			span: under(attributes{
				"input": `[{"id":"1","role":"user","parts":[{"type":"text","text":"q"}]}]`, "agent.instructions": "s",
				"output": `{"city":"Paris"}`,
			}),
		},
		{
			name: "call of a model has no answer", span: under(attributes{"span.type": "llm", "llm.messages": messages}),
			want: read{genai.KindLLM, "q", "", genai.StateText, genai.StateNotCaptured, "s"},
		},
		{
			name: "cut", span: under(attributes{"span.type": "llm", "llm.messages": messages[:60]}),
			want: read{genai.KindLLM, "", "", genai.StateTruncated, genai.StateNotCaptured, ""},
		},
		{
			name: "tool", want: tool(`{"location":"Paris"}`, "18 C"),
			span: under(attributes{"span.type": "tool", "tool.parameters": `{"type":"object"}`, "input": `{"location":"Paris"}`, "output": "18 C"}),
		},
		{
			name: "retriever", documents: []genai.Document{{Text: "a\nb"}},
			span: under(attributes{"span.type": "retriever", "input": "q", "output": "a\nb"}),
			want: read{genai.KindRetriever, "q", "a\nb", genai.StateText, genai.StateText, ""},
		},
		{
			name: "guardrail", span: under(attributes{"span.type": "guardrail", "guardrail.input.original": "q", "guardrail.message": "no"}),
			want: read{genai.KindGuardrail, "q", "no", genai.StateText, genai.StateText, ""},
		},
		{
			name: "memory", span: under(attributes{"span.type": "memory", "input": `{"query":"q","userId":"u"}`, "output": "[]"}),
			want: read{genai.KindChain, "q", "", genai.StateText, genai.StateNotCaptured, ""},
		},
		{name: "scorer", span: under(attributes{"span.type": "scorer"}), want: silent(genai.KindEvaluator)},
		{name: "workflow", span: attributes{"entity.type": "workflow"}, want: silent(genai.KindChain)},
		{name: "another's entity", span: attributes{"entity.type": "SERVICE"}, want: silent(genai.KindOther)},
		{name: "another's span type", span: attributes{"span.type": "web"}, want: silent(genai.KindOther)},
	})
}
