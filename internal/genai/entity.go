package genai

import "github.com/valyala/fastjson"

// An entity is a call of a function, chain, tool or retriever, as instrumentations of functions and frameworks write
// it: one value with all that went in, and one with all that came out. Each is plain text or JSON, often inside a
// wrapper that the instrumentation made.

// entityInput reads what went into an entity.
func (s source) entityInput(text string) input {
	var in input
	body := text
	result := parseText(text, func(value *fastjson.Value) {
		inner := unwrapped(value, inInput)
		if inner != value {
			body = jsonAny(inner)
		}
		switch s.kind {
		case KindTool:
			if arguments := argumentsIn(inner, 0); arguments != "" {
				body = arguments
			}
		case KindRetriever, KindReranker:
			in.question = read(queryIn(inner, 0), inInput)
		case KindEmbedding:
			in.question = read(lastOf(inner, 0), inInput)
		default:
			in = s.readAsked(inner)
		}
	})
	model := s.kind == KindLLM || s.kind == KindAgent
	switch {
	case result == cut && model: // what is lost is the end, and with it the question
		return input{question: reading{state: StateTruncated}, system: reading{state: StateTruncated}}
	case result == cut:
		if in.question.text == "" {
			in.question = whole(body, inInput)
		}
		in.question.state = StateTruncated
	case !in.question.known():
		in.question = whole(body, inInput)
	}
	return in
}

// readAsked finds the question in what a model, an agent or a chain was given.
func (s source) readAsked(value *fastjson.Value) input {
	in, _ := s.readRequest(value)
	if in.question.known() {
		return in
	}
	if body, who := open(value); who == roleAssistant { // of what parses an answer
		in.question = read(readMessage(body, who).text, inInput)
		return in
	}
	if query := first(value, "query", "query_bundle", "str_or_query_bundle", "query_str"); query != nil { // of LlamaIndex
		in.question = read(queryIn(query, 0), inInput)
		return in
	}
	// Of several arguments, the one that is text, as the question and its documents.
	texts := 0
	for _, argument := range value.GetArray("args") {
		if argument.Type() == fastjson.TypeString {
			texts++
			in.question = read(jsonText(argument), inInput)
		}
	}
	if texts > 1 {
		in.question = reading{}
	}
	return in
}

// entityOutput reads what came out of an entity.
func (s source) entityOutput(text string) output {
	if s.kind == KindEmbedding { // a vector is no answer
		return output{}
	}
	var out output
	body := text
	result := parseText(text, func(value *fastjson.Value) {
		inner := unwrapped(value, inOutput)
		if inner != value {
			body = jsonAny(inner)
		}
		switch s.kind {
		case KindTool:
			if result := resultIn(inner); result != "" {
				body = result
			}
		case KindRetriever, KindReranker:
			out.documents = readDocuments(inner)
		case KindLLM, KindAgent:
			out = readResponse(inner, s.kind)
		default:
			out, _ = readChain(inner, 0)
			if isDocuments(inner.GetArray()) { // some retrievers do not say that they are one
				out.documents = readDocuments(inner)
			}
		}
	})
	if out.answer.state == "" {
		out.answer = whole(body, inOutput)
	}
	if result == cut {
		out.calls = nil
		if out.answer.state != StateRedacted {
			out.answer.state = StateTruncated
		}
	}
	return out
}

// argumentsIn finds the arguments of a tool inside the call, or inside text that holds JSON; "" stands for the value
// as it is.
func argumentsIn(value *fastjson.Value, depth int) (arguments string) {
	const maxDepth = 2
	switch {
	case depth > maxDepth:
	case value.Type() == fastjson.TypeString:
		text := jsonText(value)
		parse(text, func(inner *fastjson.Value) {
			body := unwrapped(inner, inInput)
			if arguments = argumentsIn(body, depth+1); arguments == "" && body != inner {
				arguments = jsonAny(body)
			}
		})
	case value.Type() == fastjson.TypeObject:
		var call *fastjson.Value
		switch {
		case string(value.GetStringBytes("type")) == "tool_call": // a call, of LangChain
			call = value.Get("args")
		case value.Exists("tool_name"): // a call, of MCP
			call = value.Get("arguments")
		}
		if call != nil {
			return jsonAny(call)
		}
	}
	return arguments
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

// isDocuments recognises LangChain's documents, plain or serialised.
func isDocuments(list []*fastjson.Value) bool {
	for _, item := range list {
		if body := item.Get("kwargs"); body != nil {
			item = body
		}
		if !item.Exists("page_content") && !item.Exists("pageContent") {
			return false
		}
	}
	return len(list) > 0
}

// resultIn finds the text of a tool's result in a message around it.
func resultIn(value *fastjson.Value) string {
	if value.Type() != fastjson.TypeObject {
		return ""
	}
	if text := soleAnswer(value); text != "" {
		return text
	}
	body, who := open(value)
	if who != roleTool {
		return ""
	}
	for _, result := range readMessage(body, who).results {
		return result.Text
	}
	return ""
}

// readChain finds the answer in what a chain gave back: messages, or a member that is called so beside others that
// repeat what went in. Of no known form, it is the whole that counts.
func readChain(value *fastjson.Value, depth int) (output, bool) {
	const maxDepth = 3
	if depth > maxDepth {
		return output{}, false
	}
	switch value.Type() {
	case fastjson.TypeString:
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
		if value.Exists("choices") || value.Exists("candidates") || value.Exists("generations") {
			out := readResponse(value, KindChain)
			return out, out.answer.state != ""
		}
		if body, who := open(value); who == roleAssistant {
			return answered(readMessage(body, who)), true
		}
		if out, ok := lastSaid(value.GetArray("messages")); ok {
			return out, true
		}
		for _, key := range [...]string{"output", "outputs", "answer", "result", "response", "update"} {
			if inner := value.Get(key); inner != nil {
				if out, ok := readChain(inner, depth+1); ok {
					return out, true
				}
			}
		}
		if text := soleAnswer(value); text != "" {
			return answered(message{text: text}), true
		}
	}
	return output{}, false
}

// lastSaid is the last thing that a model said in a conversation.
func lastSaid(list []*fastjson.Value) (output, bool) {
	conversation, ok := isConversation(list)
	if !ok {
		return output{}, false
	}
	out := turns{json: conversation}.output(KindChain)
	return out, out.answer.known() && out.answer.state != stateEmpty
}
