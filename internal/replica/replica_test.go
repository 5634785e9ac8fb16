package replica

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.uber.org/zap/zaptest"

	"github.com/otelcol-feedback/otelcol-feedback/internal/deliver"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// counts is an Observer that keeps the last backlog.
type counts struct{ stats atomic.Pointer[store.Stats] }

func (*counts) Delivered(string, string, int) {}
func (*counts) MassMissing(string, int)       {}
func (c *counts) Backlog(stats *store.Stats)  { c.stats.Store(stats) }
func (c *counts) known() bool                 { return c.stats.Load() != nil }

func newReplica(t *testing.T, address, mlflow string) (*Replica, *counts) {
	t.Helper()
	config := store.NewDefaultConfig()
	config.Endpoints = []string{address}
	s, err := store.Open(t.Context(), config, store.Settings{
		Backends: []store.Backend{{Name: "mlflow", Endpoint: mlflow}},
	}, zaptest.NewLogger(t))
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	backend := deliver.NewDefaultMLflowConfig()
	backend.HTTP.Endpoint = mlflow
	seen := &counts{}
	telemetry := componenttest.NewNopTelemetrySettings()
	return New(Settings{
		Store: s, Backend: "mlflow", MLflow: &backend, TraceWait: time.Hour, Observer: seen, Telemetry: telemetry,
	}), seen
}

func TestDataOfAnotherBackendEndsTheStart(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	first, _ := newReplica(t, server.Addr(), "http://127.0.0.1:1")
	require.NoError(t, first.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, first.Shutdown(t.Context()))
	second, _ := newReplica(t, server.Addr(), "http://127.0.0.1:2")
	require.ErrorIs(t, second.Start(t.Context(), componenttest.NewNopHost()), store.ErrMismatch)
	assert.False(t, second.Ready())
	require.NoError(t, second.Shutdown(t.Context()), "after a failed start")
}

func TestRedisMayComeLater(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	address := server.Addr()
	server.Close()
	r, seen := newReplica(t, address, "http://127.0.0.1:1")
	require.NoError(t, r.Start(t.Context(), componenttest.NewNopHost()))
	assert.False(t, r.Ready())
	assert.True(t, r.Failing())
	require.NoError(t, server.StartAddr(address))
	require.Eventually(t, func() bool { return r.Ready() && seen.known() }, 20*time.Second, 10*time.Millisecond)
	assert.False(t, r.Failing())
	require.NoError(t, r.Shutdown(t.Context()))
	require.NoError(t, r.Shutdown(t.Context()), "twice")
}

func TestShutdownWithoutStart(t *testing.T) {
	t.Parallel()
	r, _ := newReplica(t, "127.0.0.1:1", "http://127.0.0.1:1")
	require.NoError(t, r.Shutdown(t.Context()))
}
