package store_test

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// edited puts records into a trace in one edit.
func edited(t *testing.T, s *store.Store, n int, pending bool, records ...store.Record) error {
	t.Helper()
	return s.Edit(t.Context(), traceID(n), func(e *store.Edit) error {
		e.Pending = pending
		for _, r := range records {
			if err := e.Put(r); err != nil {
				return err
			}
		}
		return nil
	})
}

func given(n int, id string) store.Record {
	return store.Record{Assessment: opinion(n, id, assessment.True), Author: "ada", Door: "api", Touched: true}
}

func TestEditRefuses(t *testing.T) {
	t.Parallel()
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t).open(t, func(_ *store.Config, set *store.Settings) {
				set.MaxPerTrace, set.MaxAssessmentSize, set.MaxPending = 2, 2048, 1 // one a shard
			})
			require.NoError(t, edited(t, s, 1, false, given(1, "a-1"), given(1, "a-2")))
			require.ErrorIs(t, edited(t, s, 1, false, given(1, "a-3")), store.ErrTooMany)
			large := given(1, "a-1")
			large.Rationale = strings.Repeat("x", 2048)
			require.ErrorIs(t, edited(t, s, 1, false, large), store.ErrTooLarge)
			nameless := given(1, "a-1")
			nameless.Name = ""
			require.Error(t, edited(t, s, 1, false, nameless))
			own := errors.New("the caller's own")
			require.ErrorIs(t, s.Edit(t.Context(), traceID(1), func(e *store.Edit) error {
				require.NoError(t, e.Put(given(1, "a-2")))
				return own
			}), own)
			require.Error(t, s.Edit(t.Context(), "tr-"+traceID(1), func(*store.Edit) error { return nil }))
			assert.Len(t, load(t, s, 1), 2)
			assert.EqualValues(t, 1, load(t, s, 1)["a-2"].Revision, "nothing of a refused edit is written")
		})
	}
}

func TestEditBoundsWhatNobodyHasSeen(t *testing.T) {
	t.Parallel()
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t).open(t, func(_ *store.Config, set *store.Settings) { set.MaxPending = 1 })
			taken := 0
			for n := range 200 {
				err := edited(t, s, n, true, given(n, "a-1"))
				if err == nil {
					taken++
					require.NoError(t, edited(t, s, n, true, given(n, "a-2")), "a trace counts once")
					continue
				}
				require.ErrorIs(t, err, store.ErrTooManyPending)
				assert.Empty(t, load(t, s, n))
			}
			assert.LessOrEqual(t, taken, 64)
			// What was delivered, or given up, waits no longer.
			for _, c := range claim(t, s, 200) {
				settle(t, s, c, store.Settlement{Done: true})
			}
			require.NoError(t, edited(t, s, 1000, true, given(1000, "a-1")))
		})
	}
}

func TestEditsAtOnce(t *testing.T) {
	t.Parallel()
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t).open(t, nil)
			require.NoError(t, edited(t, s, 1, false, given(1, "a-1")))
			const editors, times = 4, 5
			var all sync.WaitGroup
			for range editors {
				all.Go(func() {
					for range times {
						assert.NoError(t, s.Edit(t.Context(), traceID(1), func(e *store.Edit) error {
							r := e.Records["a-1"]
							r.Rationale += "x"
							return e.Put(r)
						}))
					}
				})
			}
			all.Wait()
			r := load(t, s, 1)["a-1"]
			assert.Equal(t, strings.Repeat("x", editors*times), r.Rationale, "no edit is lost")
			assert.EqualValues(t, 1+editors*times, r.Revision)
			assert.False(t, r.Written.IsZero())
			assert.Equal(t, "api", r.Door)
		})
	}
}

func TestEditOfSomeRecords(t *testing.T) {
	t.Parallel()
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t).open(t, func(_ *store.Config, set *store.Settings) { set.MaxPerTrace = 3 })
			require.NoError(t, s.Edit(t.Context(), traceID(1), func(e *store.Edit) error {
				assert.False(t, e.Known)
				return nil
			}, "a-1"))
			delivered := given(1, "a-2")
			delivered.Backends = map[string]store.Delivery{backendName: {State: store.DeliveryDelivered, Form: "f"}}
			require.NoError(t, edited(t, s, 1, false, given(1, "a-1"), delivered))
			stored := load(t, s, 1)

			calls := 0
			require.NoError(t, s.Edit(t.Context(), traceID(1), func(e *store.Edit) error {
				calls++
				assert.True(t, e.Known)
				assert.Len(t, e.Records, 1)
				if calls == 1 {
					assert.Equal(t, stored["a-2"], e.Records["a-2"], "its deliveries with it")
					require.NoError(t, edited(t, s, 1, false, given(1, "a-1")), "somebody else is quicker")
				}
				r := e.Records["a-2"]
				r.Rationale = "on second thought"
				require.NoError(t, e.Put(r))
				return e.Put(given(1, "a-3"))
			}, "a-2", "a-3"))
			assert.Equal(t, 2, calls)
			records := load(t, s, 1)
			assert.Len(t, records, 3)
			assert.EqualValues(t, 2, records["a-1"].Revision, "the other's change stands")
			assert.EqualValues(t, 2, records["a-2"].Revision)
			assert.Equal(t, delivered.Backends, records["a-2"].Backends)

			require.ErrorIs(t, s.Edit(t.Context(), traceID(1), func(e *store.Edit) error {
				return e.Put(given(1, "a-4"))
			}, "a-4"), store.ErrTooMany, "those that were not read count as well")
		})
	}
}

func TestEditKeepsDeliveries(t *testing.T) {
	t.Parallel()
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t).open(t, func(_ *store.Config, set *store.Settings) { set.MaxPerTrace = 3 })
			adopted := given(1, "a-1")
			adopted.Door = "backend"
			adopted.Backends = map[string]store.Delivery{"mlflow": {State: store.DeliveryTheirs, Form: "f"}}
			require.NoError(t, edited(t, s, 1, false, adopted))
			assert.True(t, load(t, s, 1)["a-1"].Written.IsZero(), "it stands in the backend as it is")
			changed := load(t, s, 1)["a-1"]
			changed.Rationale = "on second thought"
			changed.Backends = nil
			require.NoError(t, edited(t, s, 1, false, changed, given(1, "a-2")))
			records := load(t, s, 1)
			assert.Equal(t, store.Delivery{State: store.DeliveryTheirs, Form: "f"}, records["a-1"].Backends["mlflow"], "not named, so it stays")
			require.NoError(t, edited(t, s, 1, false, given(1, "a-3")), "fields of bookkeeping count as no records")
			assert.Len(t, load(t, s, 1), 3)
		})
	}
}

// theirs is a row of the first trace that somebody made in the backend.
func theirs(id string) store.Record {
	r := given(1, id)
	r.Door = "backend"
	r.Backends = map[string]store.Delivery{backendName: {State: store.DeliveryTheirs, Form: "f"}}
	return r
}

func TestEditFillsATrace(t *testing.T) {
	t.Parallel()
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t).open(t, func(_ *store.Config, set *store.Settings) { set.MaxPerTrace = 3 })
			require.NoError(t, edited(t, s, 1, false, theirs("a-1"), theirs("a-2"), theirs("a-3")))
			records := load(t, s, 1)
			assert.Len(t, records, 3)
			for id, r := range records {
				assert.Equal(t, store.DeliveryTheirs, r.Backends[backendName].State, id)
			}
			require.ErrorIs(t, edited(t, s, 1, false, given(1, "a-4")), store.ErrTooMany)
		})
	}
}

// TestEditOfManyRecords has more of them than Lua's stack holds.
func TestEditOfManyRecords(t *testing.T) {
	t.Parallel()
	const many = 2500
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t).open(t, func(_ *store.Config, set *store.Settings) { set.MaxPerTrace = many })
			records := make([]store.Record, many)
			for i := range records {
				records[i] = theirs("a-" + strconv.Itoa(i))
			}
			require.NoError(t, edited(t, s, 1, false, records...))
			loaded := load(t, s, 1)
			require.Len(t, loaded, many)
			for i := range records {
				r := loaded[records[i].ID]
				assert.Equal(t, store.DeliveryTheirs, r.Backends[backendName].State)
				records[i] = r
				records[i].Rationale = "on second thought"
			}
			require.NoError(t, edited(t, s, 1, false, records...))
			assert.Equal(t, "on second thought", load(t, s, 1)["a-2499"].Rationale)
		})
	}
}

// Where nobody delivers, a trace has arrived when telemetry tells of it, in whatever way.
func TestTelemetryArrivesWithoutBackends(t *testing.T) {
	t.Parallel()
	over := func(n int) assessment.Assessment {
		a := opinion(n, "a-2", assessment.False)
		a.Overrides = "a-1"
		return a
	}
	tests := []struct {
		name  string
		comes func(n int) assessment.Assessment
	}{
		{"a new record", func(n int) assessment.Assessment { return check(n, "c", assessment.True) }},
		{"one that has to be merged", over},
	}
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := start(t)
			for _, tt := range tests {
				require.NoError(t, server.client.FlushAll(t.Context()).Err())
				s := server.open(t, func(_ *store.Config, set *store.Settings) { set.MaxPending, set.Backends = 1, nil })
				for n := range 200 {
					require.NoError(t, edited(t, s, n, true, given(n, "a-1")), tt.name)
					put(t, s, tt.comes(n))
				}
				assert.Empty(t, server.client.Keys(t.Context(), "*:pending").Val(), tt.name)
			}
		})
	}
}

func TestForget(t *testing.T) {
	t.Parallel()
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := start(t)
			s := server.open(t, nil)
			require.NoError(t, edited(t, s, 1, true, given(1, "a-1")))
			put(t, s, check(2, "c", assessment.True))
			claims := claim(t, s, 1)
			require.Len(t, claims, 1, "people's first")
			require.NoError(t, s.Forget(t.Context(), traceID(1), traceID(3)))
			assert.False(t, settle(t, s, claims[0], store.Settlement{RetryAfter: time.Second}), "a worker's word comes too late")
			assert.Empty(t, load(t, s, 1))
			assert.Len(t, load(t, s, 2), 1)
			for _, key := range server.client.Keys(t.Context(), "*").Val() {
				assert.NotContains(t, key, traceID(1))
				if server.client.Type(t.Context(), key).Val() == "zset" {
					assert.NotContains(t, server.client.ZRange(t.Context(), key, 0, -1).Val(), traceID(1), key)
				}
			}
		})
	}
}
