package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// What a retry finds in Redis already may stand on no replica: it is not acknowledged before it does.
func TestWaitReplicasForWhatIsUnchanged(t *testing.T) {
	t.Parallel()
	const refusal = "`wait_replicas` is 1"
	s := newServer(t, startRedis(t))
	st := s.open(t, func(cfg *store.Config, _ *store.Settings) { cfg.WaitReplicas = 1 })
	merged := opinion(1, "a-1", assessment.True)
	merged.Overrides = "a-0"
	for range 2 {
		_, err := st.Put(t.Context(), []assessment.Assessment{merged})
		require.ErrorContains(t, err, refusal)
	}
	require.ErrorContains(t, st.Edit(t.Context(), traceID(1), func(e *store.Edit) error {
		require.Len(t, e.Records, 1)
		return nil
	}), refusal)

	_, err := st.Hold(t.Context(), responseID("r"), held("h-1"), time.Hour)
	require.ErrorContains(t, err, refusal)
	before := s.info(t, "persistence", "rdb_changes_since_last_save")
	_, err = st.Hold(t.Context(), responseID("r"), held("h-1"), time.Hour)
	require.ErrorContains(t, err, refusal)
	require.Greater(t, s.info(t, "persistence", "rdb_changes_since_last_save"), before, "WAIT waits for writes alone")
}
