package access

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"
)

// load decodes and validates settings as the extension does, which squashes the section.
func load(settings map[string]any) (Config, error) {
	parent := struct {
		Access Config `mapstructure:",squash"`
	}{NewDefaultConfig()}
	if err := confmap.NewFromStringMap(settings).Unmarshal(&parent); err != nil {
		return Config{}, err
	}
	return parent.Access, confmap.Validate(&parent)
}

func TestConfigRefuses(t *testing.T) {
	t.Parallel()
	header := func(name string, proxies ...any) map[string]any {
		section := map[string]any{"proxies": proxies}
		if name != "" {
			section["name"] = name
		}
		return map[string]any{"user_header": section}
	}
	tests := []struct {
		name     string
		settings map[string]any
		want     string
	}{
		{"authorization", map[string]any{"authorization": "mlfow"}, "`authorization` is \"mlfow\", must be mlflow, endpoint or left out"},
		{"empty admin", map[string]any{"admins": []any{"alice", ""}}, "`admins` holds \"\", must be a user's name"},
		{"control character", map[string]any{"trusted": []any{"a\nb"}}, "`trusted` holds \"a\\nb\", must be"},
		{"long name", map[string]any{"trusted": []any{strings.Repeat("a", 251)}}, "at most 250 bytes"},
		{"header without proxies", map[string]any{"user_header": map[string]any{}}, "`proxies` is empty, must hold the addresses"},
		{"header's name", header("X User", "127.0.0.1"), "`name` is \"X User\", must be a header's name"},
		{"header without name", map[string]any{"user_header": map[string]any{"name": "", "proxies": []any{"::1"}}}, "`name` is \"\""},
		{"taken header", header("cookie", "127.0.0.1"), "`name` is \"cookie\", which means something else"},
		{"workspace", header("X-MLFLOW-WORKSPACE", "127.0.0.1"), "which means something else"},
		{"host name", header("", "proxy.example.com"), "`proxies` holds \"proxy.example.com\", must be an address such as"},
		{"with port", header("", "127.0.0.1:80"), "`proxies` holds \"127.0.0.1:80\", must be an address"},
		{"zone", header("", "fe80::1%eth0"), "must be an address"},
		{"everybody", header("", "0.0.0.0/0"), "`proxies` holds \"0.0.0.0/0\", which is every address"},
		{"everybody in IPv6", header("", "::/0"), "which is every address"},
		{"mapped prefix", header("", "::ffff:10.0.0.0/104"), "must be written as an IPv4 prefix"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := load(tt.settings)
			require.ErrorContains(t, err, tt.want)
		})
	}
	_, err := load(map[string]any{"user_header": map[string]any{"addresses": []any{"127.0.0.1"}}})
	require.ErrorContains(t, err, "addresses", "a misspelled key")
}

func TestConfig(t *testing.T) {
	t.Parallel()
	cfg, err := load(nil)
	require.NoError(t, err)
	assert.Equal(t, NewDefaultConfig(), cfg)
	assert.False(t, cfg.UserHeader.HasValue())

	cfg, err = load(map[string]any{
		"authorization": "mlflow", "admins": []any{"alice"}, "trusted": []any{"bot"},
		"user_header": map[string]any{"proxies": []any{"127.0.0.1", "10.1.0.0/16", "::1"}},
	})
	require.NoError(t, err)
	assert.Equal(t, Config{
		Authorization: AuthorizationMLflow, Admins: []string{"alice"}, Trusted: []string{"bot"},
		UserHeader: configoptional.Some(UserHeader{Name: "X-Forwarded-User", Proxies: []string{"127.0.0.1", "10.1.0.0/16", "::1"}}),
	}, cfg)
}

func TestValidateNames(t *testing.T) {
	t.Parallel()
	lists := Config{Admins: []string{"alice"}, Trusted: []string{"bot"}}
	err := lists.ValidateNames(false)
	require.ErrorContains(t, err, "`admins` names \"alice\", but nobody is asked for their name: give `auth` or `user_header`")
	require.ErrorContains(t, err, "`trusted` names \"bot\"")
	require.NoError(t, lists.ValidateNames(true))
	lists.UserHeader = configoptional.Some(UserHeader{Name: "X-User", Proxies: []string{"::1"}})
	require.NoError(t, lists.ValidateNames(false))
	require.NoError(t, (&Config{}).ValidateNames(false))
}
