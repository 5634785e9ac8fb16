package mlflow

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

func serve(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client, err := NewClient(server.Client(), server.URL+"/prefix/")
	require.NoError(t, err)
	return client
}

func TestErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		status     int
		header     map[string]string
		class      Class
		retryAfter time.Duration
		blames     bool
	}{
		{name: "trace missing", status: 404, body: `{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"no"}`, class: ClassNotFound},
		{name: "trace missing, before 3.14", status: 400, body: `{"error_code":"BAD_REQUEST","message":"(sqlite3.IntegrityError) FOREIGN KEY constraint failed [SQL: INSERT] [parameters: ('secret')]"}`, class: ClassNotFound},
		{name: "basic-auth hides it", status: 403, body: "Permission denied", class: ClassNotFound},
		{name: "host header", status: 403, body: "Invalid Host header - possible DNS rebinding attack detected", class: ClassUnavailable},
		{name: "taken", status: 500, body: `{"error_code":"INTERNAL_ERROR","message":"Failed to create assessment due to a constraint violation."}`, class: ClassDuplicate},
		{name: "taken, before", status: 400, body: `{"error_code":"BAD_REQUEST","message":"UNIQUE constraint failed: assessments.assessment_id"}`, class: ClassDuplicate},
		{name: "fell over", status: 500, body: "<!doctype html>", class: ClassUnavailable, blames: true},
		{name: "a row that failed", status: 500, body: `{"error_code":"INTERNAL_ERROR","message":"(psycopg2.errors.CheckViolation) new row violates check\nDETAIL:  Failing row contains (a-1, secret)."}`, class: ClassUnavailable, blames: true},
		{name: "database gone", status: 503, body: `{"error_code":"TEMPORARILY_UNAVAILABLE","message":""}`, class: ClassUnavailable},
		{name: "too many", status: 429, header: map[string]string{"Retry-After": "3"}, class: ClassUnavailable, retryAfter: 3 * time.Second},
		{name: "silenced for ever", status: 503, header: map[string]string{"Retry-After": "99999999999"}, class: ClassUnavailable, retryAfter: time.Hour},
		{name: "until a date", status: 503, header: map[string]string{"Date": "Wed, 25 Nov 2026 01:00:00 GMT", "Retry-After": "Wed, 25 Nov 2026 01:00:30 GMT"}, class: ClassUnavailable, retryAfter: 30 * time.Second},
		{name: "credentials", status: 401, body: "You are not authenticated", class: ClassUnavailable},
		{name: "another server", status: 404, body: "<html>", class: ClassUnavailable},
		{name: "refused", status: 400, body: `{"error_code":"INVALID_PARAMETER_VALUE","message":"bad"}`, class: ClassPermanent},
		{name: "too large", status: 413, body: "", class: ClassPermanent},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				for key, value := range tt.header {
					w.Header().Set(key, value)
				}
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			})
			_, err := client.CreateAssessment(t.Context(), &Assessment{ID: "a-1", TraceID: "tr-1"})
			var e *Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, tt.class, ClassOf(err))
			assert.Equal(t, tt.status, e.Status)
			assert.Equal(t, tt.retryAfter, RetryAfterOf(err))
			assert.Equal(t, tt.blames, Blames(err))
			assert.NotContains(t, err.Error(), "secret")
			assert.NotContains(t, err.Error(), "<")
		})
	}
	t.Run("connection", func(t *testing.T) {
		t.Parallel()
		client, err := NewClient(http.DefaultClient, "http://127.0.0.1:1")
		require.NoError(t, err)
		_, err = client.Version(t.Context())
		var e *Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, CodeConnection, e.Code)
		assert.Equal(t, ClassUnavailable, ClassOf(err))
	})
	t.Run("timeout", func(t *testing.T) {
		t.Parallel()
		released := make(chan struct{})
		client := serve(t, func(http.ResponseWriter, *http.Request) { <-released })
		t.Cleanup(func() { close(released) })
		client.http.Timeout = 20 * time.Millisecond
		_, err := client.Version(t.Context())
		var e *Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, CodeTimeout, e.Code)
	})
	t.Run("a login page", func(t *testing.T) {
		t.Parallel()
		client := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") })
		_, err := client.BatchGetInfos(t.Context(), []string{"tr-1"})
		assert.Equal(t, ClassUnavailable, ClassOf(err))
		_, err = client.Version(t.Context())
		assert.Equal(t, ClassUnavailable, ClassOf(err))
	})
	t.Run("an answer without end", func(t *testing.T) {
		t.Parallel()
		client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			chunk := make([]byte, 1<<20)
			for {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		})
		_, _, err := client.GetTraceInfo(t.Context(), "tr-1")
		var e *Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, CodeAnswerTooLarge, e.Code)
		assert.Equal(t, ClassPermanent, ClassOf(err))
	})
}

func TestNewClientRefuses(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{"", "localhost:5000", "ftp://x", "http://u:secret@x", "http://x?a=b", "http://[::"} {
		_, err := NewClient(http.DefaultClient, endpoint)
		require.Error(t, err, endpoint)
		assert.NotContains(t, err.Error(), "secret")
	}
}

func TestCalls(t *testing.T) {
	t.Parallel()
	row := Assessment{
		ID: "a/1", TraceID: "tr-1", Name: "n", Source: &Source{Type: "CODE", ID: "x"},
		Feedback:   &Feedback{Value: json.RawMessage(`"<b>"`)},
		CreateTime: NewTime(time.Date(2026, 1, 2, 3, 4, 5, 678_900_000, time.FixedZone("", 3600))),
	}
	tests := []struct {
		name, request, body string
		call                func(c *Client) error
	}{
		{
			name: "create", request: "POST /prefix/api/3.0/mlflow/traces/tr-1/assessments",
			body: `{"assessment":{"assessment_id":"a/1","assessment_name":"n","trace_id":"tr-1","source":{"source_type":"CODE",` +
				`"source_id":"x"},"create_time":"2026-01-02T02:04:05.678Z","feedback":{"value":"<b>"}}}`,
			call: func(c *Client) error { _, err := c.CreateAssessment(t.Context(), &row); return err },
		},
		{
			name: "get", request: "GET /prefix/api/3.0/mlflow/traces/tr-1/assessments/a%2F1",
			call: func(c *Client) error { _, err := c.GetAssessment(t.Context(), "tr-1", "a/1"); return err },
		},
		{
			name: "update", request: "PATCH /prefix/api/3.0/mlflow/traces/tr-1/assessments/a%2F1",
			body: `{"assessment":{"assessment_id":"a/1","assessment_name":"n","metadata":null,"rationale":"","trace_id":"tr-1"},` +
				`"update_mask":"assessmentName,rationale,metadata"}`,
			call: func(c *Client) error {
				_, err := c.UpdateAssessment(t.Context(), &row, []string{MaskName, MaskRationale, MaskMetadata})
				return err
			},
		},
		{
			name: "delete", request: "DELETE /prefix/api/3.0/mlflow/traces/tr-1/assessments/a%2F1",
			call: func(c *Client) error { return c.DeleteAssessment(t.Context(), "tr-1", "a/1") },
		},
		{
			name: "start", request: "POST /prefix/api/3.0/mlflow/traces",
			body: `{"trace":{"trace_info":{"trace_id":"tr-1","trace_location":{"a":1},"request_time":"t","state":"OK"}}}`,
			call: func(c *Client) error {
				_, err := c.StartTraceV3(t.Context(), &TraceInfo{
					TraceID: "tr-1", Location: json.RawMessage(`{"a":1}`), RequestTime: "t", State: StateOK,
				})
				return err
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var request, body string
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				content, _ := io.ReadAll(r.Body)
				request, body = r.Method+" "+r.URL.EscapedPath(), strings.TrimSpace(string(content))
				_, _ = io.WriteString(w, `{"assessment":{"assessment_id":"a/1"},"trace":{"trace_info":{"trace_id":"tr-1"}}}`)
			})
			require.NoError(t, tt.call(client))
			assert.Equal(t, tt.request, request)
			assert.Equal(t, tt.body, body)
		})
	}
	_, err := serve(t, nil).UpdateAssessment(t.Context(), &row, []string{"valid"})
	require.Error(t, err, "a mask that makes the server answer 500 is never sent")
}

func TestBatchGetInfosFallsBackToSingleCalls(t *testing.T) {
	t.Parallel()
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/batchGetInfos"), strings.HasSuffix(r.URL.Path, "/tr-hidden"):
			http.Error(w, "Permission denied", http.StatusForbidden)
		case strings.HasSuffix(r.URL.Path, "/tr-odd"):
			w.WriteHeader(http.StatusBadRequest)
		default:
			w.Header().Set("Date", "Wed, 25 Nov 2026 01:00:00 GMT")
			_, _ = io.WriteString(w, `{"trace":{"trace_info":{"trace_id":"tr-1","state":"OK"}}}`)
		}
	})
	infos, err := client.BatchGetInfos(t.Context(), []string{"tr-1", "tr-hidden", "tr-odd"})
	require.NoError(t, err)
	assert.Len(t, infos.Traces, 1)
	assert.True(t, infos.Traces["tr-1"].Final())
	assert.Len(t, infos.Refused, 1)
	assert.Equal(t, 2026, infos.ServerTime.Year())
}

// A server closes connections that were idle, at times just when a call comes.
func TestCallOverAConnectionThatIsBeingClosed(t *testing.T) {
	t.Parallel()
	calls := 0
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		assert.NotContains(t, r.Header, "Idempotency-Key")
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		if calls++; calls == 2 {
			connection, _, err := http.NewResponseController(w).Hijack()
			assert.NoError(t, err)
			assert.NoError(t, connection.Close())
			return
		}
		_, err = w.Write(body)
		assert.NoError(t, err)
	})
	for range 2 {
		row, err := client.CreateAssessment(t.Context(), &Assessment{ID: "a-1", TraceID: "tr-1"})
		require.NoError(t, err)
		assert.Equal(t, "a-1", row.ID)
	}
	assert.Equal(t, 3, calls)
}

func TestTraceID(t *testing.T) {
	t.Parallel()
	const id = "0102030405060708090a0b0c0d0e0f10"
	got, ok := OTLPTraceID(TraceID(id))
	assert.True(t, ok)
	assert.Equal(t, id, got)
	for _, other := range []string{"", "tr-", id, "tr-" + strings.ToUpper(id), "trace:/x/" + id} {
		_, ok := OTLPTraceID(other)
		assert.False(t, ok, other)
	}
}

func TestAssessmentThereAndBack(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)
	for _, value := range []assessment.Value{"", "true", "4", "4.5", `"x"`, `[1,{"a":null}]`, `{"a":[]}`} {
		for _, kind := range []assessment.Kind{assessment.KindFeedback, assessment.KindExpectation} {
			a := assessment.Assessment{
				ID: "a-1", TraceID: "0102030405060708090a0b0c0d0e0f10", SpanID: "0102030405060708", Name: "n", Kind: kind,
				Source: assessment.Source{Type: assessment.SourceTypeHuman, ID: "x"}, Value: value, Rationale: "r",
				Metadata: map[string]string{"k": "v"}, Fingerprint: "f", CreateTime: at, UpdateTime: at,
			}
			if kind == assessment.KindFeedback {
				a.Error = &assessment.Error{Code: "E", Message: "m", StackTrace: "s"}
			}
			row := FromAssessment(&a)
			text, err := json.Marshal(&row)
			require.NoError(t, err)
			var read Assessment
			require.NoError(t, json.Unmarshal(text, &read))
			back, ok := read.ToAssessment(a.TraceID)
			require.True(t, ok)
			assert.Equal(t, a, back)
		}
	}
}

func TestUnreadableRowsDoNotHideTheirNeighbours(t *testing.T) {
	t.Parallel()
	var info TraceInfo
	require.NoError(t, json.Unmarshal([]byte(`{"trace_id":"tr-1","request_time":"2026-01-02T03:04:05Z",
		"execution_duration":"1.5s","assessments":[
		7, {"assessment_id":8}, {"assessment_name":"no id"}, null,
		{"assessment_id":"a-1","feedback":{"value":1},"metadata":{"n":5},"create_time":"never","valid":false},
		{"assessment_id":"a-2","issue":{"issue_name":"i"}},
		{"assessment_id":"a-3","feedback":{"value":`+strings.Repeat("[", 100)+strings.Repeat("]", 100)+`}}]}`), &info))
	require.Len(t, info.Assessments, 3)
	a, ok := info.Assessments[0].ToAssessment("t")
	assert.True(t, ok)
	assert.True(t, a.Invalid)
	assert.Equal(t, map[string]string{"n": "5"}, a.Metadata)
	issue, ok := info.Assessments[1].ToAssessment("t")
	assert.True(t, ok)
	assert.Equal(t, assessment.KindIssue, issue.Kind)
	assert.Equal(t, assessment.String("i"), issue.Value)
	_, ok = info.Assessments[2].ToAssessment("t")
	assert.False(t, ok, "too deep")
	end, ok := info.End()
	assert.True(t, ok)
	assert.Equal(t, time.Date(2026, 1, 2, 3, 4, 6, 500_000_000, time.UTC), end)
}

func TestErrorUnwraps(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	require.ErrorIs(t, &Error{cause: cause}, cause)
	assert.Equal(t, ClassUnavailable, ClassOf(cause))
}

// FuzzDecode: no answer makes the client panic, and what it reads can be sent again.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"trace_infos":[{"trace_id":"tr-1","assessments":[{"assessment_id":"a","feedback":{"value":{"a":[1]}}}]}]}`), 200)
	f.Add([]byte(`{"trace_infos":[null,{"assessments":[{"assessment_id":"a","expectation":{"serialized_value":{"value":"{}"}}}]}]}`), 200)
	f.Add([]byte(`{"error_code":"X","message":"constraint violation"}`), 500)
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		client := &Client{base: "http://x", http: &http.Client{Transport: answering{body, 200 + (status&0x1ff)%400}}}
		infos, err := client.BatchGetInfos(t.Context(), []string{"tr-1"})
		if err != nil {
			require.LessOrEqual(t, len(err.Error()), 3*maxMessage)
			return
		}
		for _, info := range infos.Traces {
			for i := range info.Assessments {
				a, ok := info.Assessments[i].ToAssessment("t")
				if !ok {
					continue
				}
				row := FromAssessment(&a)
				_, err := json.Marshal(&row)
				require.NoError(t, err)
			}
		}
	})
}

type answering struct {
	body   []byte
	status int
}

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(a.body))), Request: r,
	}, nil
}
