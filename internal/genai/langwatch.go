package genai

import (
	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// langWatch reads the spans of LangWatch's SDKs, in which every value says what it is: text, messages or anything else.
type langWatch struct{}

var _ convention = langWatch{}

func (langWatch) about() about {
	return about{
		name: "langwatch",
		keys: []string{"langwatch."},
		kind: func(key string, value pcommon.Value) (Kind, rank) {
			if key != "langwatch.span.type" {
				return "", unranked
			}
			switch word := value.Str(); word {
			case "rag":
				return KindRetriever, rankVendor
			case "llm", "agent", "tool", "guardrail", "evaluation":
				return kindOf(word), rankVendor
			case "":
				return "", unranked
			}
			return KindChain, rankUnspecific
		},
		facts: map[fact][]string{
			factConversation: {"langwatch.thread.id", "langwatch.session.id"},
			factUser:         {"langwatch.user.id"},
		},
		deep: langWatchFact,
	}
}

func langWatchFact(s source, f fact) string {
	const metrics = "langwatch.metrics"
	switch f {
	case factConversation:
		return s.member("metadata", "thread_id")
	case factUser:
		return s.member("metadata", "user_id")
	case factInputTokens:
		return s.member(metrics, "prompt_tokens", "promptTokens")
	case factOutputTokens:
		return s.member(metrics, "completion_tokens", "completionTokens")
	case factCost:
		return s.member(metrics, "cost")
	}
	return ""
}

func (langWatch) input(s source) input { return s.entityInput(s.langWatchValue("langwatch.input")) }

func (langWatch) output(s source) output {
	out := s.entityOutput(s.langWatchValue("langwatch.output"))
	if documents := documentsIn(s.langWatchValue("langwatch.rag_contexts")); len(documents) > 0 {
		out.documents = documents
	}
	return out
}

// langWatchValue takes a value out of what says its type.
func (s source) langWatchValue(key string) string {
	text := s.str(key)
	parse(text, func(value *fastjson.Value) {
		if inner := value.Get("value"); inner != nil && value.Exists("type") {
			text = jsonAny(inner)
		}
	})
	return text
}
