package genai_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

// Shapes from the producer's source; no recording.
func TestAgentCore(t *testing.T) {
	const (
		strands   = "strands.telemetry.tracer"
		traceloop = "opentelemetry.instrumentation.openai.v1"
		inference = "openinference.instrumentation.langchain"
	)
	message := func(role string, content any) any { return attributes{"role": role, "content": content} }
	for _, test := range []struct {
		name    string
		scope   string
		kind    string
		in, out []any
		want    messageWant
	}{
		{
			name: "Strands: the attributes of events", scope: strands, kind: "chat",
			in: []any{
				message("system", attributes{"content": `[{"text": "Be brief."}]`}),
				message("user", attributes{"content": `[{"text": "hi"}]`}),
				message("tool", attributes{"content": `[{"toolResult": {"toolUseId": "1", "content": [{"text": "18 C"}]}}]`}),
			},
			out: []any{
				message("assistant", attributes{"content": `[{"toolUse": {"toolUseId": "1", "name": "f", "input": {}}}]`}),
				message("assistant", attributes{"message": `[{"text": "hello"}]`, "finish_reason": "end_turn"}),
			},
			want: messageWant{question: "hi", answer: "hello", system: "Be brief.", asked: genai.StateText, answered: genai.StateText},
		},
		{
			name: "Strands: agent", scope: strands, kind: "invoke_agent",
			in:  []any{message("user", attributes{"content": `[{"text": "hi"}]`})},
			out: []any{message("assistant", attributes{"message": "hello\n"})}, want: both("hi", "hello\n"),
		},
		{
			name: "Strands: cycle that called a tool", scope: strands, kind: "execute_event_loop_cycle",
			in: []any{message("user", attributes{"content": `[{"text": "hi"}]`})},
			out: []any{
				message("assistant", attributes{"message": `[{"toolUse": {"toolUseId": "1", "name": "f", "input": {"a": 1}}}]`}),
				message("assistant", `[{"toolResult": {"toolUseId": "1", "content": [{"text": "18 C"}]}}]`),
			},
			want: messageWant{
				question: "hi", asked: genai.StateText, answered: genai.StateToolCallOnly,
				calls: []genai.ToolCall{{ID: "1", Name: "f", Arguments: `{"a":1}`}},
			},
		},
		{
			name: "Strands: tool", scope: strands, kind: "execute_tool",
			in:  []any{message("tool", attributes{"role": "tool", "content": `{"a": 1}`, "id": "1"})},
			out: []any{message("assistant", attributes{"message": `[{"text": "18 C"}]`, "id": "1"})}, want: both(`{"a": 1}`, "18 C"),
		},
		{
			name: "the conventions' own attributes", scope: strands, kind: "chat",
			in: []any{
				message("user", `[{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]`),
				message("system", `[{"type": "text", "content": "Be brief."}]`),
			},
			out: []any{message("assistant", `[{"role": "assistant", "parts": [{"type": "text", "content": "hello"}]}]`)},
			want: messageWant{
				question: "hi", answer: "hello", system: "Be brief.", asked: genai.StateText, answered: genai.StateText,
			},
		},
		{
			name: "Traceloop: the answer before what the assistant said earlier", scope: traceloop, kind: "chat",
			in:   []any{message("system", "Be brief."), message("user", "Hi"), message("user", `[{"type": "text", "text": "and now?"}]`)},
			out:  []any{message("assistant", "hello"), message("assistant", "earlier")},
			want: messageWant{question: "and now?", answer: "hello", system: "Be brief.", asked: genai.StateText, answered: genai.StateText},
		},
		{
			name: "OpenInference: the answer behind what the assistant said earlier, and behind the payload", scope: inference, kind: "chat",
			in:   []any{message("user", `{"messages": [{"role": "user", "content": "payload"}]}`), message("user", "Hi"), message("user", "and now?")},
			out:  []any{message("assistant", `{"generations": []}`), message("assistant", "earlier"), message("assistant", "hello")},
			want: both("and now?", "hello"),
		},
		{
			name: "OpenInference: chain", scope: inference, kind: "chain", in: []any{message("user", `{"question": "hi"}`)},
			out: []any{message("assistant", `{"output": "hello"}`)}, want: both("hi", "hello"),
		},
		{
			name: "plain text", scope: inference, kind: "chain", in: []any{message("user", "hi")}, out: []any{message("assistant", "hello")},
			want: both("hi", "hello"),
		},
		{
			name: "cut", scope: traceloop, kind: "chat", in: []any{message("user", `{"messages": [{"role": "user", "content": "What is`)},
			out:  []any{message("assistant", `{"choices": [{"message": {"content": "The capital of Fr`)},
			want: messageWant{answer: "The capital of Fr", asked: genai.StateTruncated, answered: genai.StateTruncated},
		},
		{
			name: "only what went in", scope: traceloop, kind: "chat", in: []any{message("user", "hi")},
			want: messageWant{question: "hi", asked: genai.StateText, answered: genai.StateNotCaptured},
		},
		{
			name: "a vector is no answer", scope: inference, kind: "embeddings", in: []any{message("user", "hi")},
			out:  []any{message("assistant", "[0.1]")},
			want: messageWant{question: "hi", asked: genai.StateText, answered: genai.StateNotCaptured},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			body := attributes{}
			if test.in != nil {
				body["input"] = attributes{"messages": test.in}
			}
			if test.out != nil {
				body["output"] = attributes{"messages": test.out}
			}
			i := withRecords(t, attributes{"gen_ai.operation.name": test.kind}, test.scope, said{
				name: test.scope, attributes: attributes{"event.name": test.scope, "session.id": "s-1"}, body: body,
			})
			test.want.compare(t, i)
			assert.Equal(t, "agentcore", i.Convention(genai.PartQuestion))
		})
	}
}

func TestAgentCoreDocuments(t *testing.T) {
	i := withRecords(t, attributes{"gen_ai.operation.name": "retrieval"}, "scope", said{name: "scope", body: attributes{
		"input":  attributes{"messages": []any{attributes{"role": "user", "content": "hi"}}},
		"output": attributes{"messages": []any{attributes{"role": "assistant", "content": `[{"page_content": "Paris"}]`}}},
	}})
	question, _ := i.Text(genai.PartQuestion)
	assert.Equal(t, "hi", question)
	assert.Equal(t, []genai.Document{{Text: "Paris"}}, i.Documents())
}

func TestNotOfAgentCore(t *testing.T) {
	sides := attributes{"input": attributes{"messages": []any{}}}
	for _, test := range []struct {
		name  string
		scope string
		one   said
	}{
		{name: "another name", scope: "scope", one: said{name: "other", body: sides}},
		{name: "a text", scope: "scope", one: said{name: "scope", body: "hi"}},
		{name: "no side", scope: "scope", one: said{name: "scope", body: attributes{"a": 1}}},
		{name: "no messages", scope: "scope", one: said{name: "scope", body: attributes{"input": attributes{"messages": "x"}, "output": 1}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, ok := genai.ReadRecord(test.scope, recordOf(t, test.one, 1))
			assert.False(t, ok)
		})
	}
}
