package genai_test

import (
	"testing"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func TestLangWatch(t *testing.T) {
	of := func(kind, in, out string) attributes {
		return attributes{"langwatch.span.type": kind, "langwatch.input": in, "langwatch.output": out}
	}
	checkTold(t, "langwatch", []told{
		{
			name: "call of a model", want: llm("q", "a", "s"),
			span: of("llm", `{"type": "chat_messages", "value": [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}]}`,
				`{"type": "chat_messages", "value": [{"role": "assistant", "content": "a"}]}`),
		},
		{
			name: "function", span: of("span", `{"type": "json", "value": {"q": "q"}}`, `{"type": "text", "value": "a"}`),
			want: read{genai.KindChain, "q", "a", genai.StateText, genai.StateText, ""},
		},
		{
			name: "tool", span: of("tool", `{"type": "json", "value": {"location": "Paris"}}`, `{"type": "text", "value": "18 C"}`),
			want: tool(`{"location":"Paris"}`, "18 C"),
		},
		{
			name: "untyped", span: of("llm", `"q"`, `"a"`), want: llm("q", "a", ""),
		},
		{
			name: "cut", span: of("llm", `{"type": "chat_messages", "value": [{"role": "user", "content": "q`, `{"type": "text", "value": "a b`),
			want: read{genai.KindLLM, "", "", genai.StateTruncated, genai.StateTruncated, ""},
		},
		{name: "server", span: attributes{"langwatch.span.type": "server"}, want: silent(genai.KindChain)},
		{name: "no type", span: attributes{"langwatch.sdk.name": "x"}, want: silent(genai.KindOther)},
	})
	retrieved := of("rag", `{"type": "text", "value": "q"}`, `{"type": "text", "value": "x"}`)
	retrieved["langwatch.rag_contexts"] = `[{"document_id": "1", "content": "Paris."}]`
	checkTold(t, "langwatch", []told{{
		name: "retriever", span: retrieved, want: read{genai.KindRetriever, "q", "x", genai.StateText, genai.StateText, ""},
		documents: []genai.Document{{ID: "1", Text: "Paris."}},
	}})
}
