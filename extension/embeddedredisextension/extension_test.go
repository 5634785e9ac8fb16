package embeddedredisextension

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

func TestPortInUse(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "localhost:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()

	taken := newEmbeddedRedis(&Config{Endpoint: listener.Addr().String()}, zap.NewNop())
	err = taken.Start(t.Context(), componenttest.NewNopHost())
	require.ErrorContains(t, err, "embedded Redis cannot listen on `endpoint` \""+listener.Addr().String()+"\"")
	require.NoError(t, taken.Shutdown(t.Context()))
}

func TestServes(t *testing.T) {
	core, logs := observer.New(zap.WarnLevel)
	e := newEmbeddedRedis(&Config{Endpoint: "localhost:0"}, zap.New(core))
	require.NoError(t, e.Start(t.Context(), componenttest.NewNopHost()))
	endpoint := e.server.Addr()
	require.Equal(t, 1, logs.FilterMessageSnippet("what it holds is lost").Len(), "it must say what it is")

	client := redis.NewClient(&redis.Options{Addr: endpoint, DisableIdentity: true})
	defer func() { require.NoError(t, client.Close()) }()
	require.NoError(t, client.Set(t.Context(), "kept", "1", time.Hour).Err())
	require.NoError(t, client.Set(t.Context(), "brief", "1", 10*time.Millisecond).Err())
	assert.Eventually(t, func() bool {
		return client.Exists(t.Context(), "brief").Val() == 0
	}, 20*time.Second, 50*time.Millisecond, "keys must expire as time passes")
	assert.EqualValues(t, 1, client.Exists(t.Context(), "kept").Val())

	require.NoError(t, e.Shutdown(t.Context()))
	require.NoError(t, e.Shutdown(t.Context()), "a second stop does nothing")
	require.Error(t, client.Ping(t.Context()).Err())
}

// What the exporter needs of Redis is there.
func TestServesTheStore(t *testing.T) {
	e := newEmbeddedRedis(&Config{Endpoint: "localhost:0"}, zap.NewNop())
	require.NoError(t, e.Start(t.Context(), componenttest.NewNopHost()))
	defer func() { require.NoError(t, e.Shutdown(context.Background())) }()

	cfg := store.NewDefaultConfig()
	cfg.Endpoints = []string{e.server.Addr()}
	opened, err := store.Open(t.Context(), cfg, store.Settings{
		Backends: []store.Backend{{Name: "feedback", Endpoint: "http://localhost:5000"}},
	}, zap.NewNop())
	require.NoError(t, err)
	defer func() { require.NoError(t, opened.Close()) }()
	require.NoError(t, opened.Check(t.Context()))
	source := assessment.Source{Type: assessment.SourceTypeCode, ID: "test"}
	result := assessment.Assessment{
		TraceID: "0123456789abcdef0123456789abcdef", Name: "check", Source: source, Value: assessment.True,
	}
	result.ID = assessment.NewID(result.TraceID, "", result.Name, source)
	for _, expected := range []store.Outcome{store.OutcomeStored, store.OutcomeUnchanged} {
		outcomes, err := opened.Put(t.Context(), []assessment.Assessment{result})
		require.NoError(t, err)
		assert.Equal(t, []store.Outcome{expected}, outcomes)
	}
	claims, err := opened.Claim(t.Context(), "feedback", 1, time.Minute)
	require.NoError(t, err)
	require.Len(t, claims, 1)
	held, err := opened.Settle(t.Context(), claims[0], store.Settlement{Done: true})
	require.NoError(t, err)
	assert.True(t, held)
}
