package genai

import "github.com/valyala/fastjson"

// readResponse finds the answer in what a model or an agent gave back, whatever the vendor. A value of
// no known form gives nothing.
func readResponse(value *fastjson.Value, kind Kind) output {
	out, ok := readResponseAt(value, kind, 0)
	if ok && value.Type() == fastjson.TypeObject {
		out.id = jsonText(value.Get("id"))
	}
	return out
}

func readResponseAt(value *fastjson.Value, kind Kind, depth int) (output, bool) {
	const maxDepth = 3
	if value == nil || depth > maxDepth {
		return output{}, false
	}
	switch value.Type() {
	case fastjson.TypeString:
		if inner := pythonValue(value); inner != value {
			if out, ok := readResponseAt(inner, kind, depth+1); ok {
				return out, true
			}
		}
		return answered(message{text: jsonText(value)}), true
	case fastjson.TypeArray:
		return readResponseList(value.GetArray(), kind)
	case fastjson.TypeObject:
		return readResponseObject(value, kind, depth)
	}
	return output{}, false
}

func readResponseList(list []*fastjson.Value, kind Kind) (output, bool) {
	if len(list) > 0 && isMessage(list[0]) {
		return turns{json: list}.output(kind), true
	}
	if len(list) > 0 && list[0].Exists("message", "role") && list[0].Exists("finish_reason") {
		return readChoices(list)
	}
	if isItems(list) {
		return answered(readItems(list)), true
	}
	if conversation, ok := isConversation(list); ok {
		return turns{json: conversation}.output(kind), true
	}
	if len(list) > 0 && list[0].Type() == fastjson.TypeString {
		return answered(message{text: jsonText(list[0])}), true
	}
	return output{}, false
}

func readResponseObject(object *fastjson.Value, kind Kind, depth int) (output, bool) {
	if choices := object.GetArray("choices"); len(choices) > 0 {
		return readChoices(choices)
	}
	if candidates := object.GetArray("candidates"); len(candidates) > 0 { // Gemini
		return readCandidate(candidates[0]), true
	}
	if generations := object.GetArray("generations"); len(generations) > 0 { // LangChain
		return readGeneration(generations[0])
	}
	if object.Exists("raw") && object.Exists("pydantic") { // CrewAI, which has the prompts beside it
		if text := jsonText(object.Get("raw")); text != "" {
			return answered(message{text: text}), true
		}
	}
	if conversation, ok := isConversation(object.GetArray("messages")); ok {
		return readState(conversation, kind), true
	}
	if item := []*fastjson.Value{object}; isItems(item) && !object.Exists("content") { // of the Responses API, alone
		return answered(readItems(item)), true
	}
	if _, who := open(object); who == roleAssistant || who == roleNone && (object.Exists("content") ||
		len(object.GetArray("tool_calls")) > 0 ||
		object.Exists("text") && len(object.GetArray("toolCalls")) > 0) { // of Vercel and Mastra
		return answered(readMessage(open(object))), true
	}
	if object.Exists("toolCallId") && object.Exists("toolName") { // a piece of Mastra
		var m message
		m.addCall(object)
		return answered(m), true
	}
	for _, key := range [...]string{"message", "output", "outputs", "answer", "text", "result", "response", "raw"} {
		if value := first(object, key); value != nil {
			if out, ok := readResponseAt(value, kind, depth+1); ok {
				return out, true
			}
		}
	}
	return output{}, false
}

// readState finds the answer in the state of an agent, which is what was said last.
func readState(conversation []*fastjson.Value, kind Kind) output {
	out := turns{json: conversation}.output(KindAgent)
	_, last := open(conversation[len(conversation)-1])
	if out.answer.state == stateEmpty && !out.empty || kind == KindLLM && (last == roleUser || last == roleTool) {
		return output{answer: reading{state: StateNotCaptured}} // nobody has answered yet
	}
	return out
}

// readChoices reads OpenAI's choices, of chat or of text completion.
func readChoices(choices []*fastjson.Value) (output, bool) {
	var out output
	for n, choice := range choices {
		var m message
		if body := first(choice, "message", "delta"); body != nil {
			m = readMessage(open(body))
		} else {
			m.addText(jsonText(choice.Get("text")))
		}
		if finish := jsonText(choice.Get("finish_reason")); finish != "" {
			m.finish = finish
		}
		if n == 0 || !m.hollow() {
			out = answered(m)
		}
		if !m.hollow() {
			break
		}
	}
	return out, true
}

func readCandidate(candidate *fastjson.Value) output {
	var m message
	m.readContent(candidate)
	m.finish = jsonText(first(candidate, "finishReason", "finish_reason"))
	return answered(m)
}

func readGeneration(generation *fastjson.Value) (output, bool) {
	if batch := generation.GetArray(); len(batch) > 0 {
		generation = batch[0]
	}
	if generation.Type() != fastjson.TypeObject {
		return output{}, false
	}
	var m message
	if body := first(generation, "message"); body != nil {
		m = readMessage(open(body))
	} else {
		m.addText(jsonText(generation.Get("text")))
	}
	if m.finish == "" {
		m.finish = jsonText(generation.Get("generation_info", "finish_reason"))
	}
	return answered(m), true
}

// isItems recognises the output of OpenAI's Responses API, whose items together are one answer.
func isItems(list []*fastjson.Value) bool {
	for _, item := range list {
		switch string(item.GetStringBytes("type")) {
		case "message", "function_call", "reasoning", "web_search_call", "file_search_call", "custom_tool_call":
		default:
			return false
		}
	}
	return len(list) > 0
}

func readItems(items []*fastjson.Value) message {
	var all message
	for _, item := range items {
		switch string(item.GetStringBytes("type")) {
		case "message":
			m := readMessage(open(item))
			all.addText(m.text)
			all.blank = all.blank || m.blank
		case "function_call", "custom_tool_call":
			all.addCall(item)
		}
	}
	return all
}
