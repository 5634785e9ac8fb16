package genai

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// agentOps reads the functions that AgentOps' decorators trace, whose keys have the span's kind in them, and its
// instrumentations of agents. Those of models keep to the semantic conventions.
type agentOps struct{}

var _ convention = agentOps{}

const agentOpsKind = "agentops.span.kind"

func (agentOps) about() about {
	return about{
		name: "agentops",
		keys: []string{"agentops."},
		kind: func(key string, value pcommon.Value) (Kind, rank) {
			if key != agentOpsKind {
				return "", unranked
			}
			word := value.Str()
			if name, ok := strings.CutPrefix(word, "AgentOpsSpanKindValues."); ok { // the text of a Python enumeration
				return kindOf(name), rankVendor
			}
			switch word {
			case "", "http", "unknown":
				return "", unranked
			case "agent", "tool", "llm", "guardrail":
				return kindOf(word), rankVendor
			}
			return KindChain, rankUnspecific
		},
		facts: map[fact][]string{
			factTool:      {"operation.name"},
			factStreaming: {"gen_ai.request.streaming"},
		},
	}
}

func (agentOps) input(s source) input {
	return s.entityInput(s.firstOf("agentops.entity.input", s.agentOpsKey(".input"), "tool.parameters", "workflow.input"))
}

func (agentOps) output(s source) output {
	return s.entityOutput(s.firstOf("agentops.entity.output", s.agentOpsKey(".output"), "tool.result",
		"workflow.final_output", "workflow.output"))
}

func (s source) agentOpsKey(suffix string) string { return "agentops." + s.str(agentOpsKind) + suffix }
