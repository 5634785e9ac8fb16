package genai

import (
	"iter"

	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// otelDetails reads the same attributes from operation.details events, on the span or in log records. Several may
// belong to one span, each with one side; empty lists between them say nothing.
type otelDetails struct{}

var _ convention = otelDetails{}

const detailsEvent = "gen_ai.client.inference.operation.details"

func (otelDetails) about() about { return about{name: nameOTel} }

func (otelDetails) input(s source) input {
	var in input
	for attributes := range details(s) {
		if system, ok := attributes.Get("gen_ai.system_instructions"); ok && !in.system.known() {
			in.system = otelSystem(system)
		}
		if messages, ok := attributes.Get("gen_ai.input.messages"); ok && !in.question.known() {
			in.complete(s.otelInput(messages))
		}
	}
	if in.question.known() && s.wants(wantSystem) && !in.system.known() {
		in.system = s.systemPrompt()
	}
	return in
}

func (otelDetails) output(s source) output {
	for attributes := range details(s) {
		if messages, ok := attributes.Get("gen_ai.output.messages"); ok {
			if out := otelOutput(messages, s.kind); out.answer.known() {
				return out
			}
		}
	}
	return output{}
}

// details yields the attributes of the events that carry content, and their bodies, if these have members.
func details(s source) iter.Seq[pcommon.Map] {
	return func(yield func(pcommon.Map) bool) {
		for event := range s.events() {
			if event.name != detailsEvent {
				continue
			}
			if !yield(event.attributes) || event.body.Type() == pcommon.ValueTypeMap && !yield(event.body.Map()) {
				return
			}
		}
	}
}

// systemPrompt reads the attribute that Strands writes beside its events on the span of an agent.
func (s source) systemPrompt() reading {
	prompt, ok := s.get("system_prompt")
	if !ok {
		return reading{}
	}
	return otelSystem(prompt)
}

// toolCalled finds, in messages on the span of a tool, its arguments and what it gave back. Strands keeps both there.
func toolCalled(messages *fastjson.Value) (arguments, result string) {
	for _, value := range messages.GetArray() {
		body, _ := open(value)
		m := readMessage(body, roleNone)
		for _, call := range m.calls {
			arguments = call.Arguments
		}
		for _, one := range m.results {
			result = one.Text
		}
	}
	return arguments, result
}

// toolResult takes what a tool gave back: as it stands, but for the text in the blocks of Bedrock, or of the Model
// Context Protocol.
func toolResult(text string) reading {
	if blocks, cutOff := blocksIn(text); blocks != "" && !cutOff {
		parse(blocks, func(value *fastjson.Value) { text = resultText(value) })
	}
	return whole(text, inOutput)
}
