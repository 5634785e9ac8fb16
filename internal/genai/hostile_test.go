package genai_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

const mebibyte = 1 << 20

var parts = []genai.Part{
	genai.PartQuestion, genai.PartAnswer, genai.PartSystem, genai.PartContext, genai.PartToolCalls,
}

// contentKeys are the attributes that hold content in one convention or another.
var contentKeys = []string{
	"gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.call.arguments",
	"gen_ai.retrieval.documents", "input.value", "output.value", "llm.input_messages.0.message.content",
	"llm.output_messages.0.message.content", "retrieval.documents.0.document.content", "mlflow.spanInputs",
	"mlflow.spanOutputs", "gen_ai.prompt.0.content", "gen_ai.completion.0.content", "metadata", "mlflow.chat.tokenUsage",
	"ai.prompt.messages", "ai.response.text", "ai.response.object", "ai.response.toolCalls", "ai.toolCall.args",
	"ai.toolCall.result", "ai.values", "ai.documents", "ai.ranking", "langfuse.observation.input",
	"langfuse.observation.output", "langfuse.observation.usage_details", "traceloop.entity.input",
	"traceloop.entity.output", "haystack.component.input", "haystack.component.output", "haystack.pipeline.input_data",
}

// sound asks for everything and checks what holds of any span.
func sound(t *testing.T, i *genai.Interaction) {
	t.Helper()
	for _, part := range parts {
		text, state := i.Text(part)
		switch state {
		case genai.StateText:
			// An answer may be captured without a character.
			require.True(t, strings.TrimSpace(text) != "" || text == "" && part == genai.PartAnswer, part)
		case genai.StateTruncated:
		case genai.StateToolCallOnly, genai.StateNotCaptured, genai.StateRedacted, genai.StateMedia, genai.StateDropped,
			genai.StateError, genai.StateStreamingUnfinished:
			require.Empty(t, text, part)
		default:
			require.Fail(t, "no such state", state)
		}
		require.True(t, utf8.ValidString(text))
		require.LessOrEqual(t, len(text), 4*mebibyte) // a replaced byte takes three
		i.Convention(part)
	}
	for _, call := range i.ToolCalls() {
		require.NotEmpty(t, call.Name)
		require.True(t, utf8.ValidString(call.Name+call.Arguments))
	}
	for _, document := range i.Documents() {
		require.NotEmpty(t, strings.TrimSpace(document.Text))
		require.True(t, utf8.ValidString(document.Text))
	}
	for _, result := range i.ToolResults() {
		require.NotEmpty(t, strings.TrimSpace(result.Text))
		require.True(t, utf8.ValidString(result.Text))
	}
	for _, turn := range i.History() {
		require.True(t, utf8.ValidString(turn.Text))
		require.Contains(t, []string{"user", "assistant", "tool", "other"}, turn.Role)
	}
	require.True(t, utf8.ValidString(i.Model()+i.Provider()+i.ResponseID()+i.ConversationID()+i.UserID()+i.FinishReason()))
	in, _ := i.InputTokens()
	out, _ := i.OutputTokens()
	require.GreaterOrEqual(t, min(in, out), int64(0))
	cost, _ := i.Cost()
	require.GreaterOrEqual(t, cost, 0.0)
	first, _ := i.FirstToken()
	require.GreaterOrEqual(t, first, time.Duration(0))
	i.Streaming()
	i.KindConvention()
	for name, schema := range i.ToolDefinitions() {
		require.NotEmpty(t, name)
		require.True(t, utf8.ValidString(name+schema))
	}
}

func TestHostileValues(t *testing.T) {
	values := map[string]func(pcommon.Value){
		"10 MB of text": func(v pcommon.Value) { v.SetStr(strings.Repeat("a", 10*mebibyte)) },
		"10 MB of JSON": func(v pcommon.Value) {
			v.SetStr(`[{"role":"user","content":"` + strings.Repeat("a", 10*mebibyte) + `"}]`)
		},
		"1 MB of numbers": func(v pcommon.Value) { v.SetStr("[" + strings.Repeat("0,", mebibyte/2-2) + "0]") },
		"1 MB of messages": func(v pcommon.Value) {
			v.SetStr("[" + strings.Repeat(`{"role":"user"},`, mebibyte/16-1) + "{}]")
		},
		"lists, 100,000 deep":   func(v pcommon.Value) { v.SetStr(strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)) },
		"objects, 100,000 deep": func(v pcommon.Value) { v.SetStr(strings.Repeat(`{"messages":`, 100_000)) },
		"quotes in quotes":      func(v pcommon.Value) { v.SetStr(quotes(12)) },
		"only quotes":           func(v pcommon.Value) { v.SetStr(strings.Repeat(`"`, 1001)) },
		"backslashes":           func(v pcommon.Value) { v.SetStr(`["` + strings.Repeat(`\`, 10_001)) },
		"invalid UTF-8":         func(v pcommon.Value) { v.SetStr("[{\"role\":\"user\",\"content\":\"a\xff\xfe\"}]") },
		"invalid UTF-8, plain":  func(v pcommon.Value) { v.SetStr("a\xff\xfe") },
		"NUL":                   func(v pcommon.Value) { v.SetStr("\x00") },
		"int":                   func(v pcommon.Value) { v.SetInt(1) },
		"bool":                  func(v pcommon.Value) { v.SetBool(true) },
		"empty":                 func(pcommon.Value) {},
		"bytes":                 func(v pcommon.Value) { v.SetEmptyBytes().FromRaw(make([]byte, 10*mebibyte)) },
		"deep value":            deep,
		"wide value": func(v pcommon.Value) {
			for list := v.SetEmptySlice(); list.Len() < 60_000; {
				list.AppendEmpty().SetEmptyMap().PutStr("role", "user")
			}
		},
		"wrong types": func(v pcommon.Value) {
			v.SetStr(`[{"role":1,"content":{"parts":{}},"parts":"x","tool_calls":{},"type":[],"lc":1,"kwargs":[]},[],1,null,"x",` +
				`{"role":"assistant","tool_calls":[1,null,{"function":1},{"function":{"name":[]}}],"content":[[],1,{"type":1}]}]`)
		},
	}
	for name, set := range values {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, kind := range []string{"LLM", "AGENT", "TOOL", "RETRIEVER", "EMBEDDING", "CHAIN"} {
				span := ptrace.NewSpan()
				span.Attributes().PutStr("openinference.span.kind", kind)
				value := pcommon.NewValueEmpty()
				set(value)
				for _, key := range contentKeys {
					value.CopyTo(span.Attributes().PutEmpty(key))
				}
				sound(t, ofSpan(span))
			}
		})
	}
}

// quotes wraps a text in JSON strings.
func quotes(times int) string {
	text := "hi"
	for range times {
		quoted, _ := json.Marshal(text)
		text = string(quoted)
	}
	return text
}

func deep(value pcommon.Value) {
	for range 2_000 {
		value = value.SetEmptyMap().PutEmpty("messages").SetEmptySlice().AppendEmpty()
	}
}

func TestHostileNumberOfAttributes(t *testing.T) {
	for name, key := range map[string]string{
		"messages":  "llm.input_messages.%.message.content",
		"parts":     "llm.output_messages.0.message.contents.%.message_content.text",
		"calls":     "llm.output_messages.0.message.tool_calls.%.tool_call.function.name",
		"documents": "retrieval.documents.%.document.content",
		"prompts":   "gen_ai.prompt.%.content",
		"others":    "gen_ai.%",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			span := ptrace.NewSpan()
			require.NoError(t, span.Attributes().FromRaw(many(key)))
			sound(t, ofSpan(span))
		})
	}
}

// many gives attributes in any order.
func many(key string) map[string]any {
	all := map[string]any{"openinference.span.kind": "LLM"}
	for n := range 100_000 {
		all[strings.Replace(key, "%", strconv.Itoa(n), 1)] = "x"
	}
	return all
}

func TestHostileIndices(t *testing.T) {
	i := of(t, oi(attributes{
		"llm.input_messages.999999999.message.content":                            "far",
		"llm.input_messages.99999999999999999999999999.message.content":           "too far",
		"llm.input_messages.-1.message.content":                                   "negative",
		"llm.input_messages..message.content":                                     "none",
		"llm.input_messages.1":                                                    "no name",
		"llm.input_messages.1x.message.content":                                   "no number",
		"llm.input_messages.1.message.role":                                       "user",
		"llm.input_messages.1.message.content":                                    "near",
		"llm.output_messages.0.message.tool_calls.99999999.tool_call.function.id": "x",
	}))
	sound(t, i)
	text, _ := i.Text(genai.PartQuestion)
	assert.Equal(t, "near", text)
}

func TestLongTextIsCut(t *testing.T) {
	long := strings.Repeat("a", 2*mebibyte)
	for name, span := range map[string]attributes{
		"plain": {"openinference.span.kind": "LLM", "llm.output_messages.0.message.content": long},
		"JSON":  otelChat(nil, `[{"role":"assistant","content":"`+long+`"}]`),
		"whole": mlflowSpanOf("TOOL", "", long),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, state := of(t, span).Text(genai.PartAnswer)
			assert.Equal(t, genai.StateTruncated, state)
			assert.LessOrEqual(t, len(text), mebibyte)
			assert.GreaterOrEqual(t, len(text), mebibyte-100)
		})
	}
}
