package genai_test

import (
	"testing"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

// Shapes from the producer's source; no recording.
func TestBraintrust(t *testing.T) {
	of := func(kind, in, out string) attributes {
		return attributes{"braintrust.span_attributes": kind, "braintrust.input_json": in, "braintrust.output_json": out}
	}
	const asked = `[{"role":"system","content":"s"},{"role":"user","content":"q"}]`
	checkTold(t, "braintrust", []told{
		{
			name: "call of a model", want: llm("q", "a", "s"),
			span: of(`{"type":"llm"}`, asked, `[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"a"}}]`),
		},
		{
			name: "message of Anthropic", want: llm("q", "a", "s"),
			span: of(`{"name":"x", "type": "llm"}`, asked, `[{"role":"assistant","content":[{"type":"text","text":"a"}]}]`),
		},
		{name: "tool", span: of(`{"type":"tool"}`, `{"a":1}`, `"18 C"`), want: tool(`{"a":1}`, "18 C")},
		{
			name: "task", span: of(`{"type":"task"}`, `"q"`, `{"output":"a"}`),
			want: read{genai.KindChain, "q", "a", genai.StateText, genai.StateText, ""},
		},
		{name: "score", span: attributes{"braintrust.span_attributes": `{"type":"score"}`}, want: silent(genai.KindEvaluator)},
		{name: "no type", span: attributes{"braintrust.span_attributes": `{"type":1}`}, want: silent(genai.KindOther)},
		{name: "nothing of it", span: attributes{"braintrust.parent": "x"}, want: silent(genai.KindOther)},
	})
}
