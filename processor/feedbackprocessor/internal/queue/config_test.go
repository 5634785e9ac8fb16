package queue

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
)

func TestValidate(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{name: "blocking", change: func(c *Config) { c.BlockOnOverflow = true }, want: "`block_on_overflow` is true"},
		{name: "waiting", change: func(c *Config) { c.WaitForResult = true }, want: "`wait_for_result` is true"},
		{name: "batching", change: func(c *Config) {
			c.Batch = configoptional.Some(exporterhelper.BatchConfig{})
		}, want: "`batch` is set"},
		{name: "fewer places than workers", change: func(c *Config) { c.QueueSize = 7 }, want: "`queue_size` is 7, below `num_consumers` 8"},
		{name: "as many places as workers", change: func(c *Config) { c.QueueSize = 8 }},
		{name: "default", change: func(*Config) {}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config := NewDefaultConfig()
			tt.change(&config)
			err := Validate(&config)
			if tt.want == "" {
				require.NoError(t, err)
				require.NoError(t, config.Validate())
				return
			}
			assert.ErrorContains(t, err, tt.want)
		})
	}
}
