package genai

import (
	"fmt"
	"strings"

	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// monocle reads the spans of Monocle, whose content is in events. A message is an object whose one member is called
// by the role; what the span is about is in numbered entities.
type monocle struct{}

var _ convention = monocle{}

func (monocle) about() about {
	return about{
		name: "monocle",
		keys: []string{keySpanType, "monocle_apptrace."},
		kind: kindBySpanType,
		facts: map[fact][]string{
			factConversation: {"scope.agentic.session"},
		},
		deep: monocleFact,
	}
}

func monocleFact(s source, f fact) string {
	switch {
	case f == factRequestModel:
		name, _ := s.monocleEntity("model.")
		return name
	case f == factProvider:
		_, provider := s.monocleEntity("inference.")
		return provider
	case f == factTool && s.kind == KindTool:
		name, _ := s.monocleEntity("tool.")
		return name
	case f == factInputTokens:
		return s.monocleMetadata("prompt_tokens")
	case f == factOutputTokens:
		return s.monocleMetadata("completion_tokens")
	case f == factFinish:
		return s.monocleMetadata("finish_reason")
	}
	return ""
}

// monocleEntity finds the first entity of a type, and what its type says beyond that.
func (s source) monocleEntity(prefix string) (name, rest string) {
	const most = 4
	for n := 1; n <= most; n++ {
		if rest, ok := strings.CutPrefix(s.str(fmt.Sprintf("entity.%d.type", n)), prefix); ok {
			return s.str(fmt.Sprintf("entity.%d.name", n)), rest
		}
	}
	return "", ""
}

func (s source) monocleMetadata(key string) string {
	return s.monocleValue("metadata", key).AsString()
}

func (s source) monocleValue(event, key string) pcommon.Value {
	for e := range s.events() {
		if e.name != event || e.record {
			continue
		}
		if value, ok := e.attributes.Get(key); ok {
			return value
		}
	}
	return noBody
}

func (monocle) input(s source) input {
	value := s.monocleValue("data.input", "input")
	if s.kind == KindLLM && value.Type() == pcommon.ValueTypeSlice {
		return monocleMessages(value.Slice()).input(s)
	}
	return s.entityInput(jsonOf(value))
}

func monocleMessages(list pcommon.Slice) *spoken {
	c := newSpoken()
	for n := range min(list.Len(), maxEvents) {
		text := list.At(n).Str()
		known := false
		parse(text, func(value *fastjson.Value) { known = c.addMonocle(value) })
		if !known && c.room() {
			c.addPlain(text, speaker{roleUser, inInput})
		}
	}
	return c
}

// addMonocle adds what one message says. Results of OpenAI's Responses stand without a role.
func (c *spoken) addMonocle(message *fastjson.Value) (known bool) {
	members := message.GetObject()
	if members == nil {
		return false
	}
	members.Visit(func(key []byte, content *fastjson.Value) {
		who := roleOf(string(key))
		if string(key) == "output" && message.Exists("call_id") {
			who = roleTool
		}
		if who != roleNone && who != roleOther {
			c.addContent(content, message, speaker{who, inInput})
			known = true
		}
	})
	return known || message.Exists("tool_function") // a call, of which the model knows already
}

func (monocle) output(s source) output {
	text := jsonOf(s.monocleValue("data.output", "response"))
	if s.kind != KindLLM {
		return s.joinedOutput(text)
	}
	m := message{role: roleAssistant}
	known := false
	result := parse(text, func(response *fastjson.Value) {
		members := response.GetObject()
		if members == nil || members.Len() != 1 {
			return
		}
		members.Visit(func(key []byte, content *fastjson.Value) {
			if known = string(key) == "tools" || roleOf(string(key)) == roleAssistant; known {
				m.readMonocle(content)
			}
		})
	})
	if !known {
		out := output{answer: read(text, inOutput)}
		if result == cut && mayBeMessages(text) {
			out.answer.state = StateTruncated
		}
		return out
	}
	m.finish = s.monocleMetadata("finish_reason")
	return answered(m)
}

// readMonocle reads an answer: text, parts, or calls.
func (m *message) readMonocle(content *fastjson.Value) {
	items := content.GetArray()
	if content.Type() == fastjson.TypeObject {
		items = []*fastjson.Value{content}
	}
	for _, item := range items {
		if item.Exists("tool_name") || item.Exists("args") {
			m.addCall(item)
		}
	}
	if len(m.calls) == 0 {
		m.readContentValue(content)
	}
}
