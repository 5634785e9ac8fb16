package store_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

func TestLoadAll(t *testing.T) {
	t.Parallel()
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t).open(t, nil)
			const known, asked = 600, 1300
			ids := make([]string, 0, asked)
			var batch []assessment.Assessment
			for n := range asked {
				ids = append(ids, traceID(n))
				if n < known {
					batch = append(batch, check(n, "quality", assessment.Int(int64(n))))
				}
			}
			put(t, s, batch...)
			loaded, err := s.LoadAll(t.Context(), ids)
			require.NoError(t, err)
			require.Len(t, loaded, known)
			for _, n := range []int{0, 499, 500, known - 1} {
				assert.Equal(t, load(t, s, n), loaded[traceID(n)])
			}
			loaded, err = s.LoadAll(t.Context(), nil)
			require.NoError(t, err)
			assert.Empty(t, loaded)
		})
	}
}

func TestLoadAllWithoutRedis(t *testing.T) {
	t.Parallel()
	server := startMini(t)
	s := server.open(t, nil)
	server.mini.Close()
	_, err := s.LoadAll(t.Context(), []string{traceID(1)})
	require.ErrorContains(t, err, "redis")
}
