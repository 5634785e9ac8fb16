package genai_test

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

// told is a span of some vendor, and what it says.
type told struct {
	name      string
	span      attributes
	want      read
	calls     []genai.ToolCall
	documents []genai.Document
	results   []genai.Document
}

func checkTold(t *testing.T, convention string, all []told) {
	t.Helper()
	for _, test := range all {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			i := of(t, test.span)
			assert.Equal(t, test.want, readOf(i))
			assert.Equal(t, test.calls, i.ToolCalls())
			assert.Equal(t, test.documents, i.Documents())
			assert.Equal(t, test.results, i.ToolResults())
			if test.want.answered == genai.StateText {
				assert.Equal(t, convention, i.Convention(genai.PartAnswer))
			}
		})
	}
}

// llm is a call of a model that has both sides.
func llm(question, answer, system string) read {
	return read{genai.KindLLM, question, answer, genai.StateText, genai.StateText, system}
}

func tool(arguments, result string) read {
	return read{genai.KindTool, arguments, result, genai.StateText, genai.StateText, ""}
}

// silent is a span that is recognised and says nothing.
func silent(kind genai.Kind) read {
	return read{kind, "", "", genai.StateNotCaptured, genai.StateNotCaptured, ""}
}

// factsOf is what a span tells beside its content.
type factsOf struct {
	model, provider, response, conversation, user, finish string
	in, out                                               int64
}

func tellFacts(i *genai.Interaction) factsOf {
	in, _ := i.InputTokens()
	out, _ := i.OutputTokens()
	return factsOf{
		i.Model(), i.Provider(), i.ResponseID(), i.ConversationID(), i.UserID(), i.FinishReason(), in, out,
	}
}

func TestVendorFacts(t *testing.T) {
	for _, test := range []struct {
		name string
		span attributes
		want factsOf
	}{
		{
			name: "Genkit, OpenAI's raw response",
			span: attributes{
				"genkit:metadata:subtype": "model", "genkit:name": "openai/gpt-4o-mini",
				"genkit:output": `{"finishReason":"stop","usage":{"inputTokens":24,"outputTokens":8},"raw":{"id":"c1","model":"gpt-4o-mini-2"}}`,
			},
			want: factsOf{"gpt-4o-mini-2", "openai", "c1", "", "", "stop", 24, 8},
		},
		{
			name: "Genkit, Gemini's raw response",
			span: attributes{
				"genkit:metadata:subtype": "model", "genkit:name": "googleai/gemini-2.5-flash",
				"genkit:output": `{"raw":{"responseId":"r1","modelVersion":"gemini-2.5-flash-1"}}`,
			},
			want: factsOf{model: "gemini-2.5-flash-1", provider: "googleai", response: "r1"},
		},
		{
			name: "Genkit, no raw response", span: attributes{"genkit:metadata:subtype": "model", "genkit:name": "m"},
			want: factsOf{model: "m"},
		},
		{
			name: "Genkit, a flow's name is no model's", span: attributes{"genkit:metadata:subtype": "flow", "genkit:name": "a/b"},
		},
		{
			name: "LiveKit",
			span: attributes{
				"gen_ai.request.model": "m", "lk.llm_metrics": `{"request_id":"r","prompt_tokens":24,"completion_tokens":8}`,
			},
			want: factsOf{model: "m", response: "r", in: 24, out: 8},
		},
		{
			name: "VoltAgent's call of a model",
			span: attributes{
				"span.type": "llm", "llm.model": "m", "llm.provider": "p", "conversation.id": "c", "user.id": "u",
				"llm.usage.prompt_tokens": 24, "llm.usage.completion_tokens": 8, "llm.finish_reason": "stop",
			},
			want: factsOf{"m", "p", "", "c", "u", "stop", 24, 8},
		},
		{
			name: "VoltAgent's agent",
			span: attributes{
				"entity.type": "agent", "voltagent.conversation_id": "c", "ai.model.name": "m", "usage.prompt_tokens": 48,
				"usage.completion_tokens": 16, "ai.response.finish_reason": "stop",
			},
			want: factsOf{model: "m", conversation: "c", finish: "stop", in: 48, out: 16},
		},
		{
			name: "Laminar",
			span: attributes{
				"lmnr.span.type": "TOOL", "lmnr.association.properties.session_id": "s", "lmnr.association.properties.user_id": "u",
			},
			want: factsOf{conversation: "s", user: "u"},
		},
		{
			name: "Mastra",
			span: attributes{"gen_ai.operation.name": "agent_step", "mastra.metadata.threadId": "s", "mastra.metadata.userId": "u"},
			want: factsOf{conversation: "s", user: "u"},
		},
		{
			name: "Claude Code, without the semantic conventions' keys",
			span: attributes{
				"span.type": "llm_request", "model": "m", "input_tokens": 24, "output_tokens": 8, "stop_reason": "end_turn",
				"session.id": "s",
			},
			want: factsOf{model: "m", conversation: "s", finish: "end_turn", in: 24, out: 8},
		},
		{
			name: "LangWatch",
			span: attributes{
				"langwatch.span.type": "llm", "langwatch.metrics": `{"promptTokens":24,"completionTokens":8,"cost":0.1}`,
				"metadata": `{"thread_id":"s","user_id":"u"}`,
			},
			want: factsOf{conversation: "s", user: "u", in: 24, out: 8},
		},
		{
			name: "Braintrust",
			span: attributes{
				"braintrust.span_attributes": `{"type":"llm"}`, "braintrust.metadata": `{"model":"m","provider":"p"}`,
				"braintrust.metrics": `{"prompt_tokens":24,"completion_tokens":8}`, "braintrust.output_json": `{"id":"r","choices":[]}`,
			},
			want: factsOf{model: "m", provider: "p", response: "r", in: 24, out: 8},
		},
		{
			name: "Spring AI",
			span: attributes{"spring.ai.kind": "chat_client", "spring.ai.chat.client.conversation.id": "s"},
			want: factsOf{conversation: "s"},
		},
		{
			name: "Pipecat", span: attributes{"gen_ai.operation.name": "chat", "conversation.id": "s"},
			want: factsOf{conversation: "s"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, test.want, tellFacts(of(t, test.span)))
		})
	}
}

func TestVendorCosts(t *testing.T) {
	for name, span := range map[string]attributes{
		"LiteLLM":   {"gen_ai.operation.name": "chat", "litellm.cost.total": 0.25},
		"TraceAI":   {"gen_ai.span.kind": "LLM", "gen_ai.cost.total": 0.25},
		"LangWatch": {"langwatch.span.type": "llm", "langwatch.metrics": `{"cost":0.25}`},
		"VoltAgent": {"span.type": "llm", "usage.cost": 0.25},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cost, ok := of(t, span).Cost()
			assert.True(t, ok)
			assert.InDelta(t, 0.25, cost, 0)
		})
	}
}

// What a hostile or a newer producer may write in place of what is expected.
func TestVendorsOfWrongTypes(t *testing.T) {
	kinds := []attributes{
		{"genkit:metadata:subtype": "model"},
		{"genkit:metadata:subtype": "retriever"},
		{"genkit:metadata:subtype": "embedder"},
		{"genkit:type": "util"},
		{"lk.generation_id": "1"},
		{"lk.function_tools": []any{}},
		{"lk.function_tool.id": "1"},
		{"span.type": "llm"},
		{"span.type": "retriever"},
		{"span.type": "guardrail"},
		{"span.type": "llm_request"},
		{"span.type": "interaction"},
		{"span.type": "tool"},
		{"lmnr.span.type": "LLM"},
		{"langwatch.span.type": "rag"},
		{"agentops.span.kind": "tool"},
		{"braintrust.span_attributes": `{"type":"llm"}`},
		{"spring.ai.kind": "vector_store"},
		{"gen_ai.operation.name": "llm_call", "gen_ai.agent.name": "gemini-cli"},
		{"gen_ai.operation.name": "tool_call", "gen_ai.agent.name": "gemini-cli"},
		{"gen_ai.operation.name": "agent_call", "gen_ai.agent.name": "gemini-cli"},
		{"framework": "promptflow", "span_type": "LLM"},
		{"framework": "promptflow", "span_type": "Retrieval"},
		{"gen_ai.operation.name": "chat"},
		{"gen_ai.operation.name": "agent_step", "mastra.span.type": "model_step"},
	}
	keys := []string{
		"genkit:input", "genkit:output", "lk.chat_ctx", "lk.response.text", "lk.response.function_calls",
		"lk.function_tool.arguments", "llm.messages", "agent.messages", "input", "output", "lmnr.span.input", "lmnr.span.output",
		"mastra.model_step.input", "mastra.model_step.output", "gen_ai.input.messages", "gen_ai.output.messages",
		"gen_ai.request.messages", "gen_ai.response.text", "gen_ai.response.tool_calls", "new_context", "tool_input",
		"response.model_output", "response.has_tool_call", "system_prompt_hash", "langwatch.input", "langwatch.output",
		"langwatch.rag_contexts", "agentops.tool.input", "braintrust.input_json", "braintrust.output_json",
		"db.vector.query.content", "db.vector.query.response.documents", "inputs", "llm.generated_message",
	}
	for name, value := range map[string]any{
		"number": 1, "truth": true, "list": []any{1, "x", map[string]any{"role": 1}}, "null": "null", "word": `"x"`,
		"empty list": "[]", "list of nothing": "[null]", "list of numbers": "[1]", "list in a list": "[[[]]]",
		"object of wrong types": `{"messages":1,"message":[],"raw":"x","usage":[],"query":1,"docs":"x","input":[1],"items":{},` +
			`"response":[],"args":1,"value":{},"type":1,"text":[],"toolCalls":{},"body":1,"documents":[[1]],"data":[]}`,
		"message of wrong types": `{"message":{"role":1,"content":[{"toolRequest":1},{"toolResponse":[]},{"data":null},1,null]}}`,
		"pieces of wrong types":  `[{"parts":[{"text":1},{"type":"text"},null,{"functionResponse":1}]},null,1]`,
		"cut":                    `{"messages":[{"role":"user","content":"a`,
		"sections":               "[TOOL RESULT: \n\n---\n\n[USER]\n\n---\n\nx\n\n---\n\n[TOOL RESULT: 1]",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, kind := range kinds {
				a := attributes{}
				for _, key := range keys {
					a[key] = value
				}
				maps.Copy(a, kind)
				sound(t, of(t, a))
			}
		})
	}
}
