package genai

import (
	"strings"

	"github.com/valyala/fastjson"
)

// Instrumentations in Python write str or repr of what they cannot write as JSON: literals, objects such as
// TextBlock(text='hi') or <Role.USER: 'user'>, and the bare members of a model of Pydantic, content='hi' id='1'. Such
// text is translated to JSON, in which a class stands as "type", and read as what it tells.

// parsePython hands the value that a text in the words of Python stands for to visit, which must keep nothing of it.
func parsePython(text string, visit func(*fastjson.Value)) outcome {
	translated, result := pythonJSON(text)
	if result != plain && parse(translated, visit) == cut {
		return cut
	}
	return result
}

// pythonValue returns the object that a JSON string in the words of Python stands for; any other value stands for
// itself, as what may be somebody's text.
func pythonValue(value *fastjson.Value) *fastjson.Value {
	if value == nil || value.Type() != fastjson.TypeString {
		return value
	}
	text := value.GetStringBytes()
	if head := string(text[:min(len(text), maxName+2)]); !isConstructor(head) && !isBare(head) {
		return value
	}
	translated, result := pythonJSON(string(text))
	if result == plain || !worthParsing(translated) {
		return value
	}
	if inner, err := fastjson.Parse(translated); err == nil {
		return inner
	}
	return value
}

// pythonValues does so for a list; all of its items are of one kind.
func pythonValues(list []*fastjson.Value) []*fastjson.Value {
	if len(list) == 0 || pythonValue(list[0]) == list[0] {
		return list
	}
	values := make([]*fastjson.Value, len(list))
	for n, item := range list {
		values[n] = pythonValue(item)
	}
	return values
}

// pythonJSON translates a text in the words of Python. Producers shorten objects, whose members are complete as far as
// they go; a text that ends without three dots was cut by somebody else.
func pythonJSON(text string) (translated string, result outcome) {
	text = strings.TrimSpace(text)
	p := python{writer: writer{left: maxValues}, text: text[:min(len(text), maxText)]}
	ok := false
	switch {
	case isBare(text):
		ok = p.bare()
	case beginsAsPython(text):
		ok = p.value(0)
	}
	switch {
	case !ok || p.peek() != 0:
		return "", plain
	case p.cut && !isShortened(text) || len(text) > maxText:
		return string(p.json), cut
	}
	return string(p.json), parsed
}

// beginsAsPython tells from its first bytes whether a text can be an object, a dictionary or a list of these. A list may
// as well be text that begins with a bracket; only its end tells.
func beginsAsPython(text string) bool {
	if text == "" || text[0] != '[' && text[0] != '(' {
		return strings.HasPrefix(text, "{'") || isConstructor(text)
	}
	rest := strings.TrimSpace(text[1:])
	return strings.HasPrefix(rest, "{'") || isConstructor(rest)
}

// isBare reports a text that begins as content='hi' does.
func isBare(text string) bool {
	name := pythonName(text)
	rest, ok := strings.CutPrefix(text[len(name):], "=")
	return ok && name != "" && rest != "" && strings.IndexByte(`'"[{`, rest[0]) >= 0
}

// isShortened reports an object of Python of which the end was left out.
func isShortened(text string) bool {
	return (isConstructor(text) || isBare(text)) && strings.HasSuffix(text, "...")
}

// isInternal reports what a program hands on inside, which no model is asked.
func isInternal(text string) bool { return isConstructor(text) || strings.Contains(text, " at 0x") }

// isConstructor reports a text that begins as ChatMessage(...) does.
func isConstructor(text string) bool {
	name := pythonName(text)
	class := name[strings.LastIndexByte(name, '.')+1:]
	return class != "" && 'A' <= class[0] && class[0] <= 'Z' && strings.HasPrefix(text[len(name):], "(")
}

// langChainRole guesses who wrote a message of LangChain from its members, of which none says so.
func langChainRole(so, member, value string) string {
	switch {
	case member == "tool_call_id":
		return "tool"
	case so == "tool":
	case member == "tool_calls", member == "usage_metadata", member == "invalid_tool_calls",
		member == "response_metadata" && !strings.HasPrefix(value, "{}"),
		member == "id" && strings.HasPrefix(value, "'run-"):
		return "ai"
	case member == "additional_kwargs" && so == "":
		return "human"
	}
	return so
}

// classOf translates classes that are parts of messages.
func classOf(class string) string {
	class = class[strings.LastIndexByte(class, '.')+1:]
	switch class {
	case "TextContent", "TextBlock", "TextPart":
		return "text"
	case "ToolCall", "ToolCallBlock", "ToolCallContent", "ToolCallPart", "FunctionCall":
		return "tool_call"
	case "ToolCallResult", "ToolReturnPart", "FunctionExecutionResult":
		return "tool_result"
	case "ImageContent", "ImageBlock", "AudioBlock", "VideoBlock", "DocumentBlock", "FileContent":
		return "media"
	case "ReasoningContent", "ThinkingBlock", "ThinkingPart":
		return "reasoning"
	}
	return class
}
