package genai_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func TestTraceAI(t *testing.T) {
	chat := func(more attributes) attributes {
		more["gen_ai.span.kind"], more["input.value"] = "LLM", "s"
		more["gen_ai.input.messages.0.message.role"], more["gen_ai.input.messages.0.message.content"] = "system", "s"
		more["gen_ai.input.messages.1.message.role"] = "user"
		return more
	}
	const call = "message.tool_calls.0.tool_call."
	checkTold(t, "traceai", []told{
		{
			name: "call of a model", want: llm("q", "a", "s"),
			span: chat(attributes{
				"gen_ai.input.messages.1.message.content":  "q",
				"gen_ai.output.messages.0.message.role":    "assistant",
				"gen_ai.output.messages.0.message.content": "a", "output.value": `{'id': 'r', 'output': []}`,
			}),
		},
		{
			name: "parts", want: llm("q", "a", "s"),
			span: chat(attributes{
				"gen_ai.input.messages.1.message.contents.0.message_content.type":  "image",
				"gen_ai.input.messages.1.message.contents.0.message_content.image": "https://example.com/a.png",
				"gen_ai.input.messages.1.message.contents.1.message_content.type":  "text",
				"gen_ai.input.messages.1.message.contents.1.message_content.text":  "q",
				"gen_ai.output.messages.0.message.contents.0.message_content.type": "text",
				"gen_ai.output.messages.0.message.contents.0.message_content.text": "a",
			}),
		},
		{
			name: "an image alone", want: read{genai.KindLLM, "", "a", genai.StateMedia, genai.StateText, "s"},
			span: chat(attributes{
				"gen_ai.input.messages.1.message.contents.0.message_content.type":  "image",
				"gen_ai.input.messages.1.message.contents.0.message_content.image": "https://example.com/a.png",
				"gen_ai.output.messages.0.message.content":                         "a",
			}),
		},
		{
			name: "call of a tool", want: read{genai.KindLLM, "q", "", genai.StateText, genai.StateToolCallOnly, "s"},
			span: chat(attributes{
				"gen_ai.input.messages.1.message.content":                 "q",
				"gen_ai.output.messages.0.message.role":                   "assistant",
				"gen_ai.output.messages.0." + call + "id":                 "1",
				"gen_ai.output.messages.0." + call + "function.name":      "get_weather",
				"gen_ai.output.messages.0." + call + "function.arguments": `{"location":"Paris"}`,
				"output.value": `Function: get_weather({"location":"Paris"})`,
			}),
			calls: []genai.ToolCall{{ID: "1", Name: "get_weather", Arguments: `{"location":"Paris"}`}},
		},
		{
			name: "result of a tool", want: llm("q", "a", "s"),
			span: chat(attributes{
				"gen_ai.input.messages.1.message.content":      "q",
				"gen_ai.input.messages.2." + call + "id":       "1",
				"gen_ai.input.messages.2.message.role":         "assistant",
				"gen_ai.input.messages.3.message.role":         "tool",
				"gen_ai.input.messages.3.message.tool_call_id": "1",
				"gen_ai.input.messages.3.message.content":      "18 C",
				"gen_ai.output.messages.0.message.content":     "a",
			}),
			results: []genai.Document{{ID: "1", Text: "18 C"}},
		},
	})
}

// What streamed has no message of the answer.
func TestTraceAIStream(t *testing.T) {
	t.Parallel()
	i := of(t, attributes{
		"gen_ai.span.kind": "LLM", "input.value": "s", "output.value": "a",
		"gen_ai.input.messages.0.message.role": "user", "gen_ai.input.messages.0.message.content": "q",
	})
	assert.Equal(t, llm("q", "a", ""), readOf(i))
}

// Alibaba Cloud's word of the kind stands beside an operation that says less.
func TestKindOfGenAISpan(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]genai.Kind{
		"LLM": genai.KindLLM, "CHAIN": genai.KindChain, "AGENT": genai.KindAgent, "TOOL": genai.KindTool,
		"RETRIEVER": genai.KindRetriever, "EMBEDDING": genai.KindEmbedding, "RERANKER": genai.KindReranker,
		"GUARDRAIL": genai.KindGuardrail, "EVALUATOR": genai.KindEvaluator, "ENTRY": genai.KindChain,
	} {
		assert.Equal(t, want, of(t, attributes{"gen_ai.span.kind": word, "gen_ai.operation.name": "chat"}).Kind(), word)
	}
	assert.Equal(t, genai.KindLLM, of(t, attributes{"gen_ai.span.kind": "UNKNOWN", "gen_ai.operation.name": "chat"}).Kind())
	assert.Equal(t, genai.KindOther, of(t, attributes{"gen_ai.span.kind": "UNKNOWN"}).Kind())
}

// AG2 has spans that repeat what a call used; to judge them is to judge it twice.
func TestAG2(t *testing.T) {
	t.Parallel()
	usage := attributes{"ag2.span.type": "usage", "gen_ai.response.model": "m", "gen_ai.usage.input_tokens": 24}
	assert.Equal(t, silent(genai.KindChain), readOf(of(t, usage)))
	call := otelChat(`[{"role":"user","content":"q"}]`, `[{"role":"assistant","content":"a"}]`)
	call["ag2.span.type"] = "llm"
	assert.Equal(t, llm("q", "a", ""), readOf(of(t, call)))
}

// OpenInference for Anthropic writes the result of a tool as the content of the user's message, whose parts are what
// the user said.
func TestFlattenedResultOfTool(t *testing.T) {
	t.Parallel()
	span := oi(attributes{
		"llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.content": "q",
		"llm.input_messages.1.message.role": "user", "llm.input_messages.1.message.content": "18 C",
		"llm.input_messages.1.message.tool_call_id": "1", "llm.output_messages.0.message.content": "a",
	})
	i := of(t, span)
	assert.Equal(t, llm("q", "a", ""), readOf(i))
	assert.Equal(t, []genai.Document{{ID: "1", Text: "18 C"}}, i.ToolResults())

	span["llm.input_messages.1.message.contents.0.message_content.type"] = "text"
	span["llm.input_messages.1.message.contents.0.message_content.text"] = "r"
	assert.Equal(t, llm("r", "a", ""), readOf(of(t, span)))
}
