package genai

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// braintrust reads the spans of Braintrust's SDKs, which have whole inputs and outputs, and all else, as JSON.
type braintrust struct{}

var _ convention = braintrust{}

func (braintrust) about() about {
	return about{
		name: "braintrust",
		keys: []string{"braintrust."},
		kind: func(key string, value pcommon.Value) (Kind, rank) {
			if key != "braintrust.span_attributes" {
				return "", unranked
			}
			switch word := typeIn(value.Str()); word {
			case "":
				return "", unranked
			case "score":
				return KindEvaluator, rankVendor
			case "llm", "tool":
				return kindOf(word), rankVendor
			}
			return KindChain, rankUnspecific
		},
		deep: braintrustFact,
	}
}

func braintrustFact(s source, f fact) string {
	const metadata, metrics = "braintrust.metadata", "braintrust.metrics"
	switch f {
	case factRequestModel:
		return s.member(metadata, "model")
	case factProvider:
		return s.member(metadata, "provider")
	case factInputTokens:
		return s.member(metrics, "prompt_tokens")
	case factOutputTokens:
		return s.member(metrics, "completion_tokens")
	case factResponseID:
		if s.kind == KindLLM {
			return s.member("braintrust.output_json", "id")
		}
	}
	return ""
}

func (braintrust) input(s source) input { return s.entityInput(s.str("braintrust.input_json")) }

func (braintrust) output(s source) output { return s.entityOutput(s.str("braintrust.output_json")) }

// typeIn finds the type in a small JSON object without parsing it, as recognition must not.
func typeIn(object string) string {
	_, rest, _ := strings.Cut(object, `"type"`)
	rest, ok := strings.CutPrefix(strings.TrimLeft(rest, ": "), `"`)
	if !ok {
		return ""
	}
	word, _, _ := strings.Cut(rest, `"`)
	return word
}
