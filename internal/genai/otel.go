package genai

import (
	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// otelAttributes reads the semantic conventions' own attributes: messages as text that holds JSON, or as the
// structured values that they really are.
type otelAttributes struct{}

var _ convention = otelAttributes{}

func (otelAttributes) input(s source) input {
	switch s.kind {
	case KindTool:
		if arguments, ok := s.get("gen_ai.tool.call.arguments"); ok {
			return input{question: whole(jsonOf(arguments), inInput)}
		}
	case KindRetriever:
		if query := s.str("gen_ai.retrieval.query.text"); query != "" {
			return input{question: read(query, inInput)}
		}
	}
	var in input
	if messages, ok := s.get("gen_ai.input.messages"); ok {
		in = s.otelInput(messages)
	}
	if !s.system && in.question.known() {
		return in
	}
	if system, ok := s.get("gen_ai.system_instructions"); ok {
		if r := otelSystem(system); r.known() {
			in.system = r
		}
	}
	return in
}

func (otelAttributes) output(s source) output {
	switch s.kind {
	case KindTool:
		if result, ok := s.get("gen_ai.tool.call.result"); ok {
			return output{answer: whole(jsonOf(result), inOutput)}
		}
	case KindRetriever:
		if documents, ok := s.get("gen_ai.retrieval.documents"); ok {
			text := jsonOf(documents)
			return output{answer: whole(text, inOutput), documents: documentsIn(text)}
		}
	}
	if messages, ok := s.get("gen_ai.output.messages"); ok {
		return otelOutput(messages, s.kind)
	}
	return output{}
}

// otelInput reads messages; where their tail is cut off, it is the last question that is lost.
func (s source) otelInput(messages pcommon.Value) input {
	var in input
	text := jsonOf(messages)
	switch parse(text, func(value *fastjson.Value) { in, _ = s.readRequest(value) }) {
	case plain:
		in.question = read(text, inInput)
	case cut:
		in.question.state, in.system.state = StateTruncated, StateTruncated
	}
	return in
}

func otelSystem(system pcommon.Value) reading {
	var r reading
	text := jsonOf(system)
	switch parse(text, func(value *fastjson.Value) { r = instructions(value) }) {
	case plain: // of Traceloop
		r = read(text, inInput)
	case cut:
		r.state = StateTruncated
	}
	return r
}

func otelOutput(messages pcommon.Value, kind Kind) output {
	return outputOf(jsonOf(messages), kind)
}

// outputOf reads an answer that should stand in JSON. Of one that lost its tail the beginning is kept, but no half calls.
func outputOf(text string, kind Kind) output {
	var out output
	switch parseCut(text, func(value *fastjson.Value) { out = readResponse(value, kind) }) {
	case cut:
		out.calls = nil
		if out.answer.state != StateRedacted {
			out.answer.state = StateTruncated
		}
	default:
		if out.answer.state == "" { // of no known form
			out.answer = whole(text, inOutput)
		}
	}
	return out
}
