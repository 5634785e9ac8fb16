package proxy

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

func TestBindTraceRefuses(t *testing.T) {
	t.Parallel()
	upstream := startUpstream(t, golden(t, "start"))
	f := startFront(t, upstream.URL, nil)
	row := `{"source":{"source_type":"HUMAN","source_id":"boss"}}`
	for _, body := range []string{
		"", "null", "[]", "1", `"{\"trace\":{}}"`, "{", `{"trace":`, `{"trace":[]}`, `{"trace":{"trace_info":"x"}}`,
		`{"trace":{"trace_info":{"assessments":[` + row + `]},"traceInfo":{"assessments":[` + row + `]}}}`,
		`{"trace":{"trace_info":{"assessments":{}}}}`, `{"trace":{"trace_info":{}}} {}`,
		`{"trace":{"trace_info":{"assessments":[NaN]}}}`, "\uFEFF{}",
	} {
		response, answered := f.send(t, http.MethodPost, apiTraces, body, map[string]string{"X-Test-User": "ann"})
		assertRefused(t, http.StatusBadRequest, response, answered)
	}
	response, answered := f.send(t, http.MethodPost, apiTraces, `{"trace":{"trace_info":{"assessments":[1]}}}`,
		map[string]string{"X-Test-User": "ann"})
	assertRefused(t, http.StatusServiceUnavailable, response, answered) // what Bind does not explain
	assert.Empty(t, upstream.requests())
}

// MLflow would take another trace's row over by its id, and another's trace by its own.
func TestBindTraceLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	upstream := startUpstream(t, golden(t, "start"))
	f := startFront(t, upstream.URL, func(s *Settings) {
		s.KnowsNames = func(context.Context) bool { return true }
		s.Mine = func(_ context.Context, traceID string) error {
			if traceID == secondTrace {
				return answer.Denied("another's")
			}
			return nil
		}
	})
	f.memory.records = map[string]map[string]store.Record{firstTrace: {"a-own": {}}}
	body := func(trace string) string {
		return `{"trace":{"trace_info":{"trace_id":"` + trace + `","assessments":[` +
			`{"assessment_id":"a-own"},{"assessmentId":"a-theirs"},{"assessment_id":"a-theirs"}]}}}`
	}
	for _, name := range []string{"", "ann"} {
		f.send(t, http.MethodPost, apiTraces, body("tr-"+firstTrace), map[string]string{"X-Test-User": name})
		got := upstream.last(t).body
		assert.Contains(t, got, `"a-own"`)
		assert.NotContains(t, got, "a-theirs")
		for _, trace := range []string{"tr-" + secondTrace, "TR-" + secondTrace} {
			response, refused := f.send(t, http.MethodPost, apiTraces, body(trace), map[string]string{"X-Test-User": name})
			assertRefused(t, http.StatusForbidden, response, refused)
		}
	}
	for _, wrong := range []string{
		`"trace_id":1`, `"trace_id":"a","traceId":"b"`, `"assessments":[{"assessment_id":1}]`,
		`"assessments":[{"assessment_id":"a-own","assessmentId":"a-theirs"}]`,
	} {
		response, refused := f.send(t, http.MethodPost, apiTraces, `{"trace":{"trace_info":{`+wrong+`}}}`, nil)
		assertRefused(t, http.StatusBadRequest, response, refused)
	}
	f.send(t, http.MethodPost, apiTraces, body("tr-"+secondTrace), map[string]string{"X-Test-User": "robot"})
	assert.Contains(t, upstream.last(t).body, "a-theirs", "a trusted caller")
}

func TestBindTrace(t *testing.T) {
	t.Parallel()
	upstream := startUpstream(t, golden(t, "start"))
	f := startFront(t, upstream.URL, nil)
	boss := `{"source":{"source_type":"HUMAN","source_id":"boss"}}`
	for _, spelling := range []string{"trace_info", "traceInfo", `trace\u005finfo`} {
		body := `{"trace":{"` + spelling + `":{"request_time":12345678901234567890,"assessments":[` + boss + `,` + boss + `]}}}`
		f.send(t, http.MethodPost, apiTraces, body, map[string]string{"X-Test-User": "robot"})
		assert.Equal(t, body, upstream.last(t).body, "a trusted caller")
		f.send(t, http.MethodPost, apiTraces, body, nil)
		assert.Equal(t, body, upstream.last(t).body, "nobody is known by name")
		f.send(t, http.MethodPost, apiTraces, body, map[string]string{"X-Test-User": "ann"})
		got := upstream.last(t).body
		assert.NotContains(t, got, "boss")
		assert.Equal(t, 2, strings.Count(got, `"source_id":"ann"`))
		assert.Contains(t, got, "12345678901234567890")
	}
	for _, body := range []string{`{}`, `{"trace":null}`, `{"trace":{"trace_info":{"assessments":null}}}`} {
		f.send(t, http.MethodPost, apiTraces, body, map[string]string{"X-Test-User": "ann"})
		assert.JSONEq(t, body, upstream.last(t).body)
	}
	// Of two equal keys one is sent on.
	f.send(t, http.MethodPost, apiTraces, `{"trace":{"trace_info":{"assessments":[`+boss+`]}},"trace":{}}`,
		map[string]string{"X-Test-User": "ann"})
	assert.JSONEq(t, `{"trace":{}}`, upstream.last(t).body)
}
