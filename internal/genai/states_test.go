package genai_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

type attributes = map[string]any

// of reads a span that has the given attributes.
func of(t *testing.T, a attributes) *genai.Interaction {
	t.Helper()
	return ofSpan(spanOf(t, a))
}

func ofSpan(span ptrace.Span) *genai.Interaction {
	i := genai.Read(pcommon.NewResource(), pcommon.NewInstrumentationScope(), span)
	return &i
}

// otelChat is a chat span of the semantic conventions.
func otelChat(input, output any) attributes {
	a := attributes{"gen_ai.operation.name": "chat"}
	if input != nil {
		a["gen_ai.input.messages"] = input
	}
	if output != nil {
		a["gen_ai.output.messages"] = output
	}
	return a
}

func oi(more attributes) attributes {
	more["openinference.span.kind"] = "LLM"
	return more
}

func mlflowSpanOf(kind, inputs, outputs string) attributes {
	return attributes{"mlflow.spanType": `"` + kind + `"`, "mlflow.spanInputs": inputs, "mlflow.spanOutputs": outputs}
}

func TestAnswerStates(t *testing.T) {
	said := func(parts, finish string) string {
		return `[{"role":"assistant","parts":[` + parts + `]` + finish + `}]`
	}
	for _, test := range []struct {
		name  string
		span  attributes
		want  string
		state genai.State
	}{
		{name: "no content, the default", span: otelChat(nil, nil), state: genai.StateNotCaptured},
		{name: "empty text", span: otelChat(nil, ""), state: genai.StateNotCaptured},
		{name: "empty list", span: otelChat(nil, "[]"), state: genai.StateNotCaptured},
		{name: "empty object", span: otelChat(nil, "{}"), state: genai.StateNotCaptured},
		{name: "part without content", span: otelChat(nil, said(`{"type":"text"}`, "")), state: genai.StateNotCaptured},
		{
			name:  "content uploaded elsewhere",
			span:  attributes{"gen_ai.operation.name": "chat", "gen_ai.output.messages_ref": "s3://bucket/1"},
			state: genai.StateNotCaptured,
		},
		{name: "number in place of messages", span: otelChat(nil, 42), state: genai.StateNotCaptured},
		{
			name: "failed call", state: genai.StateError,
			span: attributes{"gen_ai.operation.name": "chat", "error.type": "openai.AuthenticationError"},
		},
		{
			name:  "text, then finish reason error type",
			span:  attributes{"gen_ai.operation.name": "chat", "error.type": "timeout", "gen_ai.output.messages": said(`{"type":"text","content":"half an ans"}`, "")},
			state: genai.StateError,
		},
		{name: "empty and cut", span: otelChat(nil, said(`{"type":"text","content":""}`, `,"finish_reason":"length"`)), state: genai.StateError},
		{name: "empty and filtered", span: otelChat(nil, said(`{"type":"text","content":""}`, `,"finish_reason":"content_filter"`)), state: genai.StateError},
		{name: "empty and finished", span: otelChat(nil, said(`{"type":"text","content":""}`, `,"finish_reason":"stop"`)), state: genai.StateText},
		{name: "empty, no word on how it ended", span: otelChat(nil, said(`{"type":"text","content":""}`, "")), state: genai.StateText},
		{
			name: "empty, of another convention, no word on how it ended", state: genai.StateStreamingUnfinished,
			span: attributes{
				"openinference.span.kind": "LLM", "output.value": said(`{"type":"text","content":""}`, ""),
			},
		},
		{
			name: "empty, of another convention, of some tokens", state: genai.StateText,
			span: attributes{
				"openinference.span.kind": "LLM", "output.value": said(`{"type":"text","content":""}`, ""),
				"llm.token_count.completion": 1,
			},
		},
		{
			name: "empty, streamed and not finished", state: genai.StateStreamingUnfinished,
			span: attributes{
				"gen_ai.operation.name": "chat", "gen_ai.request.stream": true,
				"gen_ai.output.messages": said(`{"type":"text","content":""}`, ""),
			},
		},
		{name: "no part and finished", span: otelChat(nil, said("", `,"finish_reason":"stop"`)), state: genai.StateError},
		{name: "no part and not finished", span: otelChat(nil, said("", "")), state: genai.StateStreamingUnfinished},
		{
			name: "empty text that asked for tools", state: genai.StateToolCallOnly,
			span: otelChat(nil, said(`{"type":"text","content":""}`, `,"finish_reason":"tool_call"`)),
		},
		{
			name: "empty text, the span tells of tools", state: genai.StateToolCallOnly,
			span: attributes{
				"gen_ai.operation.name": "chat", "gen_ai.response.finish_reasons": `["tool-calls"]`,
				"gen_ai.output.messages": said(`{"type":"text","content":""}`, ""),
			},
		},
		{
			name: "tool call", state: genai.StateToolCallOnly,
			span: otelChat(nil, said(`{"type":"tool_call","name":"f","arguments":{}}`, "")),
		},
		{
			name: "reasoning is not the answer", state: genai.StateError,
			span: otelChat(nil, said(`{"type":"reasoning","content":"hm"}`, `,"finish_reason":"length"`)),
		},
		{
			name: "only an image", state: genai.StateMedia,
			span: otelChat(nil, said(`{"type":"blob","modality":"image","content":"aGk="}`, "")),
		},
		{
			name: "speech with transcript", want: "Paris.", state: genai.StateText,
			span: otelChat(nil, said(`{"type":"blob","modality":"audio","content":"aGk=","transcript":"Paris."}`, "")),
		},
		{
			name: "redacted", state: genai.StateRedacted,
			span: otelChat(nil, said(`{"type":"text","content":" __REDACTED__ "}`, "")),
		},
		{
			name: "redacted part by part", state: genai.StateRedacted,
			span: otelChat(nil, said(`{"type":"text","content":"[REDACTED]"},{"type":"text","content":"[REDACTED]"}`, "")),
		},
		{
			name: "scrubbed", state: genai.StateRedacted,
			span: otelChat(nil, said(`{"type":"text","content":"[Scrubbed due to 'password']"}`, "")),
		},
		{
			name: "partly masked is text", want: "My SSN is ****", state: genai.StateText,
			span: otelChat(nil, said(`{"type":"text","content":"My SSN is ****"}`, "")),
		},
		{
			name: "N/A may be an answer", want: "N/A", state: genai.StateText,
			span: otelChat(nil, said(`{"type":"text","content":"N/A"}`, "")),
		},
		{
			name: "filtered by the provider", state: genai.StateRedacted,
			span: attributes{
				"llm.request.type": "chat", "gen_ai.completion.0.role": "assistant",
				"gen_ai.completion.0.content": "FILTERED", "gen_ai.completion.0.finish_reason": "content_filter",
			},
		},
		{
			name: "cut in the text", want: "The capital of Fr", state: genai.StateTruncated,
			span: otelChat(nil, `[{"role":"assistant","parts":[{"type":"text","content":"The capital of Fr`),
		},
		{
			name: "cut in an escape", want: "Zürich", state: genai.StateTruncated,
			span: otelChat(nil, `[{"role":"assistant","parts":[{"type":"text","content":"Z\u00fcrich\u00`),
		},
		{
			name: "cut in a tool call", state: genai.StateTruncated,
			span: otelChat(nil, `[{"role":"assistant","parts":[{"type":"tool_call","name":"f","argu`),
		},
		{
			name: "cut by the producer, who says so", want: "Once upon a [truncated]", state: genai.StateTruncated,
			span: otelChat(nil, said(`{"type":"text","content":"Once upon a [truncated]"}`, "")),
		},
		{
			name: "refusal is text", want: "I can't help with that.", state: genai.StateText,
			span: otelChat(nil, `[{"role":"assistant","content":null,"refusal":"I can't help with that."}]`),
		},
		{
			name: "the answer is JSON, and kept to the letter", want: `{"b": 1,  "a":2}`, state: genai.StateText,
			span: otelChat(nil, said(`{"type":"text","content":"{\"b\": 1,  \"a\":2}"}`, "")),
		},
		{
			name: "first of several choices", want: "one", state: genai.StateText,
			span: otelChat(nil, `[{"role":"assistant","parts":[{"type":"text","content":"one"}]},{"role":"assistant","parts":[{"type":"text","content":"two"}]}]`),
		},
		{
			name: "last step of an agent", want: "two", state: genai.StateText,
			span: attributes{
				"gen_ai.operation.name":  "invoke_agent",
				"gen_ai.output.messages": `[{"role":"assistant","content":"one"},{"role":"tool","content":"x"},{"role":"assistant","content":"two"}]`,
			},
		},
		{
			name: "OpenAI's parts", want: "a\nb", state: genai.StateText,
			span: otelChat(nil, `[{"role":"assistant","content":[{"type":"output_text","text":"a"},{"type":"text","text":"b"}]}]`),
		},
		{
			name: "quoted once too often", want: "hi", state: genai.StateText,
			span: otelChat(nil, `"[{\"role\":\"assistant\",\"content\":\"hi\"}]"`),
		},
		{
			name: "OpenInference: raw text that looks like JSON", want: "{not json", state: genai.StateText,
			span: oi(attributes{"output.value": "{not json", "output.mime_type": "text/plain"}),
		},
		{
			name: "OpenInference: raw response that was cut", state: genai.StateTruncated,
			span: oi(attributes{"output.value": `{"id":"x","choi`, "output.mime_type": "application/json"}),
		},
		{
			name: "OpenInference: raw response", want: "hi", state: genai.StateText,
			span: oi(attributes{"output.value": `{"choices":[{"message":{"content":"hi"}}]}`, "output.mime_type": "application/json"}),
		},
		{
			name: "OpenInference: hidden text is not looked for in the raw response", state: genai.StateRedacted,
			span: oi(attributes{
				"llm.output_messages.0.message.content": "__REDACTED__", "output.value": `{"choices":[{"message":{"content":"hi"}}]}`,
			}),
		},
		{
			name: "OpenInference: the same text twice", want: "hi", state: genai.StateText,
			span: oi(attributes{
				"llm.output_messages.0.message.content":                         "hi",
				"llm.output_messages.0.message.contents.0.message_content.text": "hi",
			}),
		},
		{
			name: "OpenInference: text completion", want: "hi", state: genai.StateText,
			span: oi(attributes{"llm.choices.0.completion.text": "hi"}),
		},
		{
			name: "OpenInference: parts in any order", want: "1\n2\n10", state: genai.StateText,
			span: oi(attributes{
				"llm.output_messages.0.message.contents.10.message_content.text": "10",
				"llm.output_messages.0.message.contents.2.message_content.text":  "2",
				"llm.output_messages.0.message.contents.1.message_content.text":  "1",
			}),
		},
		{
			name: "OpenInference: a vector is no answer", state: genai.StateNotCaptured,
			span: attributes{"openinference.span.kind": "EMBEDDING", "output.value": `[0.1,0.2]`},
		},
		{name: "MLflow: plain text", span: mlflowSpanOf("CHAIN", "{}", `"hi"`), want: "hi", state: genai.StateText},
		{name: "MLflow: text in two quotes", span: mlflowSpanOf("AGENT", "{}", `"\"hi\""`), want: "hi", state: genai.StateText},
		{
			name: "MLflow: whole value of a tool", span: mlflowSpanOf("TOOL", "{}", `{"b": 1, "a": 2}`),
			want: `{"b": 1, "a": 2}`, state: genai.StateText,
		},
		{
			name: "MLflow: lost streamed tool call", state: genai.StateToolCallOnly,
			span: mlflowSpanOf("CHAT_MODEL", "{}", `{"choices":[{"message":{"content":"","tool_calls":null},"finish_reason":"tool_calls"}]}`),
		},
		{
			name: "MLflow: Gemini", want: "hi", state: genai.StateText,
			span: mlflowSpanOf("LLM", "{}", `{"candidates":[{"content":{"role":"model","parts":[{"text":"thinking","thought":true},{"text":"hi"}]}}]}`),
		},
		{
			name: "MLflow: Anthropic", want: "hi", state: genai.StateText,
			span: mlflowSpanOf("LLM", "{}", `{"role":"assistant","content":[{"type":"thinking","thinking":"x"},{"type":"text","text":"hi"}],"stop_reason":"end_turn"}`),
		},
		{name: "MLflow: cut", span: mlflowSpanOf("TOOL", "{}", `{"a":1,"b`), want: `{"a":1,"b`, state: genai.StateTruncated},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, state := of(t, test.span).Text(genai.PartAnswer)
			assert.Equal(t, test.state, state)
			assert.Equal(t, test.want, got)
		})
	}
}

func TestQuestionStates(t *testing.T) {
	for _, test := range []struct {
		name  string
		span  attributes
		want  string
		state genai.State
	}{
		{name: "no content", span: otelChat(nil, nil), state: genai.StateNotCaptured},
		{
			name: "cut, which loses the last message", state: genai.StateTruncated,
			span: otelChat(`[{"role":"user","content":"first"},{"role":"user","content":"sec`, nil),
		},
		{
			name: "redacted", state: genai.StateRedacted,
			span: otelChat(`[{"role":"user","content":"earlier"},{"role":"user","content":"<elided>"}]`, nil),
		},
		{name: "N/A is a placeholder", span: otelChat(`[{"role":"user","content":"N/A"}]`, nil), state: genai.StateRedacted},
		{
			name: "only an image", state: genai.StateMedia,
			span: otelChat(`[{"role":"user","parts":[{"type":"uri","modality":"image","uri":"https://x"}]}]`, nil),
		},
		{
			name: "text captured only in part", state: genai.StateNotCaptured,
			span: otelChat(`[{"role":"user","parts":[{"type":"text"}]}]`, nil),
		},
		{
			name: "results of tools are not the user's words", want: "weather?", state: genai.StateText,
			span: otelChat(`[{"role":"user","content":"weather?"},{"role":"assistant","parts":[{"type":"tool_call","name":"f"}]},`+
				`{"role":"user","parts":[{"type":"tool_call_response","id":"1","result":"18 C"}]}]`, nil),
		},
		{
			name: "Bedrock's results of tools", want: "weather?", state: genai.StateText,
			span: otelChat(`[{"role":"user","content":[{"text":"weather?"}]},`+
				`{"role":"user","content":[{"toolResult":{"toolUseId":"1","content":[{"text":"18 C"}]}}]}]`, nil),
		},
		{
			name: "started by instructions alone", want: "Do it.", state: genai.StateText,
			span: otelChat(`[{"role":"system","content":"Do it."}]`, nil),
		},
		{
			name: "structured", want: "hi", state: genai.StateText,
			span: otelChat([]any{attributes{"role": "user", "parts": []any{attributes{"type": "text", "content": "hi"}}}}, nil),
		},
		{
			name: "bytes", want: "hi", state: genai.StateText,
			span: otelChat([]byte(`[{"role":"user","content":"hi"}]`), nil),
		},
		{name: "plain text", span: otelChat("hi", nil), want: "hi", state: genai.StateText},
		{
			name: "old prompts, ten after nine", want: "ten", state: genai.StateText,
			span: attributes{
				"llm.request.type": "chat", "gen_ai.prompt.10.role": "user", "gen_ai.prompt.10.content": "ten",
				"gen_ai.prompt.9.role": "user", "gen_ai.prompt.9.content": "nine",
			},
		},
		{
			name: "old prompts with parts", want: "see", state: genai.StateText,
			span: attributes{
				"llm.request.type": "chat", "gen_ai.prompt.0.role": "user",
				"gen_ai.prompt.0.content": `[{"type":"text","text":"see"},{"type":"image_url","image_url":{"url":"data:x"}}]`,
			},
		},
		{
			name: "old prompt that is JSON itself", want: `[1, 2]`, state: genai.StateText,
			span: attributes{"llm.request.type": "chat", "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": `[1, 2]`},
		},
		{
			name: "the single argument of a function", want: "hi", state: genai.StateText,
			span: mlflowSpanOf("AGENT", `{"q": "hi"}`, ""),
		},
		{
			name: "arguments of a tool", want: `{"a": 1}`, state: genai.StateText,
			span: attributes{"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.arguments": `{"a": 1}`},
		},
		{
			name: "OpenInference: presence of messages does not make a model call", want: "raw", state: genai.StateText,
			span: attributes{
				"openinference.span.kind": "CHAIN", "llm.input_messages.0.message.role": "user", "input.value": "raw",
			},
		},
		{
			name: "OpenInference before gen_ai where both are there", want: "standard", state: genai.StateText,
			span: oi(attributes{
				"gen_ai.input.messages":                `[{"role":"user","content":"standard"}]`,
				"llm.input_messages.0.message.content": "other", "llm.input_messages.0.message.role": "user",
			}),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, state := of(t, test.span).Text(genai.PartQuestion)
			assert.Equal(t, test.state, state)
			assert.Equal(t, test.want, got)
		})
	}
}

// read is what one span says; an empty text means that the state tells why.
type read struct {
	kind             genai.Kind
	question, answer string
	asked, answered  genai.State
	system           string
}
