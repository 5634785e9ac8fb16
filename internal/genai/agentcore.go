package genai

import (
	"strings"

	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// agentCore reads the log records into which AWS's distribution moves all content of a span, one a span. Each content
// attribute, of any convention, has become a message; the attributes of each content event have become its content.
type agentCore struct{}

var _ convention = agentCore{}

const agentCoreEvent = "agentcore"

func (agentCore) about() about {
	return about{name: "agentcore"}
}

// isAgentCore recognises these records by their form. Their name is that of the instrumentation.
func isAgentCore(scope, name string, body pcommon.Value) bool {
	if body.Type() != pcommon.ValueTypeMap || scope != name {
		return false
	}
	_, in := sideOf(body, "input")
	_, out := sideOf(body, "output")
	return in || out
}

func sideOf(body pcommon.Value, name string) (messages pcommon.Slice, ok bool) {
	side, ok := body.Map().Get(name)
	if !ok || side.Type() != pcommon.ValueTypeMap {
		return messages, false
	}
	list, ok := side.Map().Get("messages")
	if !ok || list.Type() != pcommon.ValueTypeSlice {
		return messages, false
	}
	return list.Slice(), true
}

// input takes the last message that holds a question. What one attribute held is a text, a whole request, or parts.
func (agentCore) input(s source) input {
	var in input
	for messages := range agentCoreMessages(s, "input") {
		for n := min(messages.Len(), maxEvents) - 1; n >= 0; n-- {
			content, who := agentCoreContent(messages.At(n))
			switch {
			case who != roleSystem && !in.question.known():
				in.complete(s.agentCoreInput(jsonOf(content), who))
			case who == roleSystem && s.wants(wantSystem) && !in.system.known():
				in.system = otelSystem(content)
			}
		}
	}
	return in
}

func (s source) agentCoreInput(text string, who role) input {
	if s.kind != KindLLM && s.kind != KindAgent && s.kind != KindChain {
		return input{question: whole(text, inInput)}
	}
	if who == roleTool {
		return input{}
	}
	var in input
	known := false
	result := parse(text, func(value *fastjson.Value) {
		if isParts(value) || isBlocks(value) {
			var m message
			m.readContentValue(value)
			in.question, in.results, known = said(m), m.results, true
			return
		}
		in, known = s.readRequest(value)
	})
	switch {
	case result == cut && looksCut(text):
		in.question.state = StateTruncated
	case !known:
		in.question = whole(text, inInput)
	}
	return in
}

// output takes one of the messages. The assistant's earlier messages stand among them: after the answer where Traceloop
// wrote the attributes, else before it.
func (agentCore) output(s source) output {
	var out output
	answerFirst := s.agentCoreScope("opentelemetry.instrumentation.")
	for messages := range agentCoreMessages(s, "output") {
		count := min(messages.Len(), maxEvents)
		for n := range count {
			at := count - 1 - n
			if answerFirst {
				at = n
			}
			content, _ := agentCoreContent(messages.At(at))
			if one := s.agentCoreOutput(jsonOf(content)); one.answer.known() && one.answer.state != stateEmpty {
				return one
			} else if out.answer.state == "" {
				out = one
			}
		}
	}
	return out
}

// agentCoreScope tells whether the name of the scope, which only an attribute keeps, begins so.
func (s source) agentCoreScope(prefix string) bool {
	for e := range s.events() {
		if e.name == agentCoreEvent {
			return strings.HasPrefix(attributeOf(e, "event.name"), prefix)
		}
	}
	return false
}

func (s source) agentCoreOutput(text string) output {
	switch s.kind {
	case KindEmbedding:
		return output{}
	case KindRetriever:
		return output{answer: whole(text, inOutput), documents: documentsIn(text)}
	case KindLLM, KindAgent, KindChain, KindTool:
	default:
		return output{answer: whole(text, inOutput)}
	}
	var out output
	result := parseCut(text, func(value *fastjson.Value) {
		if isParts(value) || isBlocks(value) {
			var m message
			m.readContentValue(value)
			if s.kind == KindTool {
				out = output{answer: whole(resultText(value), inOutput)}
				return
			}
			out = answered(m)
			return
		}
		if s.kind != KindTool {
			out = readResponse(value, s.kind)
		}
	})
	switch {
	case result == cut && looksCut(text):
		out.calls = nil
		out.answer.state = StateTruncated
	case out.answer.state == "":
		out.answer = whole(text, inOutput)
	}
	return out
}

// agentCoreMessages yields the messages of a side.
func agentCoreMessages(s source, side string) func(func(pcommon.Slice) bool) {
	return func(yield func(pcommon.Slice) bool) {
		for e := range s.events() {
			if e.name != agentCoreEvent || e.body.Type() != pcommon.ValueTypeMap {
				continue
			}
			if messages, ok := sideOf(e.body, side); ok && !yield(messages) {
				return
			}
		}
	}
}

// agentCoreContent opens a message, and what was an event within it.
func agentCoreContent(value pcommon.Value) (content pcommon.Value, who role) {
	if value.Type() != pcommon.ValueTypeMap {
		return value, roleNone
	}
	message := value.Map()
	if name, ok := message.Get("role"); ok {
		who = roleOf(name.Str())
	}
	content, ok := message.Get("content")
	if !ok {
		return noBody, who
	}
	if content.Type() == pcommon.ValueTypeMap {
		for _, key := range [...]string{"content", "message"} {
			if inner, ok := content.Map().Get(key); ok {
				return inner, who
			}
		}
	}
	return content, who
}
