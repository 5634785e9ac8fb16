package genai_test

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

// messageWant is what should be read of events; an empty text means that the state tells why.
type messageWant struct {
	question, answer, system string
	asked, answered          genai.State
	calls                    []genai.ToolCall
	results                  []genai.Document
}

func (want messageWant) compare(t *testing.T, i *genai.Interaction) {
	t.Helper()
	var got messageWant
	got.question, got.asked = i.Text(genai.PartQuestion)
	got.answer, got.answered = i.Text(genai.PartAnswer)
	got.system, _ = i.Text(genai.PartSystem)
	got.calls, got.results = i.ToolCalls(), i.ToolResults()
	assert.Equal(t, want, got)
	sound(t, i)
}

func both(question, answer string) messageWant {
	return messageWant{question: question, answer: answer, asked: genai.StateText, answered: genai.StateText}
}

// chatWith is a chat span without content, with more attributes or others.
func chatWith(more attributes) attributes {
	span := otelChat(nil, nil)
	maps.Copy(span, more)
	return span
}

func content(text string) said {
	return said{name: "gen_ai.user.message", attributes: attributes{"content": text}}
}

func TestMessageEvents(t *testing.T) {
	ask := content("hi")
	embed := func(name, json string) said {
		return said{name: name, attributes: attributes{"gen_ai.event.content": json}}
	}
	chosen := func(message string) said {
		return said{name: "gen_ai.choice", attributes: attributes{"message": message, "finish_reason": "end_turn"}}
	}
	for _, test := range []struct {
		name   string
		span   attributes
		events []said
		want   messageWant
	}{
		{
			name: "Strands: blocks", events: []said{content(`[{"text": "hi"}]`), chosen(`[{"text": "hello"}]`)},
			want: both("hi", "hello"),
		},
		{name: "Strands: plain answer of an agent", events: []said{ask, chosen("hello\n")}, want: both("hi", "hello\n")},
		{
			name: "an answer that is a list itself", events: []said{ask, chosen(`[{"id": 1, "text": "a"}]`)},
			want: both("hi", `[{"id": 1, "text": "a"}]`),
		},
		{
			name:   "Strands: cut in the blocks",
			events: []said{content(`[{"text": "What is the cap`), chosen(`[{"text": "The capital of Fr`)},
			want: messageWant{
				question: "What is the cap", answer: "The capital of Fr", asked: genai.StateTruncated, answered: genai.StateTruncated,
			},
		},
		{
			name:   "Strands in JavaScript: calls with a type",
			events: []said{ask, chosen(`[{"type":"toolUse","name":"f","toolUseId":"1","input":{"a":1}}]`)},
			want: messageWant{
				question: "hi", asked: genai.StateText, answered: genai.StateToolCallOnly,
				calls: []genai.ToolCall{{ID: "1", Name: "f", Arguments: `{"a":1}`}},
			},
		},
		{
			name: "Strands: the first version's results of tools",
			events: []said{
				ask,
				{name: "gen_ai.assistant.message", attributes: attributes{"content": `[{"toolUse":{"toolUseId":"1","name":"f","input":{}}}]`}},
				content(`[{"toolResult":{"toolUseId":"1","content":[{"text":"18 C"}]}}]`), chosen(`[{"text":"It is 18 C."}]`),
			},
			want: messageWant{
				question: "hi", answer: "It is 18 C.", asked: genai.StateText, answered: genai.StateText,
				results: []genai.Document{{ID: "1", Text: "18 C"}},
			},
		},
		{
			name: "Strands: system prompt beside the events", span: attributes{"system_prompt": `"Be brief."`},
			events: []said{ask, chosen("hello")},
			want:   messageWant{question: "hi", answer: "hello", system: "Be brief.", asked: genai.StateText, answered: genai.StateText},
		},
		{
			name: "Strands: tool", span: attributes{"gen_ai.operation.name": "execute_tool"},
			events: []said{
				{name: "gen_ai.tool.message", attributes: attributes{"role": "tool", "content": `{"a": 1}`, "id": "1"}},
				{name: "gen_ai.choice", attributes: attributes{"message": `[{"text": "18 C"}]`, "id": "1"}},
			},
			want: both(`{"a": 1}`, "18 C"),
		},
		{
			name: "Strands: tool that gave back JSON", span: attributes{"gen_ai.operation.name": "execute_tool"},
			events: []said{
				{name: "gen_ai.tool.message", attributes: attributes{"content": `{}`}},
				{name: "gen_ai.choice", attributes: attributes{"message": `[{"id": 1}]`}},
			},
			want: messageWant{answer: `[{"id": 1}]`, asked: genai.StateNotCaptured, answered: genai.StateText},
		},
		{
			name: "Semantic Kernel in .NET",
			events: []said{
				embed("gen_ai.system.message", `{"role": "system", "content": "Be brief."}`),
				embed("gen_ai.user.message", `{"role": "user", "content": "hi"}`),
				embed("gen_ai.choice", `{"index": 0, "message": {"role": "Assistant", "content": "hello"}, "tool_calls": [], "finish_reason": "Stop"}`),
			},
			want: messageWant{question: "hi", answer: "hello", system: "Be brief.", asked: genai.StateText, answered: genai.StateText},
		},
		{
			name: "Semantic Kernel in .NET: text completion", span: attributes{"gen_ai.operation.name": "text.completions"},
			events: []said{embed("gen_ai.user.message", "Say hello."), embed("gen_ai.choice", `{"index": 0, "message": "hello"}`)},
			want:   both("Say hello.", "hello"),
		},
		{
			name: "a prompt that begins with a bracket", events: []said{embed("gen_ai.user.message", "[INST] hi"), chosen("hello")},
			want: both("[INST] hi", "hello"),
		},
		{
			name: "Azure: Assistants", span: attributes{"gen_ai.operation.name": "process_thread_run"},
			events: []said{
				embed("gen_ai.system.message", `{"content": "Be brief."}`),
				embed("gen_ai.user.message", `{"content": {"text": {"value": "hi"}}, "role": "user"}`),
				embed("gen_ai.assistant.message", `{"content": {"text": {"value": "hello"}}, "role": "assistant"}`),
			},
			want: messageWant{question: "hi", answer: "hello", system: "Be brief.", asked: genai.StateText, answered: genai.StateText},
		},
		{
			name: "Azure: Responses, whose parts are messages of their own", span: attributes{"gen_ai.operation.name": "responses"},
			events: []said{
				embed("gen_ai.user.message", `{"content": [{"type": "text", "text": "hi"}]}`),
				embed("gen_ai.assistant.message", `{"content": [{"type": "tool_call", "tool_call": `+
					`{"type": "function", "id": "1", "function": {"name": "f", "arguments": "{}"}}}]}`),
				embed("gen_ai.assistant.message", `{"content": [{"type": "text", "text": "hello"}]}`),
			},
			want: messageWant{
				question: "hi", answer: "hello", asked: genai.StateText, answered: genai.StateText,
				calls: []genai.ToolCall{{ID: "1", Name: "f", Arguments: "{}"}},
			},
		},
		{
			name: "Azure: events that hold lists",
			events: []said{
				embed("gen_ai.system.instructions", `[{"type": "text", "content": "Be brief."}]`),
				embed("gen_ai.input.messages", `[{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]`),
				embed("gen_ai.output.messages", `[{"role": "assistant", "parts": [{"type": "text", "content": "hello"}]}]`),
			},
			want: messageWant{question: "hi", answer: "hello", system: "Be brief.", asked: genai.StateText, answered: genai.StateText},
		},
		{
			name: "Azure: content off",
			events: []said{
				embed("gen_ai.user.message", `{}`), embed("gen_ai.choice", `{"message": {}, "finish_reason": "stop", "index": 0}`),
			},
			want: messageWant{asked: genai.StateNotCaptured, answered: genai.StateNotCaptured},
		},
		{
			name:   "no choice: what the assistant said last",
			events: []said{ask, {name: "gen_ai.assistant.message", attributes: attributes{"content": "hello"}}},
			want:   both("hi", "hello"),
		},
		{
			name:   "no choice: what the assistant said earlier is no answer",
			events: []said{ask, {name: "gen_ai.assistant.message", attributes: attributes{"content": "hello"}}, content("and now?")},
			want:   messageWant{question: "and now?", asked: genai.StateText, answered: genai.StateNotCaptured},
		},
		{name: "no content", events: []said{{name: "gen_ai.user.message"}, {name: "gen_ai.choice"}}, want: messageWant{
			asked: genai.StateNotCaptured, answered: genai.StateNotCaptured,
		}},
		{name: "others", events: []said{{name: "exception"}, {name: "gen_ai.content.completion.chunk"}}, want: messageWant{
			asked: genai.StateNotCaptured, answered: genai.StateNotCaptured,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.want.compare(t, withEvents(t, chatWith(test.span), test.events...))
		})
	}
}

func TestMessageRecords(t *testing.T) {
	ask := said{name: "gen_ai.user.message", body: attributes{"content": "hi"}}
	choice := func(body attributes) said { return said{name: "gen_ai.choice", body: body} }
	weather := []any{attributes{"id": "1", "type": "function", "function": attributes{"name": "f", "arguments": `{"a":1}`}}}
	call := []genai.ToolCall{{ID: "1", Name: "f", Arguments: `{"a":1}`}}
	for _, test := range []struct {
		name    string
		span    attributes
		records []said
		want    messageWant
	}{
		{
			name: "choices by their index",
			records: []said{
				ask, choice(attributes{"index": 1, "finish_reason": "stop", "message": attributes{"content": "two"}}),
				choice(attributes{"index": 0, "finish_reason": "stop", "message": attributes{"content": "one"}}),
			},
			want: both("hi", "one"),
		},
		{
			name: "the choice before the question",
			records: []said{
				choice(attributes{"finish_reason": "stop", "message": attributes{"content": "hello"}}),
				{name: "gen_ai.assistant.message", body: attributes{"content": "earlier"}},
				ask,
			},
			want: both("hi", "hello"),
		},
		{
			name:    "no choice: records come in any order",
			records: []said{ask, {name: "gen_ai.assistant.message", body: attributes{"content": "earlier"}}},
			want:    messageWant{question: "hi", asked: genai.StateText, answered: genai.StateNotCaptured},
		},
		{
			name: "content off",
			records: []said{
				{name: "gen_ai.system.message", body: attributes{}},
				{name: "gen_ai.user.message", body: attributes{}},
				choice(attributes{"index": 0, "finish_reason": "stop", "message": attributes{"role": "assistant"}}),
			},
			want: messageWant{asked: genai.StateNotCaptured, answered: genai.StateNotCaptured},
		},
		{
			name:    "content off, and tools asked for",
			records: []said{choice(attributes{"finish_reason": "tool_calls", "message": attributes{}})},
			want:    messageWant{asked: genai.StateNotCaptured, answered: genai.StateToolCallOnly},
		},
		{
			name: "Traceloop: calls beside the message",
			records: []said{ask, choice(attributes{
				"index": 0, "message": attributes{"content": nil}, "finish_reason": "tool_calls", "tool_calls": weather,
			})},
			want: messageWant{question: "hi", asked: genai.StateText, answered: genai.StateToolCallOnly, calls: call},
		},
		{
			name: "Traceloop: definitions of tools as a message",
			records: []said{
				ask,
				{name: "gen_ai.user.message", body: attributes{"content": attributes{"tools": []any{attributes{"name": "f"}}}}},
				choice(attributes{"message": attributes{"content": attributes{"type": "text", "content": "hello"}}, "finish_reason": "stop"}),
			},
			want: both("hi", "hello"),
		},
		{
			name: "Traceloop: a vector is no answer", span: attributes{"gen_ai.operation.name": "embeddings"},
			records: []said{ask, choice(attributes{"message": attributes{"content": []any{0.1, 0.2}}, "finish_reason": "unknown"})},
			want:    messageWant{question: "hi", asked: genai.StateText, answered: genai.StateNotCaptured},
		},
		{
			name: "Microsoft.Extensions.AI: JSON in the body",
			records: []said{
				{name: "gen_ai.system.message", body: `{"content":"Be brief."}`},
				{name: "gen_ai.user.message", body: `{"content":"hi"}`},
				{name: "gen_ai.choice", body: `{"finish_reason":"tool_calls","index":0,"message":{"tool_calls":` +
					`[{"id":"1","type":"function","function":{"name":"f","arguments":{"a":1}}}]}}`},
			},
			want: messageWant{
				question: "hi", system: "Be brief.", asked: genai.StateText, answered: genai.StateToolCallOnly, calls: call,
			},
		},
		{
			name: "a body that lost its tail",
			records: []said{
				{name: "gen_ai.user.message", body: `{"role": "user", "content": "What is the cap`},
				{name: "gen_ai.choice", body: `{"message": {"role": "assistant", "content": "The capital of Fr`},
			},
			want: messageWant{
				question: "What is the cap", answer: "The capital of Fr", asked: genai.StateTruncated, answered: genai.StateTruncated,
			},
		},
		{
			name: "Gemini's content, with a role of its own",
			records: []said{
				{name: "gen_ai.system.message", body: attributes{"content": "Be brief."}},
				{name: "gen_ai.user.message", body: attributes{"content": attributes{"role": "user", "parts": []any{attributes{"text": "hi"}}}}},
				{name: "gen_ai.user.message", body: attributes{"content": attributes{"role": "model", "parts": []any{attributes{"text": "earlier"}}}}},
				choice(attributes{
					"index": 0, "finish_reason": "STOP",
					"content": attributes{"role": "model", "parts": []any{attributes{"text": "hello"}}},
				}),
			},
			want: messageWant{question: "hi", answer: "hello", system: "Be brief.", asked: genai.StateText, answered: genai.StateText},
		},
		{
			name: "Gemini: written down as it streamed",
			records: []said{
				ask, choice(attributes{"index": 0, "content": attributes{"parts": []any{attributes{"text": "hel"}}}}),
				choice(attributes{"index": 1, "finish_reason": "STOP", "content": attributes{"parts": []any{attributes{"text": "lo"}}}}),
			},
			want: both("hi", "hello"),
		},
		{
			name: "Gemini: content off",
			records: []said{
				{name: "gen_ai.user.message", body: attributes{"content": "<elided>"}},
				choice(attributes{"index": 0, "content": "<elided>", "finish_reason": "STOP"}),
			},
			want: messageWant{asked: genai.StateRedacted, answered: genai.StateRedacted},
		},
		{
			name: "Agent Framework: the steps of an agent", span: attributes{"gen_ai.operation.name": "invoke_agent"},
			records: []said{
				{name: "gen_ai.user.message", body: attributes{"role": "user", "parts": []any{attributes{"type": "text", "content": "hi"}}}},
				choice(attributes{"role": "assistant", "parts": []any{attributes{"type": "tool_call", "name": "f", "arguments": "{}"}}}),
				choice(attributes{"role": "tool", "parts": []any{attributes{"type": "tool_call_response", "response": "18 C"}}}),
				choice(attributes{"role": "assistant", "parts": []any{attributes{"type": "text", "content": "It is 18 C."}}}),
			},
			want: both("hi", "It is 18 C."),
		},
		{
			name: "PydanticAI: kinds of parts, of which thoughts are not the answer",
			records: []said{
				{name: "gen_ai.user.message", body: attributes{"role": "user", "content": []any{"see", attributes{"kind": "image-url", "url": "https://x"}}}},
				choice(attributes{"index": 0, "message": attributes{"role": "assistant", "content": []any{
					attributes{"kind": "thinking", "text": "hm"}, attributes{"kind": "text", "text": "hello"},
				}}}),
			},
			want: both("see", "hello"),
		},
		{
			name: "PydanticAI: content off",
			records: []said{
				{name: "gen_ai.user.message", body: attributes{"role": "user", "content": attributes{"kind": "text"}}},
				choice(attributes{"index": 0, "message": attributes{"role": "assistant", "content": []any{attributes{"kind": "text"}}}}),
			},
			want: messageWant{asked: genai.StateNotCaptured, answered: genai.StateNotCaptured},
		},
		{
			name: "failed call", span: attributes{"error.type": "AuthenticationError"}, records: []said{ask},
			want: messageWant{question: "hi", asked: genai.StateText, answered: genai.StateError},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.want.compare(t, withRecords(t, chatWith(test.span), "scope", test.records...))
		})
	}
}

// The finish reason of a choice is known where the span has none.
func TestFinishReasonOfChoice(t *testing.T) {
	i := withRecords(t, otelChat(nil, nil), "", said{name: "gen_ai.choice", body: attributes{
		"finish_reason": "length", "message": attributes{"content": "half an ans"},
	}})
	assert.Equal(t, "length", i.FinishReason())
}
