package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/records"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

const (
	trace     = "tr-0102030405060708090a0b0c0d0e0f10"
	unknown   = "tr-ffffffffffffffffffffffffffffffff"
	secret    = "tr-eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
	traces    = "/api/3.0/mlflow/traces/"
	all       = traces + trace + "/assessments"
	pageTrace = "/ajax-api/3.0/mlflow/traces/" + trace + "/assessments"
)

var redisTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// knows is an MLflow that holds the traces without assessments.
type knows map[string]bool

func (k knows) GetTraceInfo(ctx context.Context, traceID string) (*mlflow.TraceInfo, time.Time, error) {
	if !k[traceID] {
		return nil, time.Time{}, notFound(ctx)
	}
	return &mlflow.TraceInfo{TraceID: traceID}, time.Time{}, nil
}

// notFound is the client's error, which only an answer can make.
func notFound(ctx context.Context) error {
	client, _ := mlflow.NewClient(&http.Client{Transport: refusing{}}, "http://mlflow")
	_, _, err := client.GetTraceInfo(ctx, "tr-1")
	return err
}

type refusing struct{}

func (refusing) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusNotFound, Header: http.Header{}, Request: r,
		Body: io.NopCloser(strings.NewReader(`{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"no"}`)),
	}, nil
}

// notTheSecret are the rights to all traces but one.
type notTheSecret struct{}

func (notTheSecret) Check(_ context.Context, traceID string, write bool) error {
	if mlflow.TraceID(traceID) == secret && write {
		return answer.Denied("Permission denied")
	}
	return nil
}

type fixture struct {
	handler *Handler
	redis   *miniredis.Miniredis
	caller  access.Caller
}

func newFixture(tb testing.TB, change func(*Settings)) *fixture {
	tb.Helper()
	f := &fixture{redis: miniredis.RunT(tb)}
	f.redis.SetTime(redisTime)
	settings := Settings{Rights: notTheSecret{}, Records: newRecords(tb, f.redis.Addr())}
	if change != nil {
		change(&settings)
	}
	f.handler = New(settings)
	return f
}

func newRecords(tb testing.TB, address string) *records.Service {
	tb.Helper()
	return newService(tb, address, records.Settings{Upstream: knows{trace: true, secret: true}}, store.Settings{})
}

func newService(tb testing.TB, address string, settings records.Settings, stored store.Settings) *records.Service {
	tb.Helper()
	config := store.NewDefaultConfig()
	config.Endpoints = []string{address}
	stored.Backends = []store.Backend{{Name: "feedback"}}
	opened, err := store.Open(context.Background(), config, stored, zap.NewNop())
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, opened.Close()) })
	settings.Store, settings.Backend = opened, "feedback"
	return records.New(settings)
}

type call struct {
	method, path, body string
	header             map[string]string
}

func post(body string) call { return call{method: http.MethodPost, path: all, body: body} }

func patch(body string) call {
	return call{method: http.MethodPatch, path: all + "/a-1", body: body}
}

func get(id string) call { return call{method: http.MethodGet, path: all + "/" + id} }

func (f *fixture) do(t *testing.T, c call) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(access.WithCaller(t.Context(), f.caller), c.method, c.path, strings.NewReader(c.body))
	if c.method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for key, value := range c.header {
		if r.Header.Set(key, value); value == "" {
			r.Header.Del(key)
		}
	}
	w := httptest.NewRecorder()
	matched, ok := Match(r.URL.Path)
	require.True(t, ok, c.path)
	f.handler.Serve(w, r, matched)
	return w
}

var randomID = regexp.MustCompile(`"a-[0-9a-f]{32}"`)

// shown is an answer in one line, without what chance decides.
func shown(w *httptest.ResponseRecorder) string {
	var compact bytes.Buffer
	if json.Compact(&compact, w.Body.Bytes()) != nil {
		return w.Body.String()
	}
	text := compact.String()
	for _, plain := range [][2]string{
		{`"trace_id":"` + trace + `",`, ""},
		{`"create_time":"2026-03-01T12:00:00Z","last_update_time":"2026-03-01T12:00:00Z",`, ""},
		{`"source":{"source_type":"HUMAN","source_id":"eve"},`, ""},
		{`,"valid":true}`, "}"},
		{`,"sqlstate":"KAM00","error_class":"INVALID_PARAMETER_VALUE"}`, "}"},
		{`,"sqlstate":"KAM00","error_class":"RESOURCE_NOT_FOUND"}`, "}"},
		{" See the API docs for more information about request parameters.", ""},
	} {
		text = strings.ReplaceAll(text, plain[0], plain[1])
	}
	return randomID.ReplaceAllString(text, `"RANDOM"`)
}

func human(id, rest string) string {
	if id != "" {
		rest = `"assessment_id":"` + id + `",` + rest
	}
	return `{"assessment":{"assessment_name":"n","source":{"source_type":"HUMAN","source_id":"eve"},` + rest + `}}`
}
