package genai_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func prompt(value any) said {
	return said{name: "gen_ai.content.prompt", attributes: attributes{"gen_ai.prompt": value}}
}

func completion(value any) said {
	return said{name: "gen_ai.content.completion", attributes: attributes{"gen_ai.completion": value}}
}

func TestContentEvents(t *testing.T) {
	for _, test := range []struct {
		name   string
		span   attributes
		events []said
		want   messageWant
	}{
		{
			name: "OpenAI's messages",
			events: []said{
				prompt(`[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}]`),
				completion(`[{"role": "assistant", "content": "hello"}]`),
			},
			want: messageWant{question: "hi", answer: "hello", system: "Be brief.", asked: genai.StateText, answered: genai.StateText},
		},
		{name: "plain text", events: []said{prompt("hi"), completion("hello")}, want: both("hi", "hello")},
		{
			name: "Spring AI: lists of texts", events: []said{prompt([]any{"Be brief.", "hi"}), completion([]any{"hello"})},
			want: both("hi", "hello"),
		},
		{
			name: "lists of texts as JSON", events: []said{prompt(`["Be brief.", "hi"]`), completion(`["hello"]`)},
			want: both("hi", "hello"),
		},
		{
			name: "OpenLIT: lines that begin with the role",
			events: []said{
				prompt("system: Be brief.\nuser: Hi\nassistant: Hello!\nuser: first line\nsecond line: user\nthird line"),
				completion("hello"),
			},
			want: messageWant{
				question: "first line\nsecond line: user\nthird line", answer: "hello", system: "Be brief.",
				asked: genai.StateText, answered: genai.StateText,
			},
		},
		{
			name: "OpenLIT: the results of tools are no question",
			events: []said{
				prompt("user: weather?\nassistant: None\ntool: 18 C, sunny"), completion("It is 18 C."),
			},
			want: messageWant{
				question: "weather?", answer: "It is 18 C.", asked: genai.StateText, answered: genai.StateText,
				results: []genai.Document{{Text: "18 C, sunny"}},
			},
		},
		{
			name: "OpenLIT: only tools", span: attributes{"gen_ai.response.finish_reasons": []any{"tool_calls"}},
			events: []said{prompt("user: weather?"), completion("None")},
			want:   messageWant{question: "weather?", asked: genai.StateText, answered: genai.StateToolCallOnly},
		},
		{
			name: "OpenLIT: words in place of the answer", events: []said{prompt("user: weather?"), completion("Function called with tools")},
			want: messageWant{question: "weather?", asked: genai.StateText, answered: genai.StateNotCaptured},
		},
		{
			name: "empty answer", span: attributes{"gen_ai.response.finish_reasons": []any{"stop"}},
			events: []said{prompt("hi"), completion("")},
			want:   messageWant{question: "hi", asked: genai.StateText, answered: genai.StateText},
		},
		{
			name: "empty answer that asked for tools", span: attributes{"gen_ai.response.finish_reasons": `["tool_calls"]`},
			events: []said{prompt("hi"), completion("")},
			want:   messageWant{question: "hi", asked: genai.StateText, answered: genai.StateToolCallOnly},
		},
		{
			name: "Semantic Kernel's first form, which is no JSON", events: []said{prompt(`[{"role:" user, "content:" hi}]`), completion("[hello]")},
			want: both(`[{"role:" user, "content:" hi}]`, "[hello]"),
		},
		{
			name:   "cut",
			events: []said{prompt(`[{"role": "user", "content": "What is the cap`), completion(`[{"role": "assistant", "content": "The capital of Fr`)},
			want:   messageWant{answer: "The capital of Fr", asked: genai.StateTruncated, answered: genai.StateTruncated},
		},
		{
			name: "a vector is no answer", span: attributes{"gen_ai.operation.name": "embeddings"},
			events: []said{prompt([]any{"a", "b"}), completion("[0.1]")},
			want:   messageWant{question: "b", asked: genai.StateText, answered: genai.StateNotCaptured},
		},
		{
			name: "pieces are no content", events: []said{{name: "gen_ai.content.completion.chunk", attributes: attributes{"gen_ai.completion": "hel"}}},
			want: messageWant{asked: genai.StateNotCaptured, answered: genai.StateNotCaptured},
		},
		{
			name: "no content", events: []said{{name: "gen_ai.content.prompt"}, {name: "gen_ai.content.completion"}},
			want: messageWant{asked: genai.StateNotCaptured, answered: genai.StateNotCaptured},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.want.compare(t, withEvents(t, chatWith(test.span), test.events...))
		})
	}
}

func TestContentAttributes(t *testing.T) {
	for _, test := range []struct {
		name       string
		kind       string
		prompt     any
		completion any
		want       messageWant
	}{
		{
			name: "messages", prompt: `[{"role":"user","content":"hi"}]`, completion: `[{"role":"assistant","content":"hello"}]`,
			want: both("hi", "hello"),
		},
		{name: "plain text", prompt: "hi", completion: "hello", want: both("hi", "hello")},
		{
			name: "whole request and response", prompt: `{"model":"m","temperature":0,"messages":[{"role":"user","content":"hi"}]}`,
			completion: `{"id":"1","choices":[{"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}],"usage":{}}`,
			want:       both("hi", "hello"),
		},
		{
			name: "a message", prompt: `{"role":"user","content":"hi"}`, completion: `{"role":"assistant","content":"hello"}`,
			want: both("hi", "hello"),
		},
		{
			name: "an answer that is JSON", prompt: "hi", completion: `{"city": "Paris"}`, want: both("hi", `{"city": "Paris"}`),
		},
		{
			name: "agent", kind: "invoke_agent", prompt: "hi", want: both("hi", "two"),
			completion: `[{"role":"assistant","content":"one"},{"role":"tool","content":"x"},{"role":"assistant","content":"two"}]`,
		},
		{name: "empty", prompt: "", completion: "", want: messageWant{asked: genai.StateNotCaptured, answered: genai.StateNotCaptured}},
		{name: "number", prompt: 1, completion: true, want: messageWant{asked: genai.StateNotCaptured, answered: genai.StateNotCaptured}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			kind := test.kind
			if kind == "" {
				kind = "chat"
			}
			test.want.compare(t, of(t, attributes{
				"gen_ai.operation.name": kind, "gen_ai.prompt": test.prompt, "gen_ai.completion": test.completion,
			}))
		})
	}
}

// Shapes from the producer's source; no recording.
func TestContentOfAgents(t *testing.T) {
	for _, keys := range [][2]string{
		{"gen_ai.agent.invocation_input", "gen_ai.agent.invocation_output"}, // Semantic Kernel
		{"gen_ai.content.prompt", "gen_ai.content.completion"},
	} {
		t.Run(keys[0], func(t *testing.T) {
			t.Parallel()
			both("hi", "hello").compare(t, of(t, attributes{
				"gen_ai.operation.name": "invoke_agent",
				keys[0]:                 `[{"role": "user", "content": "hi"}]`, keys[1]: `[{"role": "assistant", "content": "hello"}]`,
			}))
		})
	}
}

// LangSmith's attributes of these names hold the inputs and outputs of functions, which LangSmith's own reader knows.
func TestContentOfLangSmith(t *testing.T) {
	_, state := of(t, attributes{"langsmith.span.kind": "llm", "gen_ai.completion": `{"output":null}`}).Text(genai.PartAnswer)
	assert.NotEqual(t, genai.StateText, state)
}

// LiteLLM makes a record of each message, and keeps the message in its body.
func TestContentRecords(t *testing.T) {
	of := func(name string, body attributes) said {
		return said{attributes: attributes{"event_name": name, "gen_ai.system": "openai"}, body: body}
	}
	i := withRecords(
		t, otelChat(nil, nil), "litellm",
		of("gen_ai.content.prompt", attributes{"role": "system", "content": "Be brief."}),
		of("gen_ai.content.prompt", attributes{"role": "user", "content": "weather?"}),
		of("gen_ai.content.prompt", attributes{"role": "tool", "content": "18 C", "tool_call_id": "1"}),
		of("gen_ai.content.completion", attributes{
			"index": 0, "finish_reason": "stop", "message": attributes{"role": "assistant", "content": "It is 18 C."},
		}),
	)
	messageWant{
		question: "weather?", answer: "It is 18 C.", system: "Be brief.", asked: genai.StateText, answered: genai.StateText,
		results: []genai.Document{{ID: "1", Text: "18 C"}},
	}.compare(t, i)
	assert.Equal(t, "otel_genai_events", i.Convention(genai.PartAnswer))
}
