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
	case KindTool:
		if arguments := s.str("tool_call.function.arguments"); arguments != "" && s.str("input.value") == "" {
			return input{question: whole(arguments, inInput)}
		}
	case KindAgent, KindChain:
		if in, ok := s.crewTask(); ok {
			return in
		}
		in := s.rawInput()
		if !in.question.known() {
			in.complete(openInferencePrompt(s))
		}
		return in
	}
	return s.rawInput()
}

func (openInference) output(s source) output {
	if s.kind == KindLLM {
		return openInferenceCompletion(s)
	}
	out := s.rawOutput()
	switch s.kind {
	case KindRetriever:
		if documents := flatDocuments(s, "retrieval.documents."); len(documents) > 0 {
			out.documents = documents
		}
	case KindReranker:
		if documents := flatDocuments(s, "reranker.output_documents."); len(documents) > 0 {
			out.documents = documents
		}
	case KindAgent, KindChain:
		if !out.answer.known() {
			return openInferenceCompletion(s)
		}
	}
	return out
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
		if text := lastPrompt(s); text != "" {
			in.question = read(text, inInput)
		} else {
			in.complete(s.rawInput())
		}
	}
	if s.wants(wantSystem) && in.question.state == StateText && !in.system.known() { // Anthropic's is not in the messages
		if system := s.rawInput().system; system.state == StateText {
			in.system = system
		}
	}
	return in
}

// lastPrompt is what a model completes. LlamaIndex has the prompts as a list.
func lastPrompt(s source) string {
	if value, ok := s.get("llm.prompts"); ok && value.Type() == pcommon.ValueTypeSlice && value.Slice().Len() > 0 {
		return stringOf(value.Slice().At(value.Slice().Len() - 1))
	}
	return lastIndexed(s.span.Attributes(), "llm.prompts.", "prompt.text")
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

// rawInput finds the question in a raw value.
func (s source) rawInput() input {
	text := s.str("input.value")
	if s.isProse(text, "input.mime_type") {
		return input{question: whole(text, inInput)}
	}
	return s.entityInput(text)
}

// rawOutput finds the answer in a raw value.
func (s source) rawOutput() output {
	text := s.str("output.value")
	if s.isProse(text, "output.mime_type") {
		return output{answer: whole(text, inOutput)}
	}
	return s.entityOutput(text)
}

// isProse reports a raw value that is not said to be JSON: a text that begins with a bracket need not be.
func (s source) isProse(text, mime string) bool {
	if s.str(mime) == "application/json" || len(text) > maxText {
		return false
	}
	return !beginsAsPython(text) && parse(text, func(*fastjson.Value) {}) == cut
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
