package genai

import "github.com/valyala/fastjson"

// readChain finds the answer in what a chain gave back: messages, or a member that is called so beside others that
// repeat what went in. Of no known form, it is the whole that counts.
func readChain(value *fastjson.Value, depth int) (output, bool) {
	const maxDepth = 3
	if depth > maxDepth {
		return output{}, false
	}
	switch value.Type() {
	case fastjson.TypeString:
		if inner := pythonValue(value); inner != value {
			if out, ok := readChain(inner, depth+1); ok {
				return out, true
			}
		}
		return answered(message{text: jsonText(value)}), true
	case fastjson.TypeArray:
		list := value.GetArray()
		if out, ok := lastSaid(list); ok || len(list) != 1 {
			return out, ok
		}
		if list[0].Type() == fastjson.TypeObject {
			return readChain(list[0], depth+1)
		}
	case fastjson.TypeObject:
		return readChainObject(value, depth)
	}
	return output{}, false
}

func readChainObject(value *fastjson.Value, depth int) (output, bool) {
	switch body, who := open(value); {
	case value.Exists("choices") || value.Exists("candidates") || value.Exists("generations") ||
		value.Exists("raw") && value.Exists("pydantic"): // CrewAI
		out := readResponse(value, KindChain)
		return out, out.answer.state != ""
	case who == roleAssistant, value.Exists("text") && value.Exists("toolCalls"): // of Mastra
		return answered(readMessage(body, roleAssistant)), true
	case value.Get("content").GetArray("parts") != nil: // an event of Google's ADK
		return answered(readMessage(open(value.Get("content")))), true
	}
	if out, ok := lastSaid(value.GetArray("messages")); ok {
		return out, true
	}
	for _, key := range [...]string{"output", "outputs", "answer", "result", "response", "update", "return_values"} {
		if inner := value.Get(key); inner != nil {
			if out, ok := readChain(inner, depth+1); ok {
				return out, true
			}
		}
	}
	if text := soleAnswer(value); text != "" {
		return answered(message{text: text}), true
	}
	return readComponents(value)
}

// readComponents finds the answer in what the components of a pipeline of Haystack gave back.
func readComponents(value *fastjson.Value) (out output, ok bool) {
	value.GetObject().Visit(func(_ []byte, component *fastjson.Value) {
		if first(component, "replies", "answers", "last_message", "messages") == nil {
			return
		}
		if reply, said := haystackReply(component); said {
			out, ok = reply, true
		}
	})
	return out, ok
}

// lastSaid is the last thing that a model said in a conversation, or all that tools did where there is nobody else.
func lastSaid(list []*fastjson.Value) (output, bool) {
	conversation, ok := isConversation(list)
	if !ok {
		return output{}, false
	}
	out := turns{json: conversation}.output(KindChain)
	if out.answer.known() && out.answer.state != stateEmpty {
		return out, true
	}
	// A step that ran tools has said what they gave back.
	var results message
	for _, one := range conversation {
		body, who := open(one)
		if who != roleTool {
			return output{}, false
		}
		for _, result := range readMessage(body, who).results {
			results.addText(result.Text)
		}
	}
	return answered(results), results.text != ""
}
