package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

func TestParsePlace(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("0a", 16)
	for _, text := range []string{
		"x", "1 1", "1 1 ", "1 1 ~", "1 -1 " + id, "-1 1 " + id, "01 1 " + id, "1 1 " + id + " ", "1 9999999 " + id, "1 1 x" + id,
	} {
		_, err := store.ParsePlace(text)
		require.Error(t, err, text)
	}
	for _, text := range []string{"", "1772366400000 1 " + id} {
		place, err := store.ParsePlace(text)
		require.NoError(t, err)
		assert.Equal(t, text, place.String())
	}
}

func FuzzParsePlace(f *testing.F) {
	f.Add("1772366400000 1 " + strings.Repeat("0a", 16))
	f.Fuzz(func(t *testing.T, text string) {
		if place, err := store.ParsePlace(text); err == nil && place.String() != text {
			t.Errorf("%q reads as %q", text, place)
		}
	})
}

func TestWalk(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			_, more, err := st.Walk(t.Context(), store.Place{}, time.Time{}, 10)
			require.NoError(t, err)
			assert.False(t, more)

			// Thirty in one call, so of about one millisecond, then some one by one.
			batch := make([]assessment.Assessment, 30)
			for i := range batch {
				batch[i] = check(i+1, "c", assessment.True)
			}
			put(t, st, batch...)
			for n := range 10 {
				s.pass(t, 2*time.Millisecond)
				put(t, st, check(100+n, "c", assessment.True))
			}
			recent, err := st.Recent(t.Context(), 100)
			require.NoError(t, err)
			require.Len(t, recent, 40)
			for _, limit := range []int{1, 3, 10, 39, 40, 41} {
				var walked []string
				var since time.Time
				place := store.Place{}
				for more := true; more; {
					var visits []store.Visit
					visits, more, err = st.Walk(t.Context(), place, time.Time{}, limit)
					require.NoError(t, err)
					require.NotEmpty(t, visits)
					for _, visit := range visits {
						walked = append(walked, visit.TraceID)
						if visit.TraceID == traceID(105) {
							since = visit.Changed
						}
						// A walk can go on behind every one of its visits.
						place, err = store.ParsePlace(visit.Place.String())
						require.NoError(t, err)
						assert.Equal(t, visit.Place, place)
					}
				}
				assert.ElementsMatch(t, recent, walked)
				assert.Equal(t, recent[:10], walked[:10], "newest first")
				visits, more, err := st.Walk(t.Context(), store.Place{}, since, 100)
				require.NoError(t, err)
				assert.False(t, more)
				assert.Len(t, visits, 5, "109 down to 105")
				behind, _, err := st.Walk(t.Context(), visits[2].Place, since, 100)
				require.NoError(t, err)
				assert.Equal(t, visits[3:], behind)
			}
		})
	}
}
