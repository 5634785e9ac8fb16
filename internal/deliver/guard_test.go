package deliver

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

func TestGuard(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		marks    []string // of the missing rows
		attempts int
		waited   time.Duration
		guard    guard
		believed bool
		noted    string // the mark of the first row afterwards
		after    time.Duration
		dead     string
	}{
		{name: "nothing is missing", guard: guard{doubted: true}, believed: true},
		{name: "the first look", marks: []string{""}, noted: reasonMissing, after: firstWait},
		{name: "the first look, late", marks: []string{""}, waited: 48 * time.Hour, noted: reasonMissing, after: firstWait},
		{name: "the first look after other deferrals", marks: []string{""}, attempts: 3, noted: reasonMissing, after: firstWait},
		{name: "the second look", marks: []string{reasonMissing}, attempts: 1, believed: true},
		{name: "the second look after other deferrals", marks: []string{reasonMissing}, attempts: 4, believed: true},
		{name: "the trace changed since", marks: []string{reasonMissing}, noted: reasonMissing, after: firstWait},
		{name: "another one is missing now", marks: []string{reasonMissing, ""}, attempts: 1, noted: reasonMissing, after: firstWait},
		{name: "nobody can say", marks: []string{reasonMissing}, attempts: 1, guard: guard{unknown: true}, noted: reasonMissing, after: firstWait},
		{name: "in doubt", marks: []string{""}, guard: guard{doubted: true}, noted: reasonMassMissing, after: firstWait},
		{name: "the second look in doubt", marks: []string{reasonMissing}, attempts: 1, guard: guard{doubted: true}, noted: reasonMassMissing, after: 2 * firstWait},
		{name: "once not believed, never", marks: []string{reasonMassMissing}, attempts: 2, noted: reasonMassMissing, after: 4 * firstWait},
		{name: "given up", marks: []string{reasonMassMissing}, attempts: 9, waited: 25 * time.Hour, noted: reasonMassMissing, dead: reasonMassMissing},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			j := &job{claim: store.Claim{
				Backend: testBackend, Attempts: tt.attempts, Waited: tt.waited, Records: map[string]store.Record{},
			}}
			for i, mark := range tt.marks {
				record := withState(delivered(t, testRecord(string(rune('a'+i)), assessment.True)), func(d *store.Delivery) { d.Reason = mark })
				j.claim.Records[record.ID] = record
				j.comparison.missing = append(j.comparison.missing, record.ID)
			}
			require.Equal(t, tt.believed, tt.guard.believes(j))
			if tt.believed {
				return
			}
			first := j.comparison.missing[0]
			tt.guard.narrow(j)
			v := newVerdict(&j.comparison)
			j.wait(v, 24*time.Hour)
			noted := mark(&j.claim, first)
			if delivery, changed := v.settlement.Deliveries[first]; changed {
				assert.Equal(t, store.DeliveryDelivered, delivery.State)
				noted = delivery.Reason
			}
			assert.Equal(t, tt.noted, noted)
			assert.False(t, v.settlement.Done)
			assert.Equal(t, tt.after, v.settlement.RetryAfter)
			assert.Equal(t, tt.dead, v.settlement.Dead)
		})
	}
}

func TestLookCountsEachRowOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	fresh, known := delivered(t, testRecord("fresh", assessment.True)), delivered(t, testRecord("known", assessment.True))
	known = withState(known, func(d *store.Delivery) { d.Reason = reasonMissing })
	j := job{claim: store.Claim{
		Backend: testBackend, Attempts: 2, Records: map[string]store.Record{fresh.ID: fresh, known.ID: known},
	}}
	j.comparison.missing = []string{fresh.ID, known.ID}
	assert.Equal(t, guard{}, r.loop.look([]job{j}))
	assert.Equal(t, 1, r.store.missing)
	r.store.err = errors.New("redis: down")
	assert.Equal(t, guard{unknown: true}, r.loop.look([]job{j}))
	assert.Equal(t, guard{}, r.loop.look([]job{{}}))
}

// A row that somebody deletes is found out although the trace waits for something else, which goes on.
func TestLoopBelievesWhatIsMissingBesideOtherTrouble(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.mlflow.arrive(testTrace, time.Second)
	gone := testRecord("gone", assessment.True)
	r.store.put(gone)
	r.loop.Start()
	r.until(r.store.idle)
	r.mlflow.edit(testTrace, gone.ID, func(map[string]any) map[string]any { return nil })
	r.store.mu.Lock()
	r.store.doubted = true
	r.store.mu.Unlock()
	late := testRecord("late", assessment.True)
	r.store.put(late)
	r.until(func() bool { return r.mlflow.row(testTrace, late.ID) != nil })
	r.until(func() bool { return r.store.record(gone.ID).Backends[testBackend].Reason == reasonMassMissing })
	assert.Equal(t, store.DeliveryDelivered, r.store.record(gone.ID).Backends[testBackend].State, "in doubt nothing is believed")
	assert.Nil(t, r.mlflow.row(testTrace, gone.ID))
	assert.Zero(t, r.tally.of(OutcomeWithdrawn))
}
