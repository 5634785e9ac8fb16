package genai

import "strings"

const nameOTelEvents = "otel_genai_events"

// otelMessages reads the semantic conventions' former events, one a message, on the span or in log records.
type otelMessages struct{}

var _ convention = otelMessages{}

func (otelMessages) about() about {
	return about{name: nameOTelEvents}
}

func (otelMessages) input(s source) input {
	in := messagesOf(s).input(s)
	if in.question.known() && s.wants(wantSystem) && !in.system.known() {
		in.system = s.systemPrompt()
	}
	return in
}

func (otelMessages) output(s source) output { return messagesOf(s).output(s.kind) }

func messagesOf(s source) (c *spoken) {
	for e := range s.events() {
		if by, ok := speakerOf(e.name); ok {
			c = c.add(e, by)
		}
	}
	return c
}

func isMessageEvent(name string) bool {
	_, ok := speakerOf(name)
	return ok
}

// speakerOf reads the name of an event that carries a message. Azure's have names of their own.
func speakerOf(name string) (by speaker, ok bool) {
	name, ok = strings.CutPrefix(name, "gen_ai.")
	if !ok {
		return by, false
	}
	switch name {
	case "choice", "output.messages":
		return speaker{roleAssistant, inOutput}, true
	case "input.messages":
		return speaker{roleUser, inInput}, true
	case "system.instruction", "system.instructions":
		return speaker{roleSystem, inInput}, true
	}
	name, ok = strings.CutSuffix(name, ".message")
	by.role = roleOf(name)
	return by, ok && by.role != roleNone && by.role != roleOther
}
