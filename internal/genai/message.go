package genai

import (
	"cmp"

	"github.com/valyala/fastjson"
)

// role is who wrote a message.
type role uint8

const (
	roleNone role = iota // not said
	roleUser
	roleAssistant
	roleSystem
	roleTool
	roleOther
)

// String returns the role in the words of the semantic conventions.
func (r role) String() string {
	switch r {
	case roleUser, roleNone:
		return "user"
	case roleAssistant:
		return "assistant"
	case roleSystem:
		return "system"
	case roleTool:
		return "tool"
	}
	return "other"
}

// roleOf translates the names that vendors and frameworks give to the same four.
func roleOf(name string) role {
	switch name {
	case "":
		return roleNone
	case "user", "human", "USER", "User", "HumanMessage", "HumanMessageChunk":
		return roleUser
	case "assistant", "model", "ai", "bot", "ASSISTANT", "Assistant", "AIMessage", "AIMessageChunk":
		return roleAssistant
	case "system", "developer", "SYSTEM", "System", "SystemMessage":
		return roleSystem
	case "tool", "function", "TOOL", "Tool", "ToolMessage", "FunctionMessage", "tool-response":
		return roleTool
	}
	return roleOther
}

// message is the content of one turn. Reasoning is left out: it is not what the user was told.
type message struct {
	role    role
	text    string
	calls   []ToolCall
	results []Document
	media   bool   // has an image, sound or file
	blank   bool   // a part whose content was not captured
	empty   bool   // a text that was captured and has no character
	finish  string // why the model stopped
}

// hollow reports that a message says nothing at all.
func (m *message) hollow() bool {
	return m.text == "" && len(m.calls) == 0 && len(m.results) == 0 && !m.media && !m.blank
}

// addText appends a text part.
func (m *message) addText(text string) {
	switch {
	case blank(text):
	case m.text == "":
		m.text = text
	default:
		m.text += "\n" + text
	}
}

// open returns the object that holds the content of a message, and its role. LangChain wraps messages, in two ways.
func open(value *fastjson.Value) (*fastjson.Value, role) {
	object := value.GetObject()
	if object == nil {
		return openPair(value)
	}
	if name := object.Get("role"); name != nil && name.Type() == fastjson.TypeString { // a member that is missing costs more
		return value, roleOf(string(name.GetStringBytes()))
	}
	if name := value.GetStringBytes("_role"); name != nil {
		return value, roleOf(string(name))
	}
	if body := value.Get("kwargs"); body != nil && value.Exists("lc") {
		who := roleOf(string(body.GetStringBytes("type")))
		if id := value.GetArray("id"); who == roleNone && len(id) > 0 {
			who = roleOf(string(id[len(id)-1].GetStringBytes()))
		}
		return body, who
	}
	name := value.GetStringBytes("type")
	if body := value.Get("data"); body != nil && name != nil {
		return body, roleOf(string(name))
	}
	if who := value.GetStringBytes("message.role"); who != nil { // OpenInference's keys in an object
		return value, roleOf(string(who))
	}
	if source := value.GetStringBytes("source"); source != nil && value.Exists("models_usage") {
		return value, roleOfAutoGen(string(source), string(name))
	}
	switch string(name) {
	case "function": // a tool's definition
		return value, roleNone
	case "function_call_output", "custom_tool_call_output": // items of OpenAI's Responses
		return value, roleTool
	case "function_call", "custom_tool_call":
		return value, roleAssistant
	}
	if who := roleOf(string(name)); who != roleOther {
		return value, who
	}
	return value, roleNone
}

// roleOfAutoGen goes by the kind of a message, and by the name of the agent that wrote it.
func roleOfAutoGen(source, kind string) role {
	switch {
	case kind == "ToolCallExecutionEvent":
		return roleTool
	case source == "user" || source == "human":
		return roleUser
	case source == "system":
		return roleSystem
	}
	return roleAssistant
}

// openPair opens a message that is a role and a text, as LangGraph takes them.
func openPair(value *fastjson.Value) (*fastjson.Value, role) {
	const size = 2
	if pair := value.GetArray(); len(pair) == size && pair[1].Type() == fastjson.TypeString {
		if who := roleOf(string(pair[0].GetStringBytes())); who != roleOther {
			return pair[1], who
		}
	}
	return value, roleNone
}

// members are those of a message that some vendor uses, found in one pass.
type members struct {
	content, parts, text, refusal       *fastjson.Value
	blocks, audio                       *fastjson.Value
	finish, calls, call, additionalCall *fastjson.Value
}

func (found *members) visit(key []byte, value *fastjson.Value) {
	if value.Type() == fastjson.TypeNull {
		return
	}
	switch string(key) {
	case "parts":
		found.parts = value
	case "blocks": // of LlamaIndex
		found.blocks = value
	case "content", "_content", "message.content":
		found.content = value
	case "text":
		found.text = value
	case "refusal":
		found.refusal = value
	case "audio":
		found.audio = value
	case "finish_reason", "stop_reason", "finishReason":
		found.finish = value
	case "tool_calls", "toolCalls", "message.tool_calls":
		found.calls = value
	case "additional_kwargs":
		found.additionalCall = value.Get("tool_calls")
	case "function_call":
		found.call = value
	}
}

// readMessage reads a message of any vendor, which open has opened.
func readMessage(body *fastjson.Value, who role) message {
	object := body.GetObject()
	if object == nil {
		m := message{role: who}
		if who == roleTool {
			m.readResult(body, body)
		} else {
			m.readContentValue(body)
		}
		return m
	}
	if who == roleUser { // has no calls and no end: a message of the semantic conventions is its parts
		if parts := object.Get("parts"); parts != nil && parts.Type() == fastjson.TypeArray {
			m := message{role: who}
			m.readList(parts.GetArray())
			return m
		}
	}
	var found members
	object.Visit(found.visit)
	content := cmp.Or(found.parts, found.content, found.text, found.blocks)
	m := message{role: who, finish: jsonText(found.finish)}
	if content == nil { // an item that is no message
		switch who {
		case roleTool:
			content = body.Get("output")
		case roleAssistant:
			if body.Exists("call_id") {
				m.addCall(body)
			}
		}
	}
	if who == roleTool && content != nil {
		m.readResult(body, content)
		return m
	}
	m.readContentValue(content)
	m.addText(jsonText(found.refusal))
	if found.audio.GetObject() != nil { // OpenAI's spoken answer
		m.media = true
		m.addText(jsonText(found.audio.Get("transcript")))
	}
	m.readCalls(found)
	return m
}
