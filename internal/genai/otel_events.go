package genai

import "go.opentelemetry.io/collector/pdata/pcommon"

// otelEvents reads the same attributes from span events, for producers that put content there. Several events may
// stand on one span, each with one side; empty lists between them say nothing.
type otelEvents struct{}

var _ convention = otelEvents{}

const (
	detailsEvent = "gen_ai.client.inference.operation.details"
	maxEvents    = 1000
)

func (otelEvents) input(s source) input {
	var in input
	for attributes := range details(s) {
		if system, ok := attributes.Get("gen_ai.system_instructions"); ok && !in.system.known() {
			in.system = otelSystem(system)
		}
		if messages, ok := attributes.Get("gen_ai.input.messages"); ok && !in.question.known() {
			in.complete(s.otelInput(messages))
		}
	}
	return in
}

func (otelEvents) output(s source) output {
	for attributes := range details(s) {
		if messages, ok := attributes.Get("gen_ai.output.messages"); ok {
			if out := otelOutput(messages, s.kind); out.answer.known() {
				return out
			}
		}
	}
	return output{}
}

// details yields the attributes of the events that carry content.
func details(s source) func(yield func(pcommon.Map) bool) {
	return func(yield func(pcommon.Map) bool) {
		events := s.span.Events()
		for n := range min(events.Len(), maxEvents) {
			if event := events.At(n); event.Name() == detailsEvent && !yield(event.Attributes()) {
				return
			}
		}
	}
}
