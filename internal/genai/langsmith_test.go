package genai_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func run(kind, in, out string) attributes {
	a := attributes{"langsmith.span.kind": kind, "gen_ai.operation.name": "chat"}
	if in != "" {
		a["gen_ai.prompt"] = in
	}
	if out != "" {
		a["gen_ai.completion"] = out
	}
	return a
}

// Shapes of recordings; those of text completions and of the Responses API are from the producer's source.
func TestLangSmith(t *testing.T) {
	const human = `{"lc":1,"type":"constructor","id":["langchain","schema","messages","HumanMessage"],"kwargs":{"content":"q","type":"human"}}`
	for _, test := range []struct {
		name  string
		span  attributes
		want  read
		calls []genai.ToolCall
	}{
		{
			name: "OpenAI",
			span: run("llm", `{"messages":[{"role":"system","content":"s"},{"role":"user","content":"q"}],"model":"m"}`,
				`{"id":"1","choices":[{"finish_reason":"stop","message":{"content":"a","role":"assistant"}}],"usage_metadata":{"input_tokens":24}}`),
			want: read{genai.KindLLM, "q", "a", genai.StateText, genai.StateText, "s"},
		},
		{
			name: "OpenAI, calls",
			span: run("llm", `{"messages":[{"role":"user","content":"q"}]}`,
				`{"choices":[{"message":{"content":null,"tool_calls":[{"id":"1","function":{"name":"f","arguments":"{}"}}]}}]}`),
			want:  read{genai.KindLLM, "q", "", genai.StateText, genai.StateToolCallOnly, ""},
			calls: []genai.ToolCall{{ID: "1", Name: "f", Arguments: "{}"}},
		},
		{
			name: "Responses API",
			span: run("llm", `{"input":"q","instructions":"s","model":"m"}`, `{"id":"r","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"a"}]}]}`),
			want: read{genai.KindLLM, "q", "a", genai.StateText, genai.StateText, "s"},
		},
		{
			name: "LangChain",
			span: run("llm", `{"messages":[[`+human+`]]}`, `{"generations":[[{"text":"a","message":{"lc":1,"id":["AIMessage"],"kwargs":{"content":"a"}}}]],"llm_output":{}}`),
			want: read{genai.KindLLM, "q", "a", genai.StateText, genai.StateText, ""},
		},
		{
			name: "text completion of LangChain", span: run("llm", `{"prompts":["q"]}`, `{"generations":[[{"text":"a"}]]}`),
			want: read{genai.KindLLM, "q", "a", genai.StateText, genai.StateText, ""},
		},
		{
			name: "traced function", span: run("llm", `{"question":"q","k":1}`, `{"output":"a"}`),
			want: read{genai.KindLLM, "q", "a", genai.StateText, genai.StateText, ""},
		},
		{
			name: "failed", span: run("llm", `{"messages":[{"role":"user","content":"q"}]}`, `{"output":null}`),
			want: read{genai.KindLLM, "q", "", genai.StateText, genai.StateNotCaptured, ""},
		},
		{
			name: "hidden", span: run("llm", `{"messages":[{"role":"user","content":"[redacted]"}]}`, `{"output":"[redacted]"}`),
			want: read{genai.KindLLM, "", "", genai.StateRedacted, genai.StateRedacted, ""},
		},
		{
			name: "nothing", span: run("llm", "{}", "{}"),
			want: read{genai.KindLLM, "", "", genai.StateNotCaptured, genai.StateNotCaptured, ""},
		},
		{
			name: "cut", span: run("llm", `{"messages":[{"role":"user","content":"q`, `{"choices":[{"message":{"content":"a b`),
			want: read{genai.KindLLM, "", "a b", genai.StateTruncated, genai.StateTruncated, ""},
		},
		{
			name: "chain", span: run("chain", `{"input":"q"}`, `{"output":"a"}`),
			want: read{genai.KindChain, "q", "a", genai.StateText, genai.StateText, ""},
		},
		{
			name: "graph", span: run("chain", `{"messages":[`+human+`]}`, `{"messages":[`+human+`,{"content":"a","type":"ai"}]}`),
			want: read{genai.KindChain, "q", "a", genai.StateText, genai.StateText, ""},
		},
		{
			name: "prompt, which says chat", span: run("prompt", `{"question":"q"}`, `{"output":{"messages":[{"content":"q","type":"human"}]}}`),
			want: read{genai.KindChain, "q", `{"messages":[{"content":"q","type":"human"}]}`, genai.StateText, genai.StateText, ""},
		},
		{
			name: "parser", span: run("parser", `{"input":{"content":"a","type":"ai","id":"1"}}`, `{"output":"a"}`),
			want: read{genai.KindChain, "a", "a", genai.StateText, genai.StateText, ""},
		},
		{
			name: "tool", span: run("tool", `{"location":"Paris"}`, `{"output":"18 C"}`),
			want: read{genai.KindTool, `{"location":"Paris"}`, "18 C", genai.StateText, genai.StateText, ""},
		},
		{
			name: "tool of LangChain", span: run("tool", `{"input":"{\"location\":\"Paris\"}"}`, `{"output":{"content":"18 C","type":"tool","tool_call_id":"1"}}`),
			want: read{genai.KindTool, `{"location":"Paris"}`, "18 C", genai.StateText, genai.StateText, ""},
		},
		{
			name: "embedding", span: run("embedding", `{"input":["a","q"],"model":"m"}`, `{"data":[{"embedding":[0.1]}]}`),
			want: read{genai.KindEmbedding, "q", "", genai.StateText, genai.StateNotCaptured, ""},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			i := of(t, test.span)
			assert.Equal(t, test.want, readOf(i))
			assert.Equal(t, test.calls, i.ToolCalls())
			if test.want.asked != genai.StateNotCaptured {
				assert.Equal(t, "langsmith", i.Convention(genai.PartQuestion))
			}
		})
	}
}

func TestLangSmithRetriever(t *testing.T) {
	for _, out := range []string{`{"documents":[{"page_content":"a","type":"Document"}]}`, `{"output":[{"page_content":"a"}]}`} {
		span := run("retriever", `{"query":"q"}`, out)
		span["gen_ai.operation.name"] = "embeddings" // which is wrong
		i := of(t, span)
		assert.Equal(t, genai.KindRetriever, i.Kind())
		question, _ := i.Text(genai.PartQuestion)
		assert.Equal(t, "q", question)
		assert.Equal(t, []genai.Document{{Text: "a"}}, i.Documents())
	}
}

func TestLangSmithFacts(t *testing.T) {
	for _, key := range []string{"langsmith.usage_metadata", "langsmith.metadata.usage_metadata"} {
		i := of(t, attributes{"langsmith.span.kind": "llm", key: `{"input_tokens":24,"output_tokens":8,"total_cost":0.5}`})
		assert.Equal(t, int64(24), counted(i.InputTokens()))
		assert.Equal(t, int64(8), counted(i.OutputTokens()))
		usd, ok := i.Cost()
		assert.True(t, ok)
		assert.InDelta(t, 0.5, usd, 1e-9)
	}
	span := run("llm", "", `{"generations":[[{"text":"a","message":{"kwargs":{"content":"a","id":"run-1","response_metadata":{"id":"r"}}}}]]}`)
	span["langsmith.metadata.thread_id"], span["langsmith.request.streaming"] = "t", true
	i := of(t, span)
	assert.Equal(t, "r", i.ResponseID())
	assert.Equal(t, "t", i.ConversationID())
	assert.True(t, i.Streaming())
}
