package genai

import (
	"cmp"
	"encoding/json"
	"strings"

	"github.com/valyala/fastjson"
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

func (m *message) readCalls(found members) {
	calls := cmp.Or(found.calls, found.additionalCall).GetArray()
	if len(calls) > 0 {
		m.calls = m.calls[:0] // Anthropic through LangChain lists the calls among the parts as well
	}
	for _, call := range calls {
		m.addCall(call)
	}
	if call := found.call; call != nil && call.Type() == fastjson.TypeObject && len(m.calls) == 0 {
		m.addCall(call)
	}
}

// addCall reads a call in the words of OpenAI, Anthropic, Gemini, LangChain, Vercel or the semantic conventions.
func (m *message) addCall(call *fastjson.Value) {
	if inner := first(call, "tool_call", "content"); inner != nil && inner.Type() == fastjson.TypeObject { // of Azure
		call = inner
	}
	body := call
	if function := call.Get("function"); function != nil && function.Type() == fastjson.TypeObject {
		body = function
	}
	name := jsonText(first(body, "name", "toolName", "tool_name"))
	if name == "" {
		return
	}
	m.calls = append(m.calls, ToolCall{
		ID:        jsonText(first(call, "id", "call_id", "toolCallId", "toolUseId", "tool_call_id", "tool_id", "ref")),
		Name:      name,
		Arguments: jsonAny(first(body, "arguments", "args", "input", "server_tool_call", "tool_arguments", "toolInput")),
	})
}

// readResult takes what a tool gave back, which is no text of the conversation. Langfuse writes the definitions of
// tools in its place.
func (m *message) readResult(body, content *fastjson.Value) {
	if !body.Exists("tool_call_id") && isDefinition(content) {
		return
	}
	if content.Type() == fastjson.TypeArray {
		inner := message{}
		inner.readList(content.GetArray())
		m.results = append(m.results, inner.results...)
		if inner.text != "" {
			m.addResult(body, inner.text)
		}
		return
	}
	m.addResult(body, jsonAny(content))
}

// isDefinition recognises what describes a tool to a model.
func isDefinition(value *fastjson.Value) bool {
	if value.Exists("function", "name") {
		return true
	}
	return value.Exists("name") && first(value, "parameters", "input_schema", "inputSchema", "args_schema") != nil
}

func (m *message) addResult(object *fastjson.Value, text string) {
	if !blank(text) {
		id := jsonText(first(object, "id", "tool_call_id", "tool_use_id", "toolUseId", "toolCallId", "call_id",
			"ref"))
		m.results = append(m.results, Document{ID: id, Text: text})
	}
}
