package store_test

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

func held(id string) store.Held { return store.Held{ID: id, Content: []byte(`{"of":"` + id + `"}`)} }

func hold(t *testing.T, s *store.Store, of store.Digest, id string) []store.Match {
	t.Helper()
	matches, err := s.Hold(t.Context(), of, held(id), time.Hour)
	require.NoError(t, err)
	return matches
}

// lease is long enough for what a test does with what it swept.
const lease = 500 * time.Millisecond

func sweep(t *testing.T, s *store.Store) store.Sweep {
	t.Helper()
	swept, err := s.SweepHeld(t.Context(), 1000, lease)
	require.NoError(t, err)
	return swept
}

func drop(t *testing.T, s *store.Store, w *store.Waiting, reason string) bool {
	t.Helper()
	dropped, err := s.DropHeld(t.Context(), w, reason)
	require.NoError(t, err)
	return dropped
}

func TestHoldRefuses(t *testing.T) {
	t.Parallel()
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, func(_ *store.Config, set *store.Settings) { set.MaxPending = 64 * 200 })
			for _, id := range []string{"", "subject", ".sync:x", strings.Repeat("x", 300)} {
				_, err := st.Hold(t.Context(), responseID("r"), store.Held{ID: id}, time.Hour)
				require.ErrorIs(t, err, store.ErrHeldID, id)
			}
			for n := range 100 {
				hold(t, st, responseID("r"), "a-"+strconv.Itoa(n))
			}
			_, err := st.Hold(t.Context(), responseID("r"), held("a-100"), time.Hour)
			require.ErrorIs(t, err, store.ErrTooManyPending, "one value does not take all the room")
			hold(t, st, responseID("r"), "a-7")
			hold(t, st, responseID("another"), "a-100")

			full := s.open(t, func(_ *store.Config, set *store.Settings) { set.MaxPending = 64 })
			_, err = full.Hold(t.Context(), responseID("r"), held("a-101"), time.Hour)
			require.ErrorIs(t, err, store.ErrTooManyPending)
		})
	}
}

// Feedback waits until its span passes, is found by one sweep at a time until it is dropped, and then no longer.
func TestHeldFeedbackFindsItsSpan(t *testing.T) {
	t.Parallel()
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			assert.Empty(t, hold(t, st, responseID("resp-1"), "a-1"))
			assert.Empty(t, hold(t, st, responseID("resp-1"), "a 2"), "ids are anything")
			assert.Empty(t, hold(t, st, responseID("resp-2"), "a-3"))
			assert.Empty(t, hold(t, st, responseID("resp-1"), "a-1"), "told again")
			assert.Empty(t, sweep(t, st).Ready)

			now := s.time(t).UTC().Truncate(time.Millisecond)
			span := indexed(responseID("resp-1"), 1, now)
			index(t, st, span, indexed(responseID("resp-9"), 2, now))
			swept := sweep(t, st)
			require.Len(t, swept.Ready, 2)
			assert.Empty(t, swept.Dead)
			byID := map[string]*store.Waiting{}
			for i := range swept.Ready {
				w := &swept.Ready[i]
				byID[w.ID] = w
				assert.Equal(t, []store.Match{span.Match}, w.Matches)
				assert.Equal(t, held(w.ID), w.Held)
			}
			assert.Empty(t, sweep(t, st).Ready, "leased")
			assert.True(t, drop(t, st, byID["a-1"], ""))
			assert.False(t, drop(t, st, byID["a-1"], ""), "counted once")

			s.pass(t, lease+50*time.Millisecond)
			swept = sweep(t, st)
			require.Len(t, swept.Ready, 1, "the replica that had the lease is gone")
			assert.Equal(t, "a 2", swept.Ready[0].ID)
			assert.True(t, drop(t, st, &swept.Ready[0], "refused"))

			s.pass(t, lease+50*time.Millisecond)
			assert.Empty(t, sweep(t, st).Ready)
			assert.Equal(t, []store.Match{span.Match}, hold(t, st, responseID("resp-1"), "a-4"), "the span is known now")
			dead, err := st.DeadHeld(t.Context(), 10)
			require.NoError(t, err)
			require.Len(t, dead, 1)
			assert.Equal(t, held("a 2"), dead[0].Held)
			assert.Equal(t, "refused", dead[0].Reason)
			assert.WithinDuration(t, s.time(t), dead[0].Time, time.Minute)
			_, err = st.DropHeld(t.Context(), &swept.Ready[0], "two words")
			require.Error(t, err)
		})
	}
}

func TestHeldFeedbackIsGivenUp(t *testing.T) {
	t.Parallel()
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			for _, id := range []string{"a-1", "a-2"} {
				_, err := st.Hold(t.Context(), responseID(id), held(id), 100*time.Millisecond)
				require.NoError(t, err)
			}
			hold(t, st, responseID("a-3"), "a-3")
			index(t, st, indexed(responseID("a-2"), 2, s.time(t)))
			s.pass(t, 150*time.Millisecond)
			swept := sweep(t, st)
			require.Len(t, swept.Dead, 1)
			assert.Equal(t, held("a-1"), swept.Dead[0].Held)
			require.Len(t, swept.Ready, 1)
			assert.Equal(t, held("a-2"), swept.Ready[0].Held, "its span came, however late anyone looked")
			assert.Empty(t, sweep(t, st).Dead, "given up once")

			dead, err := st.DeadHeld(t.Context(), 1)
			require.NoError(t, err)
			require.Len(t, dead, 1)
			assert.Equal(t, "trace_wait", dead[0].Reason)
			none, err := st.DeadHeld(t.Context(), 0)
			require.NoError(t, err)
			assert.Empty(t, none)
			for _, key := range s.client.Keys(t.Context(), "*held*").Val() {
				assert.Positive(t, s.client.TTL(t.Context(), key).Val(), key)
			}
		})
	}
}

// Whatever the order in which feedback and spans come, each feedback is told its span at once or by a sweep, and becomes
// one record although several replicas sweep.
func TestHoldRacesIndex(t *testing.T) {
	const feedback, replicas = 300, 3
	t.Parallel()
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			stores := make([]*store.Store, replicas)
			for i := range stores {
				stores[i] = s.open(t, nil)
			}
			var lock sync.Mutex
			got := map[string]int{}
			count := func(id string) {
				lock.Lock()
				defer lock.Unlock()
				got[id]++
			}
			now := s.time(t)
			var group errgroup.Group
			group.Go(func() error {
				for n := range feedback {
					id := strconv.Itoa(n)
					matches, err := stores[0].Hold(t.Context(), responseID(id), held(id), time.Hour)
					if err != nil {
						return err
					}
					if len(matches) > 0 {
						count(id)
					}
				}
				return nil
			})
			group.Go(func() error {
				for n := range feedback {
					if _, err := stores[1].Index(t.Context(), []store.IndexEntry{indexed(responseID(strconv.Itoa(n)), n, now)}); err != nil {
						return err
					}
				}
				return nil
			})
			done := func() bool {
				lock.Lock()
				defer lock.Unlock()
				return len(got) == feedback
			}
			for _, st := range stores {
				group.Go(func() error {
					for !done() && t.Context().Err() == nil {
						swept, err := st.SweepHeld(t.Context(), 50, time.Minute)
						if err != nil {
							return err
						}
						for i := range swept.Ready {
							w := &swept.Ready[i]
							dropped, err := st.DropHeld(t.Context(), w, "")
							if err != nil {
								return err
							}
							if dropped {
								count(w.ID)
							}
						}
					}
					return nil
				})
			}
			require.NoError(t, group.Wait())
			for id, n := range got {
				assert.Equal(t, 1, n, id)
			}
		})
	}
}
