package genai

import (
	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// otelIndexed reads gen_ai.prompt.N and gen_ai.completion.N, the form before messages became one attribute. Content is
// text, or a JSON list of OpenAI's parts.
type otelIndexed struct{}

var _ convention = otelIndexed{}

func (otelIndexed) input(s source) input {
	var buf [32]field
	list := indexed{fields: buf[:0]}
	collect(s.span.Attributes(), "gen_ai.prompt.", &list)
	return list.withParts().input()
}

func (otelIndexed) output(s source) output {
	var buf [16]field
	list := indexed{fields: buf[:0]}
	collect(s.span.Attributes(), "gen_ai.completion.", &list)
	return list.withParts().output(s.kind)
}

// withParts reads the messages of the list, those in parts, too.
func (list *indexed) withParts() turns {
	t := list.turns()
	t.read = func(n int) message {
		m := list.message(n)
		parts := m
		if parse(m.text, func(value *fastjson.Value) {
			if isParts(value) {
				parts.text, parts.blank = "", false
				for _, part := range value.GetArray() {
					parts.readPart(part)
				}
			}
		}) == parsed {
			return parts
		}
		return m
	}
	return t
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

// lastIndexed returns the value of the flattened list <prefix>N.<name> with the highest index.
func lastIndexed(attributes pcommon.Map, prefix, name string) string {
	var buf [8]field
	list := indexed{fields: buf[:0]}
	collect(attributes, prefix, &list)
	for n := len(list.fields) - 1; n >= 0; n-- {
		if list.fields[n].name == name {
			return list.fields[n].value
		}
	}
	return ""
}
