package genai_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

// entity is a span of Traceloop's, whose kind is told in the words of the semantic conventions.
func entity(operation, in, out string) attributes {
	return attributes{
		"gen_ai.operation.name": operation, "traceloop.span.kind": "task",
		"traceloop.entity.input": in, "traceloop.entity.output": out,
	}
}

func TestEntityInput(t *testing.T) {
	const (
		chain = "execute_task"
		agent = "invoke_agent"
		tool  = "execute_tool"
		found = "vector_db_retrieve"
	)
	for _, test := range []struct {
		name, operation, in, want string
		state                     genai.State
	}{
		{name: "nothing", operation: chain, state: genai.StateNotCaptured},
		{name: "no arguments", operation: chain, in: `{"args":[],"kwargs":{}}`, state: genai.StateNotCaptured},
		{name: "null", operation: chain, in: `{"input":null}`, state: genai.StateNotCaptured},
		{name: "plain text", operation: chain, in: "hi", want: "hi"},
		{name: "quoted text", operation: chain, in: `"hi"`, want: "hi"},
		{name: "a number", operation: chain, in: `0.9`, want: "0.9"},
		{name: "text in brackets", operation: chain, in: "[Note] {x} is", want: "[Note] {x} is"},
		{name: "hidden", operation: chain, in: "<fully masked due to failed mask function>", state: genai.StateRedacted},
		{name: "one argument", operation: chain, in: `{"args":["hi"],"kwargs":{}}`, want: "hi"},
		{name: "one argument, of JavaScript", operation: chain, in: `{"args":["hi"]}`, want: "hi"},
		{name: "one named argument", operation: agent, in: `{"args":[],"kwargs":{"q":"hi"}}`, want: "hi"},
		{name: "named arguments", operation: chain, in: `{"args":[],"kwargs":{"question":"hi","k":2}}`, want: "hi"},
		{name: "text and its documents", operation: chain, in: `{"args":["hi",["a","b"]],"kwargs":{"k":2}}`, want: "hi"},
		{
			name: "two texts", operation: chain, in: `{"args":["hi","there"],"kwargs":{}}`,
			want: `{"args":["hi","there"],"kwargs":{}}`,
		},
		{
			name: "arguments called so by the application", operation: chain, in: `{"args":["hi"],"kwargs":{},"more":1}`,
			want: "hi", // all the same
		},
		{
			name: "messages as argument", operation: chain, want: "hi",
			in: `{"args":[[{"role":"system","content":"s"},{"role":"user","content":"hi"}]],"kwargs":{}}`,
		},
		{name: "LangChain in Python", operation: chain, in: `{"inputs":"hi","tags":[],"metadata":{},"kwargs":{}}`, want: "hi"},
		{
			name: "LangGraph in Python", operation: agent, want: "hi",
			in: `{"inputs":{"messages":[{"role":"user","content":"hi"}]},"tags":[],"metadata":{},"kwargs":{}}`,
		},
		{
			name: "LangGraph's tuples", operation: agent, want: "hi",
			in: `{"inputs":{"messages":[["system","s"],["user","hi"]]},"tags":[],"metadata":{},"kwargs":{}}`,
		},
		{
			name: "pairs that are no messages", operation: chain, in: `{"messages":[["a","b"],["c","d"]]}`,
			want: `{"messages":[["a","b"],["c","d"]]}`,
		},
		{name: "LangChain in JavaScript", operation: chain, in: `{"input":"hi"}`, want: "hi"},
		{name: "template", operation: chain, in: `{"question":"hi","context":"c"}`, want: "hi"},
		{
			name: "parser", operation: chain, want: "hi",
			in: `{"lc":1,"type":"constructor","id":["langchain_core","messages","AIMessage"],"kwargs":{"content":"hi","id":"1"}}`,
		},
		{name: "query of LlamaIndex", operation: chain, in: `{"query_bundle":{"query_str":"hi","image_path":null}}`, want: "hi"},
		{name: "any other object", operation: chain, in: `{"a": 1,  "b": "c"}`, want: `{"a": 1,  "b": "c"}`},
		{name: "cut", operation: chain, in: `{"inputs":"hi there`, want: "hi there", state: genai.StateTruncated},
		{name: "cut, of an agent", operation: agent, in: `{"messages":[{"role":"user","conte`, state: genai.StateTruncated},

		{name: "tool: arguments", operation: tool, in: `{"location": "Paris"}`, want: `{"location": "Paris"}`},
		{name: "tool: one argument", operation: tool, in: `{"args":["Paris"],"kwargs":{}}`, want: "Paris"},
		{name: "tool: named arguments", operation: tool, in: `{"args":[],"kwargs":{"location":"Paris"}}`, want: `{"location":"Paris"}`},
		{name: "tool: wrapped twice", operation: tool, in: `{"args":["{\"location\":\"Paris\"}"]}`, want: `{"location":"Paris"}`},
		{
			name: "tool: wrapped three times", operation: tool, in: `{"args":["{\"input\":\"{\\\"location\\\":\\\"Paris\\\"}\"}"]}`,
			want: `{"location":"Paris"}`,
		},
		{
			name: "tool: a call", operation: tool, want: `{"location":"Paris"}`,
			in: `{"args":["{\"name\":\"w\",\"args\":{\"location\":\"Paris\"},\"id\":\"1\",\"type\":\"tool_call\"}"]}`,
		},
		{
			name: "tool: LangChain in Python", operation: tool, want: `{"location":"Paris"}`,
			in: `{"input_str":"{'location': 'Paris'}","tags":[],"metadata":{},"inputs":{"location":"Paris"},"kwargs":{}}`,
		},
		{
			name: "tool: older LangChain in Python", operation: tool, want: `{'location': 'Paris'}`,
			in: `{"input_str":"{'location': 'Paris'}","tags":[],"metadata":{},"inputs":null,"kwargs":{}}`,
		},
		{name: "tool: MCP", operation: tool, in: `{"tool_name":"add","arguments":{"a":1}}`, want: `{"a":1}`},
		{
			name: "tool: cut", operation: tool, in: `{"location": "Par`, want: `{"location": "Par`, state: genai.StateTruncated,
		},

		{name: "retriever: query", operation: found, in: `{"query":"hi","tags":[],"metadata":{},"kwargs":{}}`, want: "hi"},
		{name: "retriever: query among others", operation: found, in: `{"query": "hi", "top_k": 2}`, want: "hi"},
		{name: "retriever: argument", operation: found, in: `{"args":["hi"],"kwargs":{}}`, want: "hi"},
		{name: "retriever: unknown", operation: found, in: `{"ids": [1, 2]}`, want: `{"ids": [1, 2]}`},
		{name: "embedding: text", operation: "embeddings", in: `{"text":"hi"}`, want: "hi"},
		{name: "embedding: the last text", operation: "embeddings", in: `{"texts":["a","hi"],"show_progress":false}`, want: "hi"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, state := of(t, entity(test.operation, test.in, "")).Text(genai.PartQuestion)
			want := test.state
			if want == "" {
				want = genai.StateText
			}
			assert.Equal(t, want, state)
			assert.Equal(t, test.want, got)
		})
	}
}

func TestEntityOutput(t *testing.T) {
	const (
		chain = "execute_task"
		agent = "invoke_agent"
		tool  = "execute_tool"
	)
	const said = `{"lc":1,"type":"constructor","id":["AIMessage"],"kwargs":{"content":"hi","response_metadata":{}}}`
	for _, test := range []struct {
		name, operation, out, want string
		state                      genai.State
	}{
		{name: "nothing", operation: chain, state: genai.StateNotCaptured},
		{name: "null", operation: chain, out: `{"output":null}`, state: genai.StateNotCaptured},
		{name: "null of LangChain", operation: agent, out: `{"outputs":null,"kwargs":{}}`, state: genai.StateNotCaptured},
		{name: "plain text", operation: chain, out: "hi", want: "hi"},
		{name: "quoted text", operation: chain, out: `"hi"`, want: "hi"},
		{name: "text that begins like a list", operation: agent, out: "[1] According to the book", want: "[1] According to the book"},
		{name: "text that begins like an object", operation: agent, out: "{name} is", want: "{name} is"},
		{name: "text in brackets", operation: agent, out: "[nothing]", want: "[nothing]"},
		{name: "a number", operation: chain, out: `0.9`, want: "0.9"},
		{name: "LangChain in Python", operation: chain, out: `{"outputs":"hi","kwargs":{"tags":[]}}`, want: "hi"},
		{name: "LangChain in JavaScript", operation: chain, out: `{"output":"hi"}`, want: "hi"},
		{name: "answer beside what went in", operation: chain, out: `{"input":"q","context":[{"a":1}],"answer":"hi"}`, want: "hi"},
		{name: "result beside what went in", operation: chain, out: `{"query":"q","result":"hi"}`, want: "hi"},
		{name: "message", operation: chain, out: `{"outputs":` + said + `,"kwargs":{}}`, want: "hi"},
		{name: "state", operation: chain, out: `{"messages":[{"type":"human","content":"q"},` + said + `]}`, want: "hi"},
		{name: "command", operation: chain, out: `{"outputs":[{"graph":null,"update":{"messages":[` + said + `]}}],"kwargs":{}}`, want: "hi"},
		{
			name: "state without an answer", operation: chain, out: `{"messages":[{"type":"human","content":"q"}]}`,
			want: `{"messages":[{"type":"human","content":"q"}]}`,
		},
		{
			name: "calls of tools", operation: chain, state: genai.StateToolCallOnly,
			out: `{"messages":[{"type":"ai","content":"","tool_calls":[{"name":"f","args":{}}]}]}`,
		},
		{name: "structured", operation: chain, out: `{"output":{"city":"Paris"}}`, want: `{"city":"Paris"}`},
		{name: "any other object", operation: chain, out: `{"a": 1,  "b": "c"}`, want: `{"a": 1,  "b": "c"}`},
		{name: "agent of LlamaIndex", operation: agent, out: `{"result":{"response":{"role":"assistant","blocks":[{"block_type":"text","text":"hi"}]}}}`, want: "hi"},
		{name: "cut", operation: chain, out: `{"outputs":"hi there`, want: "hi there", state: genai.StateTruncated},
		{name: "cut text of an agent", operation: agent, out: `{"messages":[{"role":"assistant","content":"hi th`, want: "hi th", state: genai.StateTruncated},
		{name: "vector", operation: "embeddings", out: `[0.1,0.2]`, state: genai.StateNotCaptured},
		{name: "hidden", operation: agent, out: `"[redacted]"`, state: genai.StateRedacted},

		{name: "tool: text", operation: tool, out: `"18 C"`, want: "18 C"},
		{name: "tool: object", operation: tool, out: `{"temp": 18, "unit": "C"}`, want: `{"temp": 18, "unit": "C"}`},
		{name: "tool: wrapped object", operation: tool, out: `{"output":{"temp":18,"unit":"C"}}`, want: `{"temp":18,"unit":"C"}`},
		{name: "tool: MCP", operation: tool, out: `{"result":"18 C"}`, want: "18 C"},
		{
			name: "tool: message", operation: tool, want: "18 C",
			out: `{"output":{"lc":1,"type":"constructor","id":["ToolMessage"],"kwargs":{"content":"18 C","type":"tool","tool_call_id":"1"}},"kwargs":{}}`,
		},
		{name: "tool: plain message", operation: tool, out: `{"output":{"content":"18 C","type":"tool","tool_call_id":"1"}}`, want: "18 C"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, state := of(t, entity(test.operation, "", test.out)).Text(genai.PartAnswer)
			want := test.state
			if want == "" {
				want = genai.StateText
			}
			assert.Equal(t, want, state)
			assert.Equal(t, test.want, got)
		})
	}
}

func TestEntityDocuments(t *testing.T) {
	for name, out := range map[string]string{
		"list":               `[{"page_content":"a"},{"pageContent":"b"}]`,
		"documents":          `{"documents":[{"page_content":"a","metadata":{}},{"page_content":"b"}],"count":2}`,
		"wrapped":            `{"output":[{"page_content":"a"},{"page_content":"b"}]}`,
		"serialised":         `[{"lc":1,"kwargs":{"page_content":"a"}},{"lc":1,"kwargs":{"page_content":"b"}}]`,
		"documents, wrapped": `{"outputs":{"documents":["a","b"]},"kwargs":{}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := of(t, entity("vector_db_retrieve", "", out))
			assert.Equal(t, []genai.Document{{Text: "a"}, {Text: "b"}}, i.Documents())
			_, state := i.Text(genai.PartAnswer)
			assert.Equal(t, genai.StateText, state)
		})
	}
	t.Run("of what does not say that it retrieves", func(t *testing.T) {
		t.Parallel()
		i := of(t, entity("execute_task", "", `[{"page_content":"a"}]`))
		assert.Equal(t, []genai.Document{{Text: "a"}}, i.Documents())
		assert.Empty(t, of(t, entity("execute_task", "", `["a"]`)).Documents())
	})
}

// What conventions of entities make of values from strangers.
func TestHostileEntities(t *testing.T) {
	for name, text := range map[string]string{
		"wrappers in wrappers":   strings.Repeat(`{"input":`, 250) + `"x"` + strings.Repeat("}", 250),
		"arguments in arguments": strings.Repeat(`{"args":[`, 100) + `"x"` + strings.Repeat("]}", 100),
		"quotes in quotes":       quotes(12),
		"wrong types": `{"args":{},"kwargs":[],"tags":1,"metadata":1,"inputs":1,"outputs":[[]],"output":{},"replies":[1,[]],` +
			`"answers":[1],"messages":[1,[],["user",1],{}],"tool_messages":[1],"documents":[1,null,[]],"choices":1,"query":[]}`,
		"a list of wrong types": `[1,null,[],{},"x",{"args":1},{"role":1},["user","hi"]]`,
		"pairs":                 `[["user",1],["user"],[1,"x"],["user","a","b"]]`,
		"deep":                  strings.Repeat(`[`, 299) + strings.Repeat(`]`, 299),
		"too deep":              strings.Repeat(`{"query":`, 100_000),
		"many":                  `{"args":[` + strings.Repeat(`"a",`, 60_000) + `"b"]}`,
		"bracket":               "{",
		"brackets and spaces":   "[   ",
		"repr":                  `{'messages': [ChatMessage(_role=<ChatRole.USER: 'user'>, _content=[TextContent(text='a\x`,
		"many reprs":            strings.Repeat(`ChatMessage(_role=<ChatRole.USER: 'user'>TextContent(text='a'`, 10_000),
		"invalid UTF-8":         "{'a': ChatMessage(_role=<ChatRole.USER: 'user'>, _content=[TextContent(text='\xff\xfe'",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, kind := range []string{"llm", "agent", "chain", "tool", "retriever", "embedding", "reranker"} {
				for in, out := range map[string]string{
					"traceloop.entity.input": "traceloop.entity.output", "langfuse.observation.input": "langfuse.observation.output",
					"gen_ai.prompt": "gen_ai.completion", "haystack.component.input": "haystack.component.output",
					"ai.prompt.messages": "ai.response.toolCalls", "haystack.pipeline.input_data": "haystack.pipeline.output_data",
				} {
					sound(t, of(t, attributes{
						"langsmith.span.kind": kind, "traceloop.span.kind": kind, "langfuse.observation.type": kind, in: text, out: text,
					}))
				}
			}
		})
	}
}
