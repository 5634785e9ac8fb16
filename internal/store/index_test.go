package store_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

const spanID = "00000000000000ab"

func responseID(id string) store.Digest { return store.NewDigest(store.KindResponseID, id) }

// indexed is an entry of the nth trace, whose span ended at the given time.
func indexed(of store.Digest, n int, ended time.Time) store.IndexEntry {
	return store.IndexEntry{Digest: of, Match: store.Match{TraceID: traceID(n), SpanID: spanID, Time: ended}}
}

func index(t *testing.T, s *store.Store, entries ...store.IndexEntry) (evicted int) {
	t.Helper()
	evicted, err := s.Index(t.Context(), entries)
	require.NoError(t, err)
	return evicted
}

func resolve(t *testing.T, s *store.Store, of store.Digest) []store.Match {
	t.Helper()
	matches, err := s.Resolve(t.Context(), of)
	require.NoError(t, err)
	return matches
}

func TestDigest(t *testing.T) {
	t.Parallel()
	assert.NotEqual(t, store.NewDigest("a", "bc"), store.NewDigest("ab", "c"), "kind and value do not run together")
	assert.NotEqual(t, responseID("x"), store.NewDigest(store.KindSpanID, "x"))
	assert.NotEqual(t, store.NewDigest(store.KindAttribute("span_id"), "x"), store.NewDigest(store.KindSpanID, "x"))
	assert.Equal(t, "48dc2206301386a84a9630603cdcae34", responseID("resp-1").String(), "it is part of the layout in Redis")
}

func TestIndexResolves(t *testing.T) {
	t.Parallel()
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			now := s.time(t).UTC().Truncate(time.Millisecond)
			assert.Empty(t, resolve(t, st, responseID("resp-1")))
			index(t, st)

			early, late := indexed(responseID("resp-1"), 1, now.Add(-time.Minute)), indexed(responseID("resp-1"), 2, now)
			whole := store.IndexEntry{Digest: store.NewDigest(store.KindConversationID, "c-1"), Match: store.Match{TraceID: traceID(1), Time: now}}
			for range 2 { // a batch that comes again changes nothing
				index(t, st, late, early, whole)
			}
			assert.Equal(t, []store.Match{late.Match, early.Match}, resolve(t, st, responseID("resp-1")))
			assert.Equal(t, []store.Match{whole.Match}, resolve(t, st, whole.Digest))
			assert.Empty(t, resolve(t, st, store.NewDigest(store.KindSpanID, "resp-1")))

			index(t, st, indexed(responseID("resp-1"), 1, now.Add(-time.Hour)))
			assert.Equal(t, early.Match, resolve(t, st, responseID("resp-1"))[1], "a span is as late as it was ever said to be")
			index(t, st, indexed(responseID("resp-2"), 1, now.Add(time.Hour)))
			assert.False(t, resolve(t, st, responseID("resp-2"))[0].Time.After(s.time(t)), "nothing ends in the future")
			bad := indexed(responseID("resp-3"), 1, now)
			bad.TraceID = "no trace"
			index(t, st, bad)
			assert.Empty(t, resolve(t, st, bad.Digest))

			for _, key := range s.client.Keys(t.Context(), "*").Val() {
				assert.NotContains(t, key, "resp-", "values are not kept")
				if strings.Count(key, ":") == 3 {
					assert.Positive(t, s.client.TTL(t.Context(), key).Val(), key)
				}
			}
		})
	}
}

func TestIndexIsBounded(t *testing.T) {
	t.Parallel()
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, func(_ *store.Config, set *store.Settings) { set.MaxIndex, set.IndexTTL = 64, 200*time.Millisecond })
			now := s.time(t)
			var entries []store.IndexEntry
			for n := range 20 {
				entries = append(entries, indexed(responseID("shared"), n, now.Add(time.Duration(n-20)*time.Second)))
			}
			assert.Zero(t, index(t, st, entries...))
			matches := resolve(t, st, responseID("shared"))
			require.Len(t, matches, 16)
			assert.Equal(t, traceID(19), matches[0].TraceID)
			assert.Equal(t, traceID(4), matches[15].TraceID, "the oldest go")

			entries = entries[:0]
			for n := range 1000 {
				entries = append(entries, indexed(responseID(strconv.Itoa(n)), n, now))
			}
			assert.GreaterOrEqual(t, index(t, st, entries...), 1000-64)
			assert.Len(t, s.client.Keys(t.Context(), "*:index:*").Val(), 64, "one a shard")

			s.pass(t, 300*time.Millisecond)
			assert.Empty(t, s.client.Keys(t.Context(), "*:index:*").Val())
			for n := range entries {
				entries[n].Digest = responseID("new" + strconv.Itoa(n))
			}
			assert.Zero(t, index(t, st, entries[0]), "what expired makes room")
		})
	}
}
