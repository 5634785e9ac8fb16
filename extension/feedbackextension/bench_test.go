package feedbackextension

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/extension/extensiontest"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/metadata"
	"github.com/otelcol-feedback/otelcol-feedback/internal/deliver"
)

// BenchmarkRead reads a trace of which Redis knows nothing, from a server in MLflow's place and through the endpoint in
// front of it. With REDIS_ENDPOINT Redis is a real one.
func BenchmarkRead(b *testing.B) {
	const trace = `{"trace": {"trace_info": {"trace_id": "tr-` + aTrace + `", "state": "OK", "assessments": []}}}`
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, trace)
	}))
	b.Cleanup(behind.Close)
	config := createDefaultConfig().(*Config)
	config.Server.NetAddr.Endpoint = "127.0.0.1:0"
	config.Redis.KeyPrefix = "bench-read"
	config.Redis.Endpoints = []string{os.Getenv("REDIS_ENDPOINT")}
	if config.Redis.Endpoints[0] == "" {
		config.Redis.Endpoints[0] = miniredis.RunT(b).Addr()
	}
	config.Access.Authorization = access.AuthorizationEndpoint
	mlflow := deliver.NewDefaultMLflowConfig()
	mlflow.HTTP.Endpoint = behind.URL
	config.MLflow = configoptional.Some(mlflow)
	config.Backend = "bench-" + behind.Listener.Addr().String()[len("127.0.0.1:"):]
	e, err := newFeedbackExtension(extensiontest.NewNopSettings(metadata.Type), config)
	require.NoError(b, err)
	require.NoError(b, e.Start(b.Context(), host{}))
	b.Cleanup(func() { require.NoError(b, e.Shutdown(context.Background())) })
	for _, way := range []struct{ name, url string }{{"direct", behind.URL}, {"proxied", "http://" + e.address.String()}} {
		b.Run(way.name, func(b *testing.B) {
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			client := &http.Client{Transport: transport}
			for b.Loop() {
				request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, way.url+"/api/3.0/mlflow/traces/tr-"+aTrace, http.NoBody)
				require.NoError(b, err)
				response, err := client.Do(request)
				require.NoError(b, err)
				_, err = io.Copy(io.Discard, response.Body)
				require.NoError(b, err)
				require.NoError(b, response.Body.Close())
				require.Equal(b, http.StatusOK, response.StatusCode)
			}
		})
	}
}
