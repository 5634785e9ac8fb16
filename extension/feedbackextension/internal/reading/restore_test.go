package reading

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

func (r *rig) deliverAll() {
	r.t.Helper()
	for {
		claims, err := r.store.Claim(r.t.Context(), testBackend, 100, time.Minute)
		require.NoError(r.t, err)
		if len(claims) == 0 {
			return
		}
		settlements := make([]store.Settlement, len(claims))
		for i, claim := range claims {
			settlements[i] = store.Settlement{Done: true, Deliveries: map[string]store.Delivery{}}
			for id := range claim.Records {
				settlements[i].Deliveries[id] = store.Delivery{State: store.DeliveryDelivered, Form: "1:a:a"}
			}
		}
		_, err = r.store.SettleAll(r.t.Context(), claims, settlements)
		require.NoError(r.t, err)
	}
}

func TestRestore(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.put(1, check("c", assessment.True))
	r.put(2, check("c", assessment.True), check("d", assessment.True))
	r.put(3, check("c", assessment.True))
	r.deliverAll()
	restore := func(since time.Time, more string) restored {
		recorder := r.do(admin, http.MethodPost, "/feedback/v1/restore",
			fmt.Sprintf(`{"since":%q,"continue":%q}`, since.Format(time.RFC3339), more))
		require.Equal(t, http.StatusOK, recorder.Code, recorder.Body.String())
		var done restored
		require.NoError(t, json.Unmarshal(recorder.Body.Bytes(), &done))
		return done
	}
	assert.Equal(t, restored{Traces: 2, Assessments: 3}, restore(testStart.Add(2*time.Second), ""))
	stats, err := r.store.Stats(t.Context(), testBackend)
	require.NoError(t, err)
	assert.EqualValues(t, 2, stats.Backlog)
	assert.Equal(t, restored{}, restore(testStart.Add(2*time.Second), ""), "once more is harmless")
	assert.Equal(t, restored{Traces: 1, Assessments: 1}, restore(testStart, ""))
}

// TestRestoreInParts goes on where the previous request ended, and misses nothing that moves meanwhile.
func TestRestoreInParts(t *testing.T) {
	t.Parallel()
	parts := &partialStore{}
	r := newRig(t, func(s *Settings) { parts.Store, s.Store = s.Store, parts })
	for n := range 5 {
		r.put(n+1, check("c", assessment.True))
	}
	r.deliverAll()
	var total restored
	for calls := 0; ; calls++ {
		require.Less(t, calls, 10)
		body, err := json.Marshal(map[string]any{"since": testStart, "continue": total.Continue})
		require.NoError(t, err)
		recorder := r.do(admin, http.MethodPost, "/feedback/v1/restore", string(body))
		require.Equal(t, http.StatusOK, recorder.Code, recorder.Body.String())
		var done restored
		require.NoError(t, json.Unmarshal(recorder.Body.Bytes(), &done))
		total.Traces += done.Traces
		total.Assessments += done.Assessments
		if total.Continue = done.Continue; total.Continue == "" {
			break
		}
		assert.True(t, done.QueueFull)
		r.touch(1)
	}
	assert.Equal(t, restored{Traces: 5, Assessments: 5}, total)
}
