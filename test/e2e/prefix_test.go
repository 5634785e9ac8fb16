//go:build e2e

package e2e

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/test/internal/servers"
)

// TestStaticPrefix has an MLflow behind it whose paths all begin with a prefix: the client and the page work with it and
// without it.
func TestStaticPrefix(t *testing.T) {
	own, err := servers.StartMLflowUnder(t.Context(), "/ml", os.Getenv("MLFLOW"), t.TempDir(), 0)
	require.NoError(t, err)
	use(t, own)
	s := newStack(t)
	c := s.collector("collector", nil, "config/feedback-api.yaml")
	exchanges := newExchanges(5, generatedAnswer)
	s.send(c, 5, exchanges)
	s.eachOnce(exchanges, time.Minute, "has_disclaimer")
	for _, prefix := range []string{"", "/ml"} {
		t.Run("prefix "+prefix, func(t *testing.T) {
			s := &stack{t: t, dir: s.dir, redis: s.redis, experiment: newExperiment(t), modelURL: s.modelURL}
			s.guide(c.feedback + prefix)
		})
	}
	c.feedback += "/ml"
	s.webui(c, "feedback")
}
