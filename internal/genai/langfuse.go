package genai

import (
	"strconv"
	"strings"

	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// langfuse reads the observations of Langfuse's SDKs, whose input and output are plain text or JSON.
type langfuse struct{}

var _ convention = langfuse{}

const (
	langfuseInput  = "langfuse.observation.input"
	langfuseOutput = "langfuse.observation.output"
	langfuseUsage  = "langfuse.observation.usage_details"
)

func (langfuse) about() about {
	return about{
		name: "langfuse",
		keys: []string{"langfuse."},
		kind: func(key string, value pcommon.Value) (Kind, rank) {
			switch key {
			case "langfuse.observation.type":
				return kindOf(value.Str()), rankLangfuse
			case "langfuse.observation.model.name":
				return KindLLM, rankModel
			case langfuseInput, langfuseOutput:
				return KindChain, rankUnspecific
			}
			return "", unranked
		},
		facts: map[fact][]string{
			factRequestModel: {"langfuse.observation.model.name"},
			factConversation: {
				"langfuse.session.id", "langfuse.trace.metadata.langfuse_session_id",
				"langfuse.observation.metadata.langfuse_session_id",
			},
			factUser: {
				"langfuse.user.id", "langfuse.trace.metadata.langfuse_user_id", "langfuse.observation.metadata.langfuse_user_id",
			},
			factFinish: {"langfuse.observation.metadata.finish_reason"},
		},
		deep: langfuseFact,
	}
}

func langfuseFact(s source, f fact) string {
	switch f {
	case factConversation:
		return langfuseMetadata(s, "langfuse_session_id")
	case factUser:
		return langfuseMetadata(s, "langfuse_user_id")
	case factInputTokens:
		return langfuseSum(s, langfuseUsage, "input", "prompt_tokens", "promptTokens", "input_tokens", "inputTokens")
	case factOutputTokens:
		return langfuseSum(s, langfuseUsage, "output", "completion_tokens", "completionTokens", "output_tokens", "outputTokens")
	case factCost:
		return langfuseSum(s, "langfuse.observation.cost_details", "", "total")
	}
	return ""
}

func langfuseMetadata(s source, name string) string {
	if text := s.member("langfuse.trace.metadata", name); text != "" {
		return text
	}
	return s.member("langfuse.observation.metadata", name)
}

// langfuseSum reads a number that is given as a whole under one of the names, or in parts that begin with a word: what
// came from the cache stands beside the rest of the input, what was thought beside the rest of the output. The details
// of OpenAI are objects, and in the whole already.
func langfuseSum(s source, key, word string, names ...string) string {
	value, ok := s.get(key)
	if !ok {
		return ""
	}
	var (
		sum   float64
		found bool
	)
	parse(stringOf(value), func(object *fastjson.Value) {
		if number := first(object, names...); number != nil && object.Get(word) == nil {
			sum, found = number.GetFloat64(), number.Type() == fastjson.TypeNumber
			return
		}
		object.GetObject().Visit(func(key []byte, number *fastjson.Value) {
			if number.Type() == fastjson.TypeNumber && isPart(string(key), word) {
				sum, found = sum+number.GetFloat64(), true
			}
		})
	})
	if !found {
		return ""
	}
	return strconv.FormatFloat(sum, 'f', -1, 64)
}

func isPart(key, word string) bool {
	rest, ok := strings.CutPrefix(key, word)
	return ok && (rest == "" || word == "" || rest[0] == '_')
}

func (langfuse) input(s source) input {
	in := s.entityInput(langfuseText(s, langfuseInput, "langfuse.trace.input"))
	if s.wants(wantSystem) && !in.system.known() { // of the Responses API
		in.system = whole(s.str("langfuse.observation.metadata.instructions"), inInput)
	}
	return in
}

func (langfuse) output(s source) output {
	text := langfuseText(s, langfuseOutput, "langfuse.trace.output")
	if text == "" && s.str("langfuse.observation.level") == "ERROR" { // which leaves the span's status alone
		return output{answer: reading{state: StateError}}
	}
	out := s.entityOutput(text)
	if out.id != "" && !isLangfuseResponse(text) {
		out.id = ""
	}
	return out
}

// langfuseText returns what an observation holds; the root may have only what is said of the whole trace.
func langfuseText(s source, key, ofTrace string) string {
	if text := s.str(key); text != "" || !s.span.ParentSpanID().IsEmpty() {
		return text
	}
	switch s.kind {
	case KindAgent, KindChain:
		return s.str(ofTrace)
	}
	return ""
}

// isLangfuseResponse tells a whole response, whose id is the provider's, from a message or item out of one.
func isLangfuseResponse(text string) (is bool) {
	parse(text, func(value *fastjson.Value) { is = value.Exists("model") || value.Exists("choices") })
	return is
}
