package genai_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func TestDroppedAttributes(t *testing.T) {
	prompt := attributes{
		"openinference.span.kind": "LLM", "llm.input_messages.0.message.role": "user",
		"llm.input_messages.0.message.content": "first of many",
	}
	for _, test := range []struct {
		name  string
		more  attributes
		want  string
		state genai.State
	}{
		{name: "the newest are gone, and with them the question", state: genai.StateDropped},
		{
			name: "the raw request is whole", want: "last", state: genai.StateText,
			more: attributes{"input.value": `{"messages":[{"role":"user","content":"last"}]}`},
		},
		{
			name: "the oldest are gone", want: "first of many", state: genai.StateText,
			more: attributes{"llm.output_messages.0.message.content": "hi"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			span := spanOf(t, prompt)
			for key, value := range test.more {
				span.Attributes().PutStr(key, value.(string))
			}
			span.SetDroppedAttributesCount(30)
			got, state := ofSpan(span).Text(genai.PartQuestion)
			assert.Equal(t, test.state, state)
			assert.Equal(t, test.want, got)
		})
	}
}

func TestDetailsEvents(t *testing.T) {
	span := spanOf(t, otelChat("[]", nil))
	for key, value := range map[string]string{
		"gen_ai.input.messages":      `[{"role":"user","content":"hi"}]`,
		"gen_ai.output.messages":     `[{"role":"assistant","content":"hello"}]`,
		"gen_ai.system_instructions": `[{"type":"text","content":"Be brief."}]`,
	} {
		empty := span.Events().AppendEmpty()
		empty.SetName("gen_ai.client.inference.operation.details")
		empty.Attributes().PutStr(key, "[]")
		event := span.Events().AppendEmpty()
		event.SetName("gen_ai.client.inference.operation.details")
		event.Attributes().PutStr(key, value)
	}
	i := ofSpan(span)
	for part, want := range map[genai.Part]string{
		genai.PartQuestion: "hi", genai.PartAnswer: "hello", genai.PartSystem: "Be brief.",
	} {
		got, state := i.Text(part)
		assert.Equal(t, want, got)
		assert.Equal(t, genai.StateText, state)
		assert.Equal(t, "otel_genai", i.Convention(part))
	}
}

func TestContext(t *testing.T) {
	for _, test := range []struct {
		name  string
		span  attributes
		want  string
		state genai.State
	}{
		{name: "none", span: otelChat(nil, nil), state: genai.StateNotCaptured},
		{
			name: "reprs of objects are no documents", state: genai.StateNotCaptured,
			span: attributes{"openinference.span.kind": "RETRIEVER", "output.value": `["<Node(id=1)>"]`},
		},
		{
			name: "flattened", want: "a\n\nb", state: genai.StateText,
			span: attributes{
				"openinference.span.kind": "RETRIEVER", "retrieval.documents.1.document.content": "b",
				"retrieval.documents.0.document.content": "a",
			},
		},
		{
			name: "semantic conventions", want: "a", state: genai.StateText,
			span: attributes{
				"gen_ai.operation.name":      "retrieval",
				"gen_ai.retrieval.documents": []any{attributes{"id": "1", "content": "a"}, attributes{"id": "2"}},
			},
		},
		{
			name: "MLflow", want: "a", state: genai.StateText,
			span: mlflowSpanOf("RETRIEVER", "{}", `[{"page_content": "a", "id": "1"}]`),
		},
		{
			name: "results of tools since the question", want: "18 C\n\nsunny", state: genai.StateText,
			span: otelChat(`[{"role":"tool","content":"old"},{"role":"user","content":"weather?"},`+
				`{"role":"tool","tool_call_id":"1","content":"18 C"},{"role":"tool","content":[{"type":"text","text":"sunny"}]}]`, nil),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, state := of(t, test.span).Text(genai.PartContext)
			assert.Equal(t, test.state, state)
			assert.Equal(t, test.want, got)
		})
	}
}

func TestToolCalls(t *testing.T) {
	for _, test := range []struct {
		name  string
		span  attributes
		calls []genai.ToolCall
		want  string
		state genai.State
	}{
		{name: "not captured", span: otelChat(nil, nil), state: genai.StateNotCaptured},
		{name: "none asked for", span: otelChat(nil, `[{"role":"assistant","content":"hi"}]`), state: genai.StateNotCaptured},
		{name: "cut", span: otelChat(nil, `[{"role":"assistant","content":"hi","tool_calls":[{"na`), state: genai.StateTruncated},
		{
			name:  "arguments as object",
			span:  otelChat(nil, `[{"role":"assistant","parts":[{"type":"tool_call","id":"1","name":"f","arguments":{"a":1}}]}]`),
			calls: []genai.ToolCall{{ID: "1", Name: "f", Arguments: `{"a":1}`}},
			want:  `[{"name":"f","arguments":{"a":1}}]`, state: genai.StateText,
		},
		{
			name:  "arguments as text, not JSON",
			span:  otelChat(nil, `[{"role":"assistant","content":"hi","tool_calls":[{"id":"1","function":{"name":"f","arguments":"<a>"}}]}]`),
			calls: []genai.ToolCall{{ID: "1", Name: "f", Arguments: `<a>`}},
			want:  `[{"name":"f","arguments":"<a>"}]`, state: genai.StateText,
		},
		{
			name: "flattened, in order of their indices, one without a name",
			span: oi(attributes{
				"llm.output_messages.0.message.tool_calls.10.tool_call.function.name":     "g",
				"llm.output_messages.0.message.tool_calls.2.tool_call.id":                 "1",
				"llm.output_messages.0.message.tool_calls.2.tool_call.function.name":      "f",
				"llm.output_messages.0.message.tool_calls.2.tool_call.function.arguments": "{}",
				"llm.output_messages.0.message.tool_calls.3.tool_call.id":                 "2",
			}),
			calls: []genai.ToolCall{{ID: "1", Name: "f", Arguments: "{}"}, {Name: "g"}},
			want:  `[{"name":"f","arguments":{}},{"name":"g","arguments":{}}]`, state: genai.StateText,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			i := of(t, test.span)
			assert.Equal(t, test.calls, i.ToolCalls())
			got, state := i.Text(genai.PartToolCalls)
			assert.Equal(t, test.state, state)
			assert.Equal(t, test.want, got)
		})
	}
}

// What is asked first must not matter: instructions are read only when somebody wants them.
func TestOrderOfAsking(t *testing.T) {
	span := spanOf(t, otelChat(`[{"role":"system","content":"Be brief."},{"role":"user","content":"hi"}]`, nil))
	for _, parts := range [][]genai.Part{
		{genai.PartQuestion, genai.PartSystem, genai.PartQuestion}, {genai.PartSystem, genai.PartQuestion, genai.PartSystem},
	} {
		i := ofSpan(span)
		for _, part := range parts {
			got, _ := i.Text(part)
			assert.Equal(t, map[genai.Part]string{genai.PartQuestion: "hi", genai.PartSystem: "Be brief."}[part], got)
		}
	}
}

// Text outlives the parser's buffers, which are used again at once.
func TestTextStays(t *testing.T) {
	message := func(text string) any { return `[{"role":"assistant","content":"` + text + `"}]` }
	first, _ := of(t, otelChat(nil, message(strings.Repeat("a", 100)))).Text(genai.PartAnswer)
	for range 10 {
		of(t, otelChat(nil, message(strings.Repeat("b", 100)))).Text(genai.PartAnswer)
	}
	assert.Equal(t, strings.Repeat("a", 100), first)
}
