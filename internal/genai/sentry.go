package genai

import "github.com/valyala/fastjson"

// sentry reads what Sentry's SDKs wrote before they came to the semantic conventions' messages: the request's messages
// as the vendor has them, the texts of all choices, and the calls beside them.
type sentry struct{}

var _ convention = sentry{}

func (sentry) about() about {
	return about{
		name:  "sentry",
		keys:  []string{"gen_ai."},
		facts: map[fact][]string{factStreaming: {"gen_ai.response.streaming"}},
	}
}

func (sentry) input(s source) input {
	switch s.kind {
	case KindTool:
		return s.entityInput(s.str("gen_ai.tool.input"))
	case KindEmbedding:
		return s.entityInput(s.firstOf("gen_ai.embeddings.input", "gen_ai.request.messages"))
	}
	return s.entityInput(s.str("gen_ai.request.messages"))
}

func (sentry) output(s source) output {
	if s.kind == KindTool {
		return s.entityOutput(s.str("gen_ai.tool.output"))
	}
	text, has := s.get("gen_ai.response.text")
	calls := s.str("gen_ai.response.tool_calls")
	if !has && calls == "" {
		return s.entityOutput(s.str("gen_ai.response.object"))
	}
	var m message
	if has {
		m.text = jsonOf(text)
	}
	if parse(m.text, func(list *fastjson.Value) {
		if list.GetArray() == nil {
			return
		}
		m.text = ""
		for _, choice := range list.GetArray() {
			if m.text == "" {
				m.text = jsonText(choice)
			}
		}
	}) == cut {
		return outputOf(m.text, s.kind)
	}
	m.empty = has && m.text == ""
	parse(calls, func(list *fastjson.Value) {
		for _, call := range list.GetArray() {
			m.addCall(call)
		}
	})
	return answered(m)
}
