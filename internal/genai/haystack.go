package genai

import (
	"strings"

	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// haystack reads the components, pipelines and agents of Haystack. Inputs and outputs are objects with a member for
// each socket of the component, and for a pipeline with one for each component. All facts of a call of a model stand
// in the replies.
type haystack struct{}

var _ convention = haystack{}

func (haystack) about() about {
	return about{
		name: "haystack",
		keys: []string{"haystack."},
		kind: func(key string, value pcommon.Value) (Kind, rank) {
			name, _ := strings.CutPrefix(key, "haystack.")
			switch {
			case name == "component.type":
				return kindOfHaystack(value.Str()), rankVendor
			case strings.HasPrefix(name, "component."): // has its type beside it
			case strings.HasPrefix(name, "agent.step.llm."):
				return KindLLM, rankVendor
			case strings.HasPrefix(name, "agent.step.tool."), name == "tool.name":
				return KindTool, rankVendor
			case strings.HasPrefix(name, "agent.step"), strings.HasPrefix(name, "pipeline."):
				return KindChain, rankUnspecific
			case strings.HasPrefix(name, "agent."):
				return KindAgent, rankModel
			}
			return "", unranked
		},
		facts: map[fact][]string{factTool: {"haystack.tool.name"}},
		deep:  haystackFact,
	}
}

var (
	haystackInputs = [...]string{
		"haystack.component.input", "haystack.agent.step.llm.input", "haystack.agent.step.tool.input",
		"haystack.agent.input", "haystack.pipeline.input_data",
	}
	haystackOutputs = [...]string{
		"haystack.component.output", "haystack.agent.step.llm.output", "haystack.agent.step.tool.output",
		"haystack.agent.output", "haystack.pipeline.output_data",
	}
)

// haystackFact looks into what is told of the reply beside its text.
func haystackFact(s source, f fact) (text string) {
	if s.kind != KindLLM && s.kind != KindEmbedding {
		return ""
	}
	parse(s.firstOf(haystackOutputs[:]...), func(value *fastjson.Value) {
		meta := value.Get("replies", "0", "meta")
		if meta == nil {
			meta = value.Get("meta")
		}
		if list := meta.GetArray(); len(list) > 0 { // of plain text replies
			meta = list[0]
		}
		switch f {
		case factResponseModel:
			text = jsonText(meta.Get("model"))
		case factResponseID:
			text = jsonText(first(meta, "id", "response_id"))
		case factFinish:
			text = jsonText(first(meta, "finish_reason", "stop_reason"))
		case factInputTokens:
			text = numberText(first(meta.Get("usage"), "prompt_tokens", "input_tokens"))
		case factOutputTokens:
			text = numberText(first(meta.Get("usage"), "completion_tokens", "output_tokens"))
		}
	})
	return text
}

func numberText(value *fastjson.Value) string {
	if value == nil || value.Type() != fastjson.TypeNumber {
		return ""
	}
	return string(value.MarshalTo(nil))
}

func (haystack) input(s source) input {
	text := s.firstOf(haystackInputs[:]...)
	if s.kind == KindTool {
		return input{question: haystackArguments(text)}
	}
	var in input
	switch parseText(text, func(value *fastjson.Value) { in = s.haystackInput(value) }) {
	case cut: // what is lost is the end, and with it the question
		return input{question: reading{state: StateTruncated}, system: reading{state: StateTruncated}}
	case plain:
		in.question = read(text, inInput)
	}
	if !in.question.known() && s.kind == KindChain {
		in.question = whole(text, inInput)
	}
	return in
}

func (s source) haystackInput(value *fastjson.Value) input {
	switch s.kind {
	case KindRetriever, KindReranker:
		return input{question: read(queryIn(value, 0), inInput)} // without a query it is a vector
	case KindEmbedding:
		if text := jsonText(value.Get("text")); text != "" {
			return input{question: read(text, inInput)}
		}
		if documents := readDocuments(value); len(documents) > 0 {
			return input{question: read(documents[len(documents)-1].Text, inInput)}
		}
		return input{}
	case KindChain:
		if in := s.haystackAsked(value); in.question.known() {
			return in
		}
		// A pipeline is given the question in the name of one component or another.
		var in input
		value.GetObject().Visit(func(_ []byte, inputs *fastjson.Value) {
			if !in.question.known() {
				in = s.haystackAsked(inputs)
			}
		})
		return in
	}
	in := s.haystackAsked(value)
	if s.wants(wantSystem) && !in.system.known() {
		in.system = instructions(first(value, "system_prompt"))
	}
	return in
}

// haystackAsked finds the question among the inputs of a component.
func (s source) haystackAsked(inputs *fastjson.Value) input {
	for _, key := range [...]string{"messages", "query", "question", "prompt", "text"} {
		if value := first(inputs, key); value != nil {
			if in, ok := s.readRequest(value); ok && in.question.known() {
				return in
			}
		}
	}
	return input{}
}

// haystackArguments finds the arguments of a tool. A component that runs tools has the calls in a message.
func haystackArguments(text string) reading {
	r := quoted(text, inInput)
	parse(text, func(value *fastjson.Value) {
		messages := value.GetArray("messages")
		if len(messages) == 0 {
			return
		}
		if m := readMessage(open(messages[len(messages)-1])); len(m.calls) == 1 {
			r = whole(m.calls[0].Arguments, inInput)
		}
	})
	return r
}

func (haystack) output(s source) output {
	text := s.firstOf(haystackOutputs[:]...)
	if s.kind == KindEmbedding { // a vector is no answer
		return output{}
	}
	var out output
	result := parseText(text, func(value *fastjson.Value) { out = s.haystackOutput(value) })
	if out.answer.state == "" {
		out.answer = whole(text, inOutput)
	}
	if result == cut {
		out.calls, out.answer.state = nil, StateTruncated
	}
	return out
}

func (s source) haystackOutput(value *fastjson.Value) output {
	var out output
	switch s.kind {
	case KindRetriever, KindReranker:
		out.documents = readDocuments(value)
		return out
	case KindTool:
		if messages := value.GetArray("tool_messages"); len(messages) > 0 {
			var all message
			for _, one := range messages {
				for _, result := range readMessage(open(one)).results {
					all.addText(result.Text)
				}
			}
			return answered(all)
		}
		return out
	}
	out, ok := haystackReply(value)
	if ok || s.kind != KindChain {
		return out
	}
	var documents []Document
	value.GetObject().Visit(func(_ []byte, outputs *fastjson.Value) { // of the last component that says something
		if reply, said := haystackReply(outputs); said {
			out = reply
			documents = append(documents, reply.documents...)
		}
		documents = append(documents, readDocuments(outputs)...)
	})
	out.documents = documents
	return out
}

// haystackReply finds the answer among the outputs of a component.
func haystackReply(outputs *fastjson.Value) (output, bool) {
	if outputs.Type() != fastjson.TypeObject {
		return output{}, false
	}
	if replies := outputs.GetArray("replies"); len(replies) > 0 {
		return readResponseList(replies, KindLLM)
	}
	if answer := outputs.Get("answers", "0"); answer != nil {
		if body := answer.Get("init_parameters"); body != nil {
			answer = body
		}
		out := answered(message{text: jsonText(first(answer, "data", "answer"))})
		out.documents = readDocuments(answer)
		return out, true
	}
	if out, ok := lastSaid(outputs.GetArray("messages")); ok {
		return out, true
	}
	if last := first(outputs, "last_message"); last != nil {
		return answered(readMessage(open(last))), true
	}
	if text := soleAnswer(outputs); text != "" {
		return answered(message{text: text}), true
	}
	return output{}, false
}

// kindOfHaystack goes by the endings that Haystack's component classes have.
func kindOfHaystack(component string) Kind {
	switch {
	case component == "":
		return ""
	case strings.HasSuffix(component, "Generator"):
		return KindLLM
	case strings.HasSuffix(component, "Retriever"), strings.HasSuffix(component, "WebSearch"):
		return KindRetriever
	case strings.HasSuffix(component, "Embedder"):
		return KindEmbedding
	case strings.HasSuffix(component, "Ranker"):
		return KindReranker
	case strings.HasSuffix(component, "Agent"):
		return KindAgent
	case component == "ToolInvoker":
		return KindTool
	}
	return KindChain
}
