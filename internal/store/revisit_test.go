package store_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

const refreshKey = "fb:refresh:" + backendName

// often is a revisit that may be taken again after 2 ms.
var often = store.Revisit{Window: 24 * time.Hour, Limit: 50, Interval: 2 * time.Millisecond}

// revisit takes one step when there is a turn.
func revisit(t *testing.T, s *server, st *store.Store, r store.Revisit) int {
	t.Helper()
	s.pass(t, r.Interval)
	n, wait, err := st.Revisit(t.Context(), backendName, r)
	require.NoError(t, err)
	require.GreaterOrEqual(t, wait, r.Interval)
	return n
}

// finish settles all that is due and returns the traces' ids.
func finish(t *testing.T, st *store.Store) []string {
	t.Helper()
	var ids []string
	for claims := claim(t, st, 50); len(claims) > 0; claims = claim(t, st, 50) {
		settlements := make([]store.Settlement, len(claims))
		for i, c := range claims {
			ids = append(ids, c.TraceID)
			settlements[i].Done = true
		}
		_, err := st.SettleAll(t.Context(), claims, settlements)
		require.NoError(t, err)
	}
	return ids
}

func TestRevisitErrors(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	st := (&server{addr: listener.Addr().String()}).open(t, nil)
	_, _, err = st.Revisit(t.Context(), backendName, often)
	require.ErrorContains(t, err, "redis: ")
	_, _, err = st.Revisit(t.Context(), "other", often)
	require.ErrorContains(t, err, `backend "other" is not among the store's`)
}

func TestRevisitChooses(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(t *testing.T, s *server, st *store.Store)
		due     int
	}{
		{name: "nothing is there"},
		{name: "waits", prepare: func(t *testing.T, _ *server, st *store.Store) {
			t.Helper()
			put(t, st, check(1, "c", assessment.True))
		}},
		{name: "waits in the people's queue", prepare: func(t *testing.T, _ *server, st *store.Store) {
			t.Helper()
			put(t, st, opinion(1, "a-1", assessment.True))
		}},
		{name: "is claimed", prepare: func(t *testing.T, _ *server, st *store.Store) {
			t.Helper()
			put(t, st, check(1, "c", assessment.True))
			require.Len(t, claim(t, st, 1), 1)
		}},
		{name: "is dead", prepare: func(t *testing.T, _ *server, st *store.Store) {
			t.Helper()
			put(t, st, check(1, "c", assessment.True))
			require.True(t, settle(t, st, claim(t, st, 1)[0], store.Settlement{Dead: "refused"}))
		}},
		{name: "has expired", prepare: func(t *testing.T, s *server, st *store.Store) {
			t.Helper()
			put(t, st, check(1, "c", assessment.True))
			finish(t, st)
			for _, key := range s.client.Keys(t.Context(), "*:trace:*").Val() {
				require.NoError(t, s.client.Del(t.Context(), key).Err())
			}
		}},
		{name: "left the window", prepare: func(t *testing.T, s *server, st *store.Store) {
			t.Helper()
			put(t, st, check(1, "c", assessment.True))
			finish(t, st)
			s.pass(t, 150*time.Millisecond)
		}},
		{name: "is settled", due: 1, prepare: func(t *testing.T, _ *server, st *store.Store) {
			t.Helper()
			put(t, st, check(1, "c", assessment.True))
			finish(t, st)
		}},
		{name: "is settled and of a person", due: 1, prepare: func(t *testing.T, _ *server, st *store.Store) {
			t.Helper()
			put(t, st, opinion(1, "a-1", assessment.True))
			finish(t, st)
		}},
		{name: "a place nobody understands", due: 1, prepare: func(t *testing.T, s *server, st *store.Store) {
			t.Helper()
			put(t, st, check(1, "c", assessment.True))
			finish(t, st)
			require.NoError(t, s.client.HSet(t.Context(), refreshKey, "near", "1 x y", "far", "?").Err())
		}},
	}
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			for _, tt := range tests {
				t.Run(tt.name, func(t *testing.T) {
					require.NoError(t, s.client.FlushAll(t.Context()).Err())
					st := s.open(t, nil)
					if tt.prepare != nil {
						tt.prepare(t, s, st)
					}
					before := backlog(t, st)
					r := often
					if tt.name == "left the window" {
						r.Window = 100 * time.Millisecond
					}
					assert.Equal(t, tt.due, revisit(t, s, st, r))
					assert.Equal(t, before+tt.due, backlog(t, st))
					if tt.due == 0 {
						return
					}
					c := claim(t, st, 1)[0]
					assert.EqualValues(t, 1, c.Revision)
					assert.Zero(t, c.Attempts)
					assert.Positive(t, s.client.PTTL(t.Context(), refreshKey).Val())
				})
			}
		})
	}
}

func TestRevisitSharesTheRate(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			replicas := []*store.Store{s.open(t, nil), s.open(t, nil)}
			r := store.Revisit{Window: time.Hour, Limit: 50, Interval: time.Minute}

			// Nothing is there: the next look is later still.
			r.Interval = time.Millisecond
			_, wait, err := replicas[0].Revisit(t.Context(), backendName, r)
			require.NoError(t, err)
			assert.Greater(t, wait, time.Second)
			_, wait, err = replicas[1].Revisit(t.Context(), backendName, r)
			require.NoError(t, err)
			assert.Greater(t, wait, time.Second)

			r.Interval = time.Minute
			require.NoError(t, s.client.Del(t.Context(), refreshKey).Err())
			put(t, replicas[0], check(1, "c", assessment.True))
			finish(t, replicas[0])
			n, wait, err := replicas[0].Revisit(t.Context(), backendName, r)
			require.NoError(t, err)
			assert.Equal(t, 1, n)
			assert.Equal(t, time.Minute, wait)
			finish(t, replicas[0])
			for _, replica := range replicas {
				n, wait, err = replica.Revisit(t.Context(), backendName, r)
				require.NoError(t, err)
				assert.Zero(t, n)
				assert.Positive(t, wait)
				assert.LessOrEqual(t, wait, time.Minute)
			}
		})
	}
}

// TestRevisitPasses has more traces than a step takes, many of them of the same millisecond.
func TestRevisitPasses(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			const traces = 230
			var batch []assessment.Assessment
			for n := range traces {
				batch = append(batch, check(n, "c", assessment.True))
			}
			put(t, st, batch...)
			finish(t, st)
			seen := map[string]int{}
			for range 2 * 5 { // both passes
				n := revisit(t, s, st, often)
				ids := finish(t, st)
				assert.Len(t, ids, n)
				assert.LessOrEqual(t, n, often.Limit)
				for _, id := range ids {
					seen[id]++
				}
			}
			assert.Len(t, seen, traces)
			for id, times := range seen {
				assert.Equal(t, 2, times, id)
			}

			// Both passes have ended; they begin again with the newest.
			s.pass(t, 5*time.Millisecond)
			put(t, st, check(traces, "c", assessment.True))
			finish(t, st)
			one := often
			one.Limit = 1
			for range 2 {
				assert.Equal(t, 1, revisit(t, s, st, one))
				assert.Equal(t, []string{traceID(traces)}, finish(t, st))
			}

			// What is older than a 24th of the window is left to the other pass, which goes on where it was.
			s.pass(t, 600*time.Millisecond)
			one.Window = 24 * 500 * time.Millisecond
			ids := map[string]bool{}
			for range 3 {
				require.Equal(t, 1, revisit(t, s, st, one))
				ids[finish(t, st)[0]] = true
			}
			assert.Len(t, ids, 3)
			assert.NotContains(t, ids, traceID(traces))
		})
	}
}

// TestRevisitOfOneShard has all traces in one shard: a pass does not begin again before it has had them.
func TestRevisitOfOneShard(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			var batch []assessment.Assessment
			for _, n := range ofOneShard(5) {
				batch = append(batch, check(n, "c", assessment.True))
			}
			put(t, st, batch...)
			finish(t, st)
			two := often
			two.Limit = 2
			seen := map[string]int{}
			for range 2 * 3 { // both passes
				revisit(t, s, st, two)
				for _, id := range finish(t, st) {
					seen[id]++
				}
			}
			assert.Len(t, seen, 5)
			for id, times := range seen {
				assert.Equal(t, 2, times, id)
			}
		})
	}
}

func TestRevisitLeavesRoomInTheQueue(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, func(_ *store.Config, set *store.Settings) { set.MaxWaiting = 4 * 64 })
			for n := range 300 {
				put(t, st, check(n, "c", assessment.True))
				finish(t, st)
			}
			all := often
			all.Limit = 300
			n := revisit(t, s, st, all)
			assert.Positive(t, n)
			assert.LessOrEqual(t, n, 2*64)
			assert.Zero(t, revisit(t, s, st, all))
			assert.Equal(t, n, backlog(t, st))
		})
	}
}

func TestRevisitDoesNotRenewRetention(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			a := check(1, "c", assessment.True)
			put(t, st, a)
			finish(t, st)
			keys := s.client.Keys(t.Context(), "*:trace:*").Val()
			require.Len(t, keys, 1)
			require.NoError(t, s.client.Expire(t.Context(), keys[0], time.Hour).Err())
			require.Equal(t, 1, revisit(t, s, st, often))
			finish(t, st)
			assert.LessOrEqual(t, s.client.TTL(t.Context(), keys[0]).Val(), time.Hour)

			require.Equal(t, 1, revisit(t, s, st, often))
			delivered := map[string]store.Delivery{a.ID: {State: store.DeliveryWithdrawn}}
			require.True(t, settle(t, st, claim(t, st, 1)[0], store.Settlement{Deliveries: delivered, Done: true}))
			assert.Greater(t, s.client.TTL(t.Context(), keys[0]).Val(), time.Hour)
		})
	}
}

// TestTakeOverKeepsTheLoser is the take-over of a row that our later person's words replaced: only the history grows.
func TestTakeOverKeepsTheLoser(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			ours := opinion(1, "a-1", assessment.True)
			put(t, st, ours)
			c := claim(t, st, 1)[0]
			loser := ours
			loser.Value = assessment.False
			kept := c.Records[ours.ID]
			kept.History = append(kept.History, store.Change{
				Time: created, Author: kept.Author, Door: "backend", Reason: "later_person", Old: loser,
			})
			kept.Backends = map[string]store.Delivery{backendName: {State: store.DeliveryDelivered, Form: "f"}}
			require.True(t, settle(t, st, c, store.Settlement{TakenOver: []store.Record{kept}, Done: true}))
			got := load(t, st, 1)[ours.ID]
			assert.Equal(t, ours, got.Assessment)
			assert.Equal(t, kept.History, got.History)
			assert.Equal(t, kept.Backends, got.Backends)
		})
	}
}
