//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

var (
	fence = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```")
	// sections are the top-level keys of a collector's configuration.
	sections = []string{"receivers", "processors", "exporters", "extensions", "connectors", "service"}
)

// around is what a README's fragment needs to be a whole configuration.
const around = `
receivers: {otlp: {protocols: {http: }}}
exporters: {nop: , feedback: , otlp_http/mlflow: {endpoint: "http://localhost:5000"}}
extensions: {file_storage: {directory: /tmp/otelcol-feedback, create_directory: true}}
processors: {memory_limiter: {check_interval: 1s, limit_mib: 512}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}
`

// TestDocumentation loads every YAML block of every README with the built collector, and looks at every command.
func TestDocumentation(t *testing.T) {
	files := []string{"README.md", "CONTRIBUTING.md"}
	for _, pattern := range []string{"*/*/README.md", "test/*.md"} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		files = append(files, found...)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for i, block := range fence.FindAllStringSubmatch(string(text), -1) {
			switch block[1] {
			case "yaml":
				checkYAML(t, file, i, block[2])
			case "sh":
				for command := range strings.Lines(block[2]) {
					checkCommand(t, file, strings.TrimSpace(command))
				}
			}
		}
	}
}

func checkYAML(t *testing.T, file string, i int, text string) {
	t.Helper()
	var content map[string]yaml.Node
	require.NoError(t, yaml.Unmarshal([]byte(text), &content), "%s: block %d", file, i)
	if strings.Contains(text, "gomod:") {
		checkManifest(t, file, text)
		return
	}
	if _, rules := content["groups"]; rules {
		return // alerts for Prometheus
	}
	whole := true
	for key := range content {
		whole = whole && slices.Contains(sections, key)
	}
	if !whole {
		// A fragment of one component's configuration: the README's own component.
		kind, _, _ := strings.Cut(filepath.ToSlash(file), "/")
		name := "feedback"
		if strings.Contains(file, "embeddedredis") {
			name = "embedded_redis"
		}
		text = kind + "s:\n  " + name + ":\n    " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ")
	}
	dir := t.TempDir()
	base, block := filepath.Join(dir, "around.yaml"), filepath.Join(dir, "block.yaml")
	require.NoError(t, os.WriteFile(base, []byte(around), 0o600))
	require.NoError(t, os.WriteFile(block, []byte(text), 0o600))
	command := exec.CommandContext(t.Context(), binary, "validate", "--config", base, "--config", block)
	command.Env = append(os.Environ(), "OPENAI_API_KEY=sk-example", "MLFLOW_TRACKING_URI=http://localhost:5000")
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s: block %d\n%s\n%s", file, i, text, output)
}

// checkManifest wants each of our entries in the distribution's manifest too; their `path` is for this repository only.
func checkManifest(t *testing.T, file, text string) {
	t.Helper()
	manifest, err := os.ReadFile("builder-config.yaml")
	require.NoError(t, err)
	for line := range strings.Lines(text) {
		if _, imported, ok := strings.Cut(line, "import: "); ok {
			require.Contains(t, string(manifest), "import: "+strings.TrimSpace(imported), file)
		}
	}
}

// checkCommand wants targets of make to exist and configurations of the collector to be valid.
func checkCommand(t *testing.T, file, line string) {
	t.Helper()
	words := strings.Fields(line)
	for len(words) > 0 && strings.Contains(words[0], "=") {
		words = words[1:] // variables of the environment
	}
	if comment := slices.Index(words, "#"); comment >= 0 {
		words = words[:comment]
	}
	if len(words) == 0 {
		return
	}
	switch words[0] {
	case "make":
		output, err := exec.CommandContext(t.Context(), "make", append([]string{"-n"}, words[1:]...)...).CombinedOutput()
		require.NoError(t, err, "%s: %s\n%s", file, line, output)
	case binary, "./" + binary:
		output, err := exec.CommandContext(t.Context(), binary, append([]string{"validate"}, words[1:]...)...).CombinedOutput()
		require.NoError(t, err, "%s: %s\n%s", file, line, output)
	case "git", "curl":
		// Clones this repository; asks a collector that is running.
	default:
		require.Fail(t, "a command that no test tries", "%s: %s", file, line)
	}
}
