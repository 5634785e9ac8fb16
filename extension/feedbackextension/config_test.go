package feedbackextension

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/review"
	"github.com/otelcol-feedback/otelcol-feedback/internal/bytesize"
)

func load(t *testing.T, name string) (*Config, error) {
	t.Helper()
	file, err := confmaptest.LoadConf("testdata/config.yaml")
	require.NoError(t, err)
	sub, err := file.Sub(name)
	require.NoError(t, err)
	config := createDefaultConfig().(*Config)
	if err := sub.Unmarshal(config); err != nil {
		return nil, err
	}
	return config, confmap.Validate(config)
}

func TestLoadConfig(t *testing.T) {
	t.Parallel()
	_, err := load(t, "feedback/misspelled")
	require.ErrorContains(t, err, "unknown key `enpoint`")

	config, err := load(t, "feedback")
	require.NoError(t, err)
	assert.Equal(t, createDefaultConfig(), config)

	config, err = load(t, "feedback/null")
	require.NoError(t, err)
	assert.False(t, config.MLflow.HasValue(), "a null key counts as absent")

	config, err = load(t, "feedback/all")
	require.NoError(t, err)
	assert.Equal(t, "localhost:5081", config.Server.NetAddr.Endpoint)
	assert.Equal(t, []string{"redis:6379"}, config.Redis.Endpoints)
	assert.Equal(t, "http://mlflow:5000", config.MLflow.Get().HTTP.Endpoint)
	assert.Equal(t, time.Hour, config.TraceWait)
	assert.Equal(t, 64*bytesize.KiB, config.MaxAssessmentSize)
	assert.False(t, config.AcceptUnknownTraces)
	assert.Equal(t, access.AuthorizationEndpoint, config.Access.Authorization)
	assert.Equal(t, []string{"10.0.0.0/8"}, config.Access.UserHeader.Get().Proxies)
	assert.Equal(t, 8*bytesize.KiB, config.Lookup.MaxBodySize)
	assert.Equal(t, []string{"has_disclaimer"}, config.Review["failed"].ChecksFailed)
	assert.NotContains(t, config.Review, "gone", "a null rule was removed")
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"no port", func(c *Config) { c.Server.NetAddr.Endpoint = "localhost" }, "`endpoint` is \"localhost\": give host:port"},
		{"open to all", func(c *Config) { c.Server.NetAddr.Endpoint = "0.0.0.0:5080" }, "`endpoint` is \"0.0.0.0:5080\", which other machines may reach"},
		{"open to all by a name", func(c *Config) { c.Server.NetAddr.Endpoint = "example.com:5080" }, "or set `allow_unauthenticated: true`"},
		{"host with scheme", func(c *Config) { c.AllowedHosts = []string{"https://a"} }, "`allowed_hosts` holds \"https://a\""},
		{"backend", func(c *Config) { c.Backend = "a b" }, "`backend` is \"a b\""},
		{"review without mlflow", func(c *Config) {
			c.Review = map[string]*review.Rule{"a": {MaxPending: 1, ChecksFailed: []string{"x"}}}
		}, "`review` needs `mlflow`"},
		{"names without authentication", func(c *Config) { c.Access.Admins = []string{"ada"} }, "`admins` names \"ada\", but nobody is asked"},
		{"retention", func(c *Config) { c.Retention = time.Second }, "`retention` is 1s, must be at least 1m"},
		{"trace wait", func(c *Config) { c.TraceWait = 0 }, "`trace_wait` is 0s"},
		{"trace wait over retention", func(c *Config) { c.TraceWait = 1000 * time.Hour }, "at most `retention`, which is 720h0m0s"},
		{"assessment size", func(c *Config) { c.MaxAssessmentSize = 1 }, "`max_assessment_size` is 1"},
		{"per trace", func(c *Config) { c.MaxPerTrace = 0 }, "`max_per_trace` is 0, must be 1 to 100000"},
		{"pending", func(c *Config) { c.MaxPending = 0 }, "`max_pending` is 0, must be at least 1"},
		{"lookup", func(c *Config) { c.Lookup.Rate = 0 }, "`rate` is 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config := createDefaultConfig().(*Config)
			tt.change(config)
			require.ErrorContains(t, confmap.Validate(config), tt.want)
		})
	}
}

func TestOpenToAllWithAuth(t *testing.T) {
	t.Parallel()
	config := createDefaultConfig().(*Config)
	config.Server.NetAddr.Endpoint = "0.0.0.0:5080"
	config.Server.Auth = configoptional.Some(confighttp.AuthConfig{})
	require.NoError(t, config.Validate())
	config.Server.Auth = configoptional.None[confighttp.AuthConfig]()
	config.Access.UserHeader = configoptional.Some(access.UserHeader{Name: "X-User", Proxies: []string{"10.0.0.1"}})
	require.NoError(t, config.Validate())
	config.Access.UserHeader = configoptional.None[access.UserHeader]()
	require.Error(t, config.Validate())
	config.AllowUnauthenticated = true
	require.NoError(t, config.Validate())
}
