package feedbackexporter

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
)

// Every example of the README is a valid configuration.
func TestReadmeExamples(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		path := t.TempDir() + "/example.yaml"
		require.NoError(t, os.WriteFile(path, []byte(block[1]), 0o600))
		file, err := confmaptest.LoadConf(path)
		require.NoError(t, err)
		sub, err := file.Sub("exporters::feedback")
		require.NoError(t, err)
		config := createDefaultConfig().(*Config)
		require.NoError(t, sub.Unmarshal(config))
		require.NoError(t, confmap.Validate(config))
	}
}
