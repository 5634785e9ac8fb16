package genai_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func TestGeminiCLI(t *testing.T) {
	of := func(operation, in, out string) attributes {
		return attributes{
			"gen_ai.operation.name": operation, "gen_ai.agent.name": "gemini-cli", "gen_ai.system_instructions": `"s"`,
			"gen_ai.input.messages": in, "gen_ai.output.messages": out,
		}
	}
	const asked = `[{"role":"user","parts":[{"text":"q"}]}]`
	const call = `{"callId":"1","name":"f","args":{"a":1},"isClientInitiated":false,"prompt_id":"p"}`
	checkTold(t, "gemini_cli", []told{
		{
			name: "streamed, spaces and all",
			span: of("llm_call", asked, `[{"role":"model","parts":[{"text":"hm","thought":true}]},{"parts":[{"text":"The"}]},null,`+
				`{"parts":[{"text":" "},{"text":"capital\n"}]},{"parts":[{"text":""}]}]`),
			want: llm("q", "The capital\n", "s"),
		},
		{name: "not streamed", span: of("llm_call", asked, `{"role":"model","parts":[{"text":"a"}]}`), want: llm("q", "a", "s")},
		{
			name: "call of a tool", span: of("llm_call", asked, `[{"role":"model","parts":[{"functionCall":{"name":"f","args":{"a":1},"id":"1"}}]}]`),
			want:  read{genai.KindLLM, "q", "", genai.StateText, genai.StateToolCallOnly, "s"},
			calls: []genai.ToolCall{{ID: "1", Name: "f", Arguments: `{"a":1}`}},
		},
		{
			name: "answer that is cut", want: read{genai.KindLLM, "q", "a b", genai.StateText, genai.StateTruncated, "s"},
			span: of("llm_call", asked, `[{"role":"model","parts":[{"text":"a b...[TRUNCATED: original length 12345]`),
		},
		{
			name: "question that is cut", want: read{genai.KindLLM, "", "a", genai.StateTruncated, genai.StateText, "s"},
			span: of("llm_call", `[{"role":"user","parts":[{"text":"q...[TRUNCATED: original length 12345]`, `[{"parts":[{"text":"a"}]}]`),
		},
		{
			name: "tool", want: read{genai.KindTool, `{"a":1}`, "18 C", genai.StateText, genai.StateText, "s"},
			span: of("tool_call", call, `{"status":"success","request":`+call+`,"response":{"callId":"1","responseParts":[`+
				`{"functionResponse":{"id":"1","name":"f","response":{"output":"18 C"}}}],"resultDisplay":"shown"}}`),
		},
		{
			name: "tool whose result has a form of its own", want: read{genai.KindTool, `{"a":1}`, "shown", genai.StateText, genai.StateText, "s"},
			span: of("tool_call", call, `{"status":"success","response":{"responseParts":[],"resultDisplay":"shown"}}`),
		},
		{
			name: "tool, cut", want: read{genai.KindTool, `{"a":""}`, "18", genai.StateTruncated, genai.StateTruncated, "s"},
			span: of("tool_call", `{"callId":"1","args":{"a":"...[TRUNCATED: original length 12345]`,
				`{"response":{"responseParts":[{"functionResponse":{"response":{"output":"18...[TRUNCATED: original length 12345]`),
		},
		{
			name: "agent below it", want: read{genai.KindAgent, "q", "a", genai.StateText, genai.StateText, "s"},
			span: of("agent_call", `{"query":"q"}`, `{"llmContent":[{"text":"a"}],"returnDisplay":"shown"}`),
		},
		{
			name: "batch of calls", want: read{genai.KindChain, "[" + call + "]", "[1]", genai.StateText, genai.StateText, "s"},
			span: of("schedule_tool_calls", "["+call+"]", "[1]"),
		},
		{
			name: "no content, the default", span: attributes{"gen_ai.operation.name": "llm_call", "gen_ai.agent.name": "gemini-cli"},
			want: silent(genai.KindLLM),
		},
	})
}

// In the log records that hold the content of spans by default, the model's messages have the role system.
func TestGeminiCLIInEvents(t *testing.T) {
	i := withEvents(t, attributes{"gen_ai.operation.name": "llm_call", "gen_ai.agent.name": "gemini-cli"},
		said{name: "gen_ai.client.inference.operation.details", attributes: attributes{
			"gen_ai.input.messages":      `[{"role":"user","parts":[{"type":"text","content":"q"}]}]`,
			"gen_ai.system_instructions": `[{"type":"text","content":"s"}]`,
		}},
		said{name: "gen_ai.client.inference.operation.details", attributes: attributes{
			"gen_ai.output.messages": `[{"finish_reason":"stop","role":"system","parts":[{"type":"reasoning","content":"hm"}]},` +
				`{"finish_reason":"stop","role":"system","parts":[{"type":"text","content":"a"}]}]`,
		}},
	)
	assert.Equal(t, llm("q", "a", "s"), readOf(i))
}

// Another agent's messages are not put together: each is a choice.
func TestGeminiCLIAlone(t *testing.T) {
	span := otelChat(nil, `[{"role":"assistant","parts":[{"type":"text","content":"a"}]},{"role":"assistant","parts":[{"type":"text","content":"b"}]}]`)
	span["gen_ai.agent.name"] = "mine"
	text, _ := of(t, span).Text(genai.PartAnswer)
	assert.Equal(t, "a", text)
	long := strings.Repeat("a", 200) + "...[TRUNCATED: "
	span = attributes{"gen_ai.operation.name": "tool_call", "gen_ai.agent.name": "gemini-cli", "gen_ai.output.messages": long}
	text, state := of(t, span).Text(genai.PartAnswer)
	assert.Equal(t, long, text)
	assert.Equal(t, genai.StateText, state)
}
