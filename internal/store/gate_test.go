package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

func TestGate(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st, replica := s.open(t, nil), s.open(t, nil)
			admit := func(st *store.Store, token string, n int) (int, time.Duration) {
				granted, wait, err := st.Admit(t.Context(), backendName, token, n, 8, time.Minute)
				require.NoError(t, err)
				return granted, wait
			}
			release := func(token string, n int, ok bool) {
				require.NoError(t, st.Release(t.Context(), backendName, token, n, ok))
			}

			// The bound holds over all replicas.
			granted, _ := admit(st, "a", 5)
			assert.Equal(t, 5, granted)
			granted, _ = admit(replica, "b", 5)
			assert.Equal(t, 3, granted)
			granted, wait := admit(replica, "c", 1)
			assert.Zero(t, granted)
			assert.Positive(t, wait)
			granted, wait = admit(replica, "c", 0)
			assert.Zero(t, granted)
			assert.Zero(t, wait)
			release("a", 2, true)
			granted, _ = admit(replica, "c", 5)
			assert.Equal(t, 2, granted)
			release("a", 3, true)
			release("b", 3, true)
			release("c", 2, true)
			release("unknown", 2, true)

			// A pause stops all replicas; the shorter of two does not end it; one probe comes after it.
			require.NoError(t, st.Pause(t.Context(), backendName, 300*time.Millisecond))
			require.NoError(t, replica.Pause(t.Context(), backendName, time.Millisecond))
			granted, wait = admit(replica, "a", 5)
			assert.Zero(t, granted)
			assert.Greater(t, wait, 10*time.Millisecond)
			release("late", 1, true) // a call from before the pause does not end it
			s.pass(t, 350*time.Millisecond)
			granted, _ = admit(st, "a", 5)
			assert.Equal(t, 1, granted)
			granted, wait = admit(replica, "b", 5)
			assert.Zero(t, granted)
			assert.Positive(t, wait)
			release("a", 1, false)
			granted, _ = admit(replica, "b", 5)
			assert.Equal(t, 1, granted)

			// Each success doubles.
			for _, expected := range []int{2, 4, 8, 8} {
				release("b", 8, true)
				granted, _ = admit(replica, "b", 100)
				assert.Equal(t, expected, granted)
			}
		})
	}
}

func TestGateForgetsDeadReplicas(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			granted, _, err := st.Admit(t.Context(), backendName, "a", 8, 8, 100*time.Millisecond)
			require.NoError(t, err)
			assert.Equal(t, 8, granted)
			s.pass(t, 150*time.Millisecond)
			granted, _, err = st.Admit(t.Context(), backendName, "b", 8, 8, time.Minute)
			require.NoError(t, err)
			assert.Equal(t, 8, granted)
		})
	}
}

// A master takes over whose clock is a day behind.
func TestClockGoesBack(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	s := startMini(t)
	st := s.open(t, nil)
	_, wait, err := st.Revisit(t.Context(), backendName, often)
	require.NoError(t, err)
	assert.Positive(t, wait)
	require.NoError(t, st.Pause(t.Context(), backendName, time.Minute))
	s.now = s.now.Add(-day)
	s.mini.SetTime(s.now)

	put(t, st, check(1, "c", assessment.True))
	finish(t, st)
	n, wait, err := st.Revisit(t.Context(), backendName, often)
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	assert.Less(t, wait, time.Minute)

	granted, wait, err := st.Admit(t.Context(), backendName, "a", 1, 8, time.Minute)
	require.NoError(t, err)
	assert.Zero(t, granted)
	assert.Less(t, wait, 2*time.Hour)
	s.pass(t, time.Hour)
	granted, _, err = st.Admit(t.Context(), backendName, "a", 1, 8, time.Minute)
	require.NoError(t, err)
	assert.Equal(t, 1, granted)
}
