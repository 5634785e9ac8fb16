package proxy

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/internal/deliver"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// answers are MLflow's recorded answers, and the calls that they are to.
var answers = []struct{ golden, method, path string }{
	{"search", http.MethodPost, uiTraces + "/search"},
	{"info", http.MethodGet, apiTraces + "/tr-" + firstTrace},
	{"get", http.MethodGet, uiTraces + "/get?trace_id=tr-" + firstTrace},
	{"batchGet", http.MethodGet, apiTraces + "/batchGet?trace_ids=tr-" + firstTrace},
	{"batchGetInfos", http.MethodPost, apiTraces + "/batchGetInfos"},
	{"start", http.MethodPost, apiTraces},
}

// The rows that stand in the recorded answers.
const (
	rowFirst  = "a-00000000000000000000000000000001"
	rowSecond = "a-00000000000000000000000000000002"
	rowThird  = "a-00000000000000000000000000000003"
)

// standing are the records that agree with a recorded answer's rows of the first trace.
func standing(tb testing.TB) map[string]store.Record {
	tb.Helper()
	var recorded struct {
		Trace struct {
			Info mlflow.TraceInfo `json:"trace_info"`
		} `json:"trace"`
	}
	require.NoError(tb, json.Unmarshal([]byte(goldenDocument(tb, "info")), &recorded))
	records := map[string]store.Record{}
	for i := range recorded.Trace.Info.Assessments {
		row, ok := recorded.Trace.Info.Assessments[i].ToAssessment(firstTrace)
		require.True(tb, ok)
		records[row.ID], ok = deliver.Adopt(testBackend, row)
		require.True(tb, ok)
	}
	require.Len(tb, records, 3)
	return records
}

// rowIDs are the ids of a trace's rows in an answer, in order.
func rowIDs(t *testing.T, document, traceID string) (ids []string) {
	t.Helper()
	require.True(t, json.Valid([]byte(document)), document)
	traces, err := findTraces([]byte(document))
	require.NoError(t, err)
	for _, info := range traces {
		if info.traceID != traceID {
			continue
		}
		for _, at := range info.rows {
			ids = append(ids, decode(at.of([]byte(document))).ID)
		}
		return ids
	}
	t.Fatalf("no trace %s in %s", traceID, document)
	return nil
}

// stripped is a document without any assessments.
func stripped(t *testing.T, document string) string {
	t.Helper()
	var read any
	decoder := json.NewDecoder(strings.NewReader(document))
	decoder.UseNumber()
	require.NoError(t, decoder.Decode(&read))
	text, err := json.Marshal(withoutAssessments(read))
	require.NoError(t, err)
	return string(text)
}

func withoutAssessments(value any) any {
	switch value := value.(type) {
	case []any:
		for i := range value {
			value[i] = withoutAssessments(value[i])
		}
	case map[string]any:
		delete(value, "assessments")
		for key := range value {
			value[key] = withoutAssessments(value[key])
		}
	}
	return value
}

func TestAnswersWithoutRecordsPassToTheByte(t *testing.T) {
	t.Parallel()
	for _, test := range answers {
		t.Run(test.golden, func(t *testing.T) {
			t.Parallel()
			f := startFront(t, startUpstream(t, golden(t, test.golden)).URL, nil)
			response, body := f.send(t, test.method, test.path, "{}", map[string]string{"Accept-Encoding": "gzip"})
			assert.Equal(t, http.StatusOK, response.StatusCode)
			assert.Equal(t, goldenDocument(t, test.golden), body)
			assert.EqualValues(t, len(body), response.ContentLength)
			assert.Empty(t, f.memory.passed)
		})
	}
}

func TestOverlay(t *testing.T) {
	t.Parallel()
	at := func(second int) time.Time { return time.Date(2026, 3, 1, 12, 10, second, 500_000, time.UTC) }
	for _, test := range answers {
		if test.golden == "start" {
			continue
		}
		t.Run(test.golden, func(t *testing.T) {
			t.Parallel()
			mlflow := startUpstream(t, golden(t, test.golden))
			f := startFront(t, mlflow.URL, nil)
			records := standing(t)
			deleted := records[rowThird]
			deleted.Deleted = at(9)
			records[rowThird] = deleted
			for id, created := range map[string]time.Time{"m-early": at(-1), "m-between": at(1), "m-late": at(30)} {
				records[id] = pendingRecord(id, created)
			}
			other := pendingRecord("m-other", at(1))
			f.memory.records = map[string]map[string]store.Record{firstTrace: records, secondTrace: {"m-other": other}}
			response, body := f.send(t, test.method, test.path, "{}", map[string]string{"Accept-Encoding": "gzip"})

			ids := rowIDs(t, body, firstTrace)
			assert.Equal(t, []string{"m-early", rowFirst, rowSecond, "m-between", "m-late"}, ids)
			if strings.Contains(goldenDocument(t, test.golden), "tr-"+secondTrace) {
				ids = rowIDs(t, body, secondTrace)
				assert.Equal(t, []string{"m-other"}, ids)
			}
			door := access.DoorAPI
			switch {
			case strings.HasPrefix(test.path, reviewPath):
				door = access.DoorReview
			case strings.HasPrefix(test.path, "/ajax-api"):
				door = access.DoorUI
			}
			assert.Contains(t, body, `"door":"`+string(door)+`"`)
			assert.Equal(t, stripped(t, goldenDocument(t, test.golden)), stripped(t, body))
			assert.EqualValues(t, len(body), response.ContentLength)
			assert.Equal(t, "identity", mlflow.last(t).header.Get("Accept-Encoding"))
			assert.Empty(t, f.memory.passed)
		})
	}
}

// TestUnknownRowsStay keeps rows that Redis has no record of to the byte, also those that nobody can read.
func TestUnknownRowsStay(t *testing.T) {
	t.Parallel()
	rows := `{ "assessment_id" : "x", "feedback": {"value": 1e2}, "future":[9007199254740993] }` + "\n , " +
		`{"assessment_id":"m-odd","source":7}, null, [1], "text" `
	document := `{"trace":{"trace_info":{"assessments" : [ ` + rows + ` ] , "trace_id":"tr-` + firstTrace + `"}}}`
	f := startFront(t, startUpstream(t, func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, document) }).URL, nil)
	created := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	f.memory.records = map[string]map[string]store.Record{firstTrace: {
		"m-1": pendingRecord("m-1", created), "m-odd": pendingRecord("m-odd", created),
	}}
	_, body := f.send(t, http.MethodGet, apiTraces+"/tr-"+firstTrace, "", nil)
	ids := rowIDs(t, body, firstTrace)
	assert.Equal(t, []string{"x", "m-odd", "", "", "", "m-1"}, ids)
	assert.Contains(t, body, `{ "assessment_id" : "x", "feedback": {"value": 1e2}, "future":[9007199254740993] }`)
}

func TestLastRowGoes(t *testing.T) {
	t.Parallel()
	record := standing(t)[rowFirst]
	record.Deleted = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	row := `{"assessment_id":"` + rowFirst + `","feedback":{"value":4.0}}`
	id := `"trace_id":"tr-` + firstTrace + `"`
	for document, want := range map[string]string{
		`{"trace":{` + id + `,"assessments":[` + row + `],"tags":{}}}`:     `{"trace":{` + id + `,"tags":{}}}`,
		`{"trace":{` + id + `,"assessments":[` + row + `]}}`:               `{"trace":{` + id + `}}`,
		`{"trace":{"assessments":[` + row + `],` + id + `}}`:               `{"trace":{` + id + `}}`,
		`{"trace":{ "assessments" : [` + row + `] , ` + id + `}}`:          `{"trace":{  ` + id + `}}`,
		`{"traces":[{` + id + ` , "assessments":[` + row + ` ] }, {}, 1]}`: `{"traces":[{` + id + `  }, {}, 1]}`,
	} {
		f := startFront(t, startUpstream(t, func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, document) }).URL, nil)
		agreed := record
		// The row that stands there is the one that was agreed on.
		var there mlflow.Assessment
		require.NoError(t, json.Unmarshal([]byte(row), &there))
		content, ok := there.ToAssessment(firstTrace)
		require.True(t, ok)
		adopted, ok := deliver.Adopt(testBackend, content)
		require.True(t, ok)
		agreed.Assessment, agreed.Backends = adopted.Assessment, adopted.Backends
		f.memory.records = map[string]map[string]store.Record{firstTrace: {rowFirst: agreed}}
		_, body := f.send(t, http.MethodGet, apiTraces+"/get", "", nil)
		assert.Equal(t, want, body)
	}
}

func TestFirstRowComes(t *testing.T) {
	t.Parallel()
	added := `"assessments":[` + string(render(new(pendingRecord("m-1", time.Unix(0, 0))), access.Caller{Door: access.DoorAPI})) + `]`
	id := `"trace_id":"tr-` + firstTrace + `"`
	for document, want := range map[string]string{
		`{"trace":{` + id + `}}`:                  `{"trace":{` + id + `,` + added + `}}`,
		`{"trace":{` + id + `,"tags":{} }}`:       `{"trace":{` + id + `,"tags":{} ,` + added + `}}`,
		`{"trace":{` + id + `,"assessments":[]}}`: `{"trace":{` + id + `,` + added + `}}`,
	} {
		f := startFront(t, startUpstream(t, func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, document) }).URL, nil)
		f.memory.records = map[string]map[string]store.Record{firstTrace: {"m-1": pendingRecord("m-1", time.Unix(0, 0))}}
		_, body := f.send(t, http.MethodGet, apiTraces+"/get", "", nil)
		assert.Equal(t, want, body)
	}
}

// TestPassed are the answers that pass although Redis has something to say.
func TestPassed(t *testing.T) {
	t.Parallel()
	huge := `{"traces":[{"trace_id":"tr-` + firstTrace + `","request_preview":"` + strings.Repeat("x", 4096) + `"}]}`
	small := goldenDocument(t, "info")
	tests := []struct {
		name     string
		document string
		answer   http.HandlerFunc
		change   func(*memory)
		reason   []string
	}{
		{
			name: "announced as huge", document: huge, reason: []string{ReasonTooLarge},
			answer: func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, huge) },
		},
		{
			name: "huge stream", document: huge, reason: []string{ReasonTooLarge},
			answer: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, huge[:2100])
				_ = http.NewResponseController(w).Flush()
				_, _ = io.WriteString(w, huge[2100:])
			},
		},
		{
			name: "compressed all the same", document: small, reason: []string{ReasonNotReadable},
			answer: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "odd")
				writeJSON(w, small)
			},
		},
		{
			name: "not JSON", document: small, reason: []string{ReasonNotReadable},
			answer: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, small) },
		},
		{
			name: "broken", document: `{"traces":[`, reason: []string{ReasonNotReadable},
			answer: func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, `{"traces":[`) },
		},
		{
			name: "no object", document: `[]`, reason: []string{ReasonNotReadable},
			answer: func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, `[]`) },
		},
		{
			name: "refused", document: small,
			answer: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusForbidden)
				_, _ = io.WriteString(w, small)
			},
		},
		{
			name: "redis fails", document: small, reason: []string{ReasonRedis}, answer: golden(t, "info"),
			change: func(m *memory) { m.err = errors.New("redis is down") },
		},
		{
			name: "redis hangs", document: small, reason: []string{ReasonRedis}, answer: golden(t, "info"),
			change: func(m *memory) { m.hang = true },
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := startFront(t, startUpstream(t, test.answer).URL, func(s *Settings) {
				s.MaxOverlay, s.RedisTimeout = 2048, time.Millisecond
			})
			f.memory.records = map[string]map[string]store.Record{firstTrace: {"m-1": pendingRecord("m-1", time.Now())}}
			if test.change == nil {
				f.memory.hang = len(test.reason) > 0 // Redis is not even asked
			} else {
				test.change(f.memory)
			}
			_, body := f.send(t, http.MethodGet, apiTraces+"/get", "", nil)
			assert.Equal(t, test.document, body)
			assert.Equal(t, test.reason, f.memory.passed)
		})
	}
}

// TestOtherRoutesAreNotRead lets answers of other calls pass, whatever they look like.
func TestOtherRoutesAreNotRead(t *testing.T) {
	t.Parallel()
	f := startFront(t, startUpstream(t, golden(t, "search")).URL, nil)
	f.memory.records = map[string]map[string]store.Record{firstTrace: {"m-1": pendingRecord("m-1", time.Now())}}
	for _, call := range []string{
		"GET /api/2.0/mlflow/traces", "POST " + apiTraces + "/metrics", "GET " + apiTraces + "/tr-1/tags",
		"POST /api/4.0/mlflow/traces/search", "POST /x" + apiTraces + "/search", "PUT " + apiTraces + "/search",
		"POST /api/3.0/mlflow/tracesearch", "GET /ajax-api/2.0/mlflow/traces/tr-1/info",
	} {
		method, path, _ := strings.Cut(call, " ")
		_, body := f.send(t, method, path, "", nil)
		assert.Equal(t, goldenDocument(t, "search"), body, call)
	}
}

func TestStartTrace(t *testing.T) {
	t.Parallel()
	f := startFront(t, startUpstream(t, golden(t, "start")).URL, nil)
	f.memory.records = map[string]map[string]store.Record{newTrace: {
		"m-1": pendingRecord("m-1", time.Date(2026, 3, 1, 13, 0, 0, 0, time.UTC)),
	}}
	_, body := f.send(t, http.MethodPost, uiTraces, "{}", nil)
	ids := rowIDs(t, body, newTrace)
	assert.Equal(t, []string{"a-a052c463ffc2433fb049431eabe186af", "m-1"}, ids)
	require.Equal(t, []string{newTrace}, slices.Collect(maps.Keys(f.memory.adopted)))
	require.Len(t, f.memory.adopted[newTrace], 1)
	assert.Equal(t, "expert@company.com", f.memory.adopted[newTrace][0].Source.ID)
}

func TestStartTraceRefused(t *testing.T) {
	t.Parallel()
	document := goldenDocument(t, "start")
	f := startFront(t, startUpstream(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, document)
	}).URL, nil)
	response, body := f.send(t, http.MethodPost, apiTraces, "{}", nil)
	assert.Equal(t, http.StatusBadRequest, response.StatusCode)
	assert.Equal(t, document, body)
	assert.Empty(t, f.memory.adopted)
}

func TestLearnsExperiments(t *testing.T) {
	t.Parallel()
	mlflow := startUpstream(t, golden(t, "search"))
	learned := make(chan string, 10)
	f := startFront(t, mlflow.URL, func(set *Settings) {
		set.Learn = func(traceID, experiment string) { learned <- traceID + " " + experiment }
	})
	_, _ = f.send(t, http.MethodPost, "/api/3.0/mlflow/traces/search", "{}", nil)
	assert.Regexp(t, `^0{31}[1-9] 0$`, <-learned)
}
