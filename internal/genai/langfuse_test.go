package genai_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func observation(kind, in, out string) attributes {
	return attributes{
		"langfuse.observation.type": kind, "langfuse.observation.input": in, "langfuse.observation.output": out,
	}
}

// Shapes of recordings; those of the streamed tool call, of the spoken answer and of a level alone are from the
// producer's source.
func TestLangfuse(t *testing.T) {
	const messages = `[{"role":"system","content":"s"},{"role":"user","content":"q"}`
	for _, test := range []struct {
		name  string
		span  attributes
		want  read
		calls []genai.ToolCall
	}{
		{
			name: "messages", span: observation("generation", messages+"]", `{"role":"assistant","content":"a","refusal":null}`),
			want: read{genai.KindLLM, "q", "a", genai.StateText, genai.StateText, "s"},
		},
		{
			name: "request with tools",
			span: observation("generation", `{"tools":[{"type":"function","function":{"name":"f"}}],"messages":`+messages+"]}",
				`{"role":"assistant","content":null,"tool_calls":[{"id":"1","function":{"name":"f","arguments":"{}"}}]}`),
			want:  read{genai.KindLLM, "q", "", genai.StateText, genai.StateToolCallOnly, "s"},
			calls: []genai.ToolCall{{ID: "1", Name: "f", Arguments: "{}"}},
		},
		{
			name: "definitions of tools after the question",
			span: observation("generation", messages+`,{"role":"tool","content":{"type":"function","function":{"name":"f","parameters":{}}}},`+
				`{"role":"tool","content":{"name":"g","description":"","input_schema":{}}}]`, "a"),
			want: read{genai.KindLLM, "q", "a", genai.StateText, genai.StateText, "s"},
		},
		{
			name:  "tool call that was streamed",
			span:  observation("generation", messages+"]", `{"tool_calls":[{"function":{"name":"f","arguments":"{\"a\":1}"}}]}`),
			want:  read{genai.KindLLM, "q", "", genai.StateText, genai.StateToolCallOnly, "s"},
			calls: []genai.ToolCall{{Name: "f", Arguments: `{"a":1}`}},
		},
		{
			name: "item of the Responses API",
			span: observation("generation", `"q"`, `{"id":"msg_1","type":"message","role":"assistant","content":[{"type":"output_text","text":"a"}]}`),
			want: read{genai.KindLLM, "q", "a", genai.StateText, genai.StateText, ""},
		},
		{
			name:  "call of the Responses API",
			span:  observation("generation", "q", `{"id":"fc_1","type":"function_call","call_id":"1","name":"f","arguments":"{}"}`),
			want:  read{genai.KindLLM, "q", "", genai.StateText, genai.StateToolCallOnly, ""},
			calls: []genai.ToolCall{{ID: "fc_1", Name: "f", Arguments: "{}"}},
		},
		{
			name: "answer of Anthropic, whole",
			span: observation("generation", "q", `{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"a"},`+
				`{"type":"tool_use","id":"1","name":"f","input":{}}],"stop_reason":"tool_use"}`),
			want:  read{genai.KindLLM, "q", "a", genai.StateText, genai.StateText, ""},
			calls: []genai.ToolCall{{ID: "1", Name: "f", Arguments: "{}"}},
		},
		{
			name: "spoken answer", span: observation("generation", "q", `{"role":"assistant","content":null,"audio":{"id":"1","data":"@@@langfuseMedia@@@","transcript":"a"}}`),
			want: read{genai.KindLLM, "q", "a", genai.StateText, genai.StateText, ""},
		},
		{
			name: "spoken answer without a transcript", span: observation("generation", "q", `{"role":"assistant","content":null,"audio":{"id":"1"}}`),
			want: read{genai.KindLLM, "q", "", genai.StateText, genai.StateMedia, ""},
		},
		{
			name: "decorated function", span: observation("agent", `{"args": ["q"], "kwargs": {}}`, "a"),
			want: read{genai.KindAgent, "q", "a", genai.StateText, genai.StateText, ""},
		},
		{
			name: "masked", span: observation("generation", "<fully masked due to failed mask function>", `"<fully masked due to failed mask function>"`),
			want: read{genai.KindLLM, "", "", genai.StateRedacted, genai.StateRedacted, ""},
		},
		{
			name: "answer in brackets", span: observation("generation", "q", "[1] says"),
			want: read{genai.KindLLM, "q", "[1] says", genai.StateText, genai.StateText, ""},
		},
		{
			name: "answer that is JSON", span: observation("generation", "q", `{"city": "Paris"}`),
			want: read{genai.KindLLM, "q", `{"city": "Paris"}`, genai.StateText, genai.StateText, ""},
		},
		{
			name: "cut", span: observation("generation", messages, `{"role":"assistant","content":"a b`),
			want: read{genai.KindLLM, "", "a b", genai.StateTruncated, genai.StateTruncated, ""},
		},
		{
			name: "failed, which only the level tells",
			span: attributes{"langfuse.observation.type": "generation", "langfuse.observation.input": "q", "langfuse.observation.level": "ERROR"},
			want: read{genai.KindLLM, "q", "", genai.StateText, genai.StateError, ""},
		},
		{
			name: "root with what is said of the trace",
			span: attributes{"langfuse.observation.type": "span", "langfuse.trace.input": `{"input":"q"}`, "langfuse.trace.output": `"a"`},
			want: read{genai.KindChain, "q", "a", genai.StateText, genai.StateText, ""},
		},
		{
			name: "instructions of the Responses API",
			span: attributes{"langfuse.observation.type": "generation", "langfuse.observation.input": "q", "langfuse.observation.metadata.instructions": "s"},
			want: read{genai.KindLLM, "q", "", genai.StateText, genai.StateNotCaptured, "s"},
		},
		{
			name: "without a type", span: attributes{"langfuse.observation.input": "q", "langfuse.observation.output": "a"},
			want: read{genai.KindChain, "q", "a", genai.StateText, genai.StateText, ""},
		},
		{
			name: "without a type, with a model", span: attributes{"langfuse.observation.input": "q", "langfuse.observation.model.name": "m"},
			want: read{genai.KindLLM, "q", "", genai.StateText, genai.StateNotCaptured, ""},
		},
		{
			name: "a span that is only in a trace", span: attributes{"langfuse.trace.name": "n", "langfuse.trace.tags": []any{"a"}},
			want: read{genai.KindOther, "", "", genai.StateNotCaptured, genai.StateNotCaptured, ""},
		},
		{
			name: "tool", span: observation("tool", `{"args": [], "kwargs": {"a": 1}}`, "18 C"),
			want: read{genai.KindTool, `{"a":1}`, "18 C", genai.StateText, genai.StateText, ""},
		},
		{
			name: "evaluator", span: observation("evaluator", `{"q": "q"}`, "0.9"),
			want: read{genai.KindEvaluator, "q", "0.9", genai.StateText, genai.StateText, ""},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			i := of(t, test.span)
			assert.Equal(t, test.want, readOf(i))
			assert.Equal(t, test.calls, i.ToolCalls())
			assert.Empty(t, i.ToolResults())
		})
	}
}

func TestLangfuseUsage(t *testing.T) {
	for _, test := range []struct {
		name, details string
		in, out       int64 // -1 for none
	}{
		{name: "none", details: "{}", in: -1, out: -1},
		{name: "no JSON", details: "many", in: -1, out: -1},
		{name: "OpenAI's own", details: `{"prompt_tokens":24,"completion_tokens":8,"total_tokens":32,"prompt_tokens_details":{"cached_tokens":4}}`, in: 24, out: 8},
		{name: "the Responses API's own", details: `{"input_tokens":24,"input_tokens_details":{"cached_tokens":4},"output_tokens":8,"output_tokens_details":{"reasoning_tokens":2}}`, in: 24, out: 8},
		{name: "OpenAI's in parts", details: `{"input":20,"output":6,"total":32,"input_cached_tokens":4,"output_reasoning_tokens":2}`, in: 24, out: 8},
		{name: "LangChain's in parts", details: `{"input":20,"output":6,"total":32,"input_audio":0,"input_cache_read":4,"output_reasoning":2}`, in: 24, out: 8},
		{name: "only the input", details: `{"input":5}`, in: 5, out: -1},
		{name: "only parts", details: `{"input_modality_1":24,"output_modality_1":8}`, in: 24, out: 8},
		{name: "text", details: `{"input":"5","output":null}`, in: -1, out: -1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			i := of(t, attributes{"langfuse.observation.type": "generation", "langfuse.observation.usage_details": test.details})
			assert.Equal(t, test.in, counted(i.InputTokens()))
			assert.Equal(t, test.out, counted(i.OutputTokens()))
		})
	}
}

// counted returns a count, or -1 where there is none.
func counted(n int64, ok bool) int64 {
	if !ok {
		return -1
	}
	return n
}

func TestLangfuseFacts(t *testing.T) {
	for name, want := range map[string]struct {
		details string
		usd     float64
		ok      bool
	}{
		"total":      {`{"input":1,"output":2,"total":2.5}`, 2.5, true},
		"parts":      {`{"input":0.5,"output":1,"input_cache_read":0.25}`, 1.75, true},
		"nothing":    {`{}`, 0, false},
		"no numbers": {`{"total":"1"}`, 0, false},
	} {
		usd, ok := of(t, attributes{"langfuse.observation.type": "generation", "langfuse.observation.cost_details": want.details}).Cost()
		assert.Equal(t, want.ok, ok, name)
		assert.InDelta(t, want.usd, usd, 1e-9, name)
	}
	for _, key := range []string{
		"session.id", "langfuse.session.id", "langfuse.trace.metadata.langfuse_session_id",
		"langfuse.observation.metadata.langfuse_session_id",
	} {
		i := of(t, attributes{"langfuse.observation.type": "generation", key: "s"})
		assert.Equal(t, "s", i.ConversationID(), key)
	}
	i := of(t, attributes{
		"langfuse.observation.type":     "generation",
		"langfuse.trace.metadata":       `{"langfuse_session_id":"s","langfuse_user_id":"u"}`,
		"langfuse.observation.metadata": `{"k":1}`, "langfuse.observation.model.name": "m",
		"langfuse.observation.metadata.finish_reason": `"stop"`,
	})
	assert.Equal(t, "s", i.ConversationID())
	assert.Equal(t, "u", i.UserID())
	assert.Equal(t, "m", i.Model())
	assert.Equal(t, "stop", i.FinishReason())
}

// The id of a message or an item is not that of the response.
func TestLangfuseResponseID(t *testing.T) {
	for out, want := range map[string]string{
		`{"id":"msg_1","type":"message","role":"assistant","content":[{"type":"output_text","text":"a"}]}`: "",
		`{"id":"c","model":"m","choices":[{"message":{"content":"a"}}]}`:                                   "c",
		`{"id":"c","model":"m","role":"assistant","content":"a"}`:                                          "c",
	} {
		i := of(t, observation("generation", "", out))
		_, _ = i.Text(genai.PartAnswer)
		assert.Equal(t, want, i.ResponseID())
	}
}
