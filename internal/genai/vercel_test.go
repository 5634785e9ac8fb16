package genai_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

// Shapes of versions 4 to 7 are those of recordings; ai.result.*, rerankings and cut values are from the producer's source.
func TestVercel(t *testing.T) {
	leaf := func(more attributes) attributes {
		more["ai.operationId"] = "ai.generateText.doGenerate"
		return more
	}
	const call = `[{"toolCallId":"1","toolName":"f","input":"{\"a\":1}"}]`
	calls := []genai.ToolCall{{ID: "1", Name: "f", Arguments: `{"a":1}`}}
	for _, test := range []struct {
		name  string
		span  attributes
		want  read
		calls []genai.ToolCall
	}{
		{
			name: "call of a model",
			span: leaf(attributes{
				"ai.prompt.messages": `[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"q"}]}]`,
				"ai.response.text":   "a",
			}),
			want: read{genai.KindLLM, "q", "a", genai.StateText, genai.StateText, "s"},
		},
		{
			name: "root with a prompt",
			span: attributes{"ai.operationId": "ai.streamText", "ai.prompt": `{"system":"s","prompt":"q"}`, "ai.response.text": "a"},
			want: read{genai.KindAgent, "q", "a", genai.StateText, genai.StateText, "s"},
		},
		{
			name: "root with messages as prompt",
			span: attributes{"ai.operationId": "ai.generateText", "ai.prompt": `{"prompt":[{"role":"user","content":"q"}]}`},
			want: read{genai.KindAgent, "q", "", genai.StateText, genai.StateNotCaptured, ""},
		},
		{
			name: "result of a tool is no question",
			span: leaf(attributes{"ai.prompt.messages": `[{"role":"user","content":"q"},{"role":"assistant","content":[{"type":"tool-call","toolName":"f"}]},` +
				`{"role":"tool","content":[{"type":"tool-result","toolCallId":"1","output":{"type":"text","value":"18 C"}}]}]`}),
			want: read{genai.KindLLM, "q", "", genai.StateText, genai.StateNotCaptured, ""},
		},
		{
			name: "only calls", span: leaf(attributes{"ai.response.toolCalls": call}), calls: calls,
			want: read{genai.KindLLM, "", "", genai.StateNotCaptured, genai.StateToolCallOnly, ""},
		},
		{
			name: "only calls, beside empty text", calls: calls,
			span: leaf(attributes{"ai.response.toolCalls": `[{"toolCallId":"1","toolName":"f","args":{"a":1}}]`, "ai.response.text": ""}),
			want: read{genai.KindLLM, "", "", genai.StateNotCaptured, genai.StateToolCallOnly, ""},
		},
		{
			name: "text and calls", span: leaf(attributes{"ai.response.toolCalls": call, "ai.response.text": "a"}), calls: calls,
			want: read{genai.KindLLM, "", "a", genai.StateNotCaptured, genai.StateText, ""},
		},
		{
			name: "calls of earlier steps",
			span: attributes{"ai.operationId": "ai.generateText", "ai.response.toolCalls": call, "ai.response.text": "a", "ai.response.finishReason": "stop"},
			want: read{genai.KindAgent, "", "a", genai.StateNotCaptured, genai.StateText, ""},
		},
		{
			name: "calls that wait", calls: calls,
			span: attributes{"ai.operationId": "ai.generateText", "ai.response.toolCalls": call, "ai.response.text": "a", "ai.response.finishReason": "tool-calls"},
			want: read{genai.KindAgent, "", "a", genai.StateNotCaptured, genai.StateText, ""},
		},
		{
			name: "object, kept to the letter",
			span: attributes{"ai.operationId": "ai.generateObject.doGenerate", "ai.response.object": `{"b": 1, "a":2}`, "ai.response.finishReason": "tool-calls"},
			want: read{genai.KindLLM, "", `{"b": 1, "a":2}`, genai.StateNotCaptured, genai.StateText, ""},
		},
		{
			name: "empty text",
			span: leaf(attributes{"ai.response.text": "", "ai.response.finishReason": "stop"}),
			want: read{genai.KindLLM, "", "", genai.StateNotCaptured, genai.StateText, ""},
		},
		{
			name: "outputs not recorded", span: leaf(attributes{"ai.response.finishReason": "stop"}),
			want: read{genai.KindLLM, "", "", genai.StateNotCaptured, genai.StateNotCaptured, ""},
		},
		{
			name: "text that looks like JSON", span: leaf(attributes{"ai.response.text": "{x} is"}),
			want: read{genai.KindLLM, "", "{x} is", genai.StateNotCaptured, genai.StateText, ""},
		},
		{
			name: "cut", span: leaf(attributes{"ai.prompt.messages": `[{"role":"user","conte`, "ai.response.toolCalls": `[{"toolName":"f`}),
			want: read{genai.KindLLM, "", "", genai.StateTruncated, genai.StateTruncated, ""},
		},
		{
			name: "before version 4",
			span: leaf(attributes{"ai.prompt": `{"prompt":"q"}`, "ai.result.text": "a", "ai.finishReason": "stop"}),
			want: read{genai.KindLLM, "q", "a", genai.StateText, genai.StateText, ""},
		},
		{
			name: "before version 4, calls", calls: calls,
			span: leaf(attributes{"ai.result.toolCalls": `[{"toolCallId":"1","toolName":"f","args":"{\"a\":1}"}]`}),
			want: read{genai.KindLLM, "", "", genai.StateNotCaptured, genai.StateToolCallOnly, ""},
		},
		{
			name: "before operations had an id",
			span: attributes{"operation.name": "ai.generateObject my-fn", "ai.prompt": `{"prompt":"q"}`, "ai.result.object": `{"a":1}`},
			want: read{genai.KindAgent, "q", `{"a":1}`, genai.StateText, genai.StateText, ""},
		},
		{
			name: "an operation of somebody else", span: attributes{"operation.name": "servlet.request", "ai.result.text": "a"},
			want: read{genai.KindOther, "", "", genai.StateNotCaptured, genai.StateNotCaptured, ""},
		},
		{
			name: "tool", span: attributes{"ai.operationId": "ai.toolCall", "ai.toolCall.args": `{"a": 1}`, "ai.toolCall.result": `"18 C"`},
			want: read{genai.KindTool, `{"a": 1}`, "18 C", genai.StateText, genai.StateText, ""},
		},
		{
			name: "tool that gave an object", span: attributes{"ai.operationId": "ai.toolCall", "ai.toolCall.args": "{}", "ai.toolCall.result": `{"t": 1`},
			want: read{genai.KindTool, "", `{"t": 1`, genai.StateNotCaptured, genai.StateTruncated, ""},
		},
		{
			name: "embedding", span: attributes{"ai.operationId": "ai.embed", "ai.value": `"hi"`, "ai.embedding": "[0.1]"},
			want: read{genai.KindEmbedding, "hi", "", genai.StateText, genai.StateNotCaptured, ""},
		},
		{
			name: "embeddings", span: attributes{"ai.operationId": "ai.embedMany.doEmbed", "ai.values": []any{`"a"`, `"hi"`}, "ai.embeddings": []any{"[0.1]"}},
			want: read{genai.KindEmbedding, "hi", "", genai.StateText, genai.StateNotCaptured, ""},
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

// readOf is what a span says.
func readOf(i *genai.Interaction) (got read) {
	got.kind = i.Kind()
	got.question, got.asked = i.Text(genai.PartQuestion)
	got.answer, got.answered = i.Text(genai.PartAnswer)
	got.system, _ = i.Text(genai.PartSystem)
	return got
}

func TestVercelReranking(t *testing.T) {
	span := attributes{
		"ai.operationId": "ai.rerank.doRerank", "ai.documents": []any{`"a"`, `{"text":"b"}`, `{"x":1}`, `""`},
		"ai.ranking": []any{`{"index":1,"relevanceScore":0.9}`, `{"index":7}`, `{"originalIndex":0}`, `{"index":3}`, "x"},
	}
	i := of(t, span)
	assert.Equal(t, genai.KindReranker, i.Kind())
	assert.Equal(t, []genai.Document{{Text: "b"}, {Text: "a"}}, i.Documents())
	delete(span, "ai.ranking")
	assert.Equal(t, []genai.Document{{Text: "a"}, {Text: "b"}, {Text: `{"x":1}`}}, of(t, span).Documents())
	span["ai.documents"] = "x"
	assert.Empty(t, of(t, span).Documents())
}

func TestVercelFacts(t *testing.T) {
	i := of(t, attributes{
		"ai.operationId": "ai.streamText.doStream", "ai.model.id": "m", "ai.response.model": "m-1", "ai.model.provider": "p",
		"ai.response.id": "r", "ai.telemetry.metadata.sessionId": "s", "ai.telemetry.metadata.userId": "u",
		"ai.usage.promptTokens": 24, "ai.usage.completionTokens": 8, "ai.response.finishReason": "stop",
	})
	assert.Equal(t, "m-1", i.Model())
	assert.Equal(t, "p", i.Provider())
	assert.Equal(t, "r", i.ResponseID())
	assert.Equal(t, "s", i.ConversationID())
	assert.Equal(t, "u", i.UserID())
	assert.Equal(t, "stop", i.FinishReason())
	assert.True(t, i.Streaming())
	in, _ := i.InputTokens()
	out, _ := i.OutputTokens()
	assert.Equal(t, []int64{24, 8}, []int64{in, out})

	embedding := of(t, attributes{"ai.operationId": "ai.embed", "ai.usage.tokens": 5})
	in, _ = embedding.InputTokens()
	assert.Equal(t, int64(5), in)
	assert.False(t, embedding.Streaming())
}
