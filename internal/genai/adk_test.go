package genai_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func adkCall(request, response string) attributes {
	return attributes{
		"gen_ai.system": "gcp.vertex.agent", "gen_ai.request.model": "gemini",
		"gcp.vertex.agent.llm_request": request, "gcp.vertex.agent.llm_response": response,
	}
}

func TestADK(t *testing.T) {
	const ask = `{"model":"gemini","contents":[{"role":"user","parts":[{"text":"hi"}]}],"config":{"systemInstruction":"Be brief."}}`
	hello := messageWant{question: "hi", answer: "hello", system: "Be brief.", asked: genai.StateText, answered: genai.StateText}
	for _, test := range []struct {
		name string
		span attributes
		want messageWant
	}{
		{
			name: "camel case", span: adkCall(ask, `{"content":{"role":"model","parts":[{"text":"hello"}]},"finishReason":"STOP"}`), want: hello,
		},
		{
			// Shapes from the producer's source; no recording.
			name: "snake case of Python",
			span: adkCall(
				`{"model":"gemini","config":{"system_instruction":"Be brief.","tools":[{"function_declarations":[{"name":"f"}]}]},`+
					`"contents":[{"parts":[{"text":"hi"}],"role":"user"},{"parts":[{"function_call":{"id":"1","name":"f","args":{}}}],"role":"model"},`+
					`{"parts":[{"function_response":{"id":"1","name":"f","response":{"result":"18 C"}}}],"role":"user"}]}`,
				`{"content":{"parts":[{"text":"hm","thought":true},{"text":"hello"}],"role":"model"},"partial":false,"usage_metadata":{}}`,
			),
			want: messageWant{
				question: "hi", answer: "hello", system: "Be brief.", asked: genai.StateText, answered: genai.StateText,
				results: []genai.Document{{ID: "1", Text: `{"result":"18 C"}`}},
			},
		},
		{
			// Shapes from the producer's source; no recording.
			name: "Go's names of fields",
			span: adkCall(
				`{"model":"gemini","content":[{"role":"user","parts":[{"text":"hi"}]}],"config":{"systemInstruction":{"parts":[{"text":"Be brief."}]}}}`,
				`{"Content":{"role":"model","parts":[{"text":"hello"}]},"UsageMetadata":null,"Partial":false,"FinishReason":"STOP"}`,
			),
			want: hello,
		},
		{
			name: "a call", span: adkCall(ask, `{"content":{"role":"model","parts":[{"functionCall":{"id":"1","name":"f","args":{"a":1}}}]}}`),
			want: messageWant{
				question: "hi", system: "Be brief.", asked: genai.StateText, answered: genai.StateToolCallOnly,
				calls: []genai.ToolCall{{ID: "1", Name: "f", Arguments: `{"a":1}`}},
			},
		},
		{
			name: "candidates", span: adkCall(ask, `{"candidates":[{"content":{"role":"model","parts":[{"text":"hello"}]}}]}`), want: hello,
		},
		{
			name: "what was spoken", span: adkCall(ask, `{"output_transcription":{"text":"hello","finished":true},"partial":false}`), want: hello,
		},
		{
			name: "without content", span: adkCall(ask, `{"usageMetadata":{"promptTokenCount":24},"finishReason":"MAX_TOKENS"}`),
			want: messageWant{question: "hi", system: "Be brief.", asked: genai.StateText, answered: genai.StateError},
		},
		{
			name: "error of the model", span: adkCall(ask, `{"error_code":"SAFETY","error_message":"blocked"}`),
			want: messageWant{question: "hi", system: "Be brief.", asked: genai.StateText, answered: genai.StateError},
		},
		{
			name: "content off", span: adkCall("{}", "{}"),
			want: messageWant{asked: genai.StateNotCaptured, answered: genai.StateNotCaptured},
		},
		{
			name: "not serializable", span: adkCall("<not serializable>", "<not serializable>"),
			want: messageWant{asked: genai.StateRedacted, answered: genai.StateRedacted},
		},
		{
			name: "cut", span: adkCall(`{"model":"gemini","contents":[{"role":"us`, `{"content":{"role":"model","parts":[{"text":"hel`),
			want: messageWant{answer: "hel", asked: genai.StateTruncated, answered: genai.StateTruncated},
		},
		{
			name: "a tool",
			span: attributes{
				"gen_ai.operation.name": "execute_tool", "gcp.vertex.agent.llm_request": "{}", "gcp.vertex.agent.llm_response": "{}",
				"gcp.vertex.agent.tool_call_args": `{"a": 1}`, "gcp.vertex.agent.tool_response": `{"result": "18 C"}`,
			},
			want: both(`{"a": 1}`, `{"result": "18 C"}`),
		},
		{
			// Shapes from the producer's source; no recording.
			name: "a tool of the first version, with the event around the result",
			span: attributes{
				"gcp.vertex.agent.tool_call_args": `{"a": 1}`,
				"gcp.vertex.agent.tool_response": `{"content":{"parts":[{"function_response":{"id":"1","name":"f","response":{"result":"18 C"}}}],` +
					`"role":"user"},"invocation_id":"e-1"}`,
			},
			want: both(`{"a": 1}`, `{"result":"18 C"}`),
		},
		{
			name: "several tools in one",
			span: attributes{
				"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "(merged tools)",
				"gcp.vertex.agent.tool_call_args": "N/A", "gcp.vertex.agent.tool_response": `{"result": "<not specified>"}`,
			},
			want: messageWant{asked: genai.StateRedacted, answered: genai.StateNotCaptured},
		},
		{
			name: "what is sent on a live connection",
			span: attributes{
				"gen_ai.operation.name": "send_data", "gcp.vertex.agent.data": `[{"role":"user","parts":[{"text":"hi"}]}]`,
			},
			want: messageWant{question: "hi", asked: genai.StateText, answered: genai.StateNotCaptured},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.want.compare(t, of(t, test.span))
		})
	}
}

func TestADKFacts(t *testing.T) {
	call := adkCall(`{"model":"gemini"}`, `{"usage_metadata":{"prompt_token_count":24,"candidates_token_count":8},"finish_reason":"STOP"}`)
	call["gcp.vertex.agent.session_id"] = "s-1"
	delete(call, "gen_ai.request.model")
	i := of(t, call)
	assert.Equal(t, genai.KindLLM, i.Kind())
	assert.Equal(t, "gemini", i.Model())
	assert.Equal(t, "s-1", i.ConversationID())
	assert.Equal(t, "STOP", i.FinishReason())
	in, _ := i.InputTokens()
	out, _ := i.OutputTokens()
	assert.Equal(t, int64(24), in)
	assert.Equal(t, int64(8), out)

	assert.Equal(t, genai.KindLLM, of(t, attributes{"gen_ai.operation.name": "call_llm"}).Kind()) // Java
	assert.Equal(t, genai.KindTool, of(t, attributes{"gcp.vertex.agent.tool_call_args": `{"a":1}`}).Kind())
	assert.Equal(t, genai.KindOther, of(t, attributes{"gcp.vertex.agent.tool_call_args": `{}`}).Kind())
}
