package deliver

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

const startTrace = "POST /api/3.0/mlflow/traces"

// bulks counts StartTraceV3 calls.
func (f *fakeMLflow) bulks() (n int, last string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, r := range f.requests {
		if r == startTrace {
			n, last = n+1, f.bodies[i]
		}
	}
	return n, last
}

func TestBulk(t *testing.T) {
	t.Parallel()
	one, two := testRecord("one", assessment.Int(1)), testRecord("two", assessment.True)
	person := testRecord("three", assessment.True)
	person.ID = "a-random"
	override := testRecord("four", assessment.True)
	override.Overrides = one.ID
	tests := []struct {
		name    string
		ended   time.Duration
		trace   func(trace map[string]any)
		version string
		bulk    Bulk
		records []store.Record
		answer  func(w http.ResponseWriter, r *http.Request) bool
		bulks   int
		singles int
	}{
		{name: "switched off", bulk: BulkOff, records: []store.Record{one, two}, singles: 2},
		{name: "an untested version", version: "3.11.0", records: []store.Record{one, two}, singles: 2},
		{name: "ended just now", ended: 2 * time.Second, records: []store.Record{one, two}, singles: 2},
		{
			name: "not final", records: []store.Record{one, two}, singles: 2,
			trace: func(trace map[string]any) { trace["state"] = "IN_PROGRESS" },
		},
		{
			name: "without a duration", records: []store.Record{one, two}, singles: 2,
			trace: func(trace map[string]any) { delete(trace, "execution_duration") },
		},
		{name: "only one", records: []store.Record{one}, singles: 1},
		{
			name: "refused as a whole", records: []store.Record{one, two}, bulks: 1, singles: 2,
			answer: func(w http.ResponseWriter, r *http.Request) bool {
				refused := strings.HasSuffix(r.URL.Path, "/traces")
				if refused {
					w.WriteHeader(http.StatusBadRequest)
				}
				return refused
			},
		},
		{name: "several", records: []store.Record{one, two}, bulks: 1},
		{
			name:    "an id that could stand on another trace goes singly",
			records: []store.Record{one, two, person}, bulks: 1, singles: 1,
		},
		{name: "an override goes singly", records: []store.Record{one, two, override}, bulks: 1, singles: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(_ *Settings, c *MLflowConfig) {
				if tt.bulk != "" {
					c.Bulk = tt.bulk
				}
			})
			if tt.version != "" {
				r.mlflow.version = tt.version
			}
			if tt.ended == 0 {
				tt.ended = time.Minute
			}
			r.mlflow.arrive(testTrace, tt.ended)
			trace := r.mlflow.traces["tr-"+testTrace]
			if tt.trace != nil {
				tt.trace(trace)
			}
			before := maps.Clone(trace)
			r.mlflow.answer = tt.answer
			for i := range tt.records { // a stable order of sending
				tt.records[i].CreateTime = testTime.Add(time.Duration(i) * time.Second)
			}
			r.store.put(tt.records...)
			r.loop.Start()
			r.until(r.store.idle)
			for _, record := range tt.records {
				assert.NotNil(t, r.mlflow.row(testTrace, record.ID), record.Name)
			}
			bulks, body := r.mlflow.bulks()
			assert.Equal(t, tt.bulks, bulks)
			assert.Equal(t, tt.singles, r.mlflow.count(startTrace+"/tr-"))
			assert.Equal(t, len(tt.records), r.tally.of(OutcomeDelivered))
			assert.Equal(t, before, r.mlflow.traces["tr-"+testTrace], "the trace is as it was")
			if bulks > 0 {
				var sent struct {
					Trace struct {
						Info map[string]json.RawMessage `json:"trace_info"`
					} `json:"trace"`
				}
				require.NoError(t, json.Unmarshal([]byte(body), &sent))
				keys := make([]string, 0, len(sent.Trace.Info))
				for key := range sent.Trace.Info {
					keys = append(keys, key)
				}
				assert.ElementsMatch(t, []string{
					"trace_id", "client_request_id", "trace_location", "request_time", "execution_duration", "state",
					"assessments",
				}, keys, "the five fields as they were read, and nothing else")
			}
		})
	}
}
