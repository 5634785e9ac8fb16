package confkeys

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/confmap"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type section struct {
	Server confighttp.ServerConfig `mapstructure:",squash"`
	Own    string                  `mapstructure:"own"`
	hidden string
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		conf map[string]any
		want string
	}{
		{name: "misspelled", conf: map[string]any{"owm": 1}, want: "unknown key `owm`"},
		{name: "a field without a tag", conf: map[string]any{"hidden": 1}, want: "unknown key `hidden`"},
		{name: "two", conf: map[string]any{"b": 1, "a": 1}, want: "unknown key `a`\nunknown key `b`"},
		{name: "own, squashed, squashed within", conf: map[string]any{"own": 1, "read_timeout": 1, "endpoint": 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := Check[section](confmap.NewFromStringMap(tt.conf))
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, tt.want)
		})
	}
	_ = section{hidden: ""}.hidden
}
