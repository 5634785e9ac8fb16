//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// verdict is what the Python function gives for an answer.
type verdict struct {
	// Value is JSON text.
	Value     string
	Rationale string
}

// reference asks the Python of MLflow's guide, in the Python that runs MLflow.
func reference(t *testing.T, exchanges []exchange) []verdict {
	t.Helper()
	answers := make([]string, len(exchanges))
	for i, e := range exchanges {
		answers[i] = e.answer
	}
	input, err := json.Marshal(answers)
	require.NoError(t, err)
	python := filepath.Join(filepath.Dir(os.Getenv("MLFLOW")), "python")
	command := exec.CommandContext(t.Context(), python, "test/compliance/reference.py")
	command.Stdin = bytes.NewReader(input)
	command.Stderr = os.Stderr
	output, err := command.Output()
	require.NoError(t, err)
	var results []struct {
		Value     json.RawMessage `json:"value"`
		Rationale string          `json:"rationale"`
	}
	require.NoError(t, json.Unmarshal(output, &results))
	require.Len(t, results, len(answers))
	verdicts := make([]verdict, len(results))
	for i, r := range results {
		verdicts[i] = verdict{Value: string(r.Value), Rationale: r.Rationale}
	}
	return verdicts
}
