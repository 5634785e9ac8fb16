package genai_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

// said is an event on a span, or a log record, which may have a body.
type said struct {
	name       string
	attributes attributes
	body       any
}

// withEvents reads a span that has attributes and events.
func withEvents(t *testing.T, a attributes, events ...said) *genai.Interaction {
	t.Helper()
	span := spanOf(t, a)
	addEvents(t, span, events...)
	return ofSpan(span)
}

func addEvents(t *testing.T, span ptrace.Span, events ...said) {
	t.Helper()
	for _, one := range events {
		event := span.Events().AppendEmpty()
		event.SetName(one.name)
		require.NoError(t, event.Attributes().FromRaw(one.attributes))
	}
}

// withRecords reads a span that has attributes and log records.
func withRecords(t *testing.T, a attributes, scope string, records ...said) *genai.Interaction {
	t.Helper()
	i := ofSpan(spanOf(t, a))
	joined := make([]genai.Record, 0, len(records))
	for n, one := range records {
		record, ok := genai.ReadRecord(scope, recordOf(t, one, n+1))
		require.True(t, ok, one.name)
		joined = append(joined, record)
	}
	i.Join(joined)
	return i
}

func recordOf(t *testing.T, one said, at int) plog.LogRecord {
	t.Helper()
	record := plog.NewLogRecord()
	record.SetEventName(one.name)
	record.SetTraceID(pcommon.TraceID{1})
	record.SetSpanID(pcommon.SpanID{1})
	record.SetObservedTimestamp(pcommon.Timestamp(at))
	require.NoError(t, record.Attributes().FromRaw(one.attributes))
	require.NoError(t, record.Body().FromRaw(one.body))
	return record
}

func TestReadRecord(t *testing.T) {
	body := func(text string) func(plog.LogRecord) {
		return func(r plog.LogRecord) { r.Body().SetStr(text) }
	}
	attribute := func(key, text string) func(plog.LogRecord) {
		return func(r plog.LogRecord) { r.Attributes().PutStr(key, text) }
	}
	for _, test := range []struct {
		name string
		set  func(plog.LogRecord)
		want bool
	}{
		{name: "name", set: func(r plog.LogRecord) { r.SetEventName("gen_ai.choice") }, want: true},
		{name: "attribute", set: attribute("event.name", "gen_ai.user.message"), want: true},
		{name: "LiteLLM's attribute", set: attribute("event_name", "gen_ai.content.prompt"), want: true},
		{name: "body", set: body("gen_ai.client.inference.operation.details"), want: true},
		{name: "role of its own", set: attribute("event.name", "gen_ai.developer.message"), want: true},
		{name: "no name", set: func(plog.LogRecord) {}},
		{name: "text", set: body("user logged in")},
		{name: "other event", set: attribute("event.name", "gen_ai.evaluation.result")},
		{name: "chunk", set: attribute("event.name", "gen_ai.content.completion.chunk")},
		{name: "no role", set: attribute("event.name", "gen_ai..message")},
		{name: "prefix alone", set: attribute("event.name", "gen_ai.")},
		{
			name: "without span",
			set: func(r plog.LogRecord) {
				r.SetEventName("gen_ai.choice")
				r.SetSpanID(pcommon.SpanID{})
			},
		},
		{
			name: "without trace",
			set: func(r plog.LogRecord) {
				r.SetEventName("gen_ai.choice")
				r.SetTraceID(pcommon.TraceID{})
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			record := recordOf(t, said{}, 1)
			test.set(record)
			_, ok := genai.ReadRecord("scope", record)
			assert.Equal(t, test.want, ok)
		})
	}
}

// Records come in any order; their own time, else the time of whoever saw them, tells which was first.
func TestRecordsAreSorted(t *testing.T) {
	ask := func(text string, made, seen time.Duration) genai.Record {
		record := recordOf(t, said{name: "gen_ai.user.message", body: attributes{"content": text}}, int(seen))
		record.SetTimestamp(pcommon.Timestamp(made))
		r, ok := genai.ReadRecord("", record)
		require.True(t, ok)
		return r
	}
	for _, test := range []struct {
		name    string
		records []genai.Record
		want    string
	}{
		{name: "by time", records: []genai.Record{ask("second", 2, 1), ask("first", 1, 2)}, want: "second"},
		{name: "by the time of observation", records: []genai.Record{ask("second", 0, 2), ask("first", 0, 1)}, want: "second"},
		{name: "as they came", records: []genai.Record{ask("first", 1, 1), ask("second", 1, 1)}, want: "second"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			i := of(t, otelChat(nil, nil))
			i.Join(test.records)
			got, state := i.Text(genai.PartQuestion)
			assert.Equal(t, test.want, got)
			assert.Equal(t, genai.StateText, state)
		})
	}
}

// A record that arrives after someone has asked counts, too.
func TestJoinAfterReading(t *testing.T) {
	i := of(t, otelChat(nil, nil))
	_, state := i.Text(genai.PartAnswer)
	require.Equal(t, genai.StateNotCaptured, state)
	record, ok := genai.ReadRecord("", recordOf(t, said{
		name: "gen_ai.choice", body: attributes{"message": attributes{"content": "hi"}},
	}, 1))
	require.True(t, ok)
	i.Join([]genai.Record{record})
	got, state := i.Text(genai.PartAnswer)
	assert.Equal(t, "hi", got)
	assert.Equal(t, genai.StateText, state)
	assert.Equal(t, "otel_genai_events", i.Convention(genai.PartAnswer))
}

func TestDetailsRecords(t *testing.T) {
	const details = "gen_ai.client.inference.operation.details"
	message := func(role, text string) []any {
		return []any{attributes{"role": role, "parts": []any{attributes{"type": "text", "content": text}}, "name": nil}}
	}
	for _, test := range []struct {
		name                   string
		span                   attributes
		record                 said
		question, answer, want string
		state                  genai.State
	}{
		{
			name: "structured", span: otelChat(nil, nil), question: "hi", answer: "hello", state: genai.StateText,
			record: said{name: details, attributes: attributes{
				"gen_ai.input.messages": message("user", "hi"), "gen_ai.output.messages": message("assistant", "hello"),
			}},
		},
		{
			name: "in the body", span: otelChat(nil, nil), question: "hi", answer: "hello", state: genai.StateText,
			record: said{name: details, body: attributes{
				"gen_ai.input.messages": message("user", "hi"), "gen_ai.output.messages": message("assistant", "hello"),
			}},
		},
		{
			name: "without content", span: otelChat(nil, nil), state: genai.StateNotCaptured,
			record: said{name: details, attributes: attributes{"gen_ai.usage.input_tokens": 24}},
		},
		{
			name: "the span's own attributes stand first", question: "on the span", state: genai.StateText, answer: "hello",
			span: otelChat(`[{"role":"user","content":"on the span"}]`, nil),
			record: said{name: details, attributes: attributes{
				"gen_ai.input.messages": message("user", "hi"), "gen_ai.output.messages": message("assistant", "hello"),
			}},
		},
		{
			name: "written down as it streamed", span: otelChat(nil, nil), answer: "The capital", state: genai.StateText,
			record: said{name: details, attributes: attributes{
				"gen_ai.output.messages": `[{"role":"assistant","parts":[{"type":"text","content":"The capit"}],"finish_reason":""},` +
					`{"role":"assistant","parts":[{"type":"text","content":"al"}],"finish_reason":"stop"}]`,
			}},
		},
		{
			name: "two choices, of which neither is finished", span: otelChat(nil, nil), answer: "one", state: genai.StateText,
			record: said{name: details, attributes: attributes{
				"gen_ai.output.messages": `[{"role":"assistant","content":"one","finish_reason":""},` +
					`{"role":"assistant","content":"two","finish_reason":""}]`,
			}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			i := withRecords(t, test.span, "", test.record)
			question, _ := i.Text(genai.PartQuestion)
			answer, state := i.Text(genai.PartAnswer)
			assert.Equal(t, test.question, question)
			assert.Equal(t, test.answer, answer)
			assert.Equal(t, test.state, state)
		})
	}
}

// Strands keeps the arguments of a tool, and what it gave back, in messages on the tool's span.
func TestDetailsOfTool(t *testing.T) {
	const details = "gen_ai.client.inference.operation.details"
	call := `[{"role":"tool","parts":[{"type":"tool_call","name":"f","id":"1","arguments":{"location":"Paris"}}]}]`
	back := func(response string) said {
		return said{name: details, attributes: attributes{
			"gen_ai.output.messages": `[{"role":"tool","parts":[{"type":"tool_call_response","id":"1","response":` + response + `}]}]`,
		}}
	}
	for _, test := range []struct{ name, response, want string }{
		{"blocks", `[{"text":"18 C"},{"text":"sunny"}]`, "18 C\nsunny"},
		{"JSON", `{"temp":18}`, `{"temp":18}`},
		{"text", `"18 C"`, "18 C"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			i := withEvents(t, attributes{"gen_ai.operation.name": "execute_tool"},
				said{name: details, attributes: attributes{"gen_ai.input.messages": call}}, back(test.response))
			question, asked := i.Text(genai.PartQuestion)
			answer, answered := i.Text(genai.PartAnswer)
			assert.JSONEq(t, `{"location":"Paris"}`, question)
			assert.Equal(t, test.want, answer)
			assert.Equal(t, genai.StateText, asked)
			assert.Equal(t, genai.StateText, answered)
		})
	}
}

func TestResultsOfTools(t *testing.T) {
	for _, test := range []struct{ name, result, want string }{
		{"text", "18 C", "18 C"},
		{"Bedrock's blocks", `[{"text":"18 C"}]`, "18 C"},
		{"parts of the Model Context Protocol", `[{"type":"text","text":"18 C"}]`, "18 C"},
		{"a list of somebody's", `[{"id": 1, "text": "a"}]`, `[{"id": 1, "text": "a"}]`},
		{"JSON in a block", `[{"json":{"a":1}}]`, `[{"json":{"a":1}}]`},
		{"numbers", `[1, 2]`, `[1, 2]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			i := of(t, attributes{"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.result": test.result})
			got, state := i.Text(genai.PartAnswer)
			assert.Equal(t, test.want, got)
			assert.Equal(t, genai.StateText, state)
		})
	}
}
