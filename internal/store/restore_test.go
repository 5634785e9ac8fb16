package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// everything is a restoring of all that was delivered.
var everything = store.Restore{Limit: 100}

func restore(t *testing.T, st *store.Store, r store.Restore) store.Restored {
	t.Helper()
	done, err := st.Restore(t.Context(), backendName, r, store.Place{})
	require.NoError(t, err)
	return done
}

func TestRestoreErrors(t *testing.T) {
	t.Parallel()
	s := startMini(t)
	st := s.open(t, nil)
	_, err := st.Restore(t.Context(), "other", everything, store.Place{})
	require.ErrorContains(t, err, `backend "other" is not among the store's`)
	s.mini.Close()
	_, err = st.Restore(t.Context(), backendName, everything, store.Place{})
	require.ErrorContains(t, err, "redis: ")
}

func TestRestoreStates(t *testing.T) {
	tests := []struct {
		name      string
		delivery  store.Delivery
		dead      string // of the trace
		withdrawn bool
		restored  bool
		due       bool
	}{
		{name: "pending", delivery: store.Delivery{Attempts: 2}},
		{name: "skipped", delivery: store.Delivery{State: store.DeliverySkipped}},
		{name: "dead", delivery: store.Delivery{State: store.DeliveryDead, Reason: "backend_cannot_hold"}, dead: "backend_cannot_hold", withdrawn: true},
		{name: "withdrawn", delivery: store.Delivery{State: store.DeliveryWithdrawn}},
		{name: "trace deleted", delivery: store.Delivery{State: store.DeliveryDead, Reason: "trace_deleted"}, dead: "trace_deleted"},
		{name: "withdrawn, asked for", delivery: store.Delivery{State: store.DeliveryWithdrawn}, withdrawn: true, restored: true},
		{name: "trace deleted, asked for", delivery: store.Delivery{State: store.DeliveryDead, Reason: "trace_deleted"}, dead: "trace_deleted", withdrawn: true, restored: true},
		{name: "delivered", delivery: store.Delivery{State: store.DeliveryDelivered, Attempts: 1}, restored: true},
		{name: "theirs", delivery: store.Delivery{State: store.DeliveryTheirs}, restored: true},
		{name: "dead for what is missing", delivery: store.Delivery{State: store.DeliveryDelivered}, dead: "missing_in_backend", restored: true},
		{name: "nothing of it delivered, missing", dead: "missing_in_backend", due: true},
	}
	for server, start := range servers {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			for _, tt := range tests {
				t.Run(tt.name, func(t *testing.T) {
					t.Parallel()
					s := start(t)
					st := s.open(t, nil)
					put(t, st, check(1, "c", assessment.True))
					id := check(1, "c", "").ID
					tt.delivery.Form, tt.delivery.ID = "1:a:b", `a-",{"reason":"x"}`
					claims := claim(t, st, 1)
					require.Len(t, claims, 1)
					require.True(t, settle(t, st, claims[0], store.Settlement{
						Done: true, Dead: tt.dead, Deliveries: map[string]store.Delivery{id: tt.delivery},
					}))
					before := load(t, st, 1)[id]

					done := restore(t, st, store.Restore{Withdrawn: tt.withdrawn, Limit: 10})
					assert.False(t, done.More || done.Full)
					after := load(t, st, 1)[id]
					want := before.Backends[backendName]
					traces, records := 0, 0
					if tt.restored {
						want.State, want.Attempts, want.Reason = store.DeliveryPending, 0, ""
						records = 1
					}
					if tt.restored || tt.due {
						traces = 1
					}
					assert.Equal(t, traces, done.Traces)
					assert.Equal(t, records, done.Assessments)
					assert.Equal(t, traces, backlog(t, st))
					assert.Equal(t, want, after.Backends[backendName])
					before.Backends, after.Backends = nil, nil
					assert.Equal(t, before, after)
					if traces == 1 {
						claims := claim(t, st, 1)
						require.Len(t, claims, 1)
						assert.Zero(t, claims[0].Attempts)
						dead, err := st.Dead(t.Context(), backendName, 10)
						require.NoError(t, err)
						assert.Empty(t, dead)
					}
					assert.Zero(t, restore(t, st, store.Restore{Withdrawn: tt.withdrawn, Limit: 10}).Assessments, "once")
				})
			}
		})
	}
}

// TestRestoreEndsClaims: what a worker learned before the restoring is not written after it.
func TestRestoreEndsClaims(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			put(t, st, check(1, "c", assessment.True))
			id := check(1, "c", "").ID
			delivered := map[string]store.Delivery{id: {State: store.DeliveryDelivered, Form: "1:a:b"}}
			require.True(t, settle(t, st, claim(t, st, 1)[0], store.Settlement{Done: true, Deliveries: delivered}))
			put(t, st, check(1, "d", assessment.True))
			held := claim(t, st, 1)[0]
			assert.Equal(t, 1, restore(t, st, everything).Assessments)
			assert.False(t, settle(t, st, held, store.Settlement{Done: true, Deliveries: delivered}))
			again := claim(t, st, 1)
			require.Len(t, again, 1, "due at once")
			assert.Equal(t, store.DeliveryPending, again[0].Records[id].Backends[backendName].State)
		})
	}
}

// TestRestoreLeavesRoom: at most half of the queue is taken, and the rest comes later.
func TestRestoreLeavesRoom(t *testing.T) {
	t.Parallel()
	s := startMini(t)
	st := s.open(t, func(_ *store.Config, set *store.Settings) { set.MaxWaiting = 64 * 4 })
	const traces = 400
	for n := range traces {
		put(t, st, check(n+1, "c", assessment.True))
		id := check(n+1, "c", "").ID
		require.True(t, settle(t, st, claim(t, st, 1)[0], store.Settlement{
			Done: true, Deliveries: map[string]store.Delivery{id: {State: store.DeliveryDelivered, Form: "1:a:b"}},
		}))
		s.pass(t, time.Millisecond)
	}
	total, place := 0, store.Place{}
	for steps := 0; ; steps++ {
		require.Less(t, steps, 1000)
		done, err := st.Restore(t.Context(), backendName, everything, place)
		require.NoError(t, err)
		assert.LessOrEqual(t, backlog(t, st), 64*2)
		total += done.Assessments
		place = done.Place
		if !done.More {
			break
		}
		if done.Full {
			finish(t, st)
		}
	}
	finish(t, st)
	assert.Equal(t, traces, total)
	stats, err := st.Stats(t.Context(), backendName)
	require.NoError(t, err)
	assert.Zero(t, stats.Dead)
}
