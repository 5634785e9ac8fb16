package genai

import (
	"strings"

	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// liveKit reads the spans of LiveKit's agents. Since 2026 the keys of what users said have the segment "pii". What the
// model was sent and gave is on the span of the agent's node; below it, on the model's own span, it is in events of the
// semantic conventions.
type liveKit struct{}

var _ convention = liveKit{}

func (liveKit) about() about {
	return about{
		name: "livekit",
		keys: []string{"lk."},
		kind: func(key string, _ pcommon.Value) (Kind, rank) {
			switch strings.TrimPrefix(strings.TrimPrefix(key, "lk."), "pii.") {
			case "function_tool.name", "function_tool.id":
				return KindTool, rankVendor
			case "user_transcript", "input_text", "tts.label", "tts_metrics", "response.ttfb": // of speech
				return KindChain, rankVendor
			case "generation_id":
				return KindAgent, rankVendor
			case "function_tools":
				return KindLLM, rankModel
			}
			return "", unranked
		},
		facts: map[fact][]string{
			factTool: {"lk.function_tool.name"},
		},
		deep: liveKitFact,
	}
}

func liveKitFact(s source, f fact) string {
	const metrics = "lk.llm_metrics"
	switch f {
	case factResponseID:
		return s.member(metrics, "request_id")
	case factInputTokens:
		return s.member(metrics, "prompt_tokens")
	case factOutputTokens:
		return s.member(metrics, "completion_tokens")
	}
	return ""
}

func (liveKit) input(s source) input {
	switch s.kind {
	case KindTool:
		return input{question: quoted(s.liveKit("function_tool.arguments"), inInput)}
	case KindChain:
		return input{question: read(s.liveKit("input_text"), inInput)}
	}
	var in input
	result := parse(s.liveKit("chat_ctx"), func(value *fastjson.Value) {
		if conversation, ok := isConversation(value.GetArray("items")); ok {
			in = turns{json: conversation}.input(s.want)
		}
	})
	if result == cut {
		in.question.state, in.system.state = StateTruncated, StateTruncated
	}
	if !in.question.known() {
		in.question = read(s.liveKit("user_input"), inInput)
	}
	if !in.system.known() {
		in.system = read(s.liveKit("instructions"), inInput)
	}
	return in
}

func (liveKit) output(s source) output {
	switch s.kind {
	case KindTool:
		return output{answer: whole(s.liveKit("function_tool.output"), inOutput)}
	case KindChain:
		return output{answer: read(s.liveKit("user_transcript"), inOutput)}
	}
	text, calls := s.liveKit("response.text"), s.liveKit("response.function_calls")
	if text == "" && calls == "" {
		return output{}
	}
	m := message{text: text, empty: text == ""}
	if parse(calls, func(list *fastjson.Value) {
		for _, call := range list.GetArray() {
			m.addCall(call)
		}
	}) == cut && text == "" {
		return output{answer: reading{state: StateTruncated}}
	}
	return answered(m)
}

// liveKit returns an attribute's text by its name without the prefix.
func (s source) liveKit(name string) string {
	if text := s.str("lk.pii." + name); text != "" {
		return text
	}
	return s.str("lk." + name)
}
