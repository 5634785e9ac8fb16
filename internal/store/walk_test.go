package store_test

import (
	"fmt"
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
		"x", "1 1", "1 1 ", "1 1 ~", "1 1 " + id, "1 -1 " + id + " 1", "-1 1 " + id + " 1", "01 1 " + id + " 1",
		"1 1 " + id + "  1", "1 1 " + id + " 1 ", "1 1 " + id + " 0", "1 1 " + id + " -1", "1 1 " + id + " 01",
		"1 9999999 " + id + " 1", "1 1 x" + id + " 1", "1 1 ~ 1", "1 1 " + id + " x", "moved", "moved 1", "moved  1",
		"moved ~ 1", "moved " + id, "moved " + id + " 0", "moved 1 1 " + id + " 1", " 1", "1",
	} {
		_, err := store.ParsePlace(text)
		require.Error(t, err, text)
	}
	for _, text := range []string{
		"", "1772366400000 1 " + id + " 1772366400001", "1772366400000 0 ~ 1772366400001", "moved " + id + " 1772366400001",
	} {
		place, err := store.ParsePlace(text)
		require.NoError(t, err)
		assert.Equal(t, text, place.String())
	}
}

func FuzzParsePlace(f *testing.F) {
	f.Add("1772366400000 1 " + strings.Repeat("0a", 16) + " 1772366400001")
	f.Add("moved " + strings.Repeat("0a", 16) + " 1772366400001")
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
			s.pass(t, 2*time.Millisecond)
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

// TestWalkMeetsWhatMoves: each trace that stood in the list when the walk began is met, at most twice.
func TestWalkMeetsWhatMoves(t *testing.T) {
	tests := []struct {
		name string
		move func(step int) []int // the traces that move after a step
	}{
		{"two that wait", func(int) []int { return []int{1, 2} }},
		{"one after the other", func(step int) []int { return []int{1 + step%2} }},
		{"all", func(int) []int { return []int{1, 2, 3, 4, 5, 6, 7, 8, 9} }},
		{"new ones", func(step int) []int { return []int{1, 100 + step} }},
		{"those that were met", func(int) []int { return []int{9, 8} }},
	}
	for server, start := range servers {
		for _, tt := range tests {
			for _, limit := range []int{1, 2, 100} {
				t.Run(fmt.Sprint(server, " ", tt.name, " ", limit), func(t *testing.T) {
					t.Parallel()
					s := start(t)
					st := s.open(t, nil)
					for n := range 9 {
						s.pass(t, 2*time.Millisecond)
						put(t, st, check(n+1, "c", assessment.True))
					}
					s.pass(t, 2*time.Millisecond)
					met := map[string]int{}
					step := 0
					walk(t, st, limit, func(visit store.Visit) {
						met[visit.TraceID]++
					}, func() {
						step++
						require.Less(t, step, 100, "the walk ends")
						for _, n := range tt.move(step) {
							put(t, st, check(n, fmt.Sprint("c", step), assessment.True))
						}
						if step%2 == 0 { // at times all stays within a millisecond
							s.pass(t, 2*time.Millisecond)
						}
					})
					for n := range 9 {
						assert.Contains(t, []int{1, 2}, met[traceID(n+1)], n+1)
					}
				})
			}
		}
	}
}

// walk calls visit for each trace, and between after each step.
func walk(t *testing.T, st *store.Store, limit int, visit func(store.Visit), between func()) {
	t.Helper()
	place := store.Place{}
	for more := true; more; between() {
		var visits []store.Visit
		var err error
		visits, more, err = st.Walk(t.Context(), place, time.Time{}, limit)
		require.NoError(t, err)
		for _, one := range visits {
			visit(one)
			place, err = store.ParsePlace(one.Place.String())
			require.NoError(t, err)
			before, err := store.ParsePlace(one.Before.String())
			require.NoError(t, err)
			again, _, err := st.Walk(t.Context(), before, time.Time{}, 1)
			require.NoError(t, err)
			require.Len(t, again, 1)
			assert.Equal(t, one.TraceID, again[0].TraceID, "a walk can go on before every one of its visits")
		}
	}
}

func TestWalkErrors(t *testing.T) {
	t.Parallel()
	s := startMini(t)
	st := s.open(t, nil)
	put(t, st, check(1, "c", assessment.True), check(2, "c", assessment.True))
	visits, _, err := st.Walk(t.Context(), store.Place{}, time.Time{}, 0)
	require.NoError(t, err)
	assert.Empty(t, visits)
	visits, _, err = st.Walk(t.Context(), store.Place{}, time.Time{}, 1)
	require.NoError(t, err)
	require.Len(t, visits, 1)
	s.mini.SetError("ERR not now")
	for _, place := range []store.Place{{}, visits[0].Place} {
		_, _, err = st.Walk(t.Context(), place, time.Time{}, 1)
		require.ErrorContains(t, err, "redis: ")
	}
}

// TestWalkWithinAMillisecond: what is written in the millisecond in which the walk began hides nothing of it.
func TestWalkWithinAMillisecond(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 7} {
		s := startMini(t)
		st := s.open(t, nil)
		batch := func(first, n int) {
			all := make([]assessment.Assessment, n)
			for i := range all {
				all[i] = check(first+i, "c", assessment.True)
			}
			put(t, st, all...)
		}
		batch(1, 40)
		s.pass(t, 2*time.Millisecond)
		put(t, st, check(41, "c", assessment.True), check(42, "c", assessment.True))
		met := map[string]int{}
		step := 0
		place := store.Place{}
		for more := true; more; step++ {
			require.Less(t, step, 2000, "the walk ends")
			var visits []store.Visit
			var err error
			visits, more, err = st.Walk(t.Context(), place, time.Time{}, limit)
			require.NoError(t, err)
			for _, visit := range visits {
				met[visit.TraceID]++
				place = visit.Place
			}
			if step == 0 {
				batch(100, 1000)
			}
		}
		for n := range 42 {
			assert.Contains(t, []int{1, 2}, met[traceID(n+1)], n+1)
		}
	}
}
