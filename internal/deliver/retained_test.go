package deliver

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// A claim is read again only while its lease leaves time for the reading; others are forgotten.
func TestRetainedClaims(t *testing.T) {
	t.Parallel()
	var r retained
	r.keep(
		store.Claim{TraceID: "ended", Expires: testTime.Add(-time.Second)},
		store.Claim{TraceID: "too short", Expires: testTime.Add(leaseMargin + shortestRead)},
		store.Claim{TraceID: "long enough", Expires: testTime.Add(leaseMargin + shortestRead + time.Millisecond)},
	)
	taken := r.take(testTime)
	if assert.Len(t, taken, 1) {
		assert.Equal(t, "long enough", taken[0].TraceID)
	}
	assert.Empty(t, r.take(testTime))
}
