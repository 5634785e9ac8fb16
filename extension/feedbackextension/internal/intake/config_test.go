package intake

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/bytesize"
)

func TestConfigRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"small bodies": {func(c *Config) { c.MaxBodySize = 100 }, "`max_body_size` is 100"},
		"large bodies": {func(c *Config) { c.MaxBodySize = bytesize.GiB }, "`max_body_size` is 1GiB"},
		"no rate":      {func(c *Config) { c.Rate = 0 }, "`rate` is 0"},
		"no number":    {func(c *Config) { c.Rate = math.NaN() }, "`rate` is NaN"},
		"endless rate": {func(c *Config) { c.Rate = math.Inf(1) }, "`rate` is +Inf"},
		"no burst":     {func(c *Config) { c.Burst = 0 }, "`burst` is 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := NewDefaultConfig()
			tt.change(&c)
			assert.ErrorContains(t, c.Validate(), tt.want)
		})
	}
	c := NewDefaultConfig()
	require.NoError(t, c.Validate())
}
