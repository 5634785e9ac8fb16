package genai_test

import (
	"testing"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func TestAgentOps(t *testing.T) {
	checkTold(t, "agentops", []told{
		{
			name: "decorated operation", want: read{genai.KindChain, "q", "a", genai.StateText, genai.StateText, ""},
			span: attributes{
				"agentops.span.kind": "operation", "agentops.operation.input": `{"args": ["q"], "kwargs": {}}`, "agentops.operation.output": `"a"`,
			},
		},
		{
			name: "decorated tool", want: tool(`{"location":"Paris"}`, "18 C"),
			span: attributes{
				"agentops.span.kind": "tool", "agentops.tool.input": `{"args": [], "kwargs": {"location":"Paris"}}`, "agentops.tool.output": `"18 C"`,
			},
		},
		{
			name: "call of a tool", span: attributes{"agentops.span.kind": "AgentOpsSpanKindValues.TOOL", "tool.parameters": `{"a": 1}`},
			want: read{genai.KindTool, `{"a": 1}`, "", genai.StateText, genai.StateNotCaptured, ""},
		},
		{
			name: "agent of CrewAI", want: read{genai.KindAgent, "q", "a", genai.StateText, genai.StateText, ""},
			span: attributes{"agentops.span.kind": "agent", "agentops.entity.input": "q", "agentops.entity.output": "a"},
		},
		{
			name: "embedding", span: attributes{"gen_ai.request.type": "embedding", "gen_ai.request.model": "m"},
			want: silent(genai.KindEmbedding),
		},
		{name: "step of a workflow", span: attributes{"agentops.span.kind": "workflow.step"}, want: silent(genai.KindChain)},
		{name: "HTTP", span: attributes{"agentops.span.kind": "http"}, want: silent(genai.KindOther)},
	})
}
