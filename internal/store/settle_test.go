package store_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// A record is among the deliveries, because its row was written, and is taken over at the same time.
func TestSettleOfARecordThatIsTakenOverToo(t *testing.T) {
	tests := []struct {
		name    string
		changes bool
		want    store.DeliveryState
	}{
		{name: "the take-over wins", want: store.DeliveryTheirs},
		{name: "without it the row that was written counts", changes: true, want: store.DeliveryDelivered},
	}
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			for _, tt := range tests {
				t.Run(tt.name, func(t *testing.T) {
					require.NoError(t, s.client.FlushAll(t.Context()).Err())
					st := s.open(t, nil)
					mine := check(1, "c", assessment.True)
					put(t, st, mine)
					c := claim(t, st, 1)[0]
					if tt.changes {
						put(t, st, check(1, "d", assessment.True))
					}
					theirs := c.Records[mine.ID]
					theirs.Value = assessment.False
					theirs.Backends = map[string]store.Delivery{backendName: {State: store.DeliveryTheirs, Form: "theirs"}}
					require.True(t, settle(t, st, c, store.Settlement{
						Deliveries: map[string]store.Delivery{mine.ID: {State: store.DeliveryDelivered, Form: "ours"}},
						TakenOver:  []store.Record{theirs}, Done: true,
					}))
					got := load(t, st, 1)[mine.ID]
					assert.Equal(t, tt.want, got.Backends[backendName].State)
					assert.Equal(t, tt.changes, got.Value == assessment.True)
					assert.Len(t, claim(t, st, 1), backlog(t, st))
				})
			}
		})
	}
}

// An edit that writes a state of delivery ends the claim that was made before: the worker's word on the same record is
// of what is no longer so.
func TestEditOfADeliveryEndsTheClaim(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			delivered := given(1, "a-1")
			delivered.Backends = map[string]store.Delivery{backendName: {State: store.DeliveryDelivered, Form: "f"}}
			require.NoError(t, edited(t, st, 1, false, delivered))

			c := claim(t, st, 1)[0]
			other := c.Records["a-1"]
			other.Rationale = "on second thought"
			require.NoError(t, edited(t, st, 1, false, other))
			assert.Empty(t, claim(t, st, 1), "an edit of the record alone does not end it")

			again := load(t, st, 1)["a-1"]
			again.Backends = map[string]store.Delivery{backendName: {State: store.DeliveryPending, Form: "f"}}
			require.NoError(t, edited(t, st, 1, false, again))
			withdrawn := map[string]store.Delivery{"a-1": {State: store.DeliveryWithdrawn, Form: "f"}}
			assert.False(t, settle(t, st, c, store.Settlement{Deliveries: withdrawn, Done: true}))
			assert.Equal(t, again.Backends, load(t, st, 1)["a-1"].Backends)
			assert.Len(t, claim(t, st, 1), 1, "it is due at once")
		})
	}
}
