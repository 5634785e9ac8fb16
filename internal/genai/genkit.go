package genai

import (
	"strings"

	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// genkit reads the spans of Genkit: of its actions, which have a subtype, and of the steps around them. Each has its
// whole input and output as JSON. A step that generates has those of a model, with one call of the model or several
// below it.
type genkit struct{}

var _ convention = genkit{}

func (genkit) about() about {
	return about{
		name: "genkit",
		keys: []string{"genkit:"},
		kind: func(key string, value pcommon.Value) (Kind, rank) {
			switch key {
			case "genkit:metadata:subtype":
				return kindOf(value.Str()), rankVendor
			case "genkit:type":
				if value.Str() != "" {
					return KindChain, rankUnspecific
				}
			}
			return "", unranked
		},
		facts: map[fact][]string{
			factConversation: {"genkit:sessionId"},
		},
		deep: genkitFact,
	}
}

// genkitFact looks into the output, which repeats the provider's raw response. An action's name is the model's, with
// the plugin before it.
func genkitFact(s source, f fact) string {
	model := s.kind == KindLLM || s.kind == KindEmbedding
	switch f {
	case factResponseModel:
		return genkitMember(s, "raw", "model", "modelVersion")
	case factRequestModel:
		if model {
			return s.str("genkit:name")
		}
		return s.member("genkit:input", "model")
	case factProvider:
		if plugin, _, ok := strings.Cut(s.str("genkit:name"), "/"); ok && model {
			return plugin
		}
	case factResponseID:
		return genkitMember(s, "raw", "id", "responseId")
	case factTool:
		if s.kind == KindTool {
			return s.str("genkit:name")
		}
	case factInputTokens:
		return genkitMember(s, "usage", "inputTokens")
	case factOutputTokens:
		return genkitMember(s, "usage", "outputTokens")
	case factFinish:
		return s.member("genkit:output", "finishReason")
	}
	return ""
}

func (genkit) input(s source) input {
	text := s.str("genkit:input")
	var in input
	switch s.kind {
	case KindLLM, KindChain:
		result := parse(text, func(value *fastjson.Value) {
			if len(value.GetArray("messages")) == 0 {
				return
			}
			in, _ = s.readRequest(value)
			in.documents = readDocuments(value.Get("docs"))
		})
		if result == cut && s.kind == KindLLM {
			return input{question: reading{state: StateTruncated}, system: reading{state: StateTruncated}}
		}
	case KindRetriever, KindReranker:
		parse(text, func(value *fastjson.Value) {
			in.question = read(readDocument(value.Get("query")).Text, inInput)
		})
	case KindEmbedding:
		parse(text, func(value *fastjson.Value) {
			if texts := readDocuments(value.Get("input")); len(texts) > 0 {
				in.question = read(texts[len(texts)-1].Text, inInput)
			}
		})
	}
	if in.question.known() {
		return in
	}
	return s.entityInput(text)
}

func (genkit) output(s source) output {
	text := s.str("genkit:output")
	var out output
	if s.kind == KindLLM || s.kind == KindChain {
		parse(text, func(value *fastjson.Value) {
			if body := value.Get("message"); body.GetObject() != nil { // the parts of a stream are not joined
				out = joinedAnswer(body)
			}
		})
	}
	if out.answer.state != "" {
		return out
	}
	return s.entityOutput(text)
}

// genkitMember returns the first of the members, as text, of an object inside the output.
func genkitMember(s source, object string, names ...string) (text string) {
	parse(s.str("genkit:output"), func(value *fastjson.Value) {
		text = textOrNumber(first(value.Get(object), names...))
	})
	return text
}
