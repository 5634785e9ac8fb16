package store_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

func TestConfigValidate(t *testing.T) {
	tests := []struct {
		name    string
		change  func(*store.Config)
		message string
	}{
		{"mode", func(c *store.Config) { c.Mode = "ring" }, "`mode` is \"ring\", must be standalone, sentinel or cluster"},
		{"no endpoint", func(c *store.Config) { c.Endpoints = nil }, "`endpoints` is empty"},
		{"a URL", func(c *store.Config) { c.Endpoints = []string{"redis://me:secret@x:1"} }, "must hold host:port pairs"},
		{"no port", func(c *store.Config) { c.Endpoints = []string{"localhost"} }, "must hold host:port pairs"},
		{"two servers", func(c *store.Config) { c.Endpoints = []string{"a:1", "b:1"} }, "mode standalone takes one"},
		{"no master", func(c *store.Config) { c.Mode = store.ModeSentinel }, "`master_name` is empty"},
		{"a master", func(c *store.Config) { c.MasterName = "x" }, "are for mode sentinel"},
		{"negative db", func(c *store.Config) { c.DB = -1 }, "`db` is -1"},
		{"db of a cluster", func(c *store.Config) { c.Mode, c.DB = store.ModeCluster, 1 }, "`db` is 1"},
		{"no prefix", func(c *store.Config) { c.KeyPrefix = "" }, "`key_prefix` is \"\""},
		{"braces in the prefix", func(c *store.Config) { c.KeyPrefix = "{a}" }, "`key_prefix` is \"{a}\""},
		{"negative replicas", func(c *store.Config) { c.WaitReplicas = -1 }, "`wait_replicas` is -1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cfg := store.NewDefaultConfig()
			test.change(&cfg)
			err := cfg.Validate()
			require.ErrorContains(t, err, test.message)
			assert.NotContains(t, err.Error(), "secret")
		})
	}
	cfg := store.NewDefaultConfig()
	require.NoError(t, cfg.Validate())
}

func TestConfigUnmarshal(t *testing.T) {
	tests := []struct {
		name     string
		conf     map[string]any
		insecure bool
	}{
		{"no tls", map[string]any{"key_prefix": "x"}, true},
		{"tls", map[string]any{"tls": map[string]any{}}, false},
		{"a server name", map[string]any{"tls": map[string]any{"server_name_override": "redis"}}, false},
		{"insecure", map[string]any{"tls": map[string]any{"insecure": true}}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			parent := struct {
				Redis store.Config `mapstructure:"redis"`
			}{store.NewDefaultConfig()}
			require.NoError(t, confmap.NewFromStringMap(map[string]any{"redis": test.conf}).Unmarshal(&parent))
			assert.Equal(t, test.insecure, parent.Redis.TLS.Insecure)
			assert.Equal(t, []string{"localhost:6379"}, parent.Redis.Endpoints)
		})
	}
	cfg := store.NewDefaultConfig()
	require.ErrorContains(t, confmap.NewFromStringMap(map[string]any{"endpoint": "x"}).Unmarshal(&cfg), "endpoint")
}

func TestOpenErrors(t *testing.T) {
	tests := []struct {
		name    string
		change  func(*store.Config, *store.Settings)
		message string
	}{
		{"a missing CA", func(c *store.Config, _ *store.Settings) { c.TLS.CAFile = "missing.pem" }, "redis `tls`"},
		{"a backend without name", func(_ *store.Config, s *store.Settings) { s.Backends = []store.Backend{{}} }, `backend name ""`},
		{"a colon", func(_ *store.Config, s *store.Settings) { s.Backends = []store.Backend{{Name: "a:b"}} }, `backend name "a:b"`},
		{"twice", func(_ *store.Config, s *store.Settings) {
			s.Backends = []store.Backend{{Name: "a"}, {Name: "a"}}
		}, "is there twice"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cfg, set := store.NewDefaultConfig(), store.Settings{}
			test.change(&cfg, &set)
			_, err := store.Open(context.Background(), cfg, set, zap.NewNop())
			require.ErrorContains(t, err, test.message)
		})
	}
}
