package embeddedredisextension

import (
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestPortInUse(t *testing.T) {
	listener, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	defer listener.Close()

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
	defer client.Close()
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
