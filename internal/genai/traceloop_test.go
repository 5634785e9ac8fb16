package genai_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func TestTraceloopKind(t *testing.T) {
	for _, test := range []struct {
		name string
		span attributes
		want genai.Kind
	}{
		{name: "workflow", span: attributes{"traceloop.span.kind": "workflow"}, want: genai.KindChain},
		{name: "agent", span: attributes{"traceloop.span.kind": "agent", "gen_ai.request.model": "m"}, want: genai.KindAgent},
		{name: "tool", span: attributes{"traceloop.span.kind": "tool"}, want: genai.KindTool},
		{name: "LangChain's chain", span: attributes{"traceloop.span.kind": "workflow", "gen_ai.operation.name": "invoke_agent"}, want: genai.KindAgent},
		{name: "LangChain's retriever", span: attributes{"traceloop.span.kind": "task", "gen_ai.operation.name": "vector_db_retrieve"}, want: genai.KindRetriever},
		{name: "LlamaIndex's call of a model", span: attributes{"traceloop.span.kind": "task", "llm.request.type": "chat"}, want: genai.KindLLM},
		{name: "older LlamaIndex's call of a model", span: attributes{"traceloop.span.kind": "task", "gen_ai.request.model": "m"}, want: genai.KindLLM},
		{name: "vector database", span: attributes{"db.system": "chromadb", "db.chroma.query.n_results": 2}, want: genai.KindRetriever},
		{name: "any database", span: attributes{"db.system": "postgresql", "db.query.text": "SELECT 1"}, want: genai.KindOther},
		{name: "properties alone", span: attributes{"traceloop.association.properties.session_id": "s"}, want: genai.KindOther},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, test.want, of(t, test.span).Kind())
		})
	}
}

// The wrapper stands under both keys, and where one is missing the other does.
func TestTraceloopTool(t *testing.T) {
	const (
		in  = `{"input_str":"{'a': 1}","tags":[],"metadata":{},"inputs":{"a":1},"kwargs":{}}`
		out = `{"output":{"content":"18 C","type":"tool"},"kwargs":{}}`
	)
	for name, span := range map[string]attributes{
		"both": {
			"gen_ai.tool.call.arguments": in, "gen_ai.tool.call.result": out, "traceloop.entity.input": in, "traceloop.entity.output": out,
		},
		"semantic conventions": {"gen_ai.tool.call.arguments": in, "gen_ai.tool.call.result": out},
		"entity":               {"traceloop.entity.input": in, "traceloop.entity.output": out},
		"task":                 {"gen_ai.task.input": in, "gen_ai.task.output": out},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			span["traceloop.span.kind"] = "tool"
			want := read{genai.KindTool, `{"a":1}`, "18 C", genai.StateText, genai.StateText, ""}
			assert.Equal(t, want, readOf(of(t, span)))
		})
	}
	t.Run("of another producer", func(t *testing.T) {
		t.Parallel()
		i := of(t, attributes{"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.arguments": in})
		question, _ := i.Text(genai.PartQuestion)
		assert.JSONEq(t, in, question)
	})
}

func TestTraceloopAgentWithPlainInstructions(t *testing.T) {
	i := of(t, attributes{"gen_ai.operation.name": "create_agent", "gen_ai.system_instructions": "You are a helpful bot."})
	system, state := i.Text(genai.PartSystem)
	assert.Equal(t, genai.StateText, state)
	assert.Equal(t, "You are a helpful bot.", system)
	_, state = i.Text(genai.PartQuestion)
	assert.Equal(t, genai.StateNotCaptured, state)
}

// Shapes from the producer's source; no recording but that of the first.
func TestTraceloopFoundDocuments(t *testing.T) {
	for _, test := range []struct {
		name, event string
		attributes  attributes
		want        []genai.Document
	}{
		{
			name: "document", event: "db.query.result", want: []genai.Document{{ID: "d1", Text: "a"}},
			attributes: attributes{"db.query.result.id": "d1", "db.query.result.document": "a", "db.query.result.metadata": `{"text":"b"}`},
		},
		{
			name: "metadata", event: "db.query.result", want: []genai.Document{{ID: "d1", Text: "a"}},
			attributes: attributes{"db.query.result.id": "d1", "db.query.result.metadata": `{"text":"a"}`},
		},
		{
			name: "entity", event: "db.search.result", want: []genai.Document{{ID: "d1", Text: "a"}},
			attributes: attributes{"db.search.result.entity": `{"id":"d1","content":"a"}`},
		},
		{name: "no text", event: "db.query.result", attributes: attributes{"db.query.result.id": "d1", "db.query.result.metadata": `{"page":1}`}},
		{name: "vector", event: "db.query.embeddings", attributes: attributes{"db.query.embeddings.vector": "[0.1]"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			span := spanOf(t, attributes{"db.chroma.query.n_results": 1})
			event := span.Events().AppendEmpty()
			event.SetName(test.event)
			assert.NoError(t, event.Attributes().FromRaw(test.attributes))
			i := ofSpan(span)
			assert.Equal(t, test.want, i.Documents())
			sound(t, i)
		})
	}
}

func TestTraceloopConversation(t *testing.T) {
	for _, key := range []string{"session_id", "sessionId", "thread_id", "conversation_id", "chat_id"} {
		i := of(t, attributes{"traceloop.span.kind": "workflow", "traceloop.association.properties." + key: "s"})
		assert.Equal(t, "s", i.ConversationID(), key)
	}
}

// Shapes from the producers' sources; of LiteLLM's there is a recording.
func TestIndexedVariants(t *testing.T) {
	for _, test := range []struct {
		name string
		span attributes
		want read
	}{
		{
			name: "role as the key", span: attributes{"gen_ai.prompt.0.user": "q", "gen_ai.completion.0.content": "a"},
			want: read{genai.KindLLM, "q", "a", genai.StateText, genai.StateText, ""},
		},
		{
			name: "one completion without an index", span: attributes{"gen_ai.completion.role": "assistant", "gen_ai.completion.content": "a"},
			want: read{genai.KindLLM, "", "a", genai.StateNotCaptured, genai.StateText, ""},
		},
		{
			name: "names of constants",
			span: attributes{
				"SpanAttributes.LLM_PROMPTS.0.role": "system", "SpanAttributes.LLM_PROMPTS.0.content": "s",
				"SpanAttributes.LLM_PROMPTS.1.role": "user", "SpanAttributes.LLM_PROMPTS.1.content": "q",
				"SpanAttributes.LLM_COMPLETIONS.0.content": "a",
			},
			want: read{genai.KindLLM, "q", "a", genai.StateText, genai.StateText, "s"},
		},
		{
			name: "function call",
			span: attributes{
				"gen_ai.completion.0.function_call.name": "f", "gen_ai.completion.0.function_call.arguments": "{}",
				"gen_ai.completion.0.finish_reason": "tool_calls",
			},
			want: read{genai.KindLLM, "", "", genai.StateNotCaptured, genai.StateToolCallOnly, ""},
		},
		{
			name: "filtered", span: attributes{"gen_ai.completion.0.content": "FILTERED", "gen_ai.completion.0.finish_reason": "content_filter"},
			want: read{genai.KindLLM, "", "", genai.StateNotCaptured, genai.StateRedacted, ""},
		},
		{
			name: "calls among Anthropic's parts",
			span: attributes{
				"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "q", "gen_ai.prompt.1.role": "user",
				"gen_ai.prompt.1.content":     `[{"type":"tool_result","tool_use_id":"1","content":"18 C"}]`,
				"gen_ai.completion.0.content": `[{"type":"text","text":"a"},{"type":"tool_use","id":"1","name":"f","input":{}}]`,
			},
			want: read{genai.KindLLM, "q", "a", genai.StateText, genai.StateText, ""},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.span["llm.request.type"], test.span["gen_ai.request.model"] = "chat", "m"
			assert.Equal(t, test.want, readOf(of(t, test.span)))
		})
	}
	// A tool's result that lost its role is not taken for the question, nor an early question for the last one.
	for answer, state := range map[string]genai.State{"gen_ai.completion.0.content": genai.StateText, "x": genai.StateDropped} {
		for role, kept := range map[string]bool{"gen_ai.prompt.3.role": true, "y": false} {
			span := spanOf(t, attributes{"llm.request.type": "chat", "gen_ai.prompt.3.content": "q", answer: "a", role: "user"})
			span.SetDroppedAttributesCount(9)
			want := state
			if !kept {
				want = genai.StateDropped
			}
			_, asked := ofSpan(span).Text(genai.PartQuestion)
			assert.Equal(t, want, asked, answer+role)
		}
	}
	i := of(t, attributes{"llm.request.type": "chat", "gen_ai.request.model": "m", "llm.response.finish_reason": "stop"})
	assert.Equal(t, "stop", i.FinishReason())
}
