package genai_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

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
				{name: "gen_ai.assistant.message", body: attributes{"content": "earlier"}}, ask,
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
				{name: "gen_ai.system.message", body: attributes{}}, {name: "gen_ai.user.message", body: attributes{}},
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
				ask, {name: "gen_ai.user.message", body: attributes{"content": attributes{"tools": []any{attributes{"name": "f"}}}}},
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
				{name: "gen_ai.system.message", body: `{"content":"Be brief."}`}, {name: "gen_ai.user.message", body: `{"content":"hi"}`},
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

func TestHostileEvents(t *testing.T) {
	long := strings.Repeat("a", 2*mebibyte)
	names := []string{
		"gen_ai.user.message", "gen_ai.choice", "gen_ai.tool.message", "gen_ai.content.prompt", "gen_ai.content.completion",
		"gen_ai.client.inference.operation.details", "agentcore",
	}
	bodies := map[string]func(pcommon.Value){
		"empty":        func(pcommon.Value) {},
		"long":         func(v pcommon.Value) { v.SetStr(long) },
		"long content": func(v pcommon.Value) { v.SetEmptyMap().PutStr("content", long) },
		"deep":         deep,
		"list":         func(v pcommon.Value) { v.SetEmptySlice().AppendEmpty().SetEmptyMap() },
		"number":       func(v pcommon.Value) { v.SetInt(1) },
		"wrong types": func(v pcommon.Value) {
			v.SetStr(`{"role":1,"message":[1,{"content":{}}],"index":"x","tool_calls":{},"finish_reason":[],"content":[[],1,{"type":1}]}`)
		},
		"messages": func(v pcommon.Value) { v.SetStr(`[{"role":"user"},[],1,null,{"role":"assistant","content":null}]`) },
		"null":     func(v pcommon.Value) { v.SetStr("null") },
		"quotes":   func(v pcommon.Value) { v.SetStr(quotes(12)) },
		"cut":      func(v pcommon.Value) { v.SetStr(`{"message":{"content":[{"text":"a\`) },
		"nested sides": func(v pcommon.Value) {
			messages := v.SetEmptyMap().PutEmptyMap("input").PutEmptySlice("messages")
			messages.AppendEmpty().SetStr("hi")
			messages.AppendEmpty().SetEmptyMap().PutEmptyMap("content").PutEmptyMap("content")
			v.Map().PutEmptyMap("output").PutEmptySlice("messages").AppendEmpty()
		},
	}
	for name, set := range bodies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, kind := range []string{"chat", "invoke_agent", "execute_tool", "retrieval", "embeddings", "other"} {
				var records []genai.Record
				span := spanOf(t, attributes{"gen_ai.operation.name": kind})
				for n, event := range names {
					record := recordOf(t, said{name: event}, n)
					set(record.Body())
					for _, key := range []string{"content", "gen_ai.event.content", "gen_ai.prompt", "gen_ai.completion"} {
						record.Body().CopyTo(span.Events().AppendEmpty().Attributes().PutEmpty(key))
						span.Events().At(span.Events().Len() - 1).SetName(event)
					}
					if one, ok := genai.ReadRecord("agentcore", record); ok {
						records = append(records, one)
					}
				}
				i := ofSpan(span)
				sound(t, i)
				i.Join(records)
				sound(t, i)
				only := of(t, attributes{"gen_ai.operation.name": kind})
				only.Join(records)
				sound(t, only)
			}
		})
	}
}

// A conversation longer than what is looked at loses its end, and with it the question.
func TestTooManyMessages(t *testing.T) {
	var records []genai.Record
	add := func(name, text string) {
		record, ok := genai.ReadRecord("", recordOf(t, said{name: name, body: attributes{
			"content": text, "message": attributes{"content": text},
		}}, len(records)))
		require.True(t, ok)
		records = append(records, record)
	}
	for range 30 {
		add("gen_ai.user.message", strings.Repeat("a", mebibyte/10))
	}
	add("gen_ai.choice", "hello")
	i := of(t, otelChat(nil, nil))
	i.Join(records)
	_, asked := i.Text(genai.PartQuestion)
	_, answered := i.Text(genai.PartAnswer)
	assert.Equal(t, genai.StateTruncated, asked)
	assert.Equal(t, genai.StateTruncated, answered)
}

func FuzzMessageRecords(f *testing.F) {
	for _, seed := range []string{
		"", "plain", `{"content":"hi"}`, `{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}`,
		`{"message":"hi"}`, `{"content":[{"text":"hi"},{"toolUse":{"name":"f","input":{}}}]}`, `[{"role":"user","parts":[]}]`,
		`{"tool_calls":[{"function":{"name":"f"}}]}`, `{"content":{"role":"model","parts":[{"text":"hi"}]}}`, `{"message":{"con`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var records []genai.Record
		span := spanOf(t, attributes{"gen_ai.operation.name": "chat"})
		for _, name := range []string{"gen_ai.user.message", "gen_ai.choice", "gen_ai.content.prompt", "gen_ai.content.completion"} {
			record := plog.NewLogRecord()
			record.SetEventName(name)
			record.SetTraceID(pcommon.TraceID{1})
			record.SetSpanID(pcommon.SpanID{1})
			record.Body().SetStr(body)
			one, ok := genai.ReadRecord("", record)
			require.True(t, ok)
			records = append(records, one)
			addEvents(t, span, said{name: name, attributes: attributes{"content": body, "gen_ai.prompt": body, "gen_ai.completion": body}})
		}
		i := ofSpan(span)
		sound(t, i)
		i.Join(records)
		sound(t, i)
	})
}
