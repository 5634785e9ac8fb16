package records

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
)

// fakeMLflow keeps rows as MLflow's SQL store does, as far as delivery and adoption meet it.
type fakeMLflow struct {
	*httptest.Server

	mu     sync.Mutex
	rows   map[string]map[string]mlflow.Assessment
	reads  int
	broken bool
	// hold, when set, is waited for by each reading of a trace.
	hold chan struct{}
}

func newFakeMLflow(t *testing.T) *fakeMLflow {
	t.Helper()
	f := &fakeMLflow{rows: map[string]map[string]mlflow.Assessment{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeMLflow) client(t *testing.T) *mlflow.Client {
	t.Helper()
	client, err := mlflow.NewClient(f.Client(), f.URL)
	require.NoError(t, err)
	return client
}

// arrive adds the trace with rows.
func (f *fakeMLflow) arrive(rows ...mlflow.Assessment) {
	f.mu.Lock()
	defer f.mu.Unlock()
	held := map[string]mlflow.Assessment{}
	for _, row := range rows {
		held[row.ID] = row
	}
	f.rows[mlflowTrace] = held
}

func (f *fakeMLflow) row(id string) (mlflow.Assessment, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	row, found := f.rows[mlflowTrace][id]
	return row, found
}

func (f *fakeMLflow) breakDown(broken bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = broken
}

func (f *fakeMLflow) readings() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reads
}

func (f *fakeMLflow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	content, _ := io.ReadAll(r.Body)
	path := strings.TrimPrefix(r.URL.Path, "/api/3.0/mlflow/traces/")
	if f.hold != nil && r.Method == http.MethodGet {
		<-f.hold
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken {
		fail(w, http.StatusServiceUnavailable, "TEMPORARILY_UNAVAILABLE")
		return
	}
	switch parts := strings.Split(path, "/"); {
	case r.URL.Path == "/version":
		_, _ = io.WriteString(w, "3.17.2")
	case path == "batchGetInfos":
		f.batch(w, content)
	case f.rows[parts[0]] == nil:
		fail(w, http.StatusNotFound, "RESOURCE_DOES_NOT_EXIST")
	case len(parts) == 1:
		f.reads++
		reply(w, map[string]any{"trace": map[string]any{"trace_info": f.info(parts[0])}})
	case len(parts) == 2:
		f.create(w, parts[0], content)
	default:
		f.one(w, r.Method, parts[0], parts[2], content)
	}
}

func (f *fakeMLflow) info(trace string) map[string]any {
	rows := []mlflow.Assessment{}
	for _, row := range f.rows[trace] {
		rows = append(rows, row)
	}
	return map[string]any{"trace_id": trace, "state": "IN_PROGRESS", "assessments": rows}
}

func (f *fakeMLflow) batch(w http.ResponseWriter, content []byte) {
	var asked struct {
		IDs []string `json:"trace_ids"`
	}
	_ = json.Unmarshal(content, &asked)
	infos := []any{}
	for _, id := range asked.IDs {
		if f.rows[id] != nil {
			infos = append(infos, f.info(id))
		}
	}
	reply(w, map[string]any{"trace_infos": infos})
}

type rowBody struct {
	Assessment mlflow.Assessment `json:"assessment"`
	Mask       string            `json:"update_mask"`
}

func (f *fakeMLflow) create(w http.ResponseWriter, trace string, content []byte) {
	var body rowBody
	_ = json.Unmarshal(content, &body)
	row := body.Assessment
	valid := true
	row.Valid = &valid
	if row.Feedback == nil {
		row.Overrides = ""
	}
	if row.Expectation != nil {
		row.Rationale = ""
	}
	if row.Overrides != "" && !f.setValid(trace, row.Overrides, false) {
		fail(w, http.StatusNotFound, "RESOURCE_DOES_NOT_EXIST")
		return
	}
	f.rows[trace][row.ID] = row
	reply(w, rowBody{Assessment: row})
}

func (f *fakeMLflow) setValid(trace, id string, valid bool) bool {
	row, found := f.rows[trace][id]
	if found {
		row.Valid = &valid
		f.rows[trace][id] = row
	}
	return found
}

func (f *fakeMLflow) one(w http.ResponseWriter, method, trace, id string, content []byte) {
	row, found := f.rows[trace][id]
	if method == http.MethodDelete {
		if row.Overrides != "" {
			f.setValid(trace, row.Overrides, true)
		}
		delete(f.rows[trace], id)
		reply(w, struct{}{})
		return
	}
	if !found {
		fail(w, http.StatusNotFound, "RESOURCE_DOES_NOT_EXIST")
		return
	}
	if method == http.MethodPatch {
		var body rowBody
		_ = json.Unmarshal(content, &body)
		row = patched(row, body)
		f.rows[trace][id] = row
	}
	reply(w, rowBody{Assessment: row})
}

func patched(row mlflow.Assessment, body rowBody) mlflow.Assessment {
	for field := range strings.SplitSeq(body.Mask, ",") {
		switch field {
		case mlflow.MaskName:
			row.Name = body.Assessment.Name
		case mlflow.MaskFeedback:
			row.Feedback = body.Assessment.Feedback
		case mlflow.MaskExpectation:
			row.Expectation = body.Assessment.Expectation
		case mlflow.MaskRationale:
			row.Rationale = body.Assessment.Rationale
		case mlflow.MaskMetadata:
			merged := mlflow.Metadata{}
			maps.Copy(merged, row.Metadata)
			maps.Copy(merged, body.Assessment.Metadata)
			row.Metadata = merged
		}
	}
	row.LastUpdateTime = mlflow.NewTime(time.Now())
	return row
}

func fail(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error_code": code, "message": "no"})
}

func reply(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}
