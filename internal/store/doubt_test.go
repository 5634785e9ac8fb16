package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

func TestDoubt(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st, replica := s.open(t, nil), s.open(t, nil)
			doubt := func(st *store.Store, backend string, missing, seen int) (doubted, tripped bool) {
				doubted, tripped, err := st.Doubt(t.Context(), backend, store.Doubt{
					Missing: missing, Seen: seen, Most: 20, Share: 0.05,
					Window: 300 * time.Millisecond, Hold: 600 * time.Millisecond,
				})
				require.NoError(t, err)
				return doubted, tripped
			}
			check := func(st *store.Store, missing, seen int, doubted, tripped bool) {
				t.Helper()
				d, first := doubt(st, backendName, missing, seen)
				assert.Equal(t, doubted, d)
				assert.Equal(t, tripped, first)
			}
			check(st, 0, 0, false, false)
			check(st, 30, 1000, false, false) // few of many
			s.pass(t, 350*time.Millisecond)
			check(st, 15, 10, false, false)
			check(replica, 0, 0, false, false)
			check(replica, 10, 10, true, true)
			check(st, 10, 10, true, false)
			check(st, 0, 0, true, false)
			other, _ := doubt(st, "other", 1, 0)
			assert.False(t, other)
			s.pass(t, 700*time.Millisecond)
			check(st, 0, 0, false, false)
			check(st, 20, 0, false, false)
			check(st, 1, 0, true, true)
		})
	}
}
