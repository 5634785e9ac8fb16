package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

func TestContentIsBounded(t *testing.T) {
	t.Parallel()
	long := store.Content{Question: strings.Repeat("x", store.MaxContent-1) + "€", Answer: "a\xffb"}.Bounded()
	assert.True(t, long.Cut)
	assert.Len(t, long.Question, store.MaxContent-1, "no half rune")
	assert.True(t, utf8.ValidString(long.Question))
	assert.Equal(t, "a\uFFFDb", long.Answer)
	for _, whole := range []store.Content{{Question: "q", Answer: "a", Root: true}, {Question: "q", Cut: true}} {
		assert.Equal(t, whole, whole.Bounded())
	}
}

func TestContent(t *testing.T) {
	t.Parallel()
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, func(_ *store.Config, set *store.Settings) { set.Retention = 100 * time.Second })
			keep := func(n int, spanID, question string) int {
				t.Helper()
				refused, err := st.KeepContent(t.Context(), []store.SpanContent{
					{TraceID: traceID(n), SpanID: spanID, Content: store.Content{Question: question, Answer: "<42>"}},
				})
				require.NoError(t, err)
				return refused
			}
			assert.Equal(t, 1, keep(1, "no span", "?"))
			assert.Zero(t, keep(1, spanID, "first"))
			assert.Zero(t, keep(1, spanID, "second"))
			contents, err := st.Content(t.Context(), traceID(1))
			require.NoError(t, err)
			assert.Equal(t, map[string]store.Content{spanID: {Question: "second", Answer: "<42>"}}, contents)
			none, err := st.Content(t.Context(), traceID(2))
			require.NoError(t, err)
			assert.Empty(t, none)
			assert.Empty(t, load(t, st, 1), "content makes no trace known")

			for n := range 120 {
				refused := keep(3, fmt.Sprintf("%016x", n+1), "?")
				assert.Equal(t, n >= 100, refused == 1, n)
			}
		})
	}
}

// Content stays as long as the trace's assessments, and goes with them.
func TestContentFollowsItsTrace(t *testing.T) {
	t.Parallel()
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, func(_ *store.Config, set *store.Settings) { set.Retention = 100 * time.Second })
			_, err := st.KeepContent(t.Context(), []store.SpanContent{{TraceID: traceID(1), SpanID: spanID}})
			require.NoError(t, err)
			key := s.client.Keys(t.Context(), "*:content:*").Val()[0]
			put(t, st, check(1, "c", assessment.True))
			require.NoError(t, s.client.Expire(t.Context(), key, 10*time.Second).Err())
			put(t, st, check(1, "d", assessment.True))
			assert.Greater(t, s.client.TTL(t.Context(), key).Val(), 90*time.Second)

			require.NoError(t, s.client.Expire(t.Context(), key, 10*time.Second).Err())
			claims := claim(t, st, 1)
			theirs := store.Record{Assessment: opinion(1, "a-theirs", assessment.False)}
			assert.True(t, settle(t, st, claims[0], store.Settlement{TakenOver: []store.Record{theirs}, Done: true}))
			assert.Greater(t, s.client.TTL(t.Context(), key).Val(), 90*time.Second)

			require.NoError(t, st.Forget(t.Context(), traceID(1)))
			assert.Empty(t, s.client.Keys(t.Context(), "*"+traceID(1)).Val())
		})
	}
}
