package genai

import "github.com/valyala/fastjson"

// otelIndexed reads gen_ai.prompt.N and gen_ai.completion.N, the form before messages became one attribute. Content is
// text, or a JSON list of OpenAI's parts.
type otelIndexed struct{}

var _ convention = otelIndexed{}

func (otelIndexed) about() about {
	return about{
		name:  nameTraceloop,
		keys:  []string{"gen_ai.", literalPrompts, literalCompletions},
		facts: map[fact][]string{factFinish: {"llm.response.finish_reason", "llm.response.stop_reason"}},
	}
}

// What LiteLLM 1.60 called its keys by mistake.
const (
	literalPrompts     = "SpanAttributes.LLM_PROMPTS."
	literalCompletions = "SpanAttributes.LLM_COMPLETIONS."
)

func (otelIndexed) input(s source) input {
	if in, ok := s.indexedInput("gen_ai.prompt.", "gen_ai.completion."); ok {
		return in
	}
	in, _ := s.indexedInput(literalPrompts, literalCompletions)
	return in
}

func (otelIndexed) output(s source) output {
	for _, prefix := range [...]string{"gen_ai.completion.", literalCompletions} {
		if out, ok := s.indexedOutput(prefix); ok {
			return out
		}
	}
	return output{answer: read(s.str("gen_ai.completion.content"), inOutput)} // of LlamaIndex, where there is only one
}

// indexedInput reads flattened prompts; ok is false where there are none.
func (s source) indexedInput(prompts, completions string) (in input, ok bool) {
	var (
		fields [32]field
		starts [16]int
	)
	list := collect(s.span.Attributes(), prompts, indexed{fields: fields[:0], starts: starts[:0], parts: true})
	if len(list.starts) == 0 {
		return input{}, false
	}
	in = list.turns().input(s.want)
	if in.question.state == StateText && s.span.DroppedAttributesCount() > 0 && !list.hasTail(s, completions) {
		in.question = reading{state: StateDropped}
	}
	return in, true
}

// indexedOutput reads flattened completions; ok is false where there are none.
func (s source) indexedOutput(completions string) (out output, ok bool) {
	var (
		fields [16]field
		starts [4]int
	)
	list := collect(s.span.Attributes(), completions, indexed{fields: fields[:0], starts: starts[:0], parts: true})
	if len(list.starts) == 0 {
		return output{}, false
	}
	return list.turns().output(s.kind), true
}

// readParts reads content that is a JSON list of parts.
func (m *message) readParts(content string) bool {
	found := false
	parse(content, func(value *fastjson.Value) {
		if found = isParts(value); !found {
			return
		}
		m.readList(value.GetArray())
	})
	return found
}

// isParts tells a list of parts from an answer that is itself JSON.
func isParts(value *fastjson.Value) bool {
	list := value.GetArray()
	for _, part := range list {
		switch string(part.GetStringBytes("type")) {
		case "text", "image_url", "input_text", "input_image", "input_audio", "image", "file", "refusal", "output_text",
			"tool_use", "tool_result", "thinking":
		default:
			return false
		}
	}
	return len(list) > 0
}
