package genai_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func flow(kind string, more attributes) attributes {
	more["framework"], more["span_type"] = "promptflow", kind
	return more
}

func TestPromptflow(t *testing.T) {
	const request = "{\n  \"model\": \"m\",\n  \"messages\": [\n    {\"role\": \"system\", \"content\": \"s\"},\n" +
		"    {\"role\": \"user\", \"content\": \"q\"}\n  ]\n}"
	checkTold(t, "promptflow", []told{
		{
			name: "call of a model", want: llm("q", "a", "s"),
			span: flow("LLM", attributes{
				"inputs": request, "llm.generated_message": `{"role":"assistant","content":"b"}`,
				"output": `{"id":"r","choices":[{"finish_reason":"stop","message":{"role":"assistant","content":"a"}}]}`,
			}),
		},
		{
			name: "call of a tool", want: read{genai.KindLLM, "q", "", genai.StateText, genai.StateToolCallOnly, "s"},
			span: flow("LLM", attributes{
				"inputs": request,
				"output": `{"choices":[{"finish_reason":"tool_calls","message":{"role":"assistant","content":null,"tool_calls":[` +
					`{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]}}]}`,
			}),
			calls: []genai.ToolCall{{ID: "1", Name: "f", Arguments: "{}"}},
		},
		{
			name: "stream", want: llm("q", "a", "s"),
			span: flow("LLM", attributes{
				"inputs": request, "llm.generated_message": `{"role":"assistant","content":"a"}`, "output_type": "iterated",
				"output": `[{"id":"r","choices":[{"delta":{"role":"assistant","content":"a"}}]}]`,
			}),
		},
		{
			name: "stream that nobody iterated", span: flow("LLM", attributes{
				"inputs": request, "output": `"<openai.Stream object at 0x7f0000000000>"`,
			}),
			want: read{genai.KindLLM, "q", "", genai.StateText, genai.StateStreamingUnfinished, "s"},
		},
		{
			name: "text completion", want: llm("q", "a", ""),
			span: flow("LLM", attributes{
				"inputs": `{"model":"m","prompt":"q"}`, "output": `{"choices":[{"finish_reason":"stop","text":"a"}]}`,
				"llm.generated_message": `"a"`,
			}),
		},
		{
			name: "response cut", want: llm("q", "a", "s"),
			span: flow("LLM", attributes{
				"inputs": request, "output": `{"id":"r","choices":[{"mess`, "llm.generated_message": `{"role":"assistant","content":"a"}`,
			}),
		},
		{
			name: "request cut", want: read{genai.KindLLM, "", "a", genai.StateTruncated, genai.StateText, ""},
			span: flow("LLM", attributes{
				"inputs": request[:40], "output": `{"choices":[{"message":{"content":"a"}}]}`,
			}),
		},
		{
			name: "retriever", want: read{genai.KindRetriever, "q", `[{"content":"one"},{"content":"two"}]`, genai.StateText, genai.StateText, ""},
			span:      flow("Retrieval", attributes{"inputs": `{"query":"q"}`, "output": `[{"content":"one"},{"content":"two"}]`}),
			documents: []genai.Document{{Text: "one"}, {Text: "two"}},
		},
		{
			name: "embedding", want: read{genai.KindEmbedding, "q", "", genai.StateText, genai.StateNotCaptured, ""},
			span: flow("Embedding", attributes{"inputs": `{"model":"m","input":"q"}`, "output": `{"data":[{"embedding":[0.1]}]}`}),
		},
		{
			name: "function", want: read{genai.KindChain, "q", "a", genai.StateText, genai.StateText, ""},
			span: flow("Function", attributes{"inputs": `{"question":"q"}`, "output": `"a"`}),
		},
		{
			name: "flow", want: read{genai.KindChain, "q", "a", genai.StateText, genai.StateText, ""},
			span: flow("Flow", attributes{"inputs": `{"question":"q"}`, "output": `{"answer":"a"}`}),
		},
		{
			name: "nothing", span: flow("LLM", attributes{}), want: silent(genai.KindLLM),
		},
	})
}

func TestPromptflowFacts(t *testing.T) {
	t.Parallel()
	call := flow("LLM", attributes{
		"inputs": `{"model":"m"}`, "output": `{"id":"r","choices":[{"finish_reason":"stop","message":{"content":"a"}}]}`,
		"llm.usage.prompt_tokens": 24, "llm.usage.completion_tokens": 8,
	})
	assert.Equal(t, factsOf{model: "m", response: "r", finish: "stop", in: 24, out: 8}, tellFacts(of(t, call)))
	call["llm.response.model"] = "m-1"
	assert.Equal(t, "m-1", of(t, call).Model())
}

// Both keys are words that others use.
func TestNotPromptflow(t *testing.T) {
	t.Parallel()
	for _, span := range []attributes{{"framework": "django"}, {"span_type": "web"}, {"framework.version": "promptflow"}} {
		assert.Equal(t, genai.KindOther, of(t, span).Kind())
	}
}
