package deliver

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
)

// fakeMLflow behaves like a 3.17.2 server with a SQL store, as far as the delivery meets it.
type fakeMLflow struct {
	*httptest.Server

	mu       sync.Mutex
	now      func() time.Time
	version  string
	traces   map[string]map[string]any
	rows     map[string]map[string]map[string]any // trace, id
	owner    map[string]string                    // id to trace
	requests []string
	bodies   []string
	// answer, when set, may answer a request itself.
	answer func(w http.ResponseWriter, r *http.Request) bool
}

func newFakeMLflow(t *testing.T) *fakeMLflow {
	t.Helper()
	f := &fakeMLflow{
		now: time.Now, version: "3.17.2", traces: map[string]map[string]any{},
		rows: map[string]map[string]map[string]any{}, owner: map[string]string{},
	}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

// arrive adds a trace that ended the given time ago.
func (f *fakeMLflow) arrive(traceID string, ended time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.traces[mlflow.TraceID(traceID)] = map[string]any{
		"trace_id":           mlflow.TraceID(traceID),
		"trace_location":     map[string]any{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": map[string]any{"experiment_id": "7"}},
		"request_time":       f.now().Add(-ended - time.Second).UTC().Format("2006-01-02T15:04:05.000Z"),
		"execution_duration": "1s",
		"client_request_id":  "request-1",
		"state":              "OK",
	}
}

// edit changes rows as a person in MLflow does; a nil row is deleted.
func (f *fakeMLflow) edit(traceID, id string, change func(row map[string]any) map[string]any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	trace := mlflow.TraceID(traceID)
	if f.rows[trace] == nil {
		f.rows[trace] = map[string]map[string]any{}
	}
	row := change(f.rows[trace][id])
	if row == nil {
		delete(f.rows[trace], id)
		delete(f.owner, id)
		return
	}
	row["last_update_time"] = f.now().Add(time.Hour).UTC().Format("2006-01-02T15:04:05.000Z")
	f.rows[trace][id] = row
	f.owner[id] = trace
}

func (f *fakeMLflow) row(traceID, id string) map[string]any {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rows[mlflow.TraceID(traceID)][id]
}

func (f *fakeMLflow) count(prefix string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, r := range f.requests {
		if strings.HasPrefix(r, prefix) {
			n++
		}
	}
	return n
}

func (f *fakeMLflow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	content, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, r.Method+" "+r.URL.Path)
	f.bodies = append(f.bodies, string(content))
	if f.answer != nil && f.answer(w, r) {
		return
	}
	var body map[string]any
	_ = json.Unmarshal(content, &body)
	const prefix = "/api/3.0/mlflow/traces"
	path, found := strings.CutPrefix(r.URL.Path, prefix)
	switch {
	case r.URL.Path == "/version":
		_, _ = io.WriteString(w, f.version)
	case !found:
		http.NotFound(w, r)
	case path == "" && r.Method == http.MethodPost:
		f.startTrace(w, body)
	case path == "/batchGetInfos":
		infos := []any{}
		for _, id := range body["trace_ids"].([]any) {
			if info := f.info(id.(string)); info != nil {
				infos = append(infos, info)
			}
		}
		reply(w, map[string]any{"trace_infos": infos})
	default:
		parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
		if f.traces[parts[0]] == nil {
			f.fail(w, http.StatusNotFound, "RESOURCE_DOES_NOT_EXIST", "Trace with ID '"+parts[0]+"' not found.")
			return
		}
		switch len(parts) {
		case 1:
			reply(w, map[string]any{"trace": map[string]any{"trace_info": f.info(parts[0])}})
		case 2:
			f.create(w, parts[0], body["assessment"].(map[string]any))
		default:
			f.assessment(w, r.Method, parts[0], parts[2], body)
		}
	}
}

func (f *fakeMLflow) info(traceID string) map[string]any {
	trace := f.traces[traceID]
	if trace == nil {
		return nil
	}
	info := map[string]any{}
	maps.Copy(info, trace)
	rows := []any{}
	for _, row := range f.rows[traceID] {
		rows = append(rows, row)
	}
	info["assessments"] = rows
	return info
}

func (f *fakeMLflow) create(w http.ResponseWriter, traceID string, row map[string]any) {
	id := row["assessment_id"].(string)
	if f.owner[id] != "" {
		f.fail(w, http.StatusInternalServerError, "INTERNAL_ERROR",
			"Failed to create assessment for trace '"+traceID+"' due to a constraint violation.")
		return
	}
	if original, overrides := row["overrides"].(string); overrides {
		if f.rows[traceID][original] == nil {
			f.fail(w, http.StatusNotFound, "RESOURCE_DOES_NOT_EXIST", "Assessment not found")
			return
		}
		f.rows[traceID][original]["valid"] = false
	}
	f.put(traceID, id, row)
	reply(w, map[string]any{"assessment": row})
}

func (f *fakeMLflow) put(traceID, id string, row map[string]any) {
	if f.rows[traceID] == nil {
		f.rows[traceID] = map[string]map[string]any{}
	}
	row["trace_id"], row["valid"] = traceID, true
	if row["expectation"] != nil {
		delete(row, "rationale")
	}
	f.rows[traceID][id] = row
	f.owner[id] = traceID
}

func (f *fakeMLflow) startTrace(w http.ResponseWriter, body map[string]any) {
	info := body["trace"].(map[string]any)["trace_info"].(map[string]any)
	traceID := info["trace_id"].(string)
	for _, row := range info["assessments"].([]any) {
		row := row.(map[string]any)
		f.put(traceID, row["assessment_id"].(string), row)
	}
	delete(info, "assessments")
	f.traces[traceID] = info
	reply(w, map[string]any{"trace": map[string]any{"trace_info": f.info(traceID)}})
}

func (f *fakeMLflow) assessment(w http.ResponseWriter, method, traceID, id string, body map[string]any) {
	row := f.rows[traceID][id]
	if row == nil && method != http.MethodDelete {
		f.fail(w, http.StatusNotFound, "RESOURCE_DOES_NOT_EXIST", "Assessment with ID '"+id+"' not found")
		return
	}
	switch method {
	case http.MethodDelete:
		if row != nil {
			if original, overrides := row["overrides"].(string); overrides && f.rows[traceID][original] != nil {
				f.rows[traceID][original]["valid"] = true
			}
		}
		delete(f.rows[traceID], id)
		delete(f.owner, id)
		reply(w, map[string]any{})
		return
	case http.MethodPatch:
		f.patch(row, body)
	}
	reply(w, map[string]any{"assessment": row})
}

func (f *fakeMLflow) patch(row, body map[string]any) {
	change := body["assessment"].(map[string]any)
	mask := strings.Split(body["update_mask"].(string), ",")
	for field, key := range map[string]string{
		"assessmentName": "assessment_name", "feedback": "feedback", "expectation": "expectation", "rationale": "rationale",
	} {
		if slices.Contains(mask, field) && (key != "rationale" || row["expectation"] == nil) {
			row[key] = change[key]
		}
	}
	if slices.Contains(mask, "metadata") {
		metadata, _ := row["metadata"].(map[string]any)
		if metadata == nil {
			metadata = map[string]any{}
		}
		maps.Copy(metadata, change["metadata"].(map[string]any))
		row["metadata"] = metadata
	}
	row["last_update_time"] = f.now().UTC().Format("2006-01-02T15:04:05.000Z")
}

func (*fakeMLflow) fail(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error_code": code, "message": message})
}

func reply(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}
