package bytesize_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/bytesize"
)

func TestSizeRefuses(t *testing.T) {
	for _, text := range []string{"", "KiB", "-1", "1.5KiB", "1 TiB", "9223372036854775807KiB", "much"} {
		t.Run(text, func(t *testing.T) {
			var size bytesize.Size
			require.ErrorContains(t, size.UnmarshalText([]byte(text)), "is not a size")
		})
	}
}

func TestSize(t *testing.T) {
	tests := []struct {
		name  string
		want  bytesize.Size
		spelt string
	}{
		{"0", 0, "0"},
		{"4096", 4096, "4KiB"},
		{"4097B", 4097, "4097"},
		{"256KiB", 256 * bytesize.KiB, "256KiB"},
		{" 1 MiB ", bytesize.MiB, "1MiB"},
		{"2GiB", 2 * bytesize.GiB, "2GiB"},
		{"32kB", 32000, "32000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var size bytesize.Size
			require.NoError(t, size.UnmarshalText([]byte(tt.name)))
			assert.Equal(t, tt.want, size)
			text, err := size.MarshalText()
			require.NoError(t, err)
			assert.Equal(t, tt.spelt, string(text))
		})
	}
}
