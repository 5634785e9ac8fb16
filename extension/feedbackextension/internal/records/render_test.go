package records

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

func TestRender(t *testing.T) {
	t.Parallel()
	const head = `{"assessment_id":"a-1","assessment_name":"n","trace_id":"` + mlflowTrace + `"`
	const source = `,"source":{"source_type":"CODE","source_id":"c"}`
	const times = `,"create_time":"2026-03-01T12:00:00Z","last_update_time":"2026-03-01T12:00:00.500Z"`
	at := time.Date(2026, 3, 1, 12, 0, 0, 999_000, time.UTC)
	with := func(change func(*store.Record)) store.Record {
		r := store.Record{Assessment: assessment.Assessment{
			ID: "a-1", TraceID: trace, Name: "n", Kind: assessment.KindFeedback, Value: "1",
			Source:     assessment.Source{Type: assessment.SourceTypeCode, ID: "c"},
			CreateTime: at, UpdateTime: at.Add(500 * time.Millisecond).In(time.FixedZone("", 3600)),
		}}
		change(&r)
		return r
	}
	value := func(kind assessment.Kind, value assessment.Value) store.Record {
		return with(func(r *store.Record) { r.Kind, r.Value = kind, value })
	}
	person := func(id string) store.Record {
		return with(func(r *store.Record) { r.Source = assessment.Source{Type: assessment.SourceTypeHuman, ID: id} })
	}
	page := access.Caller{Name: "ann", Door: access.DoorUI}
	tests := []struct {
		name   string
		record store.Record
		caller access.Caller
		want   string
	}{
		{"integer", value(assessment.KindFeedback, "4"), access.Caller{}, head + source + times + `,"feedback":{"value":4.0},"valid":true}`},
		{"integers inside", value(assessment.KindFeedback, `{"1":[2,-3,"4\"5",6.5,1e+21]}`), access.Caller{}, head + source + times + `,"feedback":{"value":{"1":[2.0,-3.0,"4\"5",6.5,1e+21]}},"valid":true}`},
		{"no value", value(assessment.KindFeedback, ""), access.Caller{}, head + source + times + `,"feedback":{"value":null},"valid":true}`},
		{"error", with(func(r *store.Record) { r.Error = &assessment.Error{Type: "timeout", StackTrace: "s"} }), access.Caller{}, head + source + times + `,"feedback":{"value":1.0,"error":{"error_code":"","stack_trace":"s"}},"valid":true}`},
		{"error, whole", with(func(r *store.Record) { r.Error = &assessment.Error{Code: "E", Message: "m"} }), access.Caller{}, head + source + times + `,"feedback":{"value":1.0,"error":{"error_code":"E","error_message":"m"}},"valid":true}`},
		{"expectation", value(assessment.KindExpectation, "4"), access.Caller{}, head + source + times + `,"expectation":{"value":4.0},"valid":true}`},
		{"expectation of a map", value(assessment.KindExpectation, `{"ä":[1,"a,b: 😀\n"]}`), access.Caller{}, head + source + times + `,"expectation":{"serialized_value":{"serialization_format":"JSON_FORMAT","value":"{\"\\u00e4\": [1, \"a,b: \\ud83d\\ude00\\n\"]}"}},"valid":true}`},
		{"issue", value(assessment.KindIssue, `"slow"`), access.Caller{}, head + source + times + `,"issue":{"issue_name":"slow"},"valid":true}`},
		{"everything else", with(func(r *store.Record) {
			r.SpanID, r.Rationale, r.Overrides, r.Invalid = "00000000000000ab", "<b>\u2028", "a-0", true
			r.Metadata, r.Fingerprint = map[string]string{"z": "1", "a": "2"}, "f"
		}), access.Caller{}, head + `,"span_id":"00000000000000ab"` + source + times + `,"feedback":{"value":1.0},"rationale":"<b>` + "\u2028" + `","metadata":{"a":"2","fingerprint":"f","z":"1"},"overrides":"a-0","valid":false}`},
		{"no source", with(func(r *store.Record) { r.Source = assessment.Source{} }), access.Caller{}, head + `,"source":{"source_type":"SOURCE_TYPE_UNSPECIFIED"}` + times + `,"feedback":{"value":1.0},"valid":true}`},
		{"own, to the page", person("ann"), page, head + `,"source":{"source_type":"HUMAN","source_id":"User"}` + times + `,"feedback":{"value":1.0},"valid":true}`},
		{"own, to the review page", person("ann"), access.Caller{Name: "ann", Door: access.DoorReview}, head + `,"source":{"source_type":"HUMAN","source_id":"default"}` + times + `,"feedback":{"value":1.0},"valid":true}`},
		{"own, to a program", person("ann"), access.Caller{Name: "ann", Door: access.DoorAPI}, head + `,"source":{"source_type":"HUMAN","source_id":"ann"}` + times + `,"feedback":{"value":1.0},"valid":true}`},
		{"another's, to the page", person("eve"), page, head + `,"source":{"source_type":"HUMAN","source_id":"eve"}` + times + `,"feedback":{"value":1.0},"valid":true}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := Render(&tt.record, tt.caller)
			assert.Equal(t, tt.want, string(got))
			assert.True(t, json.Valid(got))
		})
	}
}

func TestTooDeep(t *testing.T) {
	t.Parallel()
	nest := func(left, right string, n int) assessment.Value {
		return assessment.Value(strings.Repeat(left, n) + strings.Repeat(right, n))
	}
	tests := []struct {
		name  string
		value assessment.Value
		want  bool
	}{
		{"none", "", false},
		{"brackets in a string", assessment.String(strings.Repeat(`[{"\`, 100)), false},
		{"side by side", assessment.Value("[" + strings.Repeat("[],", 100) + "{}]"), false},
		{"lists", nest("[", "]", 45), false},
		{"more lists", nest("[", "]", 46), true},
		{"objects", nest(`{"a":`, "}", 32), false},
		{"more objects", nest(`{"a":`, "}", 33), true},
		{"both", nest(`[{"a":`, "}]", 19), false},
		{"more of both", nest(`[{"a":`, "}]", 20), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.want, TooDeep(tt.value))
		})
	}
}

// FuzzRender: an answer is JSON, whatever the value, and its numbers are doubles.
func FuzzRender(f *testing.F) {
	f.Add(`{"a":[1,-2.5e10,"\\\"",true,null]}`, "r\xff", true)
	f.Add(`"\ud83d\ude00"`, "", false)
	f.Fuzz(func(t *testing.T, text, rationale string, expected bool) {
		value, err := assessment.ParseValue([]byte(text))
		if err != nil {
			return
		}
		doubles := Doubles(value)
		require.Equal(t, doubles, Doubles(doubles))
		if value != "" {
			again, err := assessment.ParseValue([]byte(doubles))
			require.NoError(t, err)
			require.Equal(t, doubles, again)
			spelled, err := assessment.ParseValue([]byte(pythonSpelling(value)))
			require.NoError(t, err)
			require.Equal(t, value, spelled)
		}
		record := store.Record{Assessment: assessment.Assessment{ID: "a", Name: "n", Value: value, Rationale: rationale}}
		if expected {
			record.Kind = assessment.KindExpectation
		}
		require.True(t, json.Valid(Render(&record, access.Caller{})))
	})
}
