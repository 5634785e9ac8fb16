package genai_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func TestPydanticAI(t *testing.T) {
	const (
		ask    = `{"role":"user","parts":[{"type":"text","content":"hi"}]}`
		answer = `{"role":"assistant","parts":[{"type":"text","content":"hello"}],"finish_reason":"stop"}`
		more   = `{"role":"user","parts":[{"type":"text","content":"and now?"}]}`
		call   = `{"role":"assistant","parts":[{"type":"tool_call","id":"1","name":"f","arguments":"{}"}]}`
		back   = `{"role":"user","parts":[{"type":"tool_call_response","id":"1","name":"f","result":"18 C"}]}`
		retry  = `{"role":"user","parts":[{"type":"text","content":"Validation feedback:\nno city\n\nFix the errors and try again."}]}`
		system = `{"role":"system","parts":[{"type":"text","content":"Be brief."}]}`
	)
	results := []genai.Document{{ID: "1", Text: "18 C"}}
	for _, test := range []struct {
		name string
		span attributes
		want messageWant
	}{
		{
			name: "a run",
			span: attributes{"pydantic_ai.all_messages": `[` + system + `,` + ask + `,` + answer + `]`, "final_result": "hello"},
			want: messageWant{question: "hi", answer: "hello", system: "Be brief.", asked: genai.StateText, answered: genai.StateText},
		},
		{
			name: "structured result, kept to the letter",
			span: attributes{"pydantic_ai.all_messages": `[` + ask + `,` + call + `,` + back + `]`, "final_result": `{"city": "Paris"}`},
			want: messageWant{question: "hi", answer: `{"city": "Paris"}`, asked: genai.StateText, answered: genai.StateText, results: results},
		},
		{
			name: "a later run, whose system text is a message",
			span: attributes{
				"pydantic_ai.all_messages":      `[` + system + `,` + ask + `,` + answer + `,` + more + `,` + call + `,` + back + `,` + answer + `]`,
				"pydantic_ai.new_message_index": 2,
			},
			want: messageWant{
				question: "and now?", answer: "hello", system: "Be brief.", asked: genai.StateText, answered: genai.StateText, results: results,
			},
		},
		{
			name: "a later run that tried again",
			span: attributes{
				"pydantic_ai.all_messages":      `[` + ask + `,` + answer + `,` + more + `,` + answer + `,` + retry + `,` + answer + `]`,
				"pydantic_ai.new_message_index": 2,
			},
			want: both("and now?", "hello"),
		},
		{
			name: "a later run, by a version that does not say where it begins",
			span: attributes{"pydantic_ai.all_messages": `[` + ask + `,` + answer + `,` + more + `,` + answer + `,` + retry + `,` + answer + `]`},
			want: both("and now?", "hello"),
		},
		{
			name: "nothing new was asked",
			span: attributes{"pydantic_ai.all_messages": `[` + ask + `,` + answer + `]`, "pydantic_ai.new_message_index": 9},
			want: messageWant{question: "hi", asked: genai.StateText, answered: genai.StateNotCaptured},
		},
		{
			name: "content off",
			span: attributes{"pydantic_ai.all_messages": `[{"role":"user","parts":[{"type":"text"}]},{"role":"assistant","parts":[{"type":"text"}]}]`},
			want: messageWant{asked: genai.StateNotCaptured, answered: genai.StateNotCaptured},
		},
		{
			name: "content off, of a structured result",
			span: attributes{
				"pydantic_ai.all_messages": `[{"role":"user","parts":[{"type":"text"}]},` +
					`{"role":"assistant","parts":[{"type":"tool_call","id":"1","name":"final_result"}]}]`,
			},
			want: messageWant{asked: genai.StateNotCaptured, answered: genai.StateNotCaptured},
		},
		{
			name: "cut", span: attributes{"pydantic_ai.all_messages": `[` + ask + `,{"role":"assistant","parts":[{"type":"text","content":"hel`},
			want: messageWant{answer: "hel", asked: genai.StateTruncated, answered: genai.StateTruncated},
		},
		{
			name: "the first version's events of a run",
			span: attributes{
				"all_messages_events": `[{"role":"system","content":"Be brief.","event.name":"gen_ai.system.message"},` +
					`{"role":"user","content":"hi","gen_ai.message.index":0,"event.name":"gen_ai.user.message"},` +
					`{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"f"}}],"event.name":"gen_ai.assistant.message"},` +
					`{"role":"tool","id":"1","content":"18 C","event.name":"gen_ai.tool.message"},` +
					`{"role":"assistant","content":"hello","event.name":"gen_ai.assistant.message"}]`,
			},
			want: messageWant{
				question: "hi", answer: "hello", system: "Be brief.", asked: genai.StateText, answered: genai.StateText, results: results,
			},
		},
		{
			name: "the first version's events of a call",
			span: attributes{
				"gen_ai.operation.name": "chat",
				"events": `[{"role":"user","content":"hi","event.name":"gen_ai.user.message"},{"event.name":"gen_ai.choice","index":0,` +
					`"message":{"role":"assistant","content":[{"kind":"thinking","text":"hm"},{"kind":"text","text":"hello"}]}}]`,
			},
			want: both("hi", "hello"),
		},
		{
			name: "Logfire: events of the Responses API",
			span: attributes{
				"gen_ai.request.model": "m",
				"events": `[{"event.name":"gen_ai.system.message","content":"Be brief.","role":"system"},` +
					`{"event.name":"gen_ai.user.message","content":"hi","role":"user"},{"event.name":"gen_ai.unknown","role":"assistant","data":{}},` +
					`{"event.name":"gen_ai.assistant.message","role":"assistant","content":"hello"},` +
					`{"event.name":"gen_ai.assistant.message","role":"assistant","tool_calls":[{"id":"1","function":{"name":"f","arguments":"{}"}}]}]`,
			},
			want: messageWant{
				question: "hi", answer: "hello", system: "Be brief.", asked: genai.StateText, answered: genai.StateText,
				calls: []genai.ToolCall{{ID: "1", Name: "f", Arguments: "{}"}},
			},
		},
		{
			name: "events that lost their tail",
			span: attributes{"gen_ai.operation.name": "chat", "events": `[{"role":"user","content":"hi","event.name":"gen_ai.user.message"},{"ev`},
			want: messageWant{asked: genai.StateTruncated, answered: genai.StateTruncated},
		},
		{
			name: "events of something else", span: attributes{"gen_ai.operation.name": "chat", "events": `["a", {"event.name": 1}]`},
			want: messageWant{asked: genai.StateNotCaptured, answered: genai.StateNotCaptured},
		},
		{
			name: "a tool", span: attributes{"tool_arguments": `{"a": 1}`, "tool_response": "18 C"}, want: both(`{"a": 1}`, "18 C"),
		},
		{
			name: "Logfire: request and response",
			span: attributes{
				"gen_ai.request.model": "m",
				"request_data":         `{"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"hi"}]}`,
				"response_data":        `{"message":{"role":"assistant","content":"hello"},"usage":{"total_tokens":3}}`,
			},
			want: messageWant{question: "hi", answer: "hello", system: "Be brief.", asked: genai.StateText, answered: genai.StateText},
		},
		{
			name: "Logfire: a stream",
			span: attributes{
				"gen_ai.request.model": "m", "request_data": `{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true}`,
				"response_data": `{"combined_chunk_content":"hello","chunk_count":2}`,
			},
			want: both("hi", "hello"),
		},
		{
			name: "Logfire: only the parameters",
			span: attributes{"gen_ai.request.model": "m", "request_data": `{"model":"m"}`, "response_data": `{"usage":{"total_tokens":3}}`},
			want: messageWant{asked: genai.StateNotCaptured, answered: genai.StateNotCaptured},
		},
		{
			name: "Logfire: cut",
			span: attributes{
				"gen_ai.request.model": "m", "request_data": `{"model":"m","messages":[{"role":"user","con`,
				"response_data": `{"message":{"role":"assistant","content":"hel`,
			},
			want: messageWant{answer: "hel", asked: genai.StateTruncated, answered: genai.StateTruncated},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.want.compare(t, of(t, test.span))
		})
	}
}

func TestPydanticAIFacts(t *testing.T) {
	run := of(t, attributes{
		"pydantic_ai.all_messages": "[]", "gen_ai.aggregated_usage.input_tokens": 48, "gen_ai.aggregated_usage.output_tokens": 16,
		"model_name": "gpt-4o-mini",
	})
	assert.Equal(t, genai.KindAgent, run.Kind())
	in, _ := run.InputTokens()
	out, _ := run.OutputTokens()
	assert.Equal(t, int64(48), in)
	assert.Equal(t, int64(16), out)
	assert.Empty(t, run.Model()) // a run may use several

	call := of(t, attributes{"gen_ai.operation.name": "chat", "operation.cost": 0.25})
	cost, ok := call.Cost()
	assert.True(t, ok)
	assert.InDelta(t, 0.25, cost, 1e-9)

	assert.Equal(t, genai.KindTool, of(t, attributes{"tool_arguments": "{}"}).Kind())
	assert.Equal(t, genai.KindOther, of(t, attributes{"events": "[]", "final_result": "x"}).Kind())
}

// Logfire's first versions say nothing of a call but by the template of its name, and in the payloads.
func TestLogfireFacts(t *testing.T) {
	call := of(t, attributes{
		"logfire.msg_template": "Chat Completion with {request_data[model]!r}",
		"request_data":         `{"model":"m","messages":[{"role":"user","content":"hi"}]}`,
		"response_data":        `{"message":{"role":"assistant","content":"hello"},"usage":{"prompt_tokens":24,"completion_tokens":8}}`,
	})
	assert.Equal(t, genai.KindLLM, call.Kind())
	assert.Equal(t, "m", call.Model())
	in, _ := call.InputTokens()
	out, _ := call.OutputTokens()
	assert.Equal(t, int64(24), in)
	assert.Equal(t, int64(8), out)
	both("hi", "hello").compare(t, call)

	for template, want := range map[string]genai.Kind{
		"Embedding Creation with {request_data[model]!r}":                      genai.KindEmbedding,
		"streaming response from {request_data[model]!r} took {duration:.2f}s": genai.KindLLM,
		"GET {url}": genai.KindOther,
	} {
		assert.Equal(t, want, of(t, attributes{"logfire.msg_template": template, "request_data": "{}"}).Kind(), template)
	}
}
