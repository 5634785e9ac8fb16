package genai

import (
	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// langSmith reads the runs that LangSmith's SDKs export: all inputs and all outputs of a run, by name.
type langSmith struct{}

var _ convention = langSmith{}

func (langSmith) about() about {
	return about{
		name: "langsmith",
		keys: []string{"langsmith."},
		kind: func(key string, value pcommon.Value) (Kind, rank) {
			if key == "langsmith.span.kind" {
				return kindOf(value.Str()), rankLangSmith
			}
			return "", unranked
		},
		facts: map[fact][]string{
			factConversation: {"langsmith.metadata.session_id", "langsmith.metadata.thread_id", "langsmith.metadata.conversation_id"},
			factUser:         {"langsmith.metadata.user_id"},
			factStreaming:    {"langsmith.request.streaming"},
		},
		deep: langSmithFact,
	}
}

func langSmithFact(s source, f fact) (text string) {
	switch {
	case f == factInputTokens:
		return langSmithUsage(s, "input_tokens")
	case f == factOutputTokens:
		return langSmithUsage(s, "output_tokens")
	case f == factCost:
		return langSmithUsage(s, "total_cost")
	case f == factResponseID && s.kind == KindLLM:
		// LangChain keeps the provider's id beside its own.
		parse(s.str("gen_ai.completion"), func(value *fastjson.Value) {
			text = jsonText(value.Get("generations", "0", "0", "message", "kwargs", "response_metadata", "id"))
		})
	}
	return text
}

func langSmithUsage(s source, name string) string {
	if text := s.member("langsmith.usage_metadata", name); text != "" {
		return text
	}
	return s.member("langsmith.metadata.usage_metadata", name)
}

func (langSmith) input(s source) input { return s.entityInput(s.str("gen_ai.prompt")) }

func (langSmith) output(s source) output { return s.entityOutput(s.str("gen_ai.completion")) }
