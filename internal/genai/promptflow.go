package genai

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// promptflow reads the spans of Prompt flow, which write the arguments of a function and what it returned as JSON. Of a
// stream that is the list of its chunks, and the answer stands beside it.
type promptflow struct{}

var _ convention = promptflow{}

func (promptflow) about() about {
	return about{
		name: "promptflow",
		keys: []string{"framework", "span_type"},
		kind: func(key string, value pcommon.Value) (Kind, rank) {
			switch key {
			case "framework":
				if value.Str() == "promptflow" {
					return KindChain, rankUnspecific
				}
			case "span_type":
				switch value.Str() {
				case "LLM":
					return KindLLM, rankVendor
				case "Embedding":
					return KindEmbedding, rankVendor
				case "Retrieval":
					return KindRetriever, rankVendor
				}
			}
			return "", unranked
		},
		facts: map[fact][]string{
			factResponseModel: {"llm.response.model"},
			factInputTokens:   {"llm.usage.prompt_tokens"},
			factOutputTokens:  {"llm.usage.completion_tokens"},
		},
		deep: func(s source, f fact) string {
			switch {
			case f == factRequestModel && s.str("framework") == "promptflow":
				return s.member("inputs", "model")
			case f == factResponseID && s.kind == KindLLM:
				return s.member("output", "id")
			}
			return ""
		},
	}
}

func (promptflow) input(s source) input { return s.entityInput(s.str("inputs")) }

func (promptflow) output(s source) output {
	text := s.str("output")
	out := s.entityOutput(text)
	generated := s.str("llm.generated_message")
	whole := strings.HasPrefix(text, "{") && out.answer.known() && out.answer.state != StateTruncated
	if s.kind == KindLLM && generated != "" && !whole {
		return outputOf(generated, s.kind)
	}
	return out
}
