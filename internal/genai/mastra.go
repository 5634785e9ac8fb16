package genai

import (
	"strings"

	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// mastra reads what Mastra writes beside the semantic conventions: the input and output of whatever is neither a call
// of a model nor of a tool, each in a key that has the span's type in it. Generations and their steps are such, too,
// since there is a span for each request to the provider; these have no input of their own.
type mastra struct{}

var _ convention = mastra{}

func (mastra) about() about {
	return about{
		name: "mastra",
		keys: []string{"mastra."},
		kind: func(key string, value pcommon.Value) (Kind, rank) {
			switch {
			case key != "mastra.span.type":
			case value.Str() == "model_chunk": // which its exporter for Arize calls a model's
				return KindChain, rankPart
			case strings.HasPrefix(value.Str(), "scorer_"):
				return KindEvaluator, rankFramework
			}
			return "", unranked
		},
		facts: map[fact][]string{
			factConversation: {"mastra.metadata.sessionId", "mastra.metadata.threadId"},
			factUser:         {"mastra.metadata.userId"},
		},
	}
}

func (mastra) input(s source) input {
	s = s.mastra()
	return s.entityInput(s.mastraValue(".input"))
}

func (mastra) output(s source) output {
	s = s.mastra()
	return s.entityOutput(s.mastraValue(".output"))
}

// mastra is the source as that of a model where the span has what a model was sent and gave.
func (s source) mastra() source {
	switch s.str("mastra.span.type") {
	case "model_generation", "model_step", "model_inference", "llm_generation", "llm_step":
		s.kind = KindLLM
	}
	return s
}

// mastraValue returns the input or output. Before 2026 it had a plain name, and that of a step was the HTTP request.
func (s source) mastraValue(suffix string) string {
	text := s.str("mastra." + strings.ToLower(s.str("mastra.span.type")) + suffix)
	if text == "" {
		text = s.str(suffix[1:])
	}
	if s.kind == KindLLM && strings.HasPrefix(text, `{"body":`) {
		parse(text, func(request *fastjson.Value) { text = jsonAny(request.Get("body")) })
	}
	return text
}
