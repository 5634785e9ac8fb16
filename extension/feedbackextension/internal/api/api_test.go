package api

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
)

// TestCalls holds what a running MLflow 3.17.2 answers to the same calls, one after the other.
func TestCalls(t *testing.T) {
	t.Parallel()
	const invalid = `{"error_code":"INVALID_PARAMETER_VALUE","message":"`
	const missing = `{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"`
	const noOne = missing + `Assessment with ID 'a-1' not found for trace '` + trace + `'"}`
	row := func(id, rest string) string {
		return `{"assessment":{"assessment_id":"` + id + `","assessment_name":"n",` + rest + `}}`
	}
	created := post(human("a-1", `"feedback":{"value":true},"rationale":"r","metadata":{"k":"v"}`))
	remove := call{method: http.MethodDelete, path: all + "/a-1"}
	type step struct {
		call

		status int
		want   string
	}
	tests := []struct {
		name  string
		steps []step
	}{
		{"content type missing", []step{{call{http.MethodPost, all, `{}`, map[string]string{"Content-Type": ""}}, 400, invalid + `Bad Request. Content-Type header is missing."}`}}},
		{"content type in capitals", []step{{call{http.MethodPost, all, `{}`, map[string]string{"Content-Type": "APPLICATION/JSON"}}, 400, invalid + `Bad Request. Content-Type must be one of ['application/json']."}`}}},
		{"content type with a charset", []step{{call{http.MethodPost, all, `{}`, map[string]string{"Content-Type": "application/json;charset=latin-1"}}, 400, invalid + `Missing value for required parameter 'assessment'."}`}}},
		{"no JSON", []step{{post(`{`), 400, invalid + `Missing value for required parameter 'assessment'."}`}}},
		{"create", []step{
			{post(human("", `"feedback":{"value":5}`)), 200, row("X", `"feedback":{"value":5.0}`)},
			{created, 200, row("a-1", `"feedback":{"value":true},"rationale":"r","metadata":{"k":"v"}`)},
			{get("a-1"), 200, row("a-1", `"feedback":{"value":true},"rationale":"r","metadata":{"k":"v"}`)},
			{created, 500, `{"error_code":"INTERNAL_ERROR","message":"Failed to create assessment for trace '` + trace + `' due to a constraint violation.","sqlstate":"XXM00","error_class":"CLIENT_INTERNAL_ERROR"}`},
		}},
		{"create of another kind", []step{
			{post(human("a-1", `"expectation":{"value":{"z":1,"a":[2]}}`)), 200, row("a-1", `"expectation":{"serialized_value":{"serialization_format":"JSON_FORMAT","value":"{\"z\": 1.0, \"a\": [2.0]}"}}`)},
			{post(human("a-2", `"issue":{"issue_name":"slow"}`)), 200, row("a-2", `"issue":{"issue_name":"slow"}`)},
			{post(human("a-3", `"expectation":{"value":null}`)), 400, invalid + "The `value` field must be specified.\"}"},
		}},
		{"unknown trace", []step{
			{call{http.MethodPost, traces + unknown + "/assessments", human("a-1", `"feedback":{}`), nil}, 404, missing + `Trace with ID '` + unknown + `' not found."}`},
			{call{http.MethodPost, traces + unknown + "/assessments", `{}`, nil}, 400, invalid + `Missing value for required parameter 'assessment'."}`},
			{call{method: http.MethodGet, path: traces + unknown + "/assessments/a-1"}, 404, missing + `Trace with request_id '` + unknown + `' not found"}`},
			{call{http.MethodPatch, traces + unknown + "/assessments/a-1", `{"assessment":{},"update_mask":"x"}`, nil}, 404, missing + `Trace with request_id '` + unknown + `' not found"}`},
			{call{method: http.MethodDelete, path: traces + unknown + "/assessments/a-1"}, 200, `{}`},
		}},
		{"unknown assessment", []step{
			{get("a-1"), 404, noOne},
			{patch(`{"assessment":{},"update_mask":"x"}`), 404, noOne},
			{patch(`{"update_mask":"x"}`), 400, invalid + `Missing value for required parameter 'assessment'."}`},
			{remove, 200, `{}`},
			{post(human("a-2", `"feedback":{},"overrides":"a-1"`)), 404, noOne},
		}},
		{"ids with odd characters", []step{
			{post(human("a ü%", `"feedback":{}`)), 200, row("a ü%", `"feedback":{"value":null}`)},
			{get("a%20%C3%BC%25?trace_id=x"), 200, row("a ü%", `"feedback":{"value":null}`)},
			{get("%3Cx%3E"), 404, missing + `Assessment with ID '\u003cx\u003e' not found for trace '` + trace + `'"}`},
			{get("%ff"), 404, missing + `Assessment with ID '` + "\uFFFD" + `' not found for trace '` + trace + `'"}`},
			{get(".."), 404, missing + `Assessment with ID '..' not found for trace '` + trace + `'"}`},
		}},
		{"update", []step{
			{created, 200, row("a-1", `"feedback":{"value":true},"rationale":"r","metadata":{"k":"v"}`)},
			{patch(`{"assessment":{"feedback":{"value":0},"rationale":"s"},"update_mask":"feedback"}`), 200, row("a-1", `"feedback":{"value":0.0},"rationale":"r","metadata":{"k":"v"}`)},
			{patch(`{"assessment":{"metadata":{"l":"w"},"assessment_name":"m"},"update_mask":"metadata,assessmentName"}`), 200, strings.Replace(row("a-1", `"feedback":{"value":0.0},"rationale":"r","metadata":{"k":"v","l":"w"}`), `"n"`, `"m"`, 1)},
			{patch(`{"assessment":{},"update_mask":"zzz"}`), 200, strings.Replace(row("a-1", `"feedback":{"value":0.0},"rationale":"r","metadata":{"k":"v","l":"w"}`), `"n"`, `"m"`, 1)},
			{patch(`{"assessment":{"expectation":{"value":1}},"update_mask":"expectation"}`), 400, invalid + `Cannot update expectation value on a Feedback assessment."}`},
			{patch(`{"assessment":{"feedback":{"value":{}}},"update_mask":""}`), 400, invalid + `Missing value for required parameter 'update_mask'."}`},
		}},
		{"delete", []step{
			{created, 200, row("a-1", `"feedback":{"value":true},"rationale":"r","metadata":{"k":"v"}`)},
			{call{http.MethodDelete, all + "/a-1", `{bad`, nil}, 200, `{}`},
			{get("a-1"), 404, noOne},
			{remove, 200, `{}`},
		}},
		{"override", []step{
			{post(human("a-1", `"feedback":{"value":true}`)), 200, row("a-1", `"feedback":{"value":true}`)},
			{post(human("a-2", `"feedback":{"value":false},"overrides":"a-1","valid":false`)), 200, row("a-2", `"feedback":{"value":false},"overrides":"a-1"`)},
			{get("a-1"), 200, row("a-1", `"feedback":{"value":true},"valid":false`)},
			{call{method: http.MethodDelete, path: all + "/a-2"}, 200, `{}`},
			{get("a-1"), 200, row("a-1", `"feedback":{"value":true}`)},
		}},
		{"of the web page", []step{
			{call{http.MethodPost, pageTrace, human("a-1", `"feedback":{"value":true},"rationale":""`), nil}, 200, row("a-1", `"feedback":{"value":true}`)},
			{call{method: http.MethodGet, path: pageTrace + "/a-1"}, 200, row("a-1", `"feedback":{"value":true}`)},
		}},
		{"no rights", []step{
			{call{http.MethodPost, traces + secret + "/assessments", `{}`, nil}, 403, `{"error_code":"PERMISSION_DENIED","message":"Permission denied","sqlstate":"KAM00","error_class":"PERMISSION_DENIED"}`},
			{call{method: http.MethodDelete, path: traces + secret + "/assessments/a-1"}, 403, `{"error_code":"PERMISSION_DENIED","message":"Permission denied","sqlstate":"KAM00","error_class":"PERMISSION_DENIED"}`},
			{call{method: http.MethodGet, path: traces + secret + "/assessments/a-1"}, 404, missing + `Assessment with ID 'a-1' not found for trace '` + secret + `'"}`},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, nil)
			for i, step := range tt.steps {
				w := f.do(t, step.call)
				assert.Equal(t, step.status, w.Code, "step %d: %s", i, w.Body)
				assert.Equal(t, strings.ReplaceAll(step.want, `"X"`, `"RANDOM"`), shown(w), "step %d", i)
				assert.Equal(t, "application/json", w.Header().Get("Content-Type"))
			}
		})
	}
}

func TestWholeAnswer(t *testing.T) {
	t.Parallel()
	w := newFixture(t, nil).do(t, post(human("a-1", `"feedback":{"value":"<b>"},"create_time":"2025-02-20T05:47:23.120Z"`)))
	want := []byte(`{
  "assessment": {
    "assessment_id": "a-1",
    "assessment_name": "n",
    "trace_id": "` + trace + `",
    "source": {
      "source_type": "HUMAN",
      "source_id": "eve"
    },
    "create_time": "2025-02-20T05:47:23.120Z",
    "last_update_time": "2026-03-01T12:00:00Z",
    "feedback": {
      "value": "<b>"
    },
    "valid": true
  }
}`)
	assert.Equal(t, want, w.Body.Bytes())
}

func TestKnownCaller(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.caller = access.Caller{Name: "ann"}
	body := strings.Replace(human("a-1", `"feedback":{"value":true}`), `"eve"`, `"User"`, 1)
	w := f.do(t, call{method: http.MethodPost, path: pageTrace, body: body})
	assert.Contains(t, shown(w), `"source_id":"User"`, "to the page")
	assert.Contains(t, shown(f.do(t, get("a-1"))), `"source_id":"ann"`, "to a program")
	f.caller = access.Caller{Name: "bob"}
	assert.Contains(t, shown(f.do(t, call{method: http.MethodGet, path: pageTrace + "/a-1"})), `"source_id":"ann"`)
	w = f.do(t, patch(`{"assessment":{"rationale":"forged"},"update_mask":"rationale"}`))
	assert.Equal(t, http.StatusForbidden, w.Code)
}

func TestMethods(t *testing.T) {
	t.Parallel()
	tests := []struct {
		method, path string
		status       int
		allow        string
	}{
		{http.MethodGet, all, 405, "POST, OPTIONS"},
		{http.MethodHead, all, 405, "POST, OPTIONS"},
		{http.MethodDelete, all, 405, "POST, OPTIONS"},
		{http.MethodPost, all + "/a-1", 405, "GET, HEAD, PATCH, DELETE, OPTIONS"},
		{http.MethodPut, all + "/a-1", 405, "GET, HEAD, PATCH, DELETE, OPTIONS"},
		{http.MethodOptions, all + "/a-1", 204, "GET, HEAD, PATCH, DELETE, OPTIONS"},
		{http.MethodOptions, all, 204, "POST, OPTIONS"},
		{http.MethodHead, all + "/a-1", 404, ""},
	}
	f := newFixture(t, nil)
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			t.Parallel()
			w := f.do(t, call{method: tt.method, path: tt.path})
			assert.Equal(t, tt.status, w.Code)
			assert.Equal(t, tt.allow, w.Header().Get("Allow"))
			if tt.allow != "" {
				assert.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"))
			}
		})
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(s *Settings) { s.MaxBody = 300 })
	large := human("a-1", `"feedback":{"value":"`+strings.Repeat("x", 300)+`"}`)
	tests := []struct {
		name   string
		body   io.Reader
		status int
		want   string
	}{
		{"large", strings.NewReader(large), 413, "The request's body is larger than 300 bytes"},
		{"large, of unknown length", io.MultiReader(strings.NewReader(large)), 413, "The request's body is larger than 300 bytes"},
		{"cut", io.MultiReader(strings.NewReader("{"), broken{}), 400, "The request's body cannot be read."},
		{"within", strings.NewReader(human("a-1", `"feedback":{}`)), 200, `"a-1"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, all, tt.body)
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			matched, _ := Match(r.URL.Path)
			f.handler.Serve(w, r, matched)
			assert.Equal(t, tt.status, w.Code)
			assert.Contains(t, w.Body.String(), tt.want)
		})
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestMatch(t *testing.T) {
	t.Parallel()
	const id = "0102030405060708090a0b0c0d0e0f10"
	tests := []struct {
		path string
		want Call
		ok   bool
	}{
		{all, Call{TraceID: id}, true},
		{all + "/a-1", Call{TraceID: id, AssessmentID: "a-1"}, true},
		{pageTrace, Call{TraceID: id, UI: true}, true},
		{pageTrace + "/..", Call{TraceID: id, AssessmentID: "..", UI: true}, true},
		{all + "/a\xffb", Call{TraceID: id, AssessmentID: "a\uFFFDb"}, true},
		{all + "/", Call{}, false},
		{all + "/a/b", Call{}, false},
		{all + "/a/", Call{}, false},
		{"/api/2.0/mlflow/traces/" + trace + "/assessments", Call{}, false},
		{"/x" + all, Call{}, false},
		{"/" + all, Call{}, false},
		{traces + trace, Call{}, false},
		{traces + trace + "/tags", Call{}, false},
		{traces + trace + "/assessmentsx", Call{}, false},
		{traces + "/" + trace + "/assessments", Call{}, false},
		{traces + strings.ToUpper(trace) + "/assessments", Call{}, false},
		{traces + id + "/assessments", Call{}, false},
		{"", Call{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			t.Parallel()
			got, ok := Match(tt.path)
			assert.Equal(t, tt.ok, ok)
			assert.Equal(t, tt.want, got)
		})
	}
}
