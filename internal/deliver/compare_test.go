package deliver

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

const (
	testBackend = "feedback"
	testTrace   = "0102030405060708090a0b0c0d0e0f10"
)

var testTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// testRecord is an automated record with the id of its content.
func testRecord(name string, value assessment.Value) store.Record {
	source := assessment.Source{Type: assessment.SourceTypeCode, ID: "checker_v1"}
	return store.Record{
		Version: store.RecordVersion,
		Assessment: assessment.Assessment{
			ID: assessment.NewID(testTrace, "", name, source), TraceID: testTrace, Name: name,
			Kind: assessment.KindFeedback, Source: source, Value: value, CreateTime: testTime, UpdateTime: testTime,
		},
	}
}

// rowOf is the record as the backend holds it after a delivery.
func rowOf(t *testing.T, record store.Record) assessment.Assessment {
	t.Helper()
	row, err := hold(&record.Assessment)
	require.NoError(t, err)
	row.ID, row.TraceID, row.Overrides = record.ID, record.TraceID, record.Overrides
	row.CreateTime, row.UpdateTime = record.CreateTime, record.UpdateTime
	return row
}

// delivered is the record after its delivery was settled.
func delivered(t *testing.T, record store.Record) store.Record {
	t.Helper()
	form := digest(rowOf(t, record))
	record.Backends = map[string]store.Delivery{
		testBackend: {State: store.DeliveryDelivered, Form: base{ours: form, theirs: form}.String()},
	}
	return record
}

func withState(record store.Record, change func(d *store.Delivery)) store.Record {
	d := record.Backends[testBackend]
	change(&d)
	record.Backends = withDelivery(record.Backends, testBackend, d)
	return record
}

func human(record store.Record, at time.Time) store.Record {
	record.Touched, record.Author, record.UpdateTime = true, "a@b.c", at
	return record
}

func TestCompareOne(t *testing.T) {
	t.Parallel()
	record := testRecord("check", assessment.Int(1))
	changed := record
	changed.Value = assessment.Int(2)
	changed.UpdateTime = testTime.Add(time.Minute)
	row := rowOf(t, record)
	edited := row
	edited.Value, edited.UpdateTime = "3.0", testTime.Add(time.Hour)
	changedAfter := func(r store.Record) store.Record {
		d := delivered(t, record)
		r.Backends = d.Backends
		return r
	}
	deep := record
	deep.Value = assessment.Value(nested(60))

	tests := []struct {
		name   string
		record store.Record
		row    *assessment.Assessment
		rules  forward
		ops    []Op
		state  store.DeliveryState // of the settled or taken record; checked where reason or outcome is
		reason string
		counts map[string]int
		value  assessment.Value // of the taken record
	}{
		{name: "never delivered", record: record, ops: []Op{OpCreate}},
		{
			name: "not forwarded", record: record, rules: forward{{Names: []string{"other"}}},
			state: store.DeliverySkipped, counts: map[string]int{OutcomeSkipped: 1},
		},
		{
			name: "the answer of the create was lost", record: record, row: &row,
			state: store.DeliveryDelivered, counts: map[string]int{OutcomeDelivered: 1},
		},
		{name: "lost answer, then changed here", record: changed, row: &row, ops: []Op{OpUpdate}},
		{
			name: "lost answer, then changed there", record: record, row: &edited,
			state: store.DeliveryDelivered, counts: map[string]int{OutcomeTakenOver: 1}, value: "3.0",
		},
		{
			name: "came again after Redis lost it, changed there before", row: &edited,
			record: func() store.Record {
				again := record
				again.CreateTime = testTime.Add(2 * time.Hour)
				again.UpdateTime = again.CreateTime
				return again
			}(),
			state: store.DeliveryDelivered, counts: map[string]int{OutcomeTakenOver: 1}, value: "3.0",
		},
		{name: "agreed", record: delivered(t, record), row: &row},
		{name: "changed only here", record: changedAfter(changed), row: &row, ops: []Op{OpUpdate}},
		{
			name: "changed only there", record: delivered(t, record), row: &edited,
			state: store.DeliveryDelivered, counts: map[string]int{OutcomeTakenOver: 1}, value: "3.0",
		},
		{
			name: "both, automation here", record: changedAfter(changed), row: &edited,
			state: store.DeliveryDelivered, counts: map[string]int{OutcomeTakenOver: 1}, value: "3.0",
		},
		{
			name: "both, the later person there", record: human(changedAfter(changed), testTime.Add(time.Minute)),
			row: &edited, state: store.DeliveryDelivered, counts: map[string]int{OutcomeTakenOver: 1}, value: "3.0",
		},
		{
			name: "both, the later person here", record: human(changedAfter(changed), testTime.Add(2*time.Hour)),
			row: &edited, ops: []Op{OpUpdate},
		},
		{
			name:   "theirs and changed there",
			record: withState(delivered(t, record), func(d *store.Delivery) { d.State = store.DeliveryTheirs }),
			row:    &edited, state: store.DeliveryTheirs, counts: map[string]int{OutcomeTakenOver: 1}, value: "3.0",
		},
		{
			name:   "theirs and changed here is not written",
			record: withState(changedAfter(changed), func(d *store.Delivery) { d.State = store.DeliveryTheirs }),
			row:    &row,
		},
		{name: "deleted here", record: tombstone(delivered(t, record)), row: &row, ops: []Op{OpDelete}},
		{
			name: "deleted here, changed there later", record: tombstone(delivered(t, record)), row: &edited,
			state: store.DeliveryDelivered, counts: map[string]int{OutcomeTakenOver: 1}, value: "3.0",
		},
		{
			name: "deleted here, but theirs",
			record: tombstone(withState(delivered(t, record), func(d *store.Delivery) {
				d.State = store.DeliveryTheirs
			})),
			row: &row,
		},
		{name: "deleted here before it was delivered", record: tombstone(record)},
		{
			name:   "withdrawn stays withdrawn",
			record: withState(changedAfter(changed), func(d *store.Delivery) { d.State = store.DeliveryWithdrawn }),
		},
		{
			name: "too deep for the backend", record: deep, state: store.DeliveryDead, reason: reasonCannotHold,
			counts: map[string]int{OutcomeDead: 1},
		},
		{
			name: "written three times and still different",
			record: withState(changedAfter(changed), func(d *store.Delivery) {
				d.Attempts = maxWrites
				d.Form = base{ours: tried(rowOf(t, changed)), theirs: digest(row)}.String()
			}),
			row: &row, state: store.DeliveryDead, reason: reasonCannotHold, counts: map[string]int{OutcomeDead: 1},
		},
		{
			name:   "a new content has new tries",
			record: withState(changedAfter(changed), func(d *store.Delivery) { d.Attempts = maxWrites }),
			row:    &row, ops: []Op{OpUpdate},
		},
		{
			name: "an update cannot move a row to another span", record: func() store.Record {
				r := delivered(t, record)
				r.SpanID = "0807060504030201"
				return r
			}(),
			row: &row, state: store.DeliveryDead, reason: reasonCannotHold, counts: map[string]int{OutcomeDead: 1},
		},
		{
			name: "a newer build's record", record: func() store.Record {
				r := record
				r.Version = store.RecordVersion + 1
				return r
			}(),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var rows []assessment.Assessment
			if tt.row != nil {
				rows = append(rows, *tt.row)
			}
			got := compare(testBackend, tt.rules, testTime, map[string]store.Record{record.ID: tt.record}, rows)
			var ops []Op
			for _, w := range got.writes {
				ops = append(ops, w.Op)
			}
			assert.Equal(t, tt.ops, ops)
			if tt.counts == nil {
				tt.counts = map[string]int{}
			}
			assert.Equal(t, tt.counts, got.counts)
			if taken, found := got.taken[record.ID]; found {
				assert.Equal(t, tt.value, taken.Value)
				assert.Equal(t, tt.state, taken.Backends[testBackend].State)
				assert.True(t, taken.Touched)
				assert.True(t, taken.Deleted.IsZero())
				require.Len(t, taken.History, 1)
				assert.Equal(t, tt.record.Assessment, taken.History[0].Old)
				again := compare(testBackend, tt.rules, testTime, map[string]store.Record{record.ID: taken}, rows)
				assert.Empty(t, again.counts, "a take-over settles it")
				assert.Empty(t, again.writes)
			} else if tt.state != "" {
				assert.Equal(t, tt.state, got.deliveries[record.ID].State)
				assert.Equal(t, tt.reason, got.deliveries[record.ID].Reason)
			}
		})
	}
}

func tombstone(record store.Record) store.Record {
	record.Deleted = testTime.Add(time.Minute)
	record.Touched = true
	return record
}

func nested(depth int) string {
	text := "1"
	for range depth {
		text = "[" + text + "]"
	}
	return text
}

func TestCompareAdoptsForeignRows(t *testing.T) {
	t.Parallel()
	row := assessment.Assessment{
		ID: "a-theirs", TraceID: testTrace, Name: "tone", Kind: assessment.KindFeedback, Value: assessment.True,
		Source: assessment.Source{Type: assessment.SourceTypeHuman, ID: "eve"}, UpdateTime: testTime,
	}
	got := compare(testBackend, nil, testTime, nil, []assessment.Assessment{row})
	require.Empty(t, got.writes)
	taken := got.taken["a-theirs"]
	assert.Equal(t, "eve", taken.Author)
	assert.Equal(t, store.DeliveryTheirs, taken.Backends[testBackend].State)
	assert.Equal(t, assessment.VerdictPassed, taken.Verdict)

	records := map[string]store.Record{taken.ID: taken}
	again := compare(testBackend, nil, testTime, records, []assessment.Assessment{row})
	assert.Empty(t, again.taken)
	gone := compare(testBackend, nil, testTime, records, nil)
	assert.Equal(t, []string{"a-theirs"}, gone.missing)
}

func TestCompareDeliversTheOriginalFirst(t *testing.T) {
	t.Parallel()
	original := testRecord("check", assessment.False)
	original.Verdict = assessment.VerdictFailed
	override := testRecord("check", assessment.True)
	override.ID, override.Overrides = "a-0", original.ID
	override.Source = assessment.Source{Type: assessment.SourceTypeHuman, ID: "eve"}
	rules := forward{{Sources: []assessment.SourceType{assessment.SourceTypeHuman}}}
	got := compare(testBackend, rules, testTime,
		map[string]store.Record{original.ID: original, override.ID: override}, nil)
	require.Len(t, got.writes, 2, "the original goes although no rule takes it")
	assert.Equal(t, original.ID, got.writes[0].ID)
	assert.Equal(t, override.ID, got.writes[1].ID)
}

func TestCompareValidity(t *testing.T) {
	t.Parallel()
	original := delivered(t, testRecord("check", assessment.False))
	row := rowOf(t, original)
	overridden := row
	overridden.Invalid = true
	theirs := row
	theirs.ID, theirs.Overrides = "a-theirs", row.ID
	theirs.Source = assessment.Source{Type: assessment.SourceTypeHuman, ID: "eve"}

	got := compare(testBackend, nil, testTime, map[string]store.Record{original.ID: original},
		[]assessment.Assessment{overridden, theirs})
	taken := got.taken[original.ID]
	assert.True(t, taken.Invalid)
	assert.True(t, taken.Touched, "automation leaves alone what a person overrode")

	got = compare(testBackend, nil, testTime,
		map[string]store.Record{original.ID: taken, "a-theirs": got.taken["a-theirs"]}, []assessment.Assessment{row})
	assert.False(t, got.taken[original.ID].Invalid, "deleting the override revives the original")
	assert.Equal(t, []string{"a-theirs"}, got.missing)

	override := testRecord("check", assessment.True)
	override.ID, override.Overrides = "a-0", original.ID
	original.Invalid = true
	got = compare(testBackend, nil, testTime,
		map[string]store.Record{original.ID: original, override.ID: override}, []assessment.Assessment{row})
	assert.Empty(t, got.taken, "our override is still to come")
	require.Len(t, got.writes, 1)
}

func TestCompareLeavesWhatAPersonOverrode(t *testing.T) {
	t.Parallel()
	record := delivered(t, testRecord("check", assessment.False))
	row := rowOf(t, record)
	row.Invalid = true
	theirs := row
	theirs.ID, theirs.Overrides, theirs.Invalid = "a-theirs", row.ID, false
	record.Value, record.Fingerprint = assessment.True, "f2" // automation changed its mind meanwhile
	rows := []assessment.Assessment{row, theirs}
	got := compare(testBackend, nil, testTime, map[string]store.Record{record.ID: record}, rows)
	assert.Empty(t, got.writes)
	taken := got.taken[record.ID]
	assert.Equal(t, assessment.False, taken.Value)
	assert.True(t, taken.Invalid)
	assert.True(t, taken.Touched)
	assert.Equal(t, assessment.True, taken.History[0].Old.Value)

	got = compare(testBackend, nil, testTime, map[string]store.Record{record.ID: human(record, testTime.Add(time.Hour))}, rows)
	require.Len(t, got.writes, 1, "a person's change is delivered all the same")
	updated := rowOf(t, record)
	updated.Invalid = true
	v := newVerdict(&got)
	v.written(testBackend, testTime, got.writes, []Result{{Row: &updated}})
	require.Len(t, v.settlement.TakenOver, 2, "the foreign row, and that ours is overridden")
	assert.True(t, v.settlement.TakenOver[1].Invalid || v.settlement.TakenOver[0].Invalid)
}

func TestTakeOverKeepsWhatTheBackendCannotHold(t *testing.T) {
	t.Parallel()
	record := testRecord("expected", assessment.Int(4))
	record.Kind, record.Rationale, record.ResponseID = assessment.KindExpectation, "because", "response-1"
	record = delivered(t, record)
	row := rowOf(t, record)
	row.Name, row.UpdateTime = "renamed", testTime.Add(time.Hour)
	got := compare(testBackend, nil, testTime, map[string]store.Record{record.ID: record}, []assessment.Assessment{row})
	taken := got.taken[record.ID]
	assert.Equal(t, "renamed", taken.Name)
	assert.Equal(t, assessment.Int(4), taken.Value)
	assert.Equal(t, "because", taken.Rationale)
	assert.Equal(t, "response-1", taken.ResponseID)
}
