package genai_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func TestLiveKit(t *testing.T) {
	const context = `{"items":[{"id":"1","type":"message","role":"system","content":["s",{"type":"cache_breakpoint"}]},` +
		`{"id":"2","type":"agent_config_update","instructions":"s","tools_added":["f"]},` +
		`{"id":"3","type":"message","role":"user","content":["q"],"interrupted":false}`
	const afterTool = `,{"id":"4","type":"function_call","call_id":"c1","name":"f","arguments":"{}"},` +
		`{"id":"5","type":"function_call_output","name":"f","call_id":"c1","output":"18 C","is_error":false}`
	node := func(context, text, calls string) attributes {
		return attributes{
			"gen_ai.request.model": "m", "lk.function_tools": []any{"f"}, "lk.pii.chat_ctx": context, "lk.pii.response.text": text,
			"lk.pii.response.function_calls": calls,
		}
	}
	checkTold(t, "livekit", []told{
		{name: "model's node", span: node(context+"]}", "a", "[]"), want: llm("q", "a", "s")},
		{
			name: "call of a tool", span: node(context+"]}", "", `[{"id":"i/fnc_0","call_id":"c1","arguments":"{\"a\":1}","name":"f"}]`),
			want:  read{genai.KindLLM, "q", "", genai.StateText, genai.StateToolCallOnly, "s"},
			calls: []genai.ToolCall{{ID: "i/fnc_0", Name: "f", Arguments: `{"a":1}`}},
		},
		{
			name: "after a tool", span: node(context+afterTool+"]}", "a", "[]"), want: llm("q", "a", "s"),
			results: []genai.Document{{ID: "5", Text: "18 C"}},
		},
		{
			name: "before 2026", want: llm("q", "a", "s"),
			span: attributes{"lk.function_tools": []any{}, "lk.chat_ctx": context + "]}", "lk.response.text": "a"},
		},
		{
			name: "context that is cut", span: node(context, "a", "[]"),
			want: read{genai.KindLLM, "", "a", genai.StateTruncated, genai.StateText, ""},
		},
		{
			name: "turn of the agent", want: read{genai.KindAgent, "q", "a", genai.StateText, genai.StateText, "s"},
			span: attributes{
				"lk.generation_id": "1", "lk.pii.user_input": "q", "lk.pii.instructions": "s", "lk.pii.response.text": "a",
			},
		},
		{
			name: "tool", want: tool(`{"a":1}`, "18 C"),
			span: attributes{
				"lk.function_tool.name": "f", "lk.function_tool.arguments": `{"a":1}`, "lk.function_tool.output": "18 C",
			},
		},
		{
			name: "what was heard", want: read{genai.KindChain, "", "q", genai.StateNotCaptured, genai.StateText, ""},
			span: attributes{"gen_ai.request.model": "stt", "lk.pii.user_transcript": "q", "lk.transcript_confidence": 0.9},
		},
		{
			name: "what is to be spoken", span: attributes{"gen_ai.request.model": "tts", "lk.tts.label": "l", "lk.input_text": "a"},
			want: read{genai.KindChain, "a", "", genai.StateText, genai.StateNotCaptured, ""},
		},
		{name: "attributes stripped", span: attributes{"lk.generation_id": "1"}, want: silent(genai.KindAgent)},
		{name: "session", span: attributes{"lk.job_id": "1", "lk.agent_label": "a"}, want: silent(genai.KindOther)},
	})
	d, ok := of(t, attributes{"lk.function_tools": []any{}, "lk.response.ttft": 0.25}).FirstToken()
	assert.True(t, ok)
	assert.InDelta(t, 0.25, d.Seconds(), 0)
}
