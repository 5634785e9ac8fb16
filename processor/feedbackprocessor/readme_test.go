package feedbackprocessor

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"gopkg.in/yaml.v3"
)

var (
	yamlBlock  = regexp.MustCompile("(?s)```yaml\n(.*?)```")
	metricName = regexp.MustCompile(`otelcol_processor_feedback_\w+`)
)

// TestREADME loads each configuration that the README shows, and looks each metric of its alerts up.
func TestREADME(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	documentation, err := os.ReadFile("documentation.md")
	require.NoError(t, err)
	blocks := yamlBlock.FindAllSubmatch(readme, -1)
	require.Len(t, blocks, 5)
	for _, block := range blocks {
		var raw map[string]any
		require.NoError(t, yaml.Unmarshal(block[1], &raw))
		names := metricName.FindAllString(string(block[1]), -1)
		if _, isAlerts := raw["groups"]; isAlerts {
			require.NotEmpty(t, names)
		}
		for _, name := range names {
			assert.Contains(t, string(documentation), "### "+name+"\n")
		}
		if _, isAlerts := raw["groups"]; !isAlerts {
			sub := confmap.NewFromStringMap(raw)
			if sub.IsSet("processors") { // a whole configuration, not a part of ours
				sub, err = sub.Sub("processors::feedback")
				require.NoError(t, err)
			}
			config := createDefaultConfig().(*Config)
			require.NoError(t, sub.Unmarshal(config))
			require.NoError(t, confmap.Validate(config))
		}
	}
}

// TestREADMEListsAllReasons holds the table of reasons against the metric's.
func TestREADMEListsAllReasons(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	text, err := os.ReadFile("metadata.yaml")
	require.NoError(t, err)
	var metadata struct {
		Attributes map[string]struct {
			Enum []string `yaml:"enum"`
		} `yaml:"attributes"`
	}
	require.NoError(t, yaml.Unmarshal(text, &metadata))
	require.NotEmpty(t, metadata.Attributes["reason"].Enum)
	for _, reason := range metadata.Attributes["reason"].Enum {
		assert.True(t, strings.Contains(string(readme), "| `"+reason+"`") || strings.Contains(string(readme), ", `"+reason+"` |"), reason)
	}
}
