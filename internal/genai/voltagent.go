package genai

import (
	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// voltAgent reads the spans of VoltAgent. All carry the type of the agent or workflow that they belong to; those below
// its root have a type of their own. Calls of models have no answer: it is on the agent's span.
type voltAgent struct{}

var _ convention = voltAgent{}

func (voltAgent) about() about {
	return about{
		name: "voltagent",
		keys: []string{"voltagent.", keySpanType, "entity.type"},
		kind: func(key string, value pcommon.Value) (Kind, rank) {
			if key == "entity.type" {
				switch value.Str() {
				case "agent":
					return KindAgent, rankUnspecific
				case "workflow":
					return KindChain, rankUnspecific
				}
			}
			return kindBySpanType(key, value)
		},
		facts: map[fact][]string{
			factRequestModel: {"llm.model", "ai.model.name"},
			factConversation: {"conversation.id", "voltagent.conversation_id"},
			factInputTokens:  {"llm.usage.prompt_tokens", "usage.prompt_tokens"},
			factOutputTokens: {"llm.usage.completion_tokens", "usage.completion_tokens"},
			factCost:         {"usage.cost"},
			factFinish:       {"ai.response.finish_reason"},
			factStreaming:    {"llm.stream"},
		},
	}
}

func (voltAgent) input(s source) input {
	var in input
	switch s.kind {
	case KindLLM, KindAgent:
		messages := s.firstOf("llm.messages", "agent.messages")
		if parse(messages, func(value *fastjson.Value) { in, _ = s.readRequest(value) }) == cut {
			return input{question: reading{state: StateTruncated}, system: reading{state: StateTruncated}}
		}
	case KindGuardrail:
		return input{question: whole(s.firstOf("guardrail.input.original", "guardrail.output.original"), inInput)}
	}
	if !in.question.known() {
		in.complete(s.entityInput(s.str("input")))
	}
	if instructions := s.str("agent.instructions"); instructions != "" && s.wants(wantSystem) {
		in.system = read(instructions, inInput)
	}
	return in
}

func (voltAgent) output(s source) output {
	text := s.str("output")
	if s.kind == KindGuardrail && text == "" {
		text = s.firstOf("guardrail.message", "guardrail.output.after", "guardrail.input.after")
	}
	return s.joinedOutput(text)
}

// joinedOutput reads what came out of an entity. Of a retriever, it may be documents that are joined already.
func (s source) joinedOutput(text string) output {
	out := s.entityOutput(text)
	if s.kind == KindRetriever && len(out.documents) == 0 && out.answer.state == StateText {
		out.documents = []Document{{Text: out.answer.text}}
	}
	return out
}

// keySpanType is what several SDKs say the kind in, each in words of its own.
const keySpanType = "span.type"

func kindBySpanType(key string, value pcommon.Value) (Kind, rank) {
	if key == keySpanType {
		return kindOfSpanType(value.Str()), rankVendor
	}
	return "", unranked
}

// kindOfSpanType knows VoltAgent's, Claude Code's and Monocle's words; of any other, no one can say that it means
// GenAI.
func kindOfSpanType(word string) Kind {
	switch word {
	case "llm", "agent", "tool", "retriever", "embedding", "guardrail", "scorer", "memory", "vector", "middleware",
		"summary", "workflow-step":
		return kindOf(word)
	case "interaction", "claude_code.interaction", "agentic.invocation", "agentic.turn":
		return KindAgent
	case "llm_request", "claude_code.llm_request", "inference", "inference.framework", "inference.modelapi":
		return KindLLM
	case "claude_code.tool", "agentic.tool.invocation", "agentic.mcp.invocation":
		return KindTool
	case "retrieval":
		return KindRetriever
	case "agentic.delegation", "hook", "tool.execution", "tool.blocked_on_user": // parts of what Claude Code did
		return KindChain
	}
	return ""
}
