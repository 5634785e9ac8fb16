package genai_test

import (
	"maps"
	"testing"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func oiSpan(kind string, more attributes) attributes {
	a := attributes{"openinference.span.kind": kind, "input.mime_type": "application/json", "output.mime_type": "application/json"}
	maps.Copy(a, more)
	return a
}

func TestOpenInferenceModel(t *testing.T) {
	const (
		in  = "llm.input_messages."
		out = "llm.output_messages.0.message."
	)
	checkTold(t, "openinference", []told{
		{
			name: "Anthropic: result of a tool in what the user says, instructions in the request",
			span: oiSpan("LLM", attributes{
				in + "0.message.role": "user", in + "0.message.contents.0.message_content.text": "q",
				in + "1.message.role": "assistant", in + "1.message.tool_calls.0.tool_call.function.name": "f",
				in + "2.message.role": "user", in + "2.message.tool_call_id": "1", in + "2.message.content": "18 C",
				"input.value": `{"system":"s","messages":[{"role":"user","content":"q"}]}`, out + "content": "a",
			}),
			want: llm("q", "a", "s"), results: []genai.Document{{ID: "1", Text: "18 C"}},
		},
		{
			name: "AutoGen: numbered results",
			span: oiSpan("LLM", attributes{
				in + "0.message.role": "developer", in + "0.message.content": "s",
				in + "1.message.role": "user", in + "1.message.content": "q", in + "2.message.role": "function",
				in + "2.function.0": `{"name":"f","content":"18 C","call_id":"1","is_error":false}`,
				in + "2.function.1": `not JSON`, out + "content": "a",
			}),
			want: llm("q", "a", "s"), results: []genai.Document{{ID: "1", Text: "18 C"}},
		},
		{
			name: "the result of a tool was not captured",
			span: oiSpan("LLM", attributes{
				in + "0.message.role": "user", in + "0.message.content": "q", in + "1.message.role": "tool", out + "content": "a",
				"input.value": `{"messages":["not read"]}`,
			}),
			want: llm("q", "a", ""),
		},
		{
			name: "LlamaIndex: prompts",
			span: oiSpan("LLM", attributes{"llm.prompts": []any{"p", "q"}, "input.value": `{"args":["x"]}`, "output.value": "a"}),
			want: llm("q", "a", ""),
		},
		{
			name: "LlamaIndex: arguments", span: oiSpan("LLM", attributes{"input.value": `{"args":["q"]}`, "output.value": "a"}),
			want: llm("q", "a", ""),
		},
		{
			name: "LlamaIndex: a question beside tools",
			span: oiSpan("LLM", attributes{
				"input.value": `{"tools":["<Tool object>"],"user_msg":"q","chat_history":null}`, "output.value": `{"response":"a","sources":[]}`,
			}),
			want: llm("q", "a", ""),
		},
		{
			name: "what is only prepared is no answer",
			span: oiSpan("LLM", attributes{
				"input.value": `{"user_msg":"q"}`, "output.value": `{"messages":[{"role":"user","content":"q"}],"tools":[]}`,
			}),
			want: read{genai.KindLLM, "q", "", genai.StateText, genai.StateNotCaptured, ""},
		},
		{
			name: "the insides of a program", want: silent(genai.KindLLM),
			span: oiSpan("LLM", attributes{"input.value": `{"abort":"<function f at 0x7f>","value":{}}`, "output.value": "<openai.Stream object at 0x7f>"}),
		},
		{
			name: "Mastra: a piece of an answer",
			span: oiSpan("LLM", attributes{"input.value": "q", "output.value": `{"toolName":"f","toolCallId":"1","toolInput":{"a":1}}`}),
			want: read{genai.KindLLM, "q", "", genai.StateText, genai.StateToolCallOnly, ""}, calls: []genai.ToolCall{{ID: "1", Name: "f", Arguments: `{"a":1}`}},
		},
		{
			name: "Strands: flattened keys in an object",
			span: oiSpan("LLM", attributes{
				"input.value":  `{"messages":[{"message.role":"user","message.content":"q"},{"message.role":"tool","message.content":"x"}],"model":"m"}`,
				"output.value": `{"choices":[{"message":{"role":"assistant","content":"a"}}]}`,
			}),
			want: llm("q", "a", ""), results: []genai.Document{{Text: "x"}},
		},
	})
}

func TestOpenInferenceSteps(t *testing.T) {
	agent := func(question, answer string) read {
		return read{genai.KindAgent, question, answer, genai.StateText, genai.StateText, ""}
	}
	checkTold(t, "openinference", []told{
		{
			name: "LangGraph in JavaScript",
			span: chainOf(`{"messages":[{"role":"user","content":"q"}]}`,
				`{"messages":[{"lc":1,"id":["langchain_core","messages","HumanMessage"],"kwargs":{"content":"q"}},`+
					`{"lc":1,"id":["langchain_core","messages","AIMessage"],"kwargs":{"content":"a"}}]}`),
			want: chain("q", "a"),
		},
		{
			name: "a structured answer stays as it is", span: chainOf(`{"question":"q"}`, `{"city": "Paris", "n": 1.0}`),
			want: chain("q", `{"city": "Paris", "n": 1.0}`),
		},
		{
			name: "several arguments", span: chainOf(`{"a": "x", "b": 1}`, `"y"`), want: chain(`{"a": "x", "b": 1}`, "y"),
		},
		{name: "a task beside settings", span: chainOf(`{"task":"q","stream":false,"images":null}`, `"a"`), want: chain("q", "a")},
		{name: "DSPy", span: chainOf(`{"input_args":{"question":"q"}}`, `{"answer":"a"}`), want: chain("q", "a")},
		{
			name: "Haystack's builder", span: chainOf(`{"template":null,"kwargs":{"documents":[],"question":"q"}}`, `{"prompt":"p"}`),
			want: chain("q", "p"),
		},
		{
			name: "Google's ADK", want: chain("q", "a"),
			span: chainOf(`{"user_id":"u","new_message":{"parts":[{"text":"q"}],"role":"user"}}`,
				`{"model_version":"m","content":{"parts":[{"text":"a"}],"role":"model"},"usage_metadata":{}}`),
		},
		{name: "Mastra", span: chainOf(`"q"`, `{"text":"a","toolCalls":[]}`), want: chain("q", "a")},
		{
			name: "CrewAI: a crew without input",
			span: oiSpan("CHAIN", attributes{
				"crew_tasks":   `[{"description":"{question}"},{"description":"{more}"}]`,
				"output.value": `{"raw":"a","pydantic":null,"tasks_output":[{"description":"q","messages":[{"role":"user","content":"x"}]}]}`,
			}),
			want: chain("q", "a"),
		},
		{
			name: "CrewAI: a crew that failed", span: oiSpan("CHAIN", attributes{"crew_tasks": `[{"description":"q"},{"description":"r"}]`}),
			want: read{genai.KindChain, "q\nr", "", genai.StateText, genai.StateNotCaptured, ""},
		},
		{
			name: "CrewAI: a crew that failed, of blanks", span: oiSpan("CHAIN", attributes{"crew_tasks": `[{"description":"{q}"}]`}),
			want: silent(genai.KindChain),
		},
		{
			name: "CrewAI: an agent",
			span: oiSpan("AGENT", attributes{
				"task_key": "1", "input.value": `{"agent":{"role":"Helper"},"context":"","tools":[]}`,
				"output.value": `{"description":"q","raw":"a","pydantic":null,"messages":[{"role":"user","content":"x"}]}`,
			}),
			want: agent("q", "a"),
		},
		{
			name: "an agent that has messages only",
			span: oiSpan("AGENT", attributes{
				"llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.content": "q",
				"llm.output_messages.0.message.role": "assistant", "llm.output_messages.0.message.content": "a",
			}),
			want: agent("q", "a"),
		},
		{
			name: "cut", span: chainOf(`{"question":"q","context":"x`, `{"answer":"a","context":"x`),
			want:      read{genai.KindChain, "q", "a", genai.StateTruncated, genai.StateTruncated, ""},
			documents: []genai.Document{{Text: "x"}},
		},
	})
}

func TestOpenInferenceTools(t *testing.T) {
	for name, test := range map[string]struct {
		span attributes
		want read
	}{
		"LangChain in JavaScript": {
			attributes{"input.value": "Paris", "output.value": `{"output":{"lc":1,"id":["langchain_core","messages","ToolMessage"],"kwargs":{"content":"18 C"}}}`},
			tool("Paris", "18 C"),
		},
		"LangChain in Python": {
			attributes{"input.value": "{'a': 1}", "output.value": `{"output":"content='18 C' name='f' tool_call_id='1'"}`}, tool("{'a': 1}", "18 C"),
		},
		"LlamaIndex": {
			attributes{"input.value": `{"kwargs":{"a":1}}`, "output.value": `{"blocks":[{"text":"x"}],"tool_name":"f","raw_input":{},"raw_output":"18 C"}`},
			tool(`{"a":1}`, "18 C"),
		},
		"Google's ADK": {
			attributes{"input.value": `{"a":1}`, "output.value": `{"id":"1","name":"f","response":{"result":"18 C"}}`}, tool(`{"a":1}`, `{"result":"18 C"}`),
		},
		"BeeAI":            {attributes{"input.value": `{"input":{"a":1},"options":null}`, "output.value": "18 C"}, tool(`{"a":1}`, "18 C")},
		"without an input": {attributes{"tool_call.function.arguments": `{"a": 1}`, "output.value": "18 C"}, tool(`{"a": 1}`, "18 C")},
		"its own response": {attributes{"input.value": "x", "output.value": `{"response":"a","name":"b"}`}, tool("x", `{"response":"a","name":"b"}`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkTold(t, "openinference", []told{{name: "tool", span: oiSpan("TOOL", test.span), want: test.want}})
		})
	}
}
