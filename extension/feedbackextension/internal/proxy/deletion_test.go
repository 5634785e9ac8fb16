package proxy

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

func pathUnescape(path string) (string, error) { return url.PathUnescape(path) }

// deleter is a stand-in for MLflow's side of deletions: traces by id with their times, in one experiment.
type deleter struct {
	traces  map[string]int64
	refuses bool // to look traces up
	pages   int
}

func (d *deleter) serve(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Filter      string      `json:"filter"`
		MaxResults  int         `json:"max_results"`
		PageToken   string      `json:"page_token"`
		TraceIDs    []string    `json:"trace_ids"`
		RequestIDs  []string    `json:"request_ids"`
		Until       json.Number `json:"max_timestamp_millis"`
		MostDeleted float64     `json:"max_traces"`
	}
	body, _ := io.ReadAll(r.Body)
	var encoded string
	if json.Unmarshal(body, &encoded) == nil {
		body = []byte(encoded)
	}
	body = []byte(strings.NewReplacer( // MLflow takes either spelling of these
		"maxTimestampMillis", "max_timestamp_millis", "maxTraces", "max_traces", "requestIds", "request_ids",
	).Replace(string(body)))
	_ = json.Unmarshal(body, &request)
	infos := func(ids []string) string {
		text := make([]string, len(ids))
		for i, id := range ids {
			text[i] = `{"trace_id":"` + id + `"}`
		}
		return "[" + strings.Join(text, ",") + "]"
	}
	switch {
	case strings.HasSuffix(r.URL.Path, "/search"):
		d.pages++
		until, _ := strconv.ParseInt(strings.TrimPrefix(request.Filter, "trace.timestamp_ms <= "), 10, 64)
		ids := d.until(until)
		skip, _ := strconv.Atoi(request.PageToken)
		end := min(len(ids), skip+request.MaxResults)
		answer := `{"traces":` + infos(ids[skip:end])
		if end < len(ids) {
			answer += `,"next_page_token":"` + strconv.Itoa(end) + `"`
		}
		writeJSON(w, answer+"}")
	case strings.HasSuffix(r.URL.Path, "/batchGetInfos"):
		if d.refuses {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		var there []string
		for _, id := range request.TraceIDs {
			if _, found := d.traces[id]; found {
				there = append(there, id)
			}
		}
		writeJSON(w, `{"trace_infos":`+infos(there)+`}`)
	default:
		ids := request.RequestIDs
		if request.Until != "" {
			until, _ := request.Until.Float64()
			if ids = d.until(int64(until)); request.MostDeleted > 0 {
				ids = ids[:min(len(ids), int(request.MostDeleted))]
			}
		}
		deleted := 0
		for _, id := range ids {
			if _, found := d.traces[id]; found {
				delete(d.traces, id)
				deleted++
			}
		}
		writeJSON(w, fmt.Sprintf("{\n  \"traces_deleted\": %d\n}", deleted))
	}
}

func (d *deleter) until(time int64) []string {
	var ids []string
	for id, at := range d.traces {
		if at <= time {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func traceNo(n int) string { return fmt.Sprintf("%032x", n) }

func TestDeleteByID(t *testing.T) {
	t.Parallel()
	stood := standing(t)
	tests := []struct {
		name, spelling string
		ids            []int
		refuses        bool
		err            error
		want           []int
	}{
		{name: "all are there", ids: []int{1, 2}, want: []int{1, 2}},
		{name: "named twice", ids: []int{1, 1}, want: []int{1}},
		{name: "none is there", ids: []int{7, 8}},
		{name: "the other spelling", spelling: "requestIds", ids: []int{1, 2}, want: []int{1, 2}},
		{name: "one has been deleted in MLflow before", ids: []int{1, 7}, want: []int{1, 7}},
		{name: "one is still awaited", ids: []int{1, 8}, want: []int{1}},
		{name: "nothing was delivered to it yet", ids: []int{2, 8}, want: []int{2}},
		{name: "cannot be looked up", ids: []int{1, 7}, refuses: true},
	}
	for _, test := range tests {
		for _, path := range []string{"/api/2.0/mlflow/traces/delete-traces", uiTraces + "/delete-traces"} {
			t.Run(test.name+path, func(t *testing.T) {
				t.Parallel()
				d := &deleter{traces: map[string]int64{}, refuses: test.refuses}
				for n := range 3 {
					d.traces[mlflow.TraceID(traceNo(n))] = int64(n)
				}
				upstream := startUpstream(t, d.serve)
				f := startFront(t, upstream.URL+"/base", nil)
				f.memory.records = map[string]map[string]store.Record{
					traceNo(1): stood, traceNo(2): {"m": pendingRecord("m", time.Unix(0, 0))}, traceNo(7): stood, traceNo(8): {"m": pendingRecord("m", time.Unix(0, 0))},
				}
				ids := make([]string, len(test.ids))
				for i, n := range test.ids {
					ids[i] = mlflow.TraceID(traceNo(n))
				}
				body, err := json.Marshal(map[string]any{"experiment_id": "0", cmp.Or(test.spelling, "request_ids"): ids})
				require.NoError(t, err)
				response, answered := f.send(t, http.MethodPost, path, string(body), map[string]string{"Authorization": "Basic YTpi"})
				assert.Equal(t, http.StatusOK, response.StatusCode)
				assert.Contains(t, answered, "\n  \"traces_deleted\"")
				var want []string
				for _, n := range test.want {
					want = append(want, traceNo(n))
				}
				assert.ElementsMatch(t, want, f.memory.forgotten)
				for _, request := range upstream.requests() {
					assert.Equal(t, "Basic YTpi", request.header.Get("Authorization"))
					assert.True(t, strings.HasPrefix(request.target, "/base/"), request.target)
				}
			})
		}
	}
}

func TestDeleteByTime(t *testing.T) {
	t.Parallel()
	tests := []struct {
		body            string
		forgotten       int
		pages, requests int
	}{
		{body: `{"experiment_id":"0","max_timestamp_millis":"899"}`, forgotten: 900, pages: 2, requests: 3},
		{body: `{"experiment_id":"0","max_timestamp_millis":"899","max_traces":700}`, forgotten: 700, pages: 2, requests: 3},
		{body: `{"experiment_id":"0","maxTimestampMillis":899.0,"maxTraces":700.0}`, forgotten: 700, pages: 2, requests: 3},
		{body: `"{\"experiment_id\":\"0\",\"max_timestamp_millis\":\"899\"}"`, forgotten: 900, pages: 2, requests: 3},
		{body: `{"":"x","experiment_id":"0","max_timestamp_millis":"899"}`, forgotten: 900, pages: 2, requests: 3},
		{body: `{"experiment_id":"0","max_timestamp_millis":"-1"}`, pages: 1, requests: 2},
		{body: `{"experiment_id":"0"}`, requests: 1},
		{body: `{"experiment_id":"0","request_ids":[]}`, requests: 1},
		{body: `no JSON`, requests: 1},
		{body: `{"request_ids":"x"}`, requests: 1},
		{body: `{"EXPERIMENT_ID":"1","experiment_id":"0","MAX_TIMESTAMP_MILLIS":"899"}`, requests: 1},
		{body: `{"experiment_id":"0","max_timestamp_millis":"899","maxTimestampMillis":"1"}`, requests: 1},
	}
	for _, test := range tests {
		t.Run(test.body, func(t *testing.T) {
			t.Parallel()
			d := &deleter{traces: map[string]int64{"foreign": 1}}
			for n := range 1000 {
				d.traces[mlflow.TraceID(traceNo(n))] = int64(n)
			}
			delete(d.traces, mlflow.TraceID(traceNo(1)))
			d.traces[mlflow.TraceID(traceNo(1000))] = 1
			upstream := startUpstream(t, d.serve)
			f := startFront(t, upstream.URL, nil)
			f.send(t, http.MethodPost, apiTraces+"/delete-traces", test.body, nil)
			forgotten := slices.DeleteFunc(slices.Clone(f.memory.forgotten), func(id string) bool { return len(id) != 32 })
			if test.forgotten == 700 {
				assert.InDelta(t, test.forgotten, len(forgotten), 1, "the foreign one is among them or not")
			} else {
				assert.Len(t, forgotten, test.forgotten)
			}
			assert.Equal(t, test.pages, d.pages)
			assert.Len(t, upstream.requests(), test.requests)
			assert.Equal(t, test.body, upstream.last(t).body)
			for _, id := range forgotten {
				assert.NotContains(t, d.traces, mlflow.TraceID(id))
			}
		})
	}
}

func TestDeleteFails(t *testing.T) {
	t.Parallel()
	body := `{"experiment_id":"0","request_ids":["tr-` + firstTrace + `"]}`
	for _, answer := range []struct {
		status   int
		document string
	}{{403, `{"traces_deleted":1}`}, {500, `{"traces_deleted":1}`}, {200, `[]`}, {200, `{}`}, {200, `{"traces_deleted":"x"}`}} {
		upstream := startUpstream(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(answer.status)
			_, _ = io.WriteString(w, answer.document)
		})
		f := startFront(t, upstream.URL, nil)
		response, answered := f.send(t, http.MethodPost, apiTraces+"/delete-traces", body, nil)
		assert.Equal(t, answer.status, response.StatusCode)
		assert.Equal(t, answer.document, answered)
		assert.Empty(t, f.memory.forgotten)
	}
	// MLflow has done it; that Redis did not is not the client's matter.
	f := startFront(t, startUpstream(t, func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, `{"traces_deleted":1}`)
	}).URL, nil)
	f.memory.err = errors.New("redis is down")
	response, _ := f.send(t, http.MethodPost, apiTraces+"/delete-traces", body, nil)
	assert.Equal(t, http.StatusOK, response.StatusCode)
}
