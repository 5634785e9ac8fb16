//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestExplain runs the dry run as its users do, on a file and on standard input.
func TestExplain(t *testing.T) {
	const file = "testdata/spans/py_otel_openai_v2_event_only.json"
	explain := func(stdin string, arguments ...string) (string, error) {
		command := exec.CommandContext(t.Context(), "make", append([]string{"explain", "CONFIG=config/compliance.yaml"}, arguments...)...)
		command.Stdin = strings.NewReader(stdin)
		output, err := command.Output()
		return string(output), err
	}
	fromFile, err := explain("", "FILE="+file, "FORMAT=json")
	require.NoError(t, err)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	fromStdin, err := explain(string(text), "FILE=-", "FORMAT=json")
	require.NoError(t, err)
	require.Equal(t, fromFile, fromStdin)
	lines := strings.Split(strings.TrimSpace(fromFile), "\n")
	require.Len(t, lines, 10)
	for _, line := range lines {
		var span struct {
			Kind       string `json:"kind"`
			Evaluators []struct {
				Name string `json:"name"`
			} `json:"evaluators"`
		}
		require.NoError(t, json.Unmarshal([]byte(line), &span), line)
		require.Len(t, span.Evaluators, 1)
		require.Equal(t, "compliance_check", span.Evaluators[0].Name)
	}
	page, err := explain("", "FILE="+file)
	require.NoError(t, err)
	require.Contains(t, page, "What is the capital of France?")
	_, err = explain("")
	require.Error(t, err, "without a FILE")
	_, err = explain("no JSON", "FILE=-")
	require.Error(t, err)
}
