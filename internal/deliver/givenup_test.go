package deliver

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// What was given up is tried again once it has changed, and not before.
func TestGivenUpUntilItChanges(t *testing.T) {
	t.Parallel()
	deep := testRecord("check", assessment.Value(nested(60)))
	valid := testRecord("check", assessment.True)
	tests := []struct {
		name  string
		first store.Record
		// give lets the first state be given up, from what a comparison says of it.
		give func(c *comparison)
	}{
		{name: "a value that the backend cannot hold", first: deep, give: func(*comparison) {}},
		{name: "the trace was deleted there", first: valid, give: func(c *comparison) { c.abandon(testBackend) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			record := tt.first
			compared := func() comparison {
				return compare(testBackend, nil, testTime, map[string]store.Record{record.ID: record}, nil)
			}
			c := compared()
			tt.give(&c)
			require.Equal(t, store.DeliveryDead, c.deliveries[record.ID].State)
			record.Backends = map[string]store.Delivery{testBackend: c.deliveries[record.ID]}
			c = compared()
			assert.Empty(t, c.writes)
			assert.Empty(t, c.deliveries)
			record.Value = assessment.False
			c = compared()
			require.Len(t, c.writes, 1)
			assert.Equal(t, OpCreate, c.writes[0].Op)
		})
	}
}

func TestCompareSkipsWhatNoRuleTakesEvenIfItCannotBeHeld(t *testing.T) {
	t.Parallel()
	deep := testRecord("check", assessment.Value(nested(60)))
	c := compare(testBackend, forward{{Names: []string{"other"}}}, testTime, map[string]store.Record{deep.ID: deep}, nil)
	assert.Equal(t, store.DeliverySkipped, c.deliveries[deep.ID].State)
}

func TestWasThere(t *testing.T) {
	t.Parallel()
	states := map[string]store.Delivery{
		"pending": {}, "restoring": {Form: base{ours: "a", theirs: "a"}.String()},
		"withdrawn": {State: store.DeliveryWithdrawn}, "delivered": {State: store.DeliveryDelivered},
		"theirs": {State: store.DeliveryTheirs}, "dead": {State: store.DeliveryDead},
	}
	for names, want := range map[string]bool{
		"pending": false, "dead": false, "restoring": false, "delivered": true, "theirs": true, "withdrawn": true,
		"pending withdrawn": true, "pending delivered": true,
		"restoring withdrawn": false, // it waits for its spans to be sent again
		"restoring delivered": true,
	} {
		claim := store.Claim{Records: map[string]store.Record{}}
		for name := range strings.FieldsSeq(names) {
			claim.Records[name] = store.Record{Backends: map[string]store.Delivery{testBackend: states[name]}}
		}
		assert.Equal(t, want, wasThere(claim, testBackend), names)
	}
}

// One trace that the server cannot read is that trace's trouble, also where it is alone.
func TestLoopIsNotPausedByOneUnreadableTrace(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.mlflow.arrive(testTrace, time.Second)
	bad := mlflow.TraceID(testTrace)
	r.mlflow.answer = func(w http.ResponseWriter, req *http.Request) bool {
		if strings.HasSuffix(req.URL.Path, bad) || strings.Contains(r.mlflow.bodies[len(r.mlflow.bodies)-1], bad) {
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}
		return false
	}
	r.store.put(testRecord("check", assessment.True))
	r.loop.Start()
	r.until(func() bool { return r.store.trace().attempts > 1 })
	assert.Empty(t, r.store.pauses)

	r.mlflow.mu.Lock()
	r.mlflow.answer = func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusInternalServerError)
		return true
	}
	r.mlflow.mu.Unlock()
	r.until(func() bool {
		r.store.mu.Lock()
		defer r.store.mu.Unlock()
		return len(r.store.pauses) > 0
	})
}
