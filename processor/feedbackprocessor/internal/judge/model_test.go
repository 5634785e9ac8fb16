package judge

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configauth"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/extension/extensionauth"
)

// authExtension adds a header to each request, in a wrapper that hides the transport.
type authExtension struct {
	component.StartFunc
	component.ShutdownFunc
}

var _ extensionauth.HTTPClient = authExtension{}

func (authExtension) RoundTripper(base http.RoundTripper) (http.RoundTripper, error) {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Signed")
		return base.RoundTrip(r)
	}), nil
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type extensionsHost map[component.ID]component.Component

func (h extensionsHost) GetExtensions() map[component.ID]component.Component { return h }

func TestAuthExtension(t *testing.T) {
	id := component.MustNewID("signer")
	s := newSetup(t, completionServer(`{"rationale": "", "value": true}`), boolConfig(), func(m *ModelConfig, _ *configretry.BackOffConfig) {
		m.ClientConfig.Headers.Set("X-Team", "a")
	})
	cfg := *s.model.cfg
	cfg.ClientConfig.Auth = configoptional.Some(configauth.Config{AuthenticatorID: id})
	set := componenttest.NewNopTelemetrySettings()
	model, err := NewModel("m", &cfg, set)
	require.NoError(t, err)
	require.ErrorContains(t, model.Start(t.Context(), componenttest.NewNopHost()), `model "m": `)
	model.Shutdown()

	host := extensionsHost{id: authExtension{}}
	require.NoError(t, model.Start(t.Context(), host))
	assert.Len(t, host, 1, "the host's extensions are not ours to change")
	judge, err := New("j", configFor("m", boolConfig()), only(model), retryConfig(), set)
	require.NoError(t, err)
	result, err := judge.Judge(context.Background(), guideInput)
	require.NoError(t, err)
	require.Nil(t, result.Error)
	assert.Equal(t, "Signed", s.requests()[0].header.Get("Authorization"))
	assert.IsType(t, (*http.Transport)(nil), model.transport, "Shutdown reaches the connections behind all wrappers")
	model.Shutdown()
	model.Shutdown()
}

func TestEndpointKeepsItsPathAndQuery(t *testing.T) {
	for _, tt := range []struct{ endpoint, want string }{
		{"https://api.openai.com/v1", "https://api.openai.com/v1/chat/completions"},
		{"https://api.openai.com/v1/", "https://api.openai.com/v1/chat/completions"},
		{"http://localhost:8000", "http://localhost:8000/chat/completions"},
		{"https://x.openai.azure.com/openai/deployments/d?api-version=1", "https://x.openai.azure.com/openai/deployments/d/chat/completions?api-version=1"},
	} {
		cfg := NewDefaultModelConfig()
		cfg.ClientConfig.Endpoint = tt.endpoint
		p, err := newOpenAI(&cfg, "m")
		require.NoError(t, err)
		assert.Equal(t, tt.want, p.url)
	}
}
