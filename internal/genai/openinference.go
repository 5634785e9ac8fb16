package genai

import (
	"strings"
	"unicode/utf8"

	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// openInference reads Arize's flattened messages, and the raw input.value and output.value beside them. The raw value
// of a model's span is the whole HTTP payload; that of any other span is the content itself.
type openInference struct{}

var _ convention = openInference{}

func (openInference) about() about {
	return about{
		name: "openinference",
		keys: []string{
			"openinference.", "llm.", "input.value", "output.value", "retrieval.documents.", "reranker.", "embedding.",
		},
		kind: func(key string, value pcommon.Value) (Kind, rank) {
			switch key {
			case "openinference.span.kind":
				return kindOf(value.Str()), rankOpenInference
			case "llm.request.type": // of Traceloop
				return kindOf(value.Str()), rankRequestType
			case "llm.model_name":
				if value.Str() != "" {
					return KindLLM, rankModel
				}
			}
			return "", unranked
		},
		facts: map[fact][]string{
			factResponseModel: {"llm.response.model_name", "llm.model_name", "embedding.model_name", "reranker.model_name"},
			factRequestModel:  {"llm.request.model_name"},
			factProvider:      {"llm.provider", "llm.system"},
			factUser:          {"llm.user"},
			factTool:          {"tool.name"},
			factInputTokens:   {"llm.token_count.prompt"},
			factOutputTokens:  {"llm.token_count.completion"},
			factCost:          {"llm.cost.total"},
			factFinish:        {"llm.finish_reason"},
			factStreaming:     {"llm.is_streaming"},
		},
		deep: openInferenceFact,
	}
}

// openInferenceFact looks into the raw response for its id, and into the metadata, which is JSON.
func openInferenceFact(s source, f fact) (text string) {
	switch {
	case f == factResponseID && s.kind == KindLLM:
		return s.member("output.value", "id")
	case f == factConversation:
		return s.member("metadata", "session_id", "thread_id", "conversation_id")
	case f == factUser:
		return s.member("metadata", "user_id")
	}
	return ""
}

func (openInference) input(s source) input {
	switch s.kind {
	case KindLLM:
		return openInferencePrompt(s)
	case KindEmbedding:
		if text := lastIndexed(s.span.Attributes(), "embedding.embeddings.", "embedding.text"); text != "" {
			return input{question: read(text, inInput)}
		}
	case KindReranker:
		if query := s.str("reranker.query"); query != "" {
			return input{question: read(query, inInput)}
		}
	case KindAgent:
		return s.rawInput()
	}
	return input{question: s.rawText("input.value", "input.mime_type", inInput)}
}

func (openInference) output(s source) output {
	switch s.kind {
	case KindLLM:
		return openInferenceCompletion(s)
	case KindEmbedding: // a vector is no answer
		return output{}
	case KindAgent:
		return s.rawOutput()
	case KindRetriever:
		out := output{
			answer:    s.rawText("output.value", "output.mime_type", inOutput),
			documents: flatDocuments(s, "retrieval.documents."),
		}
		if len(out.documents) == 0 {
			out.documents = documentsIn(s.str("output.value"))
		}
		return out
	case KindReranker:
		return output{
			answer:    s.rawText("output.value", "output.mime_type", inOutput),
			documents: flatDocuments(s, "reranker.output_documents."),
		}
	}
	return output{answer: s.rawText("output.value", "output.mime_type", inOutput)}
}

// openInferencePrompt prefers the messages. Where the SDK dropped attributes they have holes, and the raw request,
// if that was not dropped, is whole.
func openInferencePrompt(s source) input {
	dropped := s.span.DroppedAttributesCount() > 0
	if dropped && s.str("input.value") != "" {
		if in := s.rawInput(); in.question.known() {
			return in
		}
	}
	var (
		fields [32]field
		starts [16]int
	)
	list := collect(s.span.Attributes(), "llm.input_messages.", indexed{fields: fields[:0], starts: starts[:0]})
	in := list.turns().input(s.want)
	switch {
	case in.question.state == StateText && dropped && !list.hasTail(s, "llm.output_messages."):
		in.question = reading{state: StateDropped}
	case in.question.state == StateText:
		in.question = s.unlessCut(in.question, "input.value")
	case !in.question.known() && !dropped:
		if text := lastIndexed(s.span.Attributes(), "llm.prompts.", "prompt.text"); text != "" {
			in.question = read(text, inInput)
		} else {
			in.complete(s.rawInput())
		}
	}
	return in
}

func openInferenceCompletion(s source) output {
	var (
		fields [16]field
		starts [4]int
	)
	list := collect(s.span.Attributes(), "llm.output_messages.", indexed{fields: fields[:0], starts: starts[:0]})
	out := list.turns().output(KindLLM)
	if out.answer.state == StateText {
		out.answer = s.unlessCut(out.answer, "output.value")
	}
	if out.answer.known() {
		return out
	}
	if text := s.str("llm.choices.0.completion.text"); text != "" {
		return output{answer: read(text, inOutput)}
	}
	return s.rawOutput()
}

// rawInput finds the question in a raw request.
func (s source) rawInput() input {
	var in input
	text, known := s.str("input.value"), false
	result := parse(text, func(value *fastjson.Value) { in, known = s.readRequest(value) })
	if result == cut && (s.str("input.mime_type") == "application/json" || len(text) > maxText) {
		return input{question: reading{state: StateTruncated}}
	}
	if !known {
		in.question = whole(text, inInput)
	}
	return in
}

// rawOutput finds the answer in a raw response.
func (s source) rawOutput() output {
	text := s.str("output.value")
	if s.str("output.mime_type") == "application/json" || len(text) > maxText {
		return outputOf(text, s.kind)
	}
	var out output
	if parse(text, func(value *fastjson.Value) { out = readResponse(value, s.kind) }); out.answer.state == "" {
		out.answer = whole(text, inOutput) // an answer that begins with a bracket need not be JSON
	}
	return out
}

// rawText returns a raw value as it stands.
func (s source) rawText(key, mime string, at side) reading {
	text := s.str(key)
	r := whole(text, at)
	if r.state == StateText && s.str(mime) == "application/json" && looksCut(text) {
		r.state = StateTruncated
	}
	return r
}

// unlessCut doubts a text that is as long as a raw value that ends in the middle of its JSON: both met the same limit.
func (s source) unlessCut(r reading, raw string) reading {
	if value := s.str(raw); looksCut(value) && utf8.RuneCountInString(value) == utf8.RuneCountInString(r.text) {
		r.state = StateTruncated
	}
	return r
}

// looksCut reports a list or object that is not closed at its end.
func looksCut(text string) bool {
	text = strings.TrimSpace(text)
	if text == "" {
		return false
	}
	switch last := text[len(text)-1]; text[0] {
	case '{':
		return last != '}'
	case '[':
		return last != ']'
	}
	return false
}
