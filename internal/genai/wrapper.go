package genai

import (
	"strings"

	"github.com/valyala/fastjson"
)

// unwrapped takes a value out of the wrappers around it.
func unwrapped(value *fastjson.Value, at side) *fastjson.Value {
	const most = 3
	for range most {
		inner := unwrap(value, at)
		if inner == nil {
			break
		}
		value = inner
	}
	return value
}

// unwrap opens one wrapper; it returns nil where there is none.
func unwrap(value *fastjson.Value, at side) *fastjson.Value {
	object := value.GetObject()
	if object == nil {
		return nil
	}
	sole := "input"
	if at == inOutput {
		sole = "output"
	}
	if object.Len() == 1 && object.Get(sole) != nil { // of LangChain, for what is no object
		return object.Get(sole)
	}
	if at == inOutput { // LangChain's callbacks in Python
		if outputs := oneOf(object, "outputs", "output"); outputs != nil && onlyWith(object, "kwargs") {
			return outputs
		}
		return nil
	}
	if input := object.Get("input"); input != nil && onlyWith(object, "options") { // of BeeAI
		return input
	}
	if object.Get("args") != nil || object.Len() == 1 && object.Get("kwargs") != nil {
		return unwrapArguments(value, object)
	}
	if value.Exists("tags") && value.Exists("metadata") {
		if inputs := value.Get("inputs"); inputs != nil && inputs.Type() != fastjson.TypeNull {
			return inputs
		}
		return oneOf(object, "input_str", "query")
	}
	return nil
}

// unwrapArguments opens what decorators write: positional and named arguments. Only those that are alone can do
// without the other's name or place.
func unwrapArguments(value *fastjson.Value, object *fastjson.Object) *fastjson.Value {
	positional, named, members := object.Get("args"), object.Get("kwargs"), 0
	if positional != nil {
		members++
	}
	if named != nil {
		members++
	}
	if object.Len() != members || positional != nil && positional.Type() != fastjson.TypeArray {
		return nil
	}
	args := value.GetArray("args")
	switch kwargs := named.GetObject(); {
	case len(args) == 1 && (kwargs == nil || kwargs.Len() == 0):
		return args[0]
	case len(args) == 0 && kwargs != nil && (positional != nil || kwargs.Len() > 0):
		return named
	}
	return nil
}

// onlyWith reports an object of one member and others of some names.
func onlyWith(object *fastjson.Object, others ...string) bool {
	for _, other := range others {
		if object.Get(other) == nil {
			return false
		}
	}
	return object.Len() == len(others)+1
}

func oneOf(object *fastjson.Object, keys ...string) *fastjson.Value {
	for _, key := range keys {
		if value := object.Get(key); value != nil {
			return value
		}
	}
	return nil
}

// soleText returns the text of an object's only member.
func soleText(object *fastjson.Object) (text string) {
	if object.Len() == 1 {
		object.Visit(func(_ []byte, value *fastjson.Value) { text = jsonText(value) })
	}
	return text
}

// soleAnswer returns the text of an object's only member if that says no more than that it is one; any other object
// is a structured answer.
func soleAnswer(value *fastjson.Value) string {
	if object := value.GetObject(); object == nil || object.Len() > 1 {
		return ""
	}
	return jsonText(first(value, "output", "result", "answer", "response", "text", "output_text", "content", "completion",
		"generation", "message", "reply", "final_answer", "prompt"))
}

// parseText is parseCut for a value that may as well be plain text, even such as begins with a bracket.
func parseText(text string, visit func(*fastjson.Value)) outcome {
	result := parse(text, visit)
	if result == plain {
		return parsePython(text, visit)
	}
	if result != cut || !worthParsing(text) {
		return result
	}
	rest, ok := salvage(text)
	if !ok || !beginsAsJSON(text) {
		return parsePython(text, visit)
	}
	parse(rest, visit)
	return cut
}

// beginsAsJSON looks at what follows the opening bracket.
func beginsAsJSON(text string) bool {
	text = strings.TrimSpace(text)
	rest := strings.TrimSpace(text[1:])
	switch {
	case rest == "":
		return true
	case text[0] == '{':
		return rest[0] == '"' || rest[0] == '}'
	}
	for _, literal := range [...]string{"true", "false", "null"} {
		if strings.HasPrefix(rest, literal) || strings.HasPrefix(literal, rest) {
			return true
		}
	}
	return strings.IndexByte(`]{["-0123456789`, rest[0]) >= 0
}
