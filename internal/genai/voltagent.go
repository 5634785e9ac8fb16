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
			switch key {
			case keySpanType:
				return kindOfSpanType(value.Str()), rankVendor
			case "entity.type":
				switch value.Str() {
				case "agent":
					return KindAgent, rankUnspecific
				case "workflow":
					return KindChain, rankUnspecific
				}
			}
			return "", unranked
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
	out := s.entityOutput(text)
	if s.kind == KindRetriever && len(out.documents) == 0 && out.answer.state == StateText { // joined already
		out.documents = []Document{{Text: out.answer.text}}
	}
	return out
}

// keySpanType is what several SDKs say the kind in, each in words of its own.
const keySpanType = "span.type"

// kindOfSpanType knows VoltAgent's and Claude Code's words; of any other, no one can say that it means GenAI.
func kindOfSpanType(word string) Kind {
	switch word {
	case "llm", "agent", "tool", "retriever", "embedding", "guardrail", "scorer", "memory", "vector", "middleware",
		"summary", "workflow-step":
		return kindOf(word)
	case "interaction", "claude_code.interaction":
		return KindAgent
	case "llm_request", "claude_code.llm_request":
		return KindLLM
	case "claude_code.tool":
		return KindTool
	case "hook", "tool.execution", "tool.blocked_on_user": // parts of what Claude Code did
		return KindChain
	}
	return ""
}
