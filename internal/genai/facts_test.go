package genai_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func TestKind(t *testing.T) {
	for _, test := range []struct {
		name string
		span attributes
		want genai.Kind
	}{
		{name: "empty", want: genai.KindOther},
		{name: "HTTP", span: attributes{"http.request.method": "GET"}, want: genai.KindOther},
		{name: "tool attributes alone", span: attributes{"gen_ai.tool.name": "f"}, want: genai.KindOther},
		{name: "content alone", span: attributes{"input.value": "hi"}, want: genai.KindOther},
		{name: "wrong type", span: attributes{"gen_ai.operation.name": 1, "openinference.span.kind": []any{"LLM"}}, want: genai.KindOther},
		{name: "empty word", span: attributes{"gen_ai.operation.name": ""}, want: genai.KindOther},
		{name: "ADK's tool span", span: attributes{"gcp.vertex.agent.llm_request": "{}"}, want: genai.KindOther},
		{name: "ADK's model span", span: attributes{"gcp.vertex.agent.llm_request": `{"model":"m"}`}, want: genai.KindLLM},
		{name: "unusable word falls through", span: attributes{"openinference.span.kind": "", "gen_ai.operation.name": "chat"}, want: genai.KindLLM},
		{name: "OpenInference first", span: attributes{"gen_ai.operation.name": "chat", "openinference.span.kind": "CHAIN"}, want: genai.KindChain},
		{name: "LangSmith before its wrong operation", span: attributes{"gen_ai.operation.name": "embeddings", "langsmith.span.kind": "retriever"}, want: genai.KindRetriever},
		{name: "LangSmith prompt", span: attributes{"gen_ai.operation.name": "chat", "langsmith.span.kind": "prompt"}, want: genai.KindChain},
		{name: "tool attributes on a chat span", span: attributes{"gen_ai.operation.name": "chat", "gen_ai.tool.name": "f"}, want: genai.KindLLM},
		{name: "Langfuse generation", span: attributes{"langfuse.observation.type": "generation"}, want: genai.KindLLM},
		{name: "Langfuse evaluator", span: attributes{"langfuse.observation.type": "evaluator"}, want: genai.KindEvaluator},
		{name: "OpenInference evaluator", span: attributes{"openinference.span.kind": "EVALUATOR"}, want: genai.KindEvaluator},
		{name: "evaluation", span: attributes{"gen_ai.operation.name": "evaluation"}, want: genai.KindEvaluator},
		{name: "MLflow quotes", span: attributes{"mlflow.spanType": `"CHAT_MODEL"`}, want: genai.KindLLM},
		{name: "MLflow unknown", span: attributes{"mlflow.spanType": `"UNKNOWN"`}, want: genai.KindChain},
		{name: "custom operation", span: attributes{"gen_ai.operation.name": "agent_step"}, want: genai.KindChain},
		{name: "async", span: attributes{"gen_ai.operation.name": "acompletion"}, want: genai.KindLLM},
		{name: "vector database", span: attributes{"gen_ai.operation.name": "vector_db_retrieve"}, want: genai.KindRetriever},
		{name: "Vercel leaf", span: attributes{"ai.operationId": "ai.streamText.doStream"}, want: genai.KindLLM},
		{name: "Vercel root", span: attributes{"ai.operationId": "ai.streamText"}, want: genai.KindAgent},
		{name: "Vercel tool", span: attributes{"ai.operationId": "ai.toolCall"}, want: genai.KindTool},
		{name: "Traceloop", span: attributes{"traceloop.span.kind": "task"}, want: genai.KindChain},
		{name: "old Traceloop", span: attributes{"llm.request.type": "rerank"}, want: genai.KindReranker},
		{name: "Genkit", span: attributes{"genkit:metadata:subtype": "model"}, want: genai.KindLLM},
		{name: "Haystack", span: attributes{"haystack.component.type": "InMemoryBM25Retriever"}, want: genai.KindRetriever},
		{name: "model alone", span: attributes{"gen_ai.request.model": "m"}, want: genai.KindLLM},
		{name: "guardrail", span: attributes{"openinference.span.kind": "GUARDRAIL"}, want: genai.KindGuardrail},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, test.want, of(t, test.span).Kind())
		})
	}
}

func TestTokens(t *testing.T) {
	for _, test := range []struct {
		name  string
		span  attributes
		want  int64
		found bool
	}{
		{name: "none"},
		{name: "negative", span: attributes{"gen_ai.usage.input_tokens": -1}},
		{name: "not a count", span: attributes{"gen_ai.usage.input_tokens": "many"}},
		{name: "infinite", span: attributes{"gen_ai.usage.input_tokens": "Inf"}},
		{name: "a fraction", span: attributes{"gen_ai.usage.input_tokens": 1.5}},
		{name: "unusable falls through", span: attributes{"gen_ai.usage.input_tokens": "x", "llm.token_count.prompt": 7}, want: 7, found: true},
		{name: "int", span: attributes{"gen_ai.usage.input_tokens": 24}, want: 24, found: true},
		{name: "zero", span: attributes{"gen_ai.usage.input_tokens": 0}, want: 0, found: true},
		{name: "double", span: attributes{"gen_ai.usage.prompt_tokens": 24.0}, want: 24, found: true},
		{name: "text", span: attributes{"gen_ai.usage.input_tokens": "24"}, want: 24, found: true},
		{name: "quoted", span: attributes{"gen_ai.usage.input_tokens": `"24"`}, want: 24, found: true},
		{name: "MLflow", span: attributes{"mlflow.chat.tokenUsage": `{"input_tokens": 24}`}, want: 24, found: true},
		{name: "Langfuse", span: attributes{"langfuse.observation.usage_details": `{"prompt_tokens":24}`}, want: 24, found: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			span := spanOf(t, test.span)
			span.Attributes().PutStr("openinference.span.kind", "LLM")
			n, ok := ofSpan(span).InputTokens()
			assert.Equal(t, test.found, ok)
			if ok {
				assert.Equal(t, test.want, n)
			}
		})
	}
}

func TestNamesAndIDs(t *testing.T) {
	conversation := (*genai.Interaction).ConversationID
	model := (*genai.Interaction).Model
	response := (*genai.Interaction).ResponseID
	for _, test := range []struct {
		name string
		span attributes
		read func(*genai.Interaction) string
		want string
	}{
		{name: "no session", read: conversation},
		{name: "session of a wrong type", span: attributes{"session.id": 1}, read: conversation},
		{name: "LangSmith's project is no session", span: attributes{"langsmith.trace.session_name": "p"}, read: conversation},
		{name: "session before conversation", span: attributes{"gen_ai.conversation.id": "c", "session.id": "s"}, read: conversation, want: "s"},
		{name: "metadata", span: attributes{"metadata": `{"thread_id":"t"}`}, read: conversation, want: "t"},
		{name: "response's model first", span: attributes{"gen_ai.request.model": "a", "gen_ai.response.model": "b"}, read: model, want: "b"},
		{name: "empty response model", span: attributes{"gen_ai.request.model": "a", "gen_ai.response.model": ""}, read: model, want: "a"},
		{name: "MLflow quotes", span: attributes{"mlflow.llm.model": `"m"`}, read: model, want: "m"},
		{name: "MLflow's copy of a parameter", span: attributes{"mlflow.spanInputs": "{}", "model": `"m"`}, read: model, want: "m"},
		{name: "a foreign attribute called model", span: attributes{"model": "x"}, read: model},
		{name: "no response", read: response},
		{name: "response id", span: attributes{"gen_ai.response.id": "r"}, read: response, want: "r"},
		{name: "id of the raw response", span: attributes{"output.value": `{"choices":[],"id":"r"}`}, read: response, want: "r"},
		{name: "id that is no text", span: attributes{"output.value": `{"id":{"a":1}}`}, read: response},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			span := spanOf(t, test.span)
			span.Attributes().PutStr("openinference.span.kind", "LLM")
			assert.Equal(t, test.want, test.read(ofSpan(span)))
		})
	}
}

func TestConversationOfTheResource(t *testing.T) {
	resource := pcommon.NewResource()
	resource.Attributes().PutStr("session.id", "s")
	i := genai.Read(resource, pcommon.NewInstrumentationScope(), spanOf(t, otelChat(nil, nil)))
	assert.Equal(t, "s", i.ConversationID())
}

// A span that is not GenAI has nothing to say, whatever its attributes are called.
func TestOther(t *testing.T) {
	for name, i := range map[string]*genai.Interaction{
		"zero value": {},
		"no kind":    of(t, attributes{"gen_ai.output.messages": `[{"role":"assistant","content":"hi"}]`, "session.id": "s"}),
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, genai.KindOther, i.Kind())
			for _, part := range []genai.Part{
				genai.PartQuestion, genai.PartAnswer, genai.PartSystem, genai.PartContext, genai.PartToolCalls, "nonsense",
			} {
				text, state := i.Text(part)
				assert.Empty(t, text)
				assert.Equal(t, genai.StateNotCaptured, state)
				assert.Empty(t, i.Convention(part))
			}
			assert.Empty(t, i.Model()+i.Provider()+i.ResponseID()+i.ConversationID())
			assert.Empty(t, i.Documents())
			assert.Empty(t, i.ToolCalls())
			_, ok := i.OutputTokens()
			assert.False(t, ok)
		})
	}
}

func TestReadAllocatesNothing(t *testing.T) {
	for name, span := range map[string]ptrace.Span{"other": httpSpan(t), "chat": chatSpan(t)} {
		resource, scope := pcommon.NewResource(), pcommon.NewInstrumentationScope()
		assert.Zero(t, testing.AllocsPerRun(100, func() {
			i := genai.Read(resource, scope, span)
			sink = string(i.Kind())
		}), name)
	}
}
