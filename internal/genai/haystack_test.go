package genai_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func component(kind, in, out string) attributes {
	return attributes{
		"haystack.component.type": kind, "haystack.component.name": "x", "haystack.component.input_types": "{}",
		"haystack.component.input": in, "haystack.component.output": out,
	}
}

func TestHaystackKind(t *testing.T) {
	for _, test := range []struct {
		name string
		span attributes
		want genai.Kind
	}{
		{name: "generator", span: component("OpenAIChatGenerator", "", ""), want: genai.KindLLM},
		{name: "ranker", span: component("TransformersSimilarityRanker", "", ""), want: genai.KindReranker},
		{name: "embedder", span: component("OpenAIDocumentEmbedder", "", ""), want: genai.KindEmbedding},
		{name: "search", span: component("SerperDevWebSearch", "", ""), want: genai.KindRetriever},
		{name: "builder", span: component("ChatPromptBuilder", "", ""), want: genai.KindChain},
		{name: "tools", span: component("ToolInvoker", "", ""), want: genai.KindTool},
		{name: "pipeline", span: attributes{"haystack.pipeline.metadata": "{}"}, want: genai.KindChain},
		{name: "agent", span: attributes{"haystack.agent.max_steps": "100", "haystack.agent.steps_taken": "2"}, want: genai.KindAgent},
		{name: "step", span: attributes{"haystack.agent.step": "0"}, want: genai.KindChain},
		{name: "call of a model in a step", span: attributes{"haystack.agent.step.llm.input": "{}"}, want: genai.KindLLM},
		{name: "call of a tool in a step", span: attributes{"haystack.tool.name": "f"}, want: genai.KindTool},
		{name: "nothing", span: attributes{"haystack.x": "f"}, want: genai.KindOther},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, test.want, of(t, test.span).Kind())
		})
	}
}

// Shapes of recordings; those of messages before version 2.12, of web searches and of extracted answers are from the
// producer's source.
func TestHaystack(t *testing.T) {
	const reply = `{"replies":[{"role":"assistant","meta":{"model":"m","finish_reason":"stop"},"name":null,"content":[{"text":"a"}]}]}`
	for _, test := range []struct {
		name  string
		span  attributes
		want  read
		calls []genai.ToolCall
	}{
		{
			name: "chat", span: component("OpenAIChatGenerator",
				`{"messages":[{"role":"system","content":[{"text":"s"}]},{"role":"user","content":[{"text":"q"}]}],"tools":null}`, reply),
			want: read{genai.KindLLM, "q", "a", genai.StateText, genai.StateText, "s"},
		},
		{
			name: "chat of older versions", span: component("OpenAIChatGenerator",
				`{"messages":[{"_role":"user","_content":[{"text":"q"}],"_meta":{}}]}`, `{"replies":[{"_role":"assistant","_content":[{"text":"a"}]}]}`),
			want: read{genai.KindLLM, "q", "a", genai.StateText, genai.StateText, ""},
		},
		{
			name: "calls", span: component("OpenAIChatGenerator", `{"messages":"q"}`,
				`{"replies":[{"role":"assistant","content":[{"tool_call":{"tool_name":"f","arguments":{"a":1},"id":"1"}}]}]}`),
			want:  read{genai.KindLLM, "q", "", genai.StateText, genai.StateToolCallOnly, ""},
			calls: []genai.ToolCall{{ID: "1", Name: "f", Arguments: `{"a":1}`}},
		},
		{
			name: "text", span: component("OpenAIGenerator", `{"prompt":"q","system_prompt":"s"}`, `{"replies":["a"],"meta":[{"model":"m"}]}`),
			want: read{genai.KindLLM, "q", "a", genai.StateText, genai.StateText, "s"},
		},
		{
			name: "messages as Python writes them",
			span: attributes{
				"haystack.agent.step.llm.input": `{'messages': [ChatMessage(_role=<ChatRole.SYSTEM: 'system'>, _content=[TextContent(text="It's s")], _name=None), ` +
					`ChatMessage(_role=<ChatRole.USER: 'user'>, _content=[TextContent(text='q\n\'\xe9\u4f60\U0001f600\\'), TextContent(text='r')], _meta={'a': 'b'}), ` +
					`ChatMessage(_role=<ChatRole.TOOL: 'tool'>, _content=[ToolCallResult(result='18 C', origin=ToolCall(tool_name='f'))])], 'tools': [Tool(name='f')]}`,
				"haystack.agent.step.llm.output": reply,
			},
			want: read{genai.KindLLM, "q\n'é你😀\\\nr", "a", genai.StateText, genai.StateText, "It's s"},
		},
		{
			name: "cut", span: component("OpenAIChatGenerator", `{"messages":[{"role":"user","content":[{"text":"q`, `{"replies":[{"role":"assistant","content":[{"text":"a b`),
			want: read{genai.KindLLM, "", "a b", genai.StateTruncated, genai.StateTruncated, ""},
		},
		{
			name: "pipeline",
			span: attributes{
				"haystack.pipeline.input_data":  `{"retriever":{"query":"q","top_k":3},"builder":{"template":"t"}}`,
				"haystack.pipeline.output_data": `{"retriever":{"documents":[{"content":"d"}]},"llm":` + reply + `}`,
			},
			want: read{genai.KindChain, "q", "a", genai.StateText, genai.StateText, ""},
		},
		{
			name: "pipeline without a question",
			span: attributes{"haystack.pipeline.input_data": `{"converter": {"sources": [1]}}`, "haystack.pipeline.output_data": `{"writer": {"documents_written": 1}}`},
			want: read{genai.KindChain, `{"converter": {"sources": [1]}}`, `{"writer": {"documents_written": 1}}`, genai.StateText, genai.StateText, ""},
		},
		{
			name: "agent",
			span: attributes{
				"haystack.agent.input":  `{"messages":[{"role":"user","content":[{"text":"q"}]}]}`,
				"haystack.agent.output": `{"messages":[{"role":"user","content":[{"text":"q"}]},{"role":"assistant","content":[{"text":"a"}]}]}`,
			},
			want: read{genai.KindAgent, "q", "a", genai.StateText, genai.StateText, ""},
		},
		{
			name: "agent with its last message", span: component("Agent", `{"messages":[]}`, `{"last_message":{"role":"assistant","content":[{"text":"a"}]}}`),
			want: read{genai.KindAgent, "", "a", genai.StateNotCaptured, genai.StateText, ""},
		},
		{
			name: "tool of an agent",
			span: attributes{"haystack.tool.name": "f", "haystack.agent.step.tool.input": `{"a": 1}`, "haystack.agent.step.tool.output": "18 C"},
			want: read{genai.KindTool, `{"a": 1}`, "18 C", genai.StateText, genai.StateText, ""},
		},
		{
			name: "component that runs tools", span: component("ToolInvoker",
				`{"messages":[{"role":"assistant","content":[{"tool_call":{"tool_name":"f","arguments":{"a":1}}}]}],"state":{}}`,
				`{"tool_messages":[{"role":"tool","content":[{"tool_call_result":{"result":"18 C","origin":{}}}]}],"state":{}}`),
			want: read{genai.KindTool, `{"a":1}`, "18 C", genai.StateText, genai.StateText, ""},
		},
		{
			name: "builder", span: component("PromptBuilder", `{"documents":[{"content":"d"}],"question":"q","template":null}`, `{"prompt":"p"}`),
			want: read{genai.KindChain, "q", "p", genai.StateText, genai.StateText, ""},
		},
		{
			name: "answers", span: component("AnswerBuilder", `{"query":"q","replies":["a"]}`, `{"answers":[{"type":"GeneratedAnswer","init_parameters":{"data":"a","query":"q"}}]}`),
			want: read{genai.KindChain, "q", "a", genai.StateText, genai.StateText, ""},
		},
		{
			name: "embedder", span: component("OpenAITextEmbedder", `{"text":"q"}`, `{"embedding":[0.1],"meta":{"model":"m"}}`),
			want: read{genai.KindEmbedding, "q", "", genai.StateText, genai.StateNotCaptured, ""},
		},
		{
			name: "embedder of documents", span: component("OpenAIDocumentEmbedder", `{"documents":[{"content":"d"},{"content":"q"}]}`, `{"documents":[]}`),
			want: read{genai.KindEmbedding, "q", "", genai.StateText, genai.StateNotCaptured, ""},
		},
		{
			name: "vector as query", span: component("QdrantEmbeddingRetriever", `{"query_embedding":[0.1],"top_k":1}`, `{"documents":[]}`),
			want: read{genai.KindRetriever, "", `{"documents":[]}`, genai.StateNotCaptured, genai.StateText, ""},
		},
		{
			name: "content not traced", span: component("OpenAIChatGenerator", "", ""),
			want: read{genai.KindLLM, "", "", genai.StateNotCaptured, genai.StateNotCaptured, ""},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			i := of(t, test.span)
			assert.Equal(t, test.want, readOf(i))
			assert.Equal(t, test.calls, i.ToolCalls())
		})
	}
}

func TestHaystackDocuments(t *testing.T) {
	const documents = `{"documents":[{"id":"d1","content":"a","blob":null,"score":1.7},{"id":"d2","content":null}]}`
	for name, span := range map[string]attributes{
		"retriever": component("InMemoryBM25Retriever", `{"query":"q"}`, documents),
		"ranker":    component("LostInTheMiddleRanker", `{"query":"q"}`, documents),
		"search":    component("SerperDevWebSearch", `{"query":"q"}`, documents),
		"answer":    component("AnswerBuilder", `{"query":"q"}`, `{"answers":[{"data":"a",`+documents[1:len(documents)-1]+`}]}`),
		"pipeline":  {"haystack.pipeline.input_data": `{"r":{"query":"q"}}`, "haystack.pipeline.output_data": `{"r":` + documents + `,"llm":{"replies":["a"]}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := of(t, span)
			question, _ := i.Text(genai.PartQuestion)
			assert.Equal(t, "q", question)
			assert.Equal(t, []genai.Document{{ID: "d1", Text: "a"}}, i.Documents())
		})
	}
}

func TestHaystackFacts(t *testing.T) {
	for name, out := range map[string]string{
		"chat": `{"replies":[{"role":"assistant","meta":{"model":"m","id":"r","finish_reason":"stop","usage":{"prompt_tokens":24,"completion_tokens":8}},"content":[]}]}`,
		"text": `{"replies":["a"],"meta":[{"model":"m","id":"r","finish_reason":"stop","usage":{"input_tokens":24,"output_tokens":8}}]}`,
	} {
		i := of(t, component("OpenAIChatGenerator", "", out))
		assert.Equal(t, "m", i.Model(), name)
		assert.Equal(t, "r", i.ResponseID(), name)
		assert.Equal(t, "stop", i.FinishReason(), name)
		assert.Equal(t, int64(24), counted(i.InputTokens()), name)
		assert.Equal(t, int64(8), counted(i.OutputTokens()), name)
	}
	i := of(t, component("OpenAITextEmbedder", "", `{"embedding":[0.1],"meta":{"model":"m","usage":{"prompt_tokens":5}}}`))
	assert.Equal(t, "m", i.Model())
	assert.Equal(t, int64(5), counted(i.InputTokens()))
	assert.Equal(t, int64(-1), counted(i.OutputTokens()))
	i = of(t, component("OpenAIChatGenerator", "", `{"replies":[{"meta":{"usage":null}}]}`))
	assert.Empty(t, i.Model()+i.ResponseID())
	assert.Equal(t, int64(-1), counted(i.InputTokens()))
}
