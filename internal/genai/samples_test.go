package genai_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

const samples = "../../testdata/spans"

// TestRecordings compares every recording that has an expectation, span by span.
func TestRecordings(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(samples, "*.expect.json"))
	require.NoError(t, err)
	recordings, err := filepath.Glob(filepath.Join(samples, "*.json"))
	require.NoError(t, err)
	require.Len(t, recordings, 2*len(files), "each recording has an expectation")
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".expect.json")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spans := load(t, name)
			expectations := expect(t, name)
			require.Len(t, spans, len(expectations))
			for n, span := range spans {
				want := expectations[n]
				at := want.text("spanId") + " " + want.text("name")
				require.Equal(t, want.text("spanId"), span.span.SpanID().String(), at)
				got := span.read()
				want.matches(t, at, "kind", string(got.Kind()))
				compareFacts(t, at, want, &got)
				compareContent(t, at, want, &got)
			}
		})
	}
}

func compareFacts(t *testing.T, at string, want expectation, got *genai.Interaction) {
	t.Helper()
	want.matches(t, at, "model", textOrNil(got.Model()))
	want.matches(t, at, "provider", textOrNil(got.Provider()))
	want.matches(t, at, "response_id", textOrNil(got.ResponseID()))
	want.matches(t, at, "conversation_id", textOrNil(got.ConversationID()))
	want.matches(t, at, "input_tokens", numberOrNil(got.InputTokens()))
	want.matches(t, at, "output_tokens", numberOrNil(got.OutputTokens()))
}

func compareContent(t *testing.T, at string, want expectation, got *genai.Interaction) {
	t.Helper()
	question, asked := got.Text(genai.PartQuestion)
	answer, answered := got.Text(genai.PartAnswer)
	system, _ := got.Text(genai.PartSystem)
	want.matches(t, at, "question", textOrNil(question))
	want.matches(t, at, "answer", textOrNil(answer))
	want.matches(t, at, "system", textOrNil(system))
	state := overall(asked, answered)
	if where := want.text("content_state"); state == "present" && (where == "in_events" || where == "in_logs") {
		state = where
	}
	want.matches(t, at, "content_state", state)
	if got.Kind() != genai.KindOther && want["question_state"] != nil {
		want.matches(t, at, "question_state", string(asked))
		want.matches(t, at, "answer_state", string(answered))
	}
	documents := []any{}
	for _, document := range got.Documents() {
		documents = append(documents, document.Text)
	}
	want.matches(t, at, "documents", documents)
	calls := []any{}
	for _, call := range got.ToolCalls() {
		calls = append(calls, map[string]any{"name": call.Name, "arguments": call.Arguments})
	}
	want.matches(t, at, "tool_calls", calls)
	if convention := got.Convention(genai.PartAnswer); convention != "" {
		want.matches(t, at, "convention", convention)
	}
}

// overall sums up both sides in the words of the expectations.
func overall(asked, answered genai.State) string {
	is := func(states ...genai.State) bool {
		return slices.Contains(states, asked) || slices.Contains(states, answered)
	}
	switch {
	case is(genai.StateTruncated, genai.StateDropped):
		return "truncated"
	case is(genai.StateText, genai.StateToolCallOnly, genai.StateMedia):
		return "present"
	case is(genai.StateRedacted):
		return "redacted"
	}
	return "absent"
}

// expectation is what a careful person read from a span: a value for each field, beside it perhaps "<field>_any"
// with others that are as good; "*" stands for all.
type expectation map[string]any

func (e expectation) text(field string) string {
	text, _ := e[field].(string)
	return text
}

func (e expectation) matches(t *testing.T, at, field string, got any) {
	t.Helper()
	accepted := []any{e[field]}
	if more, ok := e[field+"_any"].([]any); ok {
		accepted = append(accepted, more...)
	} else if e[field+"_any"] == "*" {
		return
	}
	for _, value := range accepted {
		if value == "*" || assert.ObjectsAreEqual(normal(value), normal(got)) {
			return
		}
	}
	assert.Fail(t, "wrong "+field, "%s: got %#v, want one of %#v", at, got, accepted)
}

// normal trims text and reads JSON in it, so that spaces do not count.
func normal(value any) any {
	switch value := value.(type) {
	case string:
		var parsed any
		if json.Unmarshal([]byte(value), &parsed) == nil {
			return parsed
		}
		return strings.TrimSpace(value)
	case []any:
		out := make([]any, 0, len(value))
		for _, item := range value {
			out = append(out, normal(item))
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for key, item := range value {
			out[key] = normal(item)
		}
		return out
	}
	return value
}

func textOrNil(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func numberOrNil(n int64, ok bool) any {
	if !ok {
		return nil
	}
	return float64(n)
}

type recorded struct {
	resource pcommon.Resource
	scope    pcommon.InstrumentationScope
	span     ptrace.Span
	records  []genai.Record
}

// read reads a span with its log records.
func (r recorded) read() genai.Interaction {
	i := genai.Read(r.resource, r.scope, r.span)
	i.Join(r.records)
	return i
}

// load reads the spans of a recording in the order of the file, with their log records.
func load(tb testing.TB, name string) []recorded {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(samples, name+".json"))
	require.NoError(tb, err)
	var file struct {
		Traces []json.RawMessage `json:"traces"`
		Logs   []json.RawMessage `json:"logs"`
	}
	require.NoError(tb, json.Unmarshal(text, &file))
	var all []recorded
	for _, request := range file.Traces {
		traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(request)
		require.NoError(tb, err)
		all = append(all, spansOf(traces)...)
	}
	records := map[pcommon.SpanID][]genai.Record{}
	for _, request := range file.Logs {
		logs, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(request)
		require.NoError(tb, err)
		collectRecords(logs, records)
	}
	for n, one := range all {
		all[n].records = records[one.span.SpanID()]
	}
	return all
}

func collectRecords(logs plog.Logs, records map[pcommon.SpanID][]genai.Record) {
	for _, ofResource := range logs.ResourceLogs().All() {
		for _, ofScope := range ofResource.ScopeLogs().All() {
			for _, one := range ofScope.LogRecords().All() {
				if record, ok := genai.ReadRecord(ofScope.Scope().Name(), one); ok {
					records[one.SpanID()] = append(records[one.SpanID()], record)
				}
			}
		}
	}
}

func spansOf(traces ptrace.Traces) []recorded {
	var all []recorded
	for _, ofResource := range traces.ResourceSpans().All() {
		for _, ofScope := range ofResource.ScopeSpans().All() {
			for _, span := range ofScope.Spans().All() {
				all = append(all, recorded{ofResource.Resource(), ofScope.Scope(), span, nil})
			}
		}
	}
	return all
}

func expect(t *testing.T, name string) []expectation {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(samples, name+".expect.json"))
	require.NoError(t, err)
	var all []expectation
	require.NoError(t, json.Unmarshal(text, &all))
	return all
}

// Content that is in log records, or nowhere, is not captured, and nothing else is taken for it.
func TestRecordingsWithoutContentOnSpans(t *testing.T) {
	for _, name := range []string{"otel_js_openai", "py_otel_openai_v2_event_only", "py_otel_openai_v2_legacy_events"} {
		for _, span := range load(t, name) {
			i := genai.Read(span.resource, span.scope, span.span)
			question, asked := i.Text(genai.PartQuestion)
			answer, answered := i.Text(genai.PartAnswer)
			assert.Empty(t, question)
			assert.Empty(t, answer)
			assert.Equal(t, genai.StateNotCaptured, asked)
			assert.Contains(t, []genai.State{genai.StateNotCaptured, genai.StateError}, answered)
			assert.Empty(t, i.Convention(genai.PartQuestion))
		}
	}
}
