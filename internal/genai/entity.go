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
	case !in.question.known() && (s.kind != KindLLM || result == plain || !isInternal(text)):
		in.question = whole(body, inInput)
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
	model := s.kind == KindLLM || s.kind == KindAgent
	switch {
	case isShortened(text) && out.answer.state != StateText:
		return output{answer: whole(text, inOutput)}
	case out.answer.state == "" && (result != cut || !model):
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
	if value = pythonValue(value); value.Type() != fastjson.TypeObject {
		return ""
	}
	if text := soleAnswer(value); text != "" {
		return text
	}
	switch {
	case value.Exists("raw_output") && value.Exists("tool_name"): // of LlamaIndex
		return jsonAny(value.Get("raw_output"))
	case value.Exists("response") && value.Exists("name") && onlyWith(value.GetObject(), "id", "name"): // of Google's ADK
		return jsonAny(value.Get("response"))
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
