package genai

import (
	"strings"

	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// otelContent reads the semantic conventions' first content events and attributes: a whole prompt and a whole
// completion, as JSON in the words of the vendor, as a list of texts, or as plain text. LiteLLM makes one event a message.
type otelContent struct{}

var _ convention = otelContent{}

const (
	promptEvent     = "gen_ai.content.prompt"
	completionEvent = "gen_ai.content.completion"
)

func (otelContent) about() about {
	return about{name: nameOTelEvents}
}

func isContentEvent(name string) bool { return name == promptEvent || name == completionEvent }

func (otelContent) input(s source) input {
	var c *spoken
	for e := range s.events() {
		if e.name != promptEvent {
			continue
		}
		if e.body.Type() == pcommon.ValueTypeMap {
			c = c.add(e, speaker{roleUser, inInput})
		} else if prompt, ok := e.attributes.Get("gen_ai.prompt"); ok && c == nil {
			return s.promptIn(prompt)
		}
	}
	if c != nil {
		return c.input(s)
	}
	if prompt, ok := s.wholeContent("gen_ai.prompt", promptEvent, "gen_ai.agent.invocation_input"); ok {
		return s.promptIn(prompt)
	}
	return input{}
}

func (otelContent) output(s source) output {
	if s.kind == KindEmbedding { // a vector is no answer
		return output{}
	}
	var c *spoken
	for e := range s.events() {
		if e.name != completionEvent {
			continue
		}
		if e.body.Type() == pcommon.ValueTypeMap {
			c = c.add(e, speaker{roleAssistant, inOutput})
		} else if completion, ok := e.attributes.Get("gen_ai.completion"); ok && c == nil {
			return completionIn(completion, s.kind)
		}
	}
	if c != nil {
		return c.output(s.kind)
	}
	completion, ok := s.wholeContent(
		"gen_ai.completion", completionEvent, "gen_ai.agent.invocation_output", "gen_ai.agent.actual_output",
	)
	if !ok {
		return output{}
	}
	return completionIn(completion, s.kind)
}

// wholeContent returns the attribute of a span that holds all of a side. LangSmith's are left to LangSmith: they are the
// inputs and outputs of any function.
func (s source) wholeContent(keys ...string) (pcommon.Value, bool) {
	if _, ok := s.get("langsmith.span.kind"); ok {
		return noBody, false
	}
	for _, key := range keys {
		if value, ok := s.get(key); ok && jsonOf(value) != "" {
			return value, true
		}
	}
	return noBody, false
}

func (s source) promptIn(prompt pcommon.Value) input {
	var in input
	known := false
	text := jsonOf(prompt)
	result := parse(text, func(value *fastjson.Value) { in, known = s.readRequest(value) })
	switch {
	case result == cut && looksCut(text):
		in.question.state, in.system.state = StateTruncated, StateTruncated
	case known:
	default:
		if c := roleLines(text); c != nil {
			return c.input(s)
		}
		in.question = whole(text, inInput)
	}
	return in
}

func completionIn(completion pcommon.Value, kind Kind) output {
	var out output
	text := jsonOf(completion)
	switch text {
	case "": // captured, and empty
		return answered(message{empty: true})
	case "None": // OpenLIT, of an answer without text
		return answered(message{})
	case "Function called with tools": // OpenLIT, of any answer where tools were offered
		return answered(message{blank: true})
	}
	result := parseCut(text, func(value *fastjson.Value) { out = readResponse(value, kind) })
	switch {
	case result == cut && looksCut(text):
		out.calls = nil
		out.answer.state = StateTruncated
	case result != parsed || out.answer.state == "":
		out = output{answer: whole(text, inOutput)}
	}
	return out
}

// roleLines reads the plain text that OpenLIT made of messages, "role: content" line by line; nil means another text.
func roleLines(text string) *spoken {
	if _, _, ok := cutRole(text); !ok || len(text) > maxText {
		return nil
	}
	c := newSpoken()
	for text != "" {
		who, rest, _ := cutRole(text)
		content := rest
		text = ""
		for at := 0; ; {
			next := strings.IndexByte(rest[at:], '\n')
			if next < 0 {
				break
			}
			at += next + 1
			if _, _, ok := cutRole(rest[at:]); ok {
				content, text = rest[:at-1], rest[at:]
				break
			}
		}
		if c.room() {
			c.addPlain(content, speaker{who, inInput})
		}
	}
	return c
}

func cutRole(text string) (who role, rest string, ok bool) {
	for _, name := range [...]string{"system", "user", "assistant", "tool", "developer"} {
		if rest, ok = strings.CutPrefix(text, name); ok {
			if rest, ok = strings.CutPrefix(rest, ": "); ok {
				return roleOf(name), rest, true
			}
		}
	}
	return roleNone, "", false
}
