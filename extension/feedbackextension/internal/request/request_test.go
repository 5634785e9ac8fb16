package request

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/records"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

const (
	noAssessment = "Missing value for required parameter 'assessment'. See the API docs for more information about request parameters."
	noMask       = "Missing value for required parameter 'update_mask'. See the API docs for more information about request parameters."
	noObject     = "The request's body must be a JSON object."
	noKind       = "Unknown assessment type: None"
	noValue      = "The `value` field must be specified."
)

func field(name, must string) string {
	return "Invalid value for field 'assessment." + name + "': it must be " + must + "."
}

func nested(left, right string, n int) string {
	return strings.Repeat(left, n) + "1" + strings.Repeat(right, n)
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	const deep = "nested less deeply, or MLflow cannot read it back"
	const jsonValue = "JSON of at most 64 levels, its numbers within a double"
	tests := []struct{ name, body, want string }{
		{"nothing", ``, noAssessment},
		{"no JSON", `{`, noAssessment},
		{"NaN is no JSON", `{"assessment":{"feedback":{"value":NaN}}}`, noAssessment},
		{"two documents", `{"assessment":{"feedback":{}}} {}`, noAssessment},
		{"no UTF-8", "{\"assessment\":{\"assessment_name\":\"\xff\"}}", noAssessment},
		{"null", `null`, noAssessment},
		{"text of null", `"null"`, noAssessment},
		{"flat", `{"feedback":{"value":1}}`, noAssessment},
		{"assessment is null", `{"assessment":null}`, noAssessment},
		{"assessment is empty text", `{"assessment":""}`, noAssessment},
		{"a list", `[]`, noObject},
		{"a number", `5`, noObject},
		{"false", `false`, noObject},
		{"text of no JSON", `"x"`, noObject},
		{"text of text", `"\"x\""`, noObject},
		{"assessment is text", `{"assessment":"x"}`, noKind},
		{"assessment is a list", `{"assessment":[]}`, noKind},
		{"of no kind", `{"assessment":{"assessment_name":"n"}}`, noKind},
		{"kind is null", `{"assessment":{"feedback":null}}`, noKind},
		{"two kinds", `{"assessment":{"feedback":{},"issue":{}}}`, "Invalid value for field 'assessment': it must be exactly one of feedback, expectation and issue."},
		{"both spellings", `{"assessment":{"assessment_name":"a","assessmentName":"b","feedback":{}}}`, "Request specifies both 'assessment_name' and 'assessmentName'; provide only one of them."},
		{"both spellings, of the source", `{"assessment":{"source":{"source_id":null,"sourceId":null},"feedback":{}}}`, "Request specifies both 'source_id' and 'sourceId'; provide only one of them."},
		{"both spellings, of the error", `{"assessment":{"feedback":{"error":{"stack_trace":"","stackTrace":""}}}}`, "Request specifies both 'stack_trace' and 'stackTrace'; provide only one of them."},
		{"name", `{"assessment":{"assessment_name":5,"feedback":{}}}`, field("assessment_name", "a string")},
		{"id", `{"assessment":{"assessmentId":[],"feedback":{}}}`, field("assessment_id", "a string")},
		{"trace id", `{"assessment":{"trace_id":5,"feedback":{}}}`, field("trace_id", "a string")},
		{"span id", `{"assessment":{"span_id":true,"feedback":{}}}`, field("span_id", "a string")},
		{"rationale", `{"assessment":{"feedback":{},"rationale":5}}`, field("rationale", "a string")},
		{"overrides", `{"assessment":{"feedback":{},"overrides":5}}`, field("overrides", "a string")},
		{"valid", `{"assessment":{"feedback":{},"valid":"true"}}`, field("valid", "a boolean")},
		{"source", `{"assessment":{"feedback":{},"source":"HUMAN"}}`, field("source", "an object")},
		{"source type", `{"assessment":{"feedback":{},"source":{"source_type":77}}}`, field("source.source_type", "HUMAN, LLM_JUDGE or CODE")},
		{"source type, a boolean", `{"assessment":{"feedback":{},"source":{"source_type":true}}}`, field("source.source_type", "HUMAN, LLM_JUDGE or CODE")},
		{"source id", `{"assessment":{"feedback":{},"source":{"source_id":5}}}`, field("source.source_id", "a string")},
		{"metadata", `{"assessment":{"feedback":{},"metadata":[]}}`, field("metadata", "an object")},
		{"metadata's value", `{"assessment":{"feedback":{},"metadata":{"a":null}}}`, field("metadata", "an object of strings, numbers and booleans")},
		{"feedback", `{"assessment":{"feedback":true}}`, field("feedback", "an object")},
		{"error", `{"assessment":{"feedback":{"error":"x"}}}`, field("feedback.error", "an object")},
		{"error code", `{"assessment":{"feedback":{"error":{"error_code":5}}}}`, field("feedback.error.error_code", "a string")},
		{"number", `{"assessment":{"feedback":{"value":1e999}}}`, field("feedback.value", jsonValue)},
		{"lists too deep", `{"assessment":{"feedback":{"value":` + nested("[", "]", 46) + `}}}`, field("feedback.value", deep)},
		{"objects too deep", `{"assessment":{"feedback":{"value":` + nested(`{"a":`, "}", 33) + `}}}`, field("feedback.value", deep)},
		{"far too deep", `{"assessment":{"feedback":{"value":` + nested("[", "]", 9000) + `}}}`, field("feedback.value", jsonValue)},
		{"expectation of nothing", `{"assessment":{"expectation":{}}}`, noValue},
		{"expectation of null", `{"assessment":{"expectation":{"value":null}}}`, noValue},
		{"serialized null", `{"assessment":{"expectation":{"serialized_value":{"serialization_format":"JSON_FORMAT","value":"null"}}}}`, noValue},
		{"serialized, no format", `{"assessment":{"expectation":{"serialized_value":{"value":"1"}}}}`, "Unknown serialization format: . Only JSON_FORMAT is supported."},
		{"serialized, other format", `{"assessment":{"expectation":{"serialized_value":{"serialization_format":"YAML"}}}}`, "Unknown serialization format: YAML. Only JSON_FORMAT is supported."},
		{"serialized, markup as format", `{"assessment":{"expectation":{"serialized_value":{"serialization_format":"<script>"}}}}`, "Unknown serialization format: . Only JSON_FORMAT is supported."},
		{"serialized, no JSON", `{"assessment":{"expectation":{"serialized_value":{"serialization_format":"JSON_FORMAT","value":"{bad"}}}}`, field("expectation.serialized_value.value", jsonValue)},
		{"issue name", `{"assessment":{"issue":{"issue_name":5}}}`, field("issue.issue_name", "a string")},
	}
	for _, text := range []string{
		`""`, `1740000000`, `"2025-02-20"`, `"2025-02-20T05:47:23"`, `"2025-02-29T00:00:00Z"`, `"2025-02-20T05:47:60Z"`,
		`"0000-01-01T00:00:00Z"`, `"10000-01-01T00:00:00Z"`, `"9999-12-31T23:59:59-05:00"`, `"2025-02-20T05:47:23ZZ"`, `{}`,
	} {
		must := "a time in RFC 3339, between the years 1 and 9999"
		if text[0] != '"' {
			must = "a string"
		}
		tests = append(tests, struct{ name, body, want string }{
			"time " + text, `{"assessment":{"feedback":{},"create_time":` + text + `}}`, field("create_time", must),
		})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Create([]byte(tt.body))
			var refused *answer.Error
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, http.StatusBadRequest, refused.Status)
			assert.Equal(t, answer.CodeInvalidParameter, refused.Code)
			assert.Equal(t, tt.want, refused.Message)
		})
	}
}

func TestCreate(t *testing.T) {
	t.Parallel()
	unspecified := assessment.Source{Type: assessment.SourceTypeUnspecified}
	at := func(text string) time.Time {
		parsed, err := time.Parse(time.RFC3339Nano, text)
		require.NoError(t, err)
		return parsed.UTC()
	}
	feedback := func(value assessment.Value) assessment.Assessment {
		return assessment.Assessment{Name: "n", Kind: assessment.KindFeedback, Source: unspecified, Value: value}
	}
	with := func(change func(a *assessment.Assessment)) assessment.Assessment {
		a := feedback("1.0")
		change(&a)
		return a
	}
	expectation := func(value assessment.Value) assessment.Assessment {
		return with(func(a *assessment.Assessment) { a.Kind, a.Value = assessment.KindExpectation, value })
	}
	serialized := func(text string) string {
		return `"expectation":{"serialized_value":{"serialization_format":"JSON_FORMAT","value":` + text + `}}`
	}
	tests := []struct {
		name, fields string
		want         assessment.Assessment
	}{
		{"integer", `"feedback":{"value":5}`, feedback("5.0")},
		{"large integer", `"feedback":{"value":9007199254740993}`, feedback("9007199254740992.0")},
		{"no value", `"feedback":{}`, feedback("")},
		{"null", `"feedback":{"value":null}`, feedback("")},
		{"integers inside", `"feedback":{"value":{"b":[1,-2,"3",null,true],"a":{"c":4.50}}}`, feedback(`{"b":[1.0,-2.0,"3",null,true],"a":{"c":4.5}}`)},
		{"last of equal keys", `"feedback":{"value":1},"feedback":{"value":"2","value":"3"}`, feedback(`"3"`)},
		{"deepest objects", `"feedback":{"value":` + nested(`{"a":`, "}", 32) + `}`, feedback(assessment.Value(nested(`{"a":`, "}", 31)[:31*5] + `{"a":1.0}` + strings.Repeat("}", 31)))},
		{"expectation", `"expectation":{"value":5}`, expectation("5.0")},
		{"expectation of a list", `"expectation":{"value":[5]}`, expectation("[5.0]")},
		{"serialized list", serialized(`"[1, 2.5]"`), expectation("[1,2.5]")},
		{"serialized number", serialized(`"5"`), expectation("5.0")},
		{"issue", `"issue":{"issue_name":"slow"}`, with(func(a *assessment.Assessment) { a.Kind, a.Value = assessment.KindIssue, `"slow"` })},
		{"unknown fields", `"feedback":{"value":1,"x":2},"x":{},"[a.b]":1`, feedback("1.0")},
		{"nulls", `"feedback":{"value":1,"error":null},"source":null,"metadata":null,"rationale":null,"create_time":null,"valid":null,"issue":null`, feedback("1.0")},
		{"valid is not the client's", `"feedback":{"value":1},"valid":false`, feedback("1.0")},
		{"source", `"feedback":{"value":1},"source":{"sourceType":"HUMAN","sourceId":"u"}`, with(func(a *assessment.Assessment) {
			a.Source = assessment.Source{Type: assessment.SourceTypeHuman, ID: "u"}
		})},
		{"source in lower case", `"feedback":{"value":1},"source":{"source_type":"human","source_id":"u"}`, with(func(a *assessment.Assessment) { a.Source.ID = "u" })},
		{"source by number", `"feedback":{"value":1},"source":{"source_type":2}`, with(func(a *assessment.Assessment) { a.Source.Type = assessment.SourceTypeLLMJudge })},
		{"source by number as text", `"feedback":{"value":1},"source":{"source_type":"3"}`, with(func(a *assessment.Assessment) { a.Source.Type = assessment.SourceTypeCode })},
		{"error", `"feedback":{"error":{"errorCode":"E","errorMessage":"m","stackTrace":"s"}}`, with(func(a *assessment.Assessment) {
			a.Value, a.Error = "", &assessment.Error{Code: "E", Message: "m", StackTrace: "s"}
		})},
		{"metadata of other types", `"feedback":{"value":1},"metadata":{"a":5,"b":0.50,"c":true,"d":"x","fingerprint":"f"}`, with(func(a *assessment.Assessment) {
			a.Metadata, a.Fingerprint = map[string]string{"a": "5", "b": "0.50", "c": "true", "d": "x"}, "f"
		})},
		{"rationale of an expectation", `"expectation":{"value":1},"rationale":"why"`, with(func(a *assessment.Assessment) { a.Kind, a.Rationale = assessment.KindExpectation, "why" })},
		{"times", `"feedback":{"value":1},"createTime":"2025-02-20T05:47:23.123456789+02:00","last_update_time":"2025-02-20T05:47:23-07:30"`, with(func(a *assessment.Assessment) {
			a.CreateTime, a.UpdateTime = at("2025-02-20T03:47:23.123Z"), at("2025-02-20T13:17:23Z")
		})},
		{"before 1970", `"feedback":{"value":1},"create_time":"1969-12-31T23:59:59.5Z"`, with(func(a *assessment.Assessment) { a.CreateTime = at("1969-12-31T23:59:59.5Z") })},
		{"the epoch is no time", `"feedback":{"value":1},"create_time":"1970-01-01T00:00:00.0009Z"`, feedback("1.0")},
		{"ids", `"feedback":{"value":1},"assessment_id":"a/1","span_id":"00000000000000ab","overrides":"o","trace_id":"ignored"`, with(func(a *assessment.Assessment) {
			a.ID, a.SpanID, a.Overrides = "a/1", "00000000000000ab", "o"
		})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := Create([]byte(" {\"assessment\": {\"assessment_name\":\"n\"," + tt.fields + "}}\n"))
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
	t.Run("encoded twice, with a byte order mark", func(t *testing.T) {
		t.Parallel()
		got, err := Create([]byte("\uFEFF" + `"{\"assessment\":{\"assessment_name\":\"n\",\"feedback\":{\"value\":1}}}"`))
		require.NoError(t, err)
		assert.Equal(t, feedback("1.0"), got)
	})
	t.Run("long stack trace", func(t *testing.T) {
		t.Parallel()
		got, err := Create([]byte(`{"assessment":{"feedback":{"error":{"stack_trace":"` + strings.Repeat("ü", 10_001) + `"}}}}`))
		require.NoError(t, err)
		assert.Equal(t, "[Stack trace is truncated]\n...\n"+strings.Repeat("ü", 10_000-31), got.Error.StackTrace)
	})
}

func TestUpdateRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, want string }{
		{"nothing", ``, noAssessment},
		{"no assessment", `{"update_mask":"feedback"}`, noAssessment},
		{"no mask", `{"assessment":{}}`, noMask},
		{"empty mask", `{"assessment":{},"update_mask":""}`, noMask},
		{"null mask", `{"assessment":{},"update_mask":null}`, noMask},
		{"mask in camelCase", `{"assessment":{},"updateMask":"feedback"}`, noMask},
		{"mask in both", `{"assessment":{},"updateMask":"feedback","update_mask":"feedback"}`, "Request specifies both 'update_mask' and 'updateMask'; provide only one of them."},
		{"mask as a list", `{"assessment":{},"update_mask":["feedback"]}`, "Invalid value for field 'update_mask': it must be a string."},
		{"a list", `[]`, noObject},
		{"assessment is text", `{"assessment":"x","update_mask":"feedback"}`, "Invalid value for field 'assessment': it must be an object."},
		{"valid", `{"assessment":{"valid":false},"update_mask":"valid"}`, "The field `valid` cannot be updated; override the assessment instead."},
		{"field beside the mask", `{"assessment":{"rationale":5},"update_mask":"feedback"}`, field("rationale", "a string")},
		{"expectation missing", `{"assessment":{},"update_mask":"expectation"}`, noValue},
		{"expectation of null", `{"assessment":{"expectation":{"value":null}},"update_mask":"expectation"}`, noValue},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Update([]byte(tt.body))
			var refused *answer.Error
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, answer.CodeInvalidParameter, refused.Code)
			assert.Equal(t, tt.want, refused.Message)
		})
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	text := func(s string) *string { return &s }
	value := func(v assessment.Value) *assessment.Value { return &v }
	const all = `{"assessment_name":"m","feedback":{"value":1},"rationale":"r","metadata":{"a":1}}`
	tests := []struct {
		name, assessment, mask string
		want                   records.Patch
	}{
		{"nothing that is known", all, `zzz,feedback.value,Feedback,source,*,`, records.Patch{}},
		{"feedback", all, `feedback`, records.Patch{Feedback: &records.Feedback{Value: "1.0"}}},
		{"feedback of nothing", `{}`, `feedback`, records.Patch{Feedback: &records.Feedback{}}},
		{"everything", all, `assessmentName,feedback,rationale,metadata`, records.Patch{
			Name: text("m"), Feedback: &records.Feedback{Value: "1.0"}, Rationale: text("r"), Metadata: map[string]string{"a": "1"},
		}},
		{"snake_case and spaces", all, `assessment_name, rationale`, records.Patch{Name: text("m"), Rationale: text("r")}},
		{"rationale of nothing", `{}`, `rationale`, records.Patch{Rationale: text("")}},
		{"expectation", `{"expectation":{"value":{"a":1}}}`, `expectation`, records.Patch{Expectation: value(`{"a":1.0}`)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := Update([]byte(`{"update_mask":"` + tt.mask + `","assessment":` + tt.assessment + `}`))
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

// FuzzBody: no body makes reading panic, a refusal is always the client's fault, and what is taken holds only doubles.
func FuzzBody(f *testing.F) {
	f.Add([]byte(`{"assessment":{"assessment_name":"n","source":{"source_type":"HUMAN"},"feedback":{"value":{"a":[1,"\ud800"]}},"metadata":{"a":1}}}`))
	f.Add([]byte(`{"assessment":{"expectation":{"serialized_value":{"serialization_format":"JSON_FORMAT","value":"[1]"}}},"update_mask":"expectation,valid"}`))
	f.Add([]byte(`"{\"assessment\":{\"issue\":{\"issue_name\":\"x\"},\"create_time\":\"2025-02-20T05:47:23Z\"}}"`))
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := Create(body)
		refusedOrNot(t, err)
		if err == nil && a.Kind == assessment.KindFeedback {
			require.Equal(t, a.Value, records.Doubles(a.Value))
			again, err := assessment.ParseValue([]byte(a.Value))
			if a.Value != "" {
				require.NoError(t, err)
				require.Equal(t, a.Value, again)
			}
		}
		_, err = Update(body)
		refusedOrNot(t, err)
	})
}

func refusedOrNot(t *testing.T, err error) {
	t.Helper()
	if refused, ok := errors.AsType[*answer.Error](err); err != nil && (!ok || refused.Status != http.StatusBadRequest) {
		t.Fatalf("answered %v", err)
	}
}
