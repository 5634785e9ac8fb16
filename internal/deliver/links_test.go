package deliver

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// patched calls during at each change of a row, before it is made.
func patched(during func()) func(http.ResponseWriter, *http.Request) bool {
	return func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPatch {
			during()
		}
		return false
	}
}

// override is a person's judgement of a record: it failed.
func override(id string, original store.Record) store.Record {
	r := human(testRecord(original.Name, assessment.False), testTime.Add(time.Hour))
	r.ID, r.Overrides, r.Source = id, original.ID, assessment.Source{Type: assessment.SourceTypeHuman, ID: "ann"}
	return r
}

func TestLinks(t *testing.T) {
	t.Parallel()
	l := newLinks(Trace{Rows: []assessment.Assessment{{ID: "a-there"}}, unreadable: map[string]bool{"a-unreadable": true}})
	l.add("a-written", Result{Row: &assessment.Assessment{ID: "a-second"}})
	l.add("a-stumbled", Result{Err: errStumbled})
	l.add("a-changed", Result{Err: errChanged})
	l.add("a-refused", Result{Err: &refusedError{reason: "refused"}})
	for _, tt := range []struct {
		overrides, known string // the record, and its row
		row              string
		ok               bool
	}{
		{ok: true},
		{overrides: "a-there", row: "a-there", ok: true},
		{overrides: "a-renamed", known: "a-there", row: "a-there", ok: true},
		{overrides: "a-unreadable", row: "a-unreadable", ok: true},
		{overrides: "a-written", row: "a-second", ok: true},
		{overrides: "a-stumbled"},
		{overrides: "a-changed"},
		{overrides: "a-refused", ok: true},
		{overrides: "a-nobody's", ok: true},
	} {
		w := &Write{overrides: tt.known}
		w.Record.Overrides = tt.overrides
		row, ok := l.of(w)
		assert.Equal(t, tt.row, row, tt.overrides)
		assert.Equal(t, tt.ok, ok, tt.overrides)
	}
}

// An override waits for its original, and refers to the row that it has.
func TestLoopLinksOverrides(t *testing.T) {
	t.Parallel()
	tests := map[string]func(r *rig, original store.Record){
		"the original's write stumbles once": func(r *rig, original store.Record) {
			stumbled := false
			r.mlflow.answer = func(w http.ResponseWriter, req *http.Request) bool {
				last := r.mlflow.bodies[len(r.mlflow.bodies)-1]
				if stumbled || req.Method != http.MethodPost || !strings.Contains(last, `"assessment_id":"`+original.ID) {
					return false
				}
				stumbled = true
				w.WriteHeader(http.StatusInternalServerError)
				return true
			}
		},
		"the original stands under its second id": func(r *rig, original store.Record) {
			r.mlflow.owner[original.ID] = "tr-other"
			r.store.put(original)
			r.until(r.store.idle)
		},
	}
	for name, prepare := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			r.mlflow.arrive(testTrace, time.Second)
			original, other := testRecord("check", assessment.True), testRecord("other", assessment.True)
			r.loop.Start()
			prepare(r, original)
			over := override("a-over", original)
			original.Invalid = true
			r.store.put(original, other, over)
			r.until(r.store.idle)
			rowID := backendID(r.store.record(original.ID), testBackend)
			require.NotNil(t, r.mlflow.row(testTrace, rowID))
			assert.Equal(t, false, r.mlflow.row(testTrace, rowID)["valid"])
			assert.Equal(t, rowID, r.mlflow.row(testTrace, over.ID)["overrides"])
			assert.True(t, r.store.record(original.ID).Invalid)
		})
	}
}

// MLflow makes an original valid at the end of any of its overrides: so one that ended here before it was delivered is
// made there, and ends.
func TestLoopEndsAnOverrideThatNeverStoodThere(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.mlflow.arrive(testTrace, time.Second)
	original := testRecord("check", assessment.True)
	stays, ended := override("a-stays", original), override("a-ended", original)
	ended.Deleted = testTime.Add(2 * time.Hour)
	r.store.put(human(original, testTime), stays, ended) // valid again, by the end of the second one
	r.loop.Start()
	r.until(r.store.idle)
	assert.Nil(t, r.mlflow.row(testTrace, ended.ID))
	require.NotNil(t, r.mlflow.row(testTrace, stays.ID))
	assert.Equal(t, true, r.mlflow.row(testTrace, original.ID)["valid"])
	assert.False(t, r.store.record(original.ID).Invalid)
	assert.Equal(t, 1, r.mlflow.count("DELETE"))
}

// An original that is changed while its override ends is valid, although MLflow says so only after the end.
func TestLoopChangesAnOriginalWhoseOverrideEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.mlflow.arrive(testTrace, time.Second)
	original := human(testRecord("check", assessment.True), testTime)
	original.Invalid = true
	over := override("a-over", original)
	r.store.put(original, over)
	r.loop.Start()
	r.until(r.store.idle)
	require.Equal(t, false, r.mlflow.row(testTrace, original.ID)["valid"])

	invalid := false
	r.mlflow.mu.Lock()
	r.mlflow.answer = func(_ http.ResponseWriter, _ *http.Request) bool {
		invalid = invalid || r.store.record(original.ID).Invalid
		return false
	}
	r.mlflow.mu.Unlock()
	over.Deleted = r.clock.Now()
	original.Invalid, original.Value = false, assessment.False
	r.store.put(original, over)
	r.until(r.store.idle)
	assert.Equal(t, true, r.mlflow.row(testTrace, original.ID)["valid"])
	assert.False(t, invalid, "at no time")
	assert.False(t, r.store.record(original.ID).Invalid)
}

// A row that was made under the second id, whose answer was lost, is the record's and nobody else's.
func TestCompareFindsTheSecondID(t *testing.T) {
	t.Parallel()
	record := testRecord("check", assessment.True)
	row := rowOf(t, record)
	row.ID = SecondID(record)
	over := override("a-over", record)
	records := map[string]store.Record{record.ID: record, over.ID: over}
	got := compare(testBackend, nil, testTime, records, []assessment.Assessment{row})
	assert.Empty(t, got.taken)
	require.Contains(t, got.deliveries, record.ID)
	assert.Equal(t, store.DeliveryDelivered, got.deliveries[record.ID].State)
	assert.Equal(t, row.ID, got.deliveries[record.ID].ID)
	require.Len(t, got.writes, 1)
	assert.Equal(t, row.ID, got.writes[0].overrides)
	assert.Empty(t, records[record.ID].Backends, "the caller's records stay")
}
