package genai_test

import (
	"testing"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func TestGenkit(t *testing.T) {
	action := func(subtype, in, out string) attributes {
		return attributes{"genkit:type": "action", "genkit:metadata:subtype": subtype, "genkit:input": in, "genkit:output": out}
	}
	const asked = `{"messages":[{"role":"system","content":[{"text":"s"}]},{"role":"user","content":[{"text":"q"}]}],` +
		`"config":{},"tools":[{"name":"f","description":"d"}],"docs":[{"content":[{"text":"Paris."}],"metadata":{"id":"d1"}}]}`
	paris := []genai.Document{{Text: "Paris."}}
	checkTold(t, "genkit", []told{
		{
			name: "model", documents: paris,
			span: action("model", asked, `{"message":{"role":"model","content":[{"text":"a"}]},"usage":{"inputTokens":24},"raw":{"id":"1"}}`),
			want: llm("q", "a", "s"),
		},
		{
			name: "streamed, in pieces", documents: paris,
			span: action("model", asked, `{"message":{"role":"model","content":[{"text":"The"},{"text":" capital"},{"text":" "},{"text":"."}]}}`),
			want: llm("q", "The capital .", "s"),
		},
		{
			name: "call of a tool", documents: paris,
			span: action("model", asked, `{"message":{"role":"model","content":[{"toolRequest":{"name":"f","ref":"1","input":{"a":1}}}]}}`),
			want: read{genai.KindLLM, "q", "", genai.StateText, genai.StateToolCallOnly, "s"},
			calls: []genai.ToolCall{
				{ID: "1", Name: "f", Arguments: `{"a":1}`},
			},
		},
		{
			name: "after a tool",
			span: action("model", `{"messages":[{"role":"user","content":[{"text":"q"}]},{"role":"model","content":[{"toolRequest":{"name":"f"}}]},`+
				`{"role":"tool","content":[{"toolResponse":{"name":"f","ref":"1","output":"18 C"}}]}]}`,
				`{"message":{"role":"model","content":[{"text":"a"}]}}`),
			want: llm("q", "a", ""), results: []genai.Document{{ID: "1", Text: "18 C"}},
		},
		{
			name: "made to give JSON",
			span: action("model", `{"messages":[{"role":"user","content":[{"text":"q"}]}]}`,
				`{"message":{"role":"model","content":[{"data":{"city":"Paris"}}]}}`),
			want: llm("q", `{"city":"Paris"}`, ""),
		},
		{
			name: "image", span: action("model", `{"messages":[{"role":"user","content":[{"media":{"url":"data:image/png;base64,aGk="}}]}]}`,
				`{"message":{"role":"model","content":[{"media":{"url":"x"}}]}}`),
			want: read{genai.KindLLM, "", "", genai.StateMedia, genai.StateMedia, ""},
		},
		{
			name: "cut", span: action("model", asked[:80], `{"message":{"role":"model","content":[{"text":"a b`),
			want: read{genai.KindLLM, "", "a b", genai.StateTruncated, genai.StateTruncated, ""},
		},
		{
			name: "step that generates", documents: paris,
			span: attributes{
				"genkit:type": "util", "genkit:name": "generate", "genkit:input": asked,
				"genkit:output": `{"message":{"role":"model","content":[{"text":"a"}]},"request":{"messages":[]}}`,
			},
			want: read{genai.KindChain, "q", "a", genai.StateText, genai.StateText, "s"},
		},
		{
			name: "flow", span: action("flow", `"q"`, `"a"`),
			want: read{genai.KindChain, "q", "a", genai.StateText, genai.StateText, ""},
		},
		{name: "tool", span: action("tool", `{"location":"Paris"}`, `"18 C"`), want: tool(`{"location":"Paris"}`, "18 C")},
		{
			name: "retriever", documents: []genai.Document{{Text: "a"}, {Text: "b\nc"}},
			span: action("retriever", `{"query":{"content":[{"text":"q"}]},"options":{"k":2}}`,
				`{"documents":[{"content":[{"text":"a"}]},{"content":[{"text":"b"},{"text":"c"}]}]}`),
			want: read{
				genai.KindRetriever, "q", `{"documents":[{"content":[{"text":"a"}]},{"content":[{"text":"b"},{"text":"c"}]}]}`,
				genai.StateText, genai.StateText, "",
			},
		},
		{
			name: "embedder", span: action("embedder", `{"input":[{"content":[{"text":"a"}]},{"content":[{"text":"b"}]}]}`, `{"embeddings":[]}`),
			want: read{genai.KindEmbedding, "b", "", genai.StateText, genai.StateNotCaptured, ""},
		},
		{
			name: "failed", span: attributes{"genkit:metadata:subtype": "model", "genkit:input": asked, "genkit:state": "error"},
			want: read{genai.KindLLM, "q", "", genai.StateText, genai.StateNotCaptured, "s"}, documents: paris,
		},
		{name: "no content", span: attributes{"genkit:metadata:subtype": "model"}, want: silent(genai.KindLLM)},
	})
}
