package genai

import (
	"strings"

	"github.com/valyala/fastjson"
)

// addCaptured appends a text part that is there, though it may have no character.
func (m *message) addCaptured(value *fastjson.Value) {
	if inner := value.Get("value"); inner != nil { // OpenAI's Assistants wrap text
		value = inner
	}
	text := jsonText(value)
	m.empty = m.empty || text == "" && value.Type() == fastjson.TypeString
	m.addText(text)
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
