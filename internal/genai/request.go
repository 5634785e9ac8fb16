package genai

import "github.com/valyala/fastjson"

// isConversation tells messages from any other list. LangChain batches conversations: the first one counts.
func isConversation(list []*fastjson.Value) ([]*fastjson.Value, bool) {
	if len(list) == 0 {
		return nil, false
	}
	if isMessage(list[0]) {
		return list, true
	}
	list = pythonValues(list)
	if _, who := open(list[0]); who == roleNone {
		if batch := list[0].GetArray(); batch != nil {
			list = batch
		}
	}
	for _, item := range list {
		_, who := open(item)
		if who != roleNone {
			return list, true
		}
		if item.Type() != fastjson.TypeObject {
			return nil, false
		}
	}
	return nil, false
}

// isMessage recognises a message of the semantic conventions by what it has; to look for more that it may lack is dear.
func isMessage(value *fastjson.Value) bool {
	object := value.GetObject()
	return object != nil && object.Get("role") != nil && object.Get("parts") != nil
}

// readRequest finds the conversation in what was sent to a model or an agent, whatever the vendor; ok is false where
// the value is not of a known form.
func (s source) readRequest(value *fastjson.Value) (in input, ok bool) {
	const levels = 3
	return s.readRequestIn(value, levels)
}

func (s source) readRequestIn(value *fastjson.Value, levels int) (input, bool) {
	if levels < 0 {
		return input{}, false
	}
	switch value.Type() {
	case fastjson.TypeString:
		if inner := pythonValue(value); inner != value {
			if in, ok := s.readRequestIn(inner, levels-1); ok {
				return in, true
			}
		}
		return input{question: read(jsonText(value), inInput)}, true
	case fastjson.TypeArray:
		return s.readRequestList(value.GetArray())
	case fastjson.TypeObject:
		return s.readRequestObject(value, levels)
	}
	return input{}, false
}

func (s source) readRequestList(list []*fastjson.Value) (input, bool) {
	if conversation, ok := isConversation(list); ok {
		return turns{json: conversation}.input(s.want), true
	}
	if len(list) > 0 && list[len(list)-1].Type() == fastjson.TypeString { // prompts, or texts to embed
		return input{question: read(jsonText(list[len(list)-1]), inInput)}, true
	}
	return input{}, false
}

func (s source) readRequestObject(object *fastjson.Value, levels int) (input, bool) {
	if _, who := open(object); who == roleUser || who == roleSystem || who == roleAssistant {
		return turns{json: []*fastjson.Value{object}}.input(s.want), true
	}
	in, ok := input{}, false
	for _, key := range [...]string{"messages", "contents", "input", "prompt", "prompts", "inputs", "question", "query"} {
		if value := first(object, key); value != nil {
			if in, ok = s.readRequestIn(value, levels-1); ok {
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
	if s.wants(wantSystem) && in.system.state == "" {
		in.system = instructions(first(object, "instructions", "system", "system_instruction", "systemInstruction"))
	}
	if s.wants(wantSystem) && in.system.state == "" {
		in.system = instructions(first(first(object, "config"), "system_instruction", "systemInstruction"))
	}
	if context := jsonText(first(object, "context")); !blank(context) {
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
		m.readList(value.GetArray())
	case fastjson.TypeObject:
		m.readContent(value)
	}
	return said(m)
}
