package genai

import (
	"encoding/json"
	"strings"
)

// callsText renders the calls that the answer asks for.
func (i *Interaction) callsText() (string, State) {
	out := i.outputSide()
	if len(out.calls) == 0 {
		switch out.answer.state {
		case StateText, StateToolCallOnly, StateMedia, StateStreamingUnfinished:
			return "", StateNotCaptured
		}
		return "", out.answer.state
	}
	return textOfCalls(out.calls)
}

// textOfCalls renders calls as a JSON list.
func textOfCalls(calls []ToolCall) (string, State) {
	type call struct {
		Name      string `json:"name"`
		Arguments any    `json:"arguments"`
	}
	list, size := make([]call, len(calls)), 0
	for n, c := range calls {
		if size += len(c.Name) + len(c.Arguments); size > maxText {
			return "", StateTruncated
		}
		list[n] = call{Name: c.Name, Arguments: argumentsOf(c)}
	}
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(list) != nil { // arguments nested deeper than the encoder goes
		return "", StateNotCaptured
	}
	return strings.TrimSuffix(b.String(), "\n"), StateText
}

// argumentsOf keeps arguments that are JSON as such; others are text.
func argumentsOf(c ToolCall) any {
	switch {
	case c.Arguments == "":
		return struct{}{}
	case json.Valid([]byte(c.Arguments)):
		return json.RawMessage(c.Arguments)
	}
	return c.Arguments
}
