package deliver

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

func TestOverlayOne(t *testing.T) {
	t.Parallel()
	record := delivered(t, testRecord("check", assessment.Int(1)))
	row := rowOf(t, record)
	pending := testRecord("check", assessment.Int(1))
	changed := record
	changed.Value, changed.UpdateTime = assessment.Int(2), testTime.Add(time.Minute)
	edited := row
	edited.Value, edited.UpdateTime = "3.0", testTime.Add(time.Hour)
	overridden := row
	overridden.Invalid = true
	deep := row
	deep.Value = assessment.Value(nested(60))
	foreign := row
	foreign.Source.ID = "somebody"
	in := func(r store.Record, state store.DeliveryState) store.Record {
		return withState(r, func(d *store.Delivery) { d.State = state })
	}
	deleted := func(r store.Record, at time.Time) store.Record {
		r.Deleted = at
		return r
	}
	newer := record
	newer.Version = store.RecordVersion + 1
	renamed := withState(record, func(d *store.Delivery) { d.ID = "a-other" })
	renamedRow := row
	renamedRow.ID = "a-other"
	automationBeaten := edited
	automationBeaten.UpdateTime = testTime.Add(2 * time.Hour)

	const (
		stays    = "stays"
		hidden   = "hidden"
		replaced = "replaced"
		added    = "added"
		absent   = "absent"
	)
	tests := []struct {
		name   string
		record store.Record
		row    *assessment.Assessment
		want   string
	}{
		{name: "of a newer version", record: newer, row: &row, want: stays},
		{name: "of a newer version, without a row", record: newer, want: absent},
		{name: "not comparable", record: record, row: &deep, want: stays},
		{name: "changed there", record: record, row: &edited, want: stays},
		{name: "made and changed there", record: in(record, store.DeliveryTheirs), row: &edited, want: stays},
		{name: "changed on both sides, automation here", record: changed, row: &automationBeaten, want: stays},
		{name: "changed on both sides, later here", record: human(changed, testTime.Add(3*time.Hour)), row: &edited, want: replaced},
		{name: "changed on both sides, later there", record: human(changed, testTime.Add(time.Minute)), row: &edited, want: stays},
		{name: "never delivered, and somebody else's row", record: pending, row: &foreign, want: stays},
		{name: "deleted here", record: deleted(record, testTime.Add(time.Minute)), row: &row, want: hidden},
		{name: "deleted here after it changed there", record: deleted(record, testTime.Add(2*time.Hour)), row: &edited, want: hidden},
		{name: "changed there after it was deleted here", record: deleted(record, testTime.Add(time.Minute)), row: &edited, want: stays},
		{name: "deleted here, made there", record: deleted(in(record, store.DeliveryTheirs), testTime), row: &row, want: hidden},
		{name: "deleted here, never delivered, somebody else's row", record: deleted(pending, testTime), row: &foreign, want: stays},
		{name: "deleted here, no row", record: deleted(record, testTime), want: absent},
		{name: "agreed", record: record, row: &row, want: replaced},
		{name: "agreed, under another id", record: renamed, row: &renamedRow, want: replaced},
		{name: "the answer of the create was lost", record: pending, row: &row, want: replaced},
		{name: "changed here", record: changed, row: &row, want: replaced},
		{name: "an override there is gone here", record: record, row: &overridden, want: replaced},
		{name: "given up, with a row", record: in(record, store.DeliveryDead), row: &row, want: replaced},
		{name: "pending", record: pending, want: added},
		{name: "skipped", record: in(pending, store.DeliverySkipped), want: added},
		{name: "given up", record: in(pending, store.DeliveryDead), want: added},
		{name: "deleted there", record: record, want: absent},
		{name: "made and deleted there", record: in(record, store.DeliveryTheirs), want: absent},
		{name: "deleted there, noticed", record: in(changed, store.DeliveryWithdrawn), want: absent},
		{name: "deleted there, changed here", record: changed, want: added},
		{name: "delivered by a build that wrote another form", record: withState(record, func(d *store.Delivery) { d.Form = "9:x" }), want: absent},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var rows []assessment.Assessment
			if test.row != nil {
				rows = append(rows, *test.row)
			}
			out := Overlay(testBackend, map[string]store.Record{test.record.ID: test.record}, rows, longAfter)
			got := absent
			if test.row != nil {
				got = stays
				if out.Hidden[test.row.ID] {
					got = hidden
				}
				if _, found := out.Replaced[test.row.ID]; found {
					got = replaced
				}
			} else if len(out.Added) > 0 {
				got = added
			}
			assert.Equal(t, test.want, got)
			assert.Equal(t, got == stays || got == absent, out.Empty())
			assert.LessOrEqual(t, len(out.Hidden)+len(out.Replaced)+len(out.Added), 1)
		})
	}
}

// longAfter is when nothing is on its way any more.
var longAfter = testTime.Add(24 * time.Hour)

// The rows may have been read before a delivery, and the records after it.
func TestOverlayOfWhatWasDeliveredMeanwhile(t *testing.T) {
	t.Parallel()
	now := testTime.Add(time.Hour)
	record := delivered(t, testRecord("quality", assessment.Int(1)))
	record.Written = now.Add(-time.Second)
	override := delivered(t, testRecord("override", assessment.Int(2)))
	override.Overrides, override.Written = record.ID, record.Written
	row := rowOf(t, record)
	record.Invalid = true
	records := map[string]store.Record{record.ID: record, override.ID: override}

	out := Overlay(testBackend, records, []assessment.Assessment{row}, now)
	assert.True(t, out.Replaced[row.ID].Invalid)
	require.Len(t, out.Added, 1)
	assert.Equal(t, override.ID, out.Added[0].ID)

	out = Overlay(testBackend, records, []assessment.Assessment{row}, longAfter)
	assert.Empty(t, out.Added, "deleted there")

	record.Deleted = record.Written
	out = Overlay(testBackend, map[string]store.Record{record.ID: record}, []assessment.Assessment{row}, now)
	assert.True(t, out.Hidden[row.ID])
}

func TestOverlayOfManyRows(t *testing.T) {
	t.Parallel()
	original := human(delivered(t, testRecord("quality", assessment.Int(1))), testTime)
	row := rowOf(t, original)
	row.Invalid = true
	theirs := row
	theirs.ID, theirs.Overrides, theirs.Invalid = "a-theirs", row.ID, false
	late, early := testRecord("late", assessment.True), testRecord("early", assessment.True)
	late.CreateTime, early.CreateTime = testTime.Add(time.Hour), testTime.Add(-time.Hour)
	records := map[string]store.Record{original.ID: original, late.ID: late, early.ID: early}

	out := Overlay(testBackend, records, []assessment.Assessment{row, theirs}, longAfter)
	assert.Empty(t, out.Hidden)
	assert.Empty(t, out.Replaced, "a row that was overridden there is as it is there")
	require.Len(t, out.Added, 2)
	assert.Equal(t, []string{early.ID, late.ID}, []string{out.Added[0].ID, out.Added[1].ID})

	override := testRecord("override", assessment.Int(2))
	override.Overrides = original.ID
	original.Invalid = true
	row.Invalid = false
	out = Overlay(testBackend, map[string]store.Record{original.ID: original, override.ID: override}, []assessment.Assessment{row}, longAfter)
	assert.True(t, out.Replaced[row.ID].Invalid, "an override that is still to come")
	require.Len(t, out.Added, 1)
}

// TestOverlayChangesNothing gives the same records afterwards: they may be in use elsewhere.
func TestOverlayChangesNothing(t *testing.T) {
	t.Parallel()
	record := delivered(t, testRecord("check", assessment.Int(1)))
	row := rowOf(t, record)
	row.Value, row.UpdateTime = "3.0", testTime.Add(time.Hour)
	records := map[string]store.Record{record.ID: record}
	rows := []assessment.Assessment{row}
	Overlay(testBackend, records, rows, longAfter)
	assert.Equal(t, map[string]store.Record{record.ID: record}, records)
	assert.Equal(t, []assessment.Assessment{row}, rows)
}
