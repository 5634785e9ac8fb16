package genai_test

import (
	"testing"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

// Shapes from the producer's source; no recording.
func TestSpringAI(t *testing.T) {
	checkTold(t, "spring_ai", []told{
		{
			name: "tool", want: tool(`{"location":"Paris"}`, "18 C"),
			span: attributes{
				"gen_ai.operation.name": "framework", "spring.ai.kind": "tool_call", "spring.ai.tool.definition.name": "f",
				"spring.ai.tool.call.arguments": `{"location":"Paris"}`, "spring.ai.tool.call.result": `"18 C"`,
			},
		},
		{
			name: "vector store", documents: []genai.Document{{Text: "a"}, {Text: "b"}},
			want: read{genai.KindRetriever, "q", `["a", "b"]`, genai.StateText, genai.StateText, ""},
			span: attributes{
				"spring.ai.kind": "vector_store", "db.operation.name": "query", "db.vector.query.content": "q",
				"db.vector.query.response.documents": `["a", "b"]`,
			},
		},
		{
			name: "client", want: read{genai.KindChain, "q", "", genai.StateText, genai.StateNotCaptured, "s"},
			span: attributes{
				"gen_ai.operation.name": "framework", "spring.ai.kind": "chat_client", "spring.ai.chat.client.user.text": "q",
				"spring.ai.chat.client.system.text": "s",
			},
		},
		{name: "advisor", span: attributes{"spring.ai.kind": "advisor"}, want: silent(genai.KindChain)},
	})
}
