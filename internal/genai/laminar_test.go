package genai_test

import (
	"testing"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func TestLaminar(t *testing.T) {
	checkTold(t, "laminar", []told{
		{
			name: "observed function", span: attributes{"lmnr.span.input": `{"question":"q"}`, "lmnr.span.output": `"a"`},
			want: read{genai.KindChain, "q", "a", genai.StateText, genai.StateText, ""},
		},
		{
			name: "observed function, by position", span: attributes{"lmnr.span.input": `["q"]`, "lmnr.span.output": `"a"`},
			want: read{genai.KindChain, "q", "a", genai.StateText, genai.StateText, ""},
		},
		{
			name: "tool", span: attributes{"lmnr.span.type": "TOOL", "lmnr.span.input": `{"a":1}`, "lmnr.span.output": `"18 C"`},
			want: tool(`{"a":1}`, "18 C"),
		},
		{
			name: "call of a model, by hand",
			span: attributes{
				"lmnr.span.type": "LLM", "lmnr.span.input": `[{"role":"system","content":"s"},{"role":"user","content":"q"}]`,
				"lmnr.span.output": `{"role":"assistant","content":"a"}`,
			},
			want: llm("q", "a", "s"),
		},
		{
			name: "cached answer", span: attributes{"lmnr.span.type": "CACHED", "lmnr.span.input": `"q"`, "lmnr.span.output": `"a"`},
			want: llm("q", "a", ""),
		},
		{
			name: "cut", span: attributes{"lmnr.span.input": `"q"`, "lmnr.span.output": `{"answer":"a b...[Laminar: truncated]`},
			want: read{genai.KindChain, "q", "a b...[Laminar: truncated]", genai.StateText, genai.StateTruncated, ""},
		},
		{
			name: "evaluator", span: attributes{"lmnr.span.type": "HUMAN_EVALUATOR", "lmnr.span.input": `"q"`},
			want: read{genai.KindEvaluator, "q", "", genai.StateText, genai.StateNotCaptured, ""},
		},
		{
			name: "foreign span that its processor saw", span: attributes{"lmnr.span.path": []any{"a"}, "http.method": "GET"},
			want: silent(genai.KindOther),
		},
	})
}

// Laminar's instrumentation of OpenAI writes whole choices where messages belong.
func TestLaminarChoices(t *testing.T) {
	span := otelChat(`[{"role":"user","content":"q"}]`,
		`[{"finish_reason":"stop","index":0,"message":{"role":"assistant","content":"a","tool_calls":null}}]`)
	span["lmnr.span.type"] = "LLM"
	span["gen_ai.prompt.0.role"], span["gen_ai.prompt.0.content"] = "system", "s"
	checkTold(t, "otel_genai", []told{{name: "text", span: span, want: llm("q", "a", "s")}})
}
