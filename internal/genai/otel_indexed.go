package genai

import "github.com/valyala/fastjson"

// otelIndexed reads gen_ai.prompt.N and gen_ai.completion.N, the form before messages became one attribute. Content is
// text, or a JSON list of OpenAI's parts.
type otelIndexed struct{}

var _ convention = otelIndexed{}

func (otelIndexed) input(s source) input {
	var (
		fields [32]field
		starts [16]int
	)
	list := collect(s.span.Attributes(), "gen_ai.prompt.", indexed{fields: fields[:0], starts: starts[:0], parts: true})
	return list.turns().input(s.system)
}

func (otelIndexed) output(s source) output {
	var (
		fields [16]field
		starts [4]int
	)
	list := collect(s.span.Attributes(), "gen_ai.completion.", indexed{fields: fields[:0], starts: starts[:0], parts: true})
	return list.turns().output(s.kind)
}

// readParts reads content that is a JSON list of parts.
func (m *message) readParts(content string) bool {
	found := false
	parse(content, func(value *fastjson.Value) {
		if found = isParts(value); !found {
			return
		}
		for _, part := range value.GetArray() {
			m.readPart(part)
		}
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
