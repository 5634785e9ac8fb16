package genai

import (
	"cmp"
	"strings"

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

// addCaptured appends a text part that is there, though it may have no character.
func (m *message) addCaptured(value *fastjson.Value) {
	if inner := value.Get("value"); inner != nil { // OpenAI's Assistants wrap text
		value = inner
	}
	text := jsonText(value)
	m.empty = m.empty || text == "" && value.Type() == fastjson.TypeString
	m.addText(text)
}

// open returns the object that holds the content of a message, and its role. LangChain wraps messages, in two ways.
func open(value *fastjson.Value) (*fastjson.Value, role) {
	object := value.GetObject()
	if object == nil {
		return openPair(value)
	}
	if name := cmp.Or(object.Get("role"), object.Get("_role")); name != nil && name.Type() == fastjson.TypeString {
		return value, roleOf(string(name.GetStringBytes()))
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
	case "content", "_content":
		found.content = value
	case "text":
		found.text = value
	case "refusal":
		found.refusal = value
	case "audio":
		found.audio = value
	case "finish_reason", "stop_reason", "finishReason":
		found.finish = value
	case "tool_calls", "toolCalls":
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

func (m *message) readContent(body *fastjson.Value) {
	m.readContentValue(first(body, "parts", "content", "text"))
}

func (m *message) readContentValue(content *fastjson.Value) {
	if content == nil {
		return
	}
	switch content.Type() {
	case fastjson.TypeString:
		m.addCaptured(content)
	case fastjson.TypeArray:
		m.readList(content.GetArray())
	case fastjson.TypeObject:
		if parts := content.GetArray("parts"); parts != nil {
			m.readList(parts)
			return
		}
		m.readPart(content)
	}
}

// readList reads parts, of which there may be very many, and joins their texts.
func (m *message) readList(parts []*fastjson.Value) {
	if len(parts) == 1 {
		m.readPart(parts[0])
		return
	}
	var text strings.Builder
	text.WriteString(m.text)
	for _, part := range parts {
		m.text = ""
		m.readPart(part)
		if m.text == "" {
			continue
		}
		if text.Len() > 0 {
			text.WriteByte('\n')
		}
		text.WriteString(m.text)
	}
	m.text = text.String()
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
		ID:        jsonText(first(call, "id", "call_id", "toolCallId", "toolUseId", "tool_call_id", "ref")),
		Name:      name,
		Arguments: jsonAny(first(body, "arguments", "args", "input", "server_tool_call")),
	})
}

// readPart reads one part of a message's content.
func (m *message) readPart(part *fastjson.Value) {
	switch part.Type() {
	case fastjson.TypeString:
		m.addCaptured(part)
		return
	case fastjson.TypeObject:
	default:
		return
	}
	kind := part.GetStringBytes("type")
	if kind == nil {
		kind = part.GetStringBytes("kind") // PydanticAI's first form
	}
	switch string(kind) {
	case "text", "input_text", "output_text", "refusal", "textBlock":
		text := first(part, "content", "text", "refusal")
		if text == nil {
			m.blank = true
			return
		}
		m.addCaptured(text)
	case "tool_call", "tool_use", "function_call", "tool-call", "server_tool_call", "server_tool_use", "toolUse",
		"toolUseBlock":
		m.addCall(part)
	case "tool_call_response", "tool_result", "tool-result", "function_call_output", "server_tool_call_response",
		"toolResult", "toolResultBlock":
		m.addResult(part, resultText(first(part, "response", "result", "content", "output", "server_tool_call_response")))
	case "blob", "file", "uri", "image", "image_url", "input_image", "input_file", "input_audio", "audio", "video",
		"document", "media", "image-url", "audio-url", "video-url", "document-url", "binary", "image_file":
		m.media = true
		m.addText(jsonText(part.Get("transcript")))
	case "":
		m.readUntypedPart(part)
	}
}

// readUntypedPart reads the parts of Gemini, Bedrock, Haystack and Genkit, whose only member tells the type.
func (m *message) readUntypedPart(part *fastjson.Value) {
	if part.GetBool("thought") { // Gemini marks reasoning so
		return
	}
	if text := first(part, "text", "content"); text != nil {
		m.addCaptured(text)
		return
	}
	if call := first(part, "functionCall", "function_call", "toolUse", "tool_call", "toolRequest"); call != nil {
		m.addCall(call)
		return
	}
	if result := first(part, "functionResponse", "function_response", "toolResult", "tool_call_result",
		"toolResponse"); result != nil {
		m.addResult(result, resultText(first(result, "response", "content", "result", "output")))
		return
	}
	if first(part, "inlineData", "inline_data", "fileData", "file_data", "image", "video", "document", "media") != nil {
		m.media = true
		return
	}
	if data := part.Get("data"); data.GetObject() != nil || data.GetArray() != nil { // what Genkit read from JSON
		m.addText(jsonAny(data))
	}
}

// resultText renders a tool's result: its text if it is made of text parts, else JSON.
func resultText(value *fastjson.Value) string {
	if inner := value.Get("value"); inner != nil && value.Exists("type") { // Vercel says beside it what it is
		value = inner
	}
	if value == nil || value.Type() != fastjson.TypeArray {
		return jsonAny(value)
	}
	inner := message{}
	inner.readList(value.GetArray())
	if inner.text != "" {
		return inner.text
	}
	return jsonAny(value)
}
