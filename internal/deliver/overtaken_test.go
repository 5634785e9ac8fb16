package deliver

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// edit is a record's next state, as a door of this side makes it.
func edit(record store.Record, value assessment.Value, at time.Time, door string) store.Record {
	record.History = append(slices.Clip(record.History), store.Change{
		Time: at, Author: "ann", Door: door, Reason: "updated", Old: record.Assessment,
	})
	record.Value, record.UpdateTime = value, at
	return record
}

// TestCompareWritesThatWereOvertaken is about a write whose outcome was not noted before the record changed again: the row
// then has the write's content and time, and is nobody's work.
func TestCompareWritesThatWereOvertaken(t *testing.T) {
	t.Parallel()
	at := func(minutes int) time.Time { return testTime.Add(time.Duration(minutes) * time.Minute) }
	form := func(r store.Record) string { return digest(rowOf(t, r)) }
	agreed := testRecord("check", assessment.Int(0))
	agreed.Backends = map[string]store.Delivery{testBackend: {
		State: store.DeliveryDelivered, Form: agreement(form(agreed), form(agreed), at(0), at(0)).String(),
	}}
	written := edit(agreed, assessment.Int(1), at(1), "api")
	row := rowOf(t, written)
	row.UpdateTime = at(30) // by the backend's clock, long after all that was said here
	foreign := row
	foreign.Value = "7.0"
	backAndForth := edit(written, assessment.Int(0), at(2), "api")
	backAndForth.Backends = map[string]store.Delivery{testBackend: {
		State: store.DeliveryDelivered, Form: agreement(form(backAndForth), form(backAndForth), at(3), at(3)).String(),
	}}
	takenOver := edit(agreed, assessment.Int(0), at(2), doorBackend) // somebody brought it back there
	takenOver.History[0].Old.Value = assessment.Int(1)
	deleted := edit(written, written.Value, at(2), "api")
	deleted.Deleted = at(2)

	tests := []struct {
		name   string
		record store.Record
		row    assessment.Assessment
		ops    []Op
	}{
		{name: "a person changed it again", record: human(edit(written, assessment.Int(2), at(2), "api"), at(2)), row: row, ops: []Op{OpUpdate}},
		{name: "automation changed it again", record: edit(written, assessment.Int(2), at(2), "telemetry"), row: row, ops: []Op{OpUpdate}},
		{name: "and back to what was agreed on", record: human(edit(written, assessment.Int(0), at(2), "api"), at(2)), row: row, ops: []Op{OpUpdate}},
		{name: "a person deleted it", record: deleted, row: row, ops: []Op{OpDelete}},
		{name: "somebody else's content", record: human(edit(written, assessment.Int(2), at(2), "api"), at(2)), row: foreign},
		{name: "deleted, somebody else's content", record: deleted, row: foreign},
		{name: "an old state that was agreed on since", record: human(backAndForth, at(2)), row: row},
		{name: "a state that was replaced there", record: human(takenOver, at(2)), row: row},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := compare(testBackend, nil, at(60), map[string]store.Record{tt.record.ID: tt.record}, []assessment.Assessment{tt.row})
			var ops []Op
			for _, w := range got.writes {
				ops = append(ops, w.Op)
			}
			assert.Equal(t, tt.ops, ops)
			assert.Equal(t, tt.ops == nil, len(got.taken) == 1, "else it is somebody's, and taken over")
		})
	}
}

// Ann says something else while what she said before is on its way, against what somebody changed there: the delivery is
// noted, and her last word stands on both sides.
func TestLoopKeepsTheLastWord(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.mlflow.arrive(testTrace, time.Second)
	record := human(testRecord("check", assessment.Int(0)), testTime)
	r.store.put(record)
	r.loop.Start()
	r.until(r.store.idle)

	first := edit(record, assessment.Int(1), r.clock.Now().Add(24*time.Hour), "api")
	second := edit(first, assessment.Int(2), first.UpdateTime.Add(time.Second), "api")
	r.mlflow.edit(testTrace, record.ID, func(row map[string]any) map[string]any {
		row["feedback"] = map[string]any{"value": 7.0}
		return row
	})
	said := false
	r.mlflow.mu.Lock()
	r.mlflow.answer = patched(func() {
		if !said {
			said = true
			r.store.put(second)
		}
	})
	r.mlflow.mu.Unlock()
	r.store.put(first)
	r.until(r.store.idle)
	assert.Equal(t, assessment.Int(2), r.store.record(record.ID).Value)
	require.NotNil(t, r.mlflow.row(testTrace, record.ID))
	assert.Equal(t, map[string]any{"value": 2.0}, r.mlflow.row(testTrace, record.ID)["feedback"])
}

// Who changed an evaluator's result in MLflow, MLflow does not say: not the evaluator.
func TestAuthorOfWhatIsTakenOver(t *testing.T) {
	t.Parallel()
	record := delivered(t, testRecord("check", assessment.Int(1)))
	row := rowOf(t, record)
	row.Value, row.UpdateTime = "2.0", testTime.Add(time.Hour)
	theirs := rowOf(t, override("a-theirs", record))
	theirs.Overrides = ""
	got := compare(testBackend, nil, testTime.Add(2*time.Hour), map[string]store.Record{record.ID: record}, []assessment.Assessment{row, theirs})
	require.Contains(t, got.taken, record.ID)
	assert.Empty(t, got.taken[record.ID].Author)
	assert.Equal(t, "ann", got.taken["a-theirs"].Author)
}
