package embeddedredisextension

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"

	"github.com/otelcol-feedback/otelcol-feedback/extension/embeddedredisextension/internal/metadata"
)

func TestConfig(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		want    *Config
		wantErr string
	}{
		{name: "no_port", wantErr: "`endpoint` is \"localhost\": give host:port, such as localhost:6379"},
		{name: "all_interfaces", wantErr: "set `allow_non_loopback: true`"},
		{name: "other_machines", wantErr: "`endpoint` is \"192.0.2.1:6379\""},
		{name: "name", wantErr: "`endpoint` is \"redis.example.com:6379\""},
		{name: "", want: &Config{Endpoint: "localhost:6379"}},
		{name: "elsewhere", want: &Config{Endpoint: "127.0.0.1:16379"}},
		{name: "ipv6", want: &Config{Endpoint: "[::1]:6379"}},
		{name: "open", want: &Config{Endpoint: "0.0.0.0:6379", AllowNonLoopback: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			conf, err := confmaptest.LoadConf(filepath.Join("testdata", "config.yaml"))
			require.NoError(t, err)
			sub, err := conf.Sub(component.NewIDWithName(metadata.Type, test.name).String())
			require.NoError(t, err)
			config := createDefaultConfig()
			require.NoError(t, sub.Unmarshal(config))
			err = confmap.Validate(config)
			if test.wantErr != "" {
				assert.ErrorContains(t, err, test.wantErr)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want, config)
		})
	}
}
