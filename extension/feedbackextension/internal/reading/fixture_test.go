package reading

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

const testBackend = "feedback"

var testStart = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// rig is a handler over a store in memory, whose clock moves by hand.
type rig struct {
	t       *testing.T
	redis   *miniredis.Miniredis
	now     time.Time
	store   *store.Store
	handler *Handler
	mux     *http.ServeMux
	// checked are the traces that rights were asked for.
	checked []string
}

// Check implements Rights: the trace of the f's is nobody's to see.
func (r *rig) Check(_ context.Context, traceID string, write bool) error {
	r.checked = append(r.checked, fmt.Sprint(traceID, " ", write))
	if strings.HasPrefix(traceID, "ff") {
		return answer.Denied("Permission denied")
	}
	return nil
}

// Admin implements Admins.
func (*rig) Admin(ctx context.Context) error {
	if !access.CallerOf(ctx).Admin {
		return answer.Denied("This needs an admin.")
	}
	return nil
}

// failingStore answers nothing after a number of loads.
type failingStore struct {
	Store

	left int
}

func (f *failingStore) Load(ctx context.Context, traceID string) (map[string]store.Record, error) {
	if f.left--; f.left < 0 {
		return nil, errors.New("dial tcp 10.1.2.3:6379: no route to secret-host")
	}
	return f.Store.Load(ctx, traceID)
}

func (f *failingStore) LoadAll(ctx context.Context, ids []string) (map[string]map[string]store.Record, error) {
	all := map[string]map[string]store.Record{}
	for _, id := range ids {
		records, err := f.Load(ctx, id)
		if err != nil {
			return nil, err
		}
		all[id] = records
	}
	return all, nil
}

func newRig(t *testing.T, change func(*Settings)) *rig {
	t.Helper()
	r := &rig{t: t, redis: miniredis.RunT(t), now: testStart}
	r.redis.SetTime(r.now)
	config := store.NewDefaultConfig()
	config.Endpoints = []string{r.redis.Addr()}
	opened, err := store.Open(context.Background(), config, store.Settings{
		Backends: []store.Backend{{Name: testBackend}},
	}, zap.NewNop())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, opened.Close()) })
	r.store = opened
	settings := Settings{Store: opened, Rights: r, Admins: r, Backend: testBackend, Render: render}
	if change != nil {
		change(&settings)
	}
	r.handler = New(settings)
	r.mux = http.NewServeMux()
	r.mux.HandleFunc("GET /feedback/v1/traces/{trace_id}/history", r.handler.History)
	r.mux.HandleFunc("GET /feedback/v1/assessments", r.handler.List)
	r.mux.HandleFunc("GET /feedback/v1/export", r.handler.Export)
	r.mux.HandleFunc("POST /feedback/v1/restore", r.handler.Restore)
	return r
}

// render is enough of MLflow's JSON.
func render(record *store.Record, _ access.Caller) json.RawMessage {
	row := mlflow.FromAssessment(&record.Assessment)
	valid := !record.Invalid
	row.Valid = &valid
	text, err := json.Marshal(row)
	if err != nil {
		panic(err)
	}
	return text
}

func (r *rig) pass(d time.Duration) {
	r.now = r.now.Add(d)
	r.redis.SetTime(r.now)
}

func traceID(n int) string { return fmt.Sprintf("%032x", n) }

// put stores assessments of the nth trace, a second after the previous ones.
func (r *rig) put(n int, all ...assessment.Assessment) {
	r.t.Helper()
	r.pass(time.Second)
	for i := range all {
		all[i].TraceID = traceID(n)
		if all[i].ID == "" {
			all[i].ID = assessment.NewID(all[i].TraceID, all[i].SpanID, all[i].Name, all[i].Source)
		}
		if all[i].Kind == "" {
			all[i].Kind = assessment.KindFeedback
		}
	}
	outcomes, err := r.store.Put(r.t.Context(), all)
	require.NoError(r.t, err)
	for _, outcome := range outcomes {
		require.NotEqual(r.t, store.OutcomeRefused, outcome)
	}
}

func check(name string, value assessment.Value) assessment.Assessment {
	return assessment.Assessment{
		Name: name, Value: value, Source: assessment.Source{Type: assessment.SourceTypeCode, ID: "checker_v1"},
		Verdict: assessment.VerdictPassed, ResponseID: "resp-1",
	}
}

// judged is a judge's verdict, named j.
func judged(value assessment.Value) assessment.Assessment {
	return assessment.Assessment{
		Name: "j", Value: value, Rationale: "as told", SpanID: "00000000000000ab",
		Source: assessment.Source{Type: assessment.SourceTypeLLMJudge, ID: "gpt-4-evaluator"},
	}
}

func opinion(id, name string, value assessment.Value) assessment.Assessment {
	return assessment.Assessment{
		ID: id, Name: name, Value: value, Rationale: "seen", SpanID: "00000000000000ab",
		Source: assessment.Source{Type: assessment.SourceTypeHuman, ID: "eve@company.com"},
	}
}

var (
	admin  = access.Caller{Name: "root", Admin: true}
	nobody = access.Caller{Name: "mallory"}
)

func (r *rig) do(caller access.Caller, method, target, body string, accept ...string) *httptest.ResponseRecorder {
	r.t.Helper()
	request := httptest.NewRequestWithContext(access.WithCaller(r.t.Context(), caller), method, target, strings.NewReader(body))
	for _, media := range accept {
		request.Header.Add("Accept", media)
	}
	recorder := httptest.NewRecorder()
	r.mux.ServeHTTP(recorder, request)
	return recorder
}

// get asks as an admin and reads the JSON answer.
func (r *rig) get(target string, answered any) {
	r.t.Helper()
	recorder := r.do(admin, http.MethodGet, target, "")
	require.Equal(r.t, http.StatusOK, recorder.Code, recorder.Body.String())
	require.NoError(r.t, json.Unmarshal(recorder.Body.Bytes(), answered))
}

// lines asks as an admin for JSON lines.
func readLines[T any](r *rig, target string) []T {
	r.t.Helper()
	recorder := r.do(admin, http.MethodGet, target, "")
	require.Equal(r.t, http.StatusOK, recorder.Code, recorder.Body.String())
	require.Equal(r.t, contentTypeLines, recorder.Header().Get("Content-Type"))
	var all []T
	for line := range strings.Lines(recorder.Body.String()) {
		var one T
		require.NoError(r.t, json.Unmarshal([]byte(line), &one), line)
		all = append(all, one)
	}
	return all
}

// gotRow is a row of an answer.
type gotRow struct {
	mlflow.Assessment

	Record aboutRecord `json:"record"`
}

func ids(rows []gotRow) []string {
	var all []string
	for i := range rows {
		all = append(all, strings.TrimLeft(rows[i].TraceID, "tr-0")+"/"+rows[i].Name)
	}
	return all
}

// partialStore restores two traces at a time, as if its queue were full then.
type partialStore struct{ Store }

func (p *partialStore) Restore(ctx context.Context, backend string, restore store.Restore, from store.Place) (store.Restored, error) {
	restore.Limit = 2
	done, err := p.Store.Restore(ctx, backend, restore, from)
	done.Full = done.More
	return done, err
}
