package genai_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func TestHostileEvents(t *testing.T) {
	long := strings.Repeat("a", 2*mebibyte)
	names := []string{
		"gen_ai.user.message", "gen_ai.choice", "gen_ai.tool.message", "gen_ai.content.prompt", "gen_ai.content.completion",
		"gen_ai.client.inference.operation.details", "agentcore",
	}
	bodies := map[string]func(pcommon.Value){
		"empty":        func(pcommon.Value) {},
		"long":         func(v pcommon.Value) { v.SetStr(long) },
		"long content": func(v pcommon.Value) { v.SetEmptyMap().PutStr("content", long) },
		"deep":         deep,
		"list":         func(v pcommon.Value) { v.SetEmptySlice().AppendEmpty().SetEmptyMap() },
		"number":       func(v pcommon.Value) { v.SetInt(1) },
		"wrong types": func(v pcommon.Value) {
			v.SetStr(`{"role":1,"message":[1,{"content":{}}],"index":"x","tool_calls":{},"finish_reason":[],"content":[[],1,{"type":1}]}`)
		},
		"messages": func(v pcommon.Value) { v.SetStr(`[{"role":"user"},[],1,null,{"role":"assistant","content":null}]`) },
		"null":     func(v pcommon.Value) { v.SetStr("null") },
		"quotes":   func(v pcommon.Value) { v.SetStr(quotes(12)) },
		"cut":      func(v pcommon.Value) { v.SetStr(`{"message":{"content":[{"text":"a\`) },
		"nested sides": func(v pcommon.Value) {
			messages := v.SetEmptyMap().PutEmptyMap("input").PutEmptySlice("messages")
			messages.AppendEmpty().SetStr("hi")
			messages.AppendEmpty().SetEmptyMap().PutEmptyMap("content").PutEmptyMap("content")
			v.Map().PutEmptyMap("output").PutEmptySlice("messages").AppendEmpty()
		},
	}
	for name, set := range bodies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, kind := range []string{"chat", "invoke_agent", "execute_tool", "retrieval", "embeddings", "other"} {
				var records []genai.Record
				span := spanOf(t, attributes{"gen_ai.operation.name": kind})
				for n, event := range names {
					record := recordOf(t, said{name: event}, n)
					set(record.Body())
					for _, key := range []string{"content", "gen_ai.event.content", "gen_ai.prompt", "gen_ai.completion"} {
						record.Body().CopyTo(span.Events().AppendEmpty().Attributes().PutEmpty(key))
						span.Events().At(span.Events().Len() - 1).SetName(event)
					}
					if one, ok := genai.ReadRecord("agentcore", record); ok {
						records = append(records, one)
					}
				}
				i := ofSpan(span)
				sound(t, i)
				i.Join(records)
				sound(t, i)
				only := of(t, attributes{"gen_ai.operation.name": kind})
				only.Join(records)
				sound(t, only)
			}
		})
	}
}

// A conversation longer than what is looked at loses its end, and with it the question.
func TestTooManyMessages(t *testing.T) {
	var records []genai.Record
	add := func(name, text string) {
		record, ok := genai.ReadRecord("", recordOf(t, said{name: name, body: attributes{
			"content": text, "message": attributes{"content": text},
		}}, len(records)))
		require.True(t, ok)
		records = append(records, record)
	}
	for range 30 {
		add("gen_ai.user.message", strings.Repeat("a", mebibyte/10))
	}
	add("gen_ai.choice", "hello")
	i := of(t, otelChat(nil, nil))
	i.Join(records)
	_, asked := i.Text(genai.PartQuestion)
	_, answered := i.Text(genai.PartAnswer)
	assert.Equal(t, genai.StateTruncated, asked)
	assert.Equal(t, genai.StateTruncated, answered)
}

func FuzzMessageRecords(f *testing.F) {
	for _, seed := range []string{
		"", "plain", `{"content":"hi"}`, `{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}`,
		`{"message":"hi"}`, `{"content":[{"text":"hi"},{"toolUse":{"name":"f","input":{}}}]}`, `[{"role":"user","parts":[]}]`,
		`{"tool_calls":[{"function":{"name":"f"}}]}`, `{"content":{"role":"model","parts":[{"text":"hi"}]}}`, `{"message":{"con`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var records []genai.Record
		span := spanOf(t, attributes{"gen_ai.operation.name": "chat"})
		for _, name := range []string{"gen_ai.user.message", "gen_ai.choice", "gen_ai.content.prompt", "gen_ai.content.completion"} {
			record := plog.NewLogRecord()
			record.SetEventName(name)
			record.SetTraceID(pcommon.TraceID{1})
			record.SetSpanID(pcommon.SpanID{1})
			record.Body().SetStr(body)
			one, ok := genai.ReadRecord("", record)
			require.True(t, ok)
			records = append(records, one)
			addEvents(t, span, said{name: name, attributes: attributes{"content": body, "gen_ai.prompt": body, "gen_ai.completion": body}})
		}
		i := ofSpan(span)
		sound(t, i)
		i.Join(records)
		sound(t, i)
	})
}
