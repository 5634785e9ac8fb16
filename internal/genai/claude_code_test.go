package genai_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func TestClaudeCode(t *testing.T) {
	request := func(more attributes) attributes {
		more["span.type"], more["gen_ai.request.model"], more["system_prompt_hash"] = "llm_request", "m", "sp_1"
		return more
	}
	checkTold(t, "claude_code", []told{
		{
			name: "request", want: llm("q\nr", "a", "s"),
			span: request(attributes{
				"new_context": "[USER]\nq\nr", "user_system_prompt": "s", "system_prompt_preview": "x", "response.model_output": "a",
			}),
		},
		{
			name: "what the user said after tools", want: llm("q", "a", ""),
			span: request(attributes{
				"new_context":           "[TOOL RESULT: toolu_1]\n18 C\n\n---\n\nsunny\n\n---\n\n[TOOL RESULT: toolu_2]\nnone\n\n---\n\n[USER]\nq",
				"response.model_output": "a",
			}),
			results: []genai.Document{{ID: "toolu_1", Text: "18 C\n\n---\n\nsunny"}, {ID: "toolu_2", Text: "none"}},
		},
		{
			name: "tools alone", want: read{genai.KindLLM, "", "a", genai.StateNotCaptured, genai.StateText, ""},
			span:    request(attributes{"new_context": "[TOOL RESULT: toolu_1]\n18 C", "response.model_output": "a"}),
			results: []genai.Document{{ID: "toolu_1", Text: "18 C"}},
		},
		{
			name: "text with a border in it", span: request(attributes{"new_context": "[USER PROMPT]\nq\n\n---\n\nr", "response.model_output": "a"}),
			want: llm("q\n\n---\n\nr", "a", ""),
		},
		{
			name: "only a beginning of the system prompt", want: read{genai.KindLLM, "q", "", genai.StateText, genai.StateNotCaptured, "begin"},
			span: request(attributes{"new_context": "q", "system_prompt_preview": "begin", "system_prompt_length": 500}),
		},
		{
			name: "call of a tool", span: request(attributes{"new_context": "[USER]\nq", "response.has_tool_call": true}),
			want: read{genai.KindLLM, "q", "", genai.StateText, genai.StateToolCallOnly, ""},
		},
		{
			name: "call of a tool, no content captured", span: attributes{"span.type": "llm_request", "response.has_tool_call": true},
			want: silent(genai.KindLLM),
		},
		{
			name: "cut by the producer", want: read{genai.KindLLM, "q", "a", genai.StateTruncated, genai.StateTruncated, ""},
			span: request(attributes{
				"new_context": "[USER]\nq", "new_context_truncated": true, "response.model_output": "a",
				"response.model_output_truncated": true,
			}),
		},
		{
			name: "interaction", span: attributes{"span.type": "interaction", "user_prompt": "q", "new_context": "[USER PROMPT]\nq"},
			want: read{genai.KindAgent, "q", "", genai.StateText, genai.StateNotCaptured, ""},
		},
		{
			name: "prompt hidden, the default", span: attributes{"span.type": "claude_code.interaction", "user_prompt": "<REDACTED>"},
			want: read{genai.KindAgent, "", "", genai.StateRedacted, genai.StateNotCaptured, ""},
		},
		{
			name: "tool", want: tool(`{"command":"ls"}`, `{"stdout":"x"}`),
			span: attributes{
				"span.type": "tool", "tool_name": "Bash", "full_command": "ls", "tool_input": "[TOOL INPUT: Bash]\n{\"command\":\"ls\"}",
				"new_context": "[TOOL RESULT: Bash]\n{\"stdout\":\"x\"}",
			},
		},
		{
			name: "tool, only its details", span: attributes{"span.type": "tool", "tool_name": "Bash", "full_command": "ls"},
			want: read{genai.KindTool, "ls", "", genai.StateText, genai.StateNotCaptured, ""},
		},
		{
			name: "Qwen Code", want: llm("q", "a", "s"),
			span: attributes{
				"gen_ai.operation.name": "chat", "qwen-code.prompt_id": "1", "new_context": "[USER PROMPT]\nq", "system_prompt": "s",
				"response.model_output": "a",
			},
		},
		{
			name: "Qwen Code's tool", want: tool(`{"a":1}`, "18 C"),
			span: attributes{
				"gen_ai.operation.name": "execute_tool", "qwen-code.prompt_id": "1", "tool_input": "[TOOL INPUT: f]\n{\"a\":1}",
				"tool_result": "[TOOL RESULT: f]\n18 C",
			},
		},
		{name: "waiting for the user", span: attributes{"span.type": "tool.blocked_on_user"}, want: silent(genai.KindChain)},
	})
	d, ok := of(t, attributes{"span.type": "llm_request", "ttft_ms": 9}).FirstToken()
	assert.True(t, ok)
	assert.Equal(t, 9*time.Millisecond, d)
}

func TestClaudeCodeToolOutput(t *testing.T) {
	i := withEvents(t, attributes{"span.type": "tool", "new_context": "[TOOL RESULT: Bash]\n{}"},
		said{name: "gen_ai.request.attempt", attributes: attributes{"output": "x"}},
		said{name: "tool.output", attributes: attributes{"bash_command": "ls", "output": "18 C"}},
	)
	assert.Equal(t, read{genai.KindTool, "", "18 C", genai.StateNotCaptured, genai.StateText, ""}, readOf(i))
}

// What an interaction said last is in log records of the interaction's span.
func TestClaudeCodeRecords(t *testing.T) {
	const scope = "com.anthropic.claude_code.events"
	i := withRecords(t, attributes{"span.type": "interaction"}, scope,
		said{name: "user_prompt", attributes: attributes{"prompt": "q"}},
		said{name: "assistant_response", attributes: attributes{"response": "let me see"}},
		said{name: "assistant_response", attributes: attributes{"response": "a"}},
	)
	assert.Equal(t, read{genai.KindAgent, "q", "a", genai.StateText, genai.StateText, ""}, readOf(i))
	for _, other := range []struct{ scope, name string }{{scope, "api_request"}, {"mine", "user_prompt"}} {
		_, ok := genai.ReadRecord(other.scope, recordOf(t, said{name: other.name}, 1))
		assert.False(t, ok, other)
	}
}
