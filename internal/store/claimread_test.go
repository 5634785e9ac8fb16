package store_test

import (
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	miniserver "github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// A claim leases first and reads then. What happens between the two must not mislead its worker.
func TestClaimOfWhatChangesBeforeItIsRead(t *testing.T) {
	t.Parallel()
	mine := check(1, "c", assessment.True)
	tests := []struct {
		name    string
		between func(t *testing.T, st *store.Store)
		claimed bool
		left    int
	}{
		{name: "nothing", between: func(*testing.T, *store.Store) {}, claimed: true},
		{name: "it is written", claimed: true, between: func(t *testing.T, st *store.Store) {
			t.Helper()
			put(t, st, check(1, "d", assessment.True))
		}},
		{name: "its claim ends", left: 1, between: func(t *testing.T, st *store.Store) {
			t.Helper()
			r := load(t, st, 1)[mine.ID]
			r.Backends = map[string]store.Delivery{backendName: {State: store.DeliveryDelivered}}
			require.NoError(t, edited(t, st, 1, false, r))
		}},
		{name: "it is forgotten", between: func(t *testing.T, st *store.Store) {
			t.Helper()
			require.NoError(t, st.Forget(t.Context(), traceID(1)))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := startMini(t)
			st, other := s.open(t, nil), s.open(t, nil)
			put(t, st, mine)
			var begun atomic.Bool
			s.mini.Server().SetPreHook(func(_ *miniserver.Peer, command string, _ ...string) bool {
				if command == "HGETALL" && begun.CompareAndSwap(false, true) {
					tt.between(t, other)
				}
				return false
			})
			claims := claim(t, st, 1)
			if !tt.claimed {
				assert.Empty(t, claims)
				assert.Equal(t, tt.left, backlog(t, st))
				assert.Len(t, claim(t, st, 1), tt.left)
				return
			}
			require.Len(t, claims, 1)
			records := load(t, st, 1)
			assert.Len(t, claims[0].Records, len(records))
			assert.EqualValues(t, len(records), claims[0].Revision)
			require.True(t, settle(t, st, claims[0], store.Settlement{Done: true}))
			assert.Zero(t, backlog(t, st), "all that was written has been read")
		})
	}
}

func TestClaimTakesWhatHasExpiredOutOfTheQueue(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			put(t, st, check(1, "c", assessment.True), opinion(2, "a-1", assessment.True), check(3, "c", assessment.True))
			for _, n := range []int{1, 2} {
				for _, key := range s.client.Keys(t.Context(), "*:trace:"+traceID(n)).Val() {
					require.NoError(t, s.client.Del(t.Context(), key).Err())
				}
			}
			assert.Len(t, claim(t, st, 10), 1)
			assert.Equal(t, 1, backlog(t, st))
		})
	}
}

// TestClaimGivesBackWhatIsTooMuch has traces of which two are as much as a claim reads.
func TestClaimGivesBackWhatIsTooMuch(t *testing.T) {
	const fields, size = 1500, 12 << 10
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			filler := strings.Repeat("x", size)
			for n := range 3 {
				put(t, st, check(n, "c", assessment.True))
				keys := s.client.Keys(t.Context(), "*:trace:"+traceID(n)).Val()
				require.Len(t, keys, 1)
				_, err := s.client.Pipelined(t.Context(), func(pipe redis.Pipeliner) error {
					for i := range fields {
						pipe.HSet(t.Context(), keys[0], ".filler:"+strconv.Itoa(i), filler)
					}
					return nil
				})
				require.NoError(t, err)
			}
			seen := map[string]bool{}
			for _, expected := range []int{2, 1, 0} {
				claims := claim(t, st, 3)
				assert.Len(t, claims, expected)
				for _, c := range claims {
					assert.Zero(t, c.Attempts, "it does not count as deferred")
					assert.Less(t, c.Waited, time.Minute)
					seen[c.TraceID] = true
				}
			}
			assert.Len(t, seen, 3)
		})
	}
}
