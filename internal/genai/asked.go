package genai

import (
	"cmp"

	"github.com/valyala/fastjson"
)

// readAsked finds the question in what a model, an agent or a chain was given.
func (s source) readAsked(value *fastjson.Value) input {
	value = pythonValue(value)
	in, _ := s.readRequest(value)
	if in.question.known() {
		return in
	}
	if body, who := open(value); who == roleAssistant { // of what parses an answer
		in.question = read(readMessage(body, who).text, inInput)
		return in
	}
	// Members that frameworks have for the question beside others, and for a conversation.
	for _, key := range [...]string{
		"query_bundle", "str_or_query_bundle", "query_str", "user_msg", "message", "new_message", "task", "chat_history", "ev",
	} {
		if asked, ok := s.askedIn(first(value, key)); ok {
			asked.system = cmp.Or(in.system, asked.system)
			return asked
		}
	}
	if components := value.Get("data"); s.kind == KindChain && components.GetObject() != nil { // a pipeline of Haystack
		return s.haystackInput(components)
	}
	if question := soleArgument(value.GetArray("args")); question != "" {
		in.question = read(question, inInput)
		return in
	}
	for _, key := range [...]string{"kwargs", "input_args", "inputs"} {
		arguments := value.Get(key)
		for _, key := range [...]string{"messages", "question", "query", "query_str", "input", "prompt", "task"} {
			if asked, ok := s.askedIn(first(arguments, key)); ok {
				return asked
			}
		}
	}
	return in
}

// askedIn finds the question in a member that is likely to hold it.
func (s source) askedIn(value *fastjson.Value) (in input, ok bool) {
	if value = pythonValue(value); value == nil {
		return input{}, false
	}
	if in, _ = s.readRequest(value); !in.question.known() {
		in.question = read(queryIn(value, 0), inInput)
	}
	return in, in.question.known()
}

// soleArgument is the one argument that is text, as is the question beside its documents.
func soleArgument(arguments []*fastjson.Value) string {
	texts, text := 0, ""
	for _, argument := range arguments {
		if argument.Type() == fastjson.TypeString {
			texts++
			text = jsonText(argument)
		}
	}
	if texts > 1 {
		return ""
	}
	return text
}

// queryIn finds what a retriever was asked.
func queryIn(value *fastjson.Value, depth int) string {
	const maxDepth = 2
	if value.Type() == fastjson.TypeString {
		return jsonText(value)
	}
	object := value.GetObject()
	if object == nil || depth > maxDepth {
		return ""
	}
	if query := first(value, "query", "query_str", "question", "input", "text", "search_query", "query_text",
		"query_bundle", "str_or_query_bundle"); query != nil {
		return queryIn(query, depth+1)
	}
	return soleText(object)
}

// lastOf finds the last of the texts to embed.
func lastOf(value *fastjson.Value, depth int) string {
	const maxDepth = 2
	switch list := value.GetArray(); {
	case depth > maxDepth:
	case value.Type() == fastjson.TypeString:
		return jsonText(value)
	case len(list) > 0:
		return lastOf(list[len(list)-1], depth+1)
	case value.Type() == fastjson.TypeObject:
		if texts := first(value, "texts", "text", "input", "inputs", "documents", "page_content", "pageContent"); texts != nil {
			return lastOf(texts, depth+1)
		}
		return soleText(value.GetObject())
	}
	return ""
}
