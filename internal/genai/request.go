package genai

import "github.com/valyala/fastjson"

// fromList reads messages out of JSON.
func fromList(list []*fastjson.Value) turns {
	return turns{
		count: len(list),
		role: func(n int) role {
			_, who := open(list[n])
			return who
		},
		read: func(n int) message { return readMessage(list[n]) },
	}
}

// isConversation tells messages from any other list. LangChain batches conversations: the first one counts.
func isConversation(list []*fastjson.Value) ([]*fastjson.Value, bool) {
	if len(list) == 0 {
		return nil, false
	}
	if batch := list[0].GetArray(); batch != nil {
		list = batch
	}
	for _, item := range list {
		if item.Type() != fastjson.TypeObject {
			return nil, false
		}
		if _, who := open(item); who != roleNone {
			return list, true
		}
	}
	return nil, false
}

// readRequest finds the conversation in what was sent to a model or an agent, whatever the vendor; ok is false where
// the value is not of a known form.
func readRequest(value *fastjson.Value) (in input, ok bool) { return readRequestAt(value, 0) }

func readRequestAt(value *fastjson.Value, depth int) (input, bool) {
	const maxDepth = 3
	if depth > maxDepth {
		return input{}, false
	}
	switch value.Type() {
	case fastjson.TypeString:
		return input{question: read(jsonText(value), inInput)}, true
	case fastjson.TypeArray:
		return readRequestList(value.GetArray())
	case fastjson.TypeObject:
		return readRequestObject(value, depth)
	}
	return input{}, false
}

func readRequestList(list []*fastjson.Value) (input, bool) {
	if conversation, ok := isConversation(list); ok {
		return fromList(conversation).input(), true
	}
	if len(list) > 0 && list[len(list)-1].Type() == fastjson.TypeString { // prompts, or texts to embed
		return input{question: read(jsonText(list[len(list)-1]), inInput)}, true
	}
	return input{}, false
}

func readRequestObject(object *fastjson.Value, depth int) (input, bool) {
	if _, who := open(object); who == roleUser || who == roleSystem || who == roleAssistant {
		return fromList([]*fastjson.Value{object}).input(), true
	}
	in, ok := input{}, false
	for _, key := range [...]string{"messages", "contents", "input", "prompt", "inputs", "question", "query"} {
		if value := first(object, key); value != nil {
			if in, ok = readRequestAt(value, depth+1); ok {
				break
			}
		}
	}
	if !ok { // the one argument of a traced function
		members, _ := object.Object()
		if members.Len() != 1 {
			return input{}, false
		}
		members.Visit(func(_ []byte, value *fastjson.Value) {
			if value.Type() == fastjson.TypeString {
				in, ok = input{question: read(jsonText(value), inInput)}, true
			}
		})
		if !ok {
			return input{}, false
		}
	}
	if in.system.state == "" {
		in.system = instructions(first(object, "instructions", "system", "system_instruction", "systemInstruction"))
	}
	if in.system.state == "" {
		in.system = instructions(first(object, "config").Get("system_instruction"))
	}
	if context := jsonText(first(object, "context")); context != "" {
		in.documents = []Document{{Text: context}}
	}
	return in, true
}

// instructions reads a system text that stands by itself: a text, parts, or an object with parts.
func instructions(value *fastjson.Value) reading {
	if value == nil {
		return reading{}
	}
	var m message
	switch value.Type() {
	case fastjson.TypeString:
		m.addText(jsonText(value))
	case fastjson.TypeArray:
		for _, part := range value.GetArray() {
			m.readPart(part)
		}
	case fastjson.TypeObject:
		m.readContent(value)
	}
	return said(m)
}
