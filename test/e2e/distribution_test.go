//go:build e2e

package e2e

import (
	"context"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/test/internal/otlp"
	"github.com/otelcol-feedback/otelcol-feedback/test/internal/process"
	"github.com/otelcol-feedback/otelcol-feedback/test/internal/servers"
)

// TestMinimalDistribution builds a collector that has little beside our processor and exporter, and uses it.
func TestMinimalDistribution(t *testing.T) {
	build := exec.CommandContext(t.Context(), ".tools/builder", "--skip-strict-versioning=false", "--config", "test/minimal/builder-config.yaml")
	output, err := build.CombinedOutput()
	require.NoError(t, err, string(output))

	s := newStack(t)
	port, err := process.FreePort()
	require.NoError(t, err)
	address := process.Loopback(port)
	c, err := servers.StartCollector(t.Context(), servers.CollectorConfig{
		Binary: "_build/minimal/minimal", Name: "minimal", Config: []string{"test/minimal/config.yaml"},
		Env: []string{"OTLP_HTTP_ENDPOINT=" + address, "REDIS_ENDPOINT=" + s.redis.Address}, Health: address, Dir: s.dir,
	})
	require.NoError(t, err)
	t.Cleanup(c.Kill)
	sender := otlp.Sender{URL: "http://" + address}
	require.NoError(t, sender.Traces(t.Context(), spans(newExchanges(3, generatedAnswer)...)))
	s.eventually(20*time.Second, func(ctx context.Context) error { return s.holds(ctx, 3) })
	_, err = c.Stop(10 * time.Second)
	require.NoError(t, err)
}
