//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/test/internal/servers"
)

// likeMLflow answers for traces that nobody has seen as MLflow does.
const likeMLflow = "yaml:extensions::feedback::accept_unknown_traces: false"

// python runs a script of test/differential and returns its standard output; the test fails with what it printed where
// it does.
func python(t *testing.T, within time.Duration, script string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	path := filepath.Join(filepath.Dir(os.Getenv("MLFLOW")), "python")
	command := exec.CommandContext(ctx, path, append([]string{filepath.Join("test", "differential", script)}, args...)...)
	command.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1")
	// A script has processes of its own, which must not outlive it.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	output, err := command.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		t.Logf("%s", exit.Stderr)
	}
	require.NoError(t, err, "%s:\n%s", script, output)
	return output
}

// besides starts the endpoint in front of an MLflow of its own, beside the run's MLflow, and returns how a script is
// told about the three.
func (s *stack) besides() []string {
	s.t.Helper()
	behind, err := servers.StartMLflow(s.t.Context(), os.Getenv("MLFLOW"), filepath.Join(s.dir, "behind"), 0)
	require.NoError(s.t, err)
	s.t.Cleanup(behind.Kill)
	c := s.collector("collector", map[string]string{"MLFLOW_TRACKING_URI": behind.URL}, "config/feedback-api.yaml", likeMLflow)
	return []string{"--a", tracking.URL, "--b", c.feedback, "--behind", behind.URL}
}

// TestDifferential plays random sequences of calls of MLflow's client on MLflow and on the endpoint. A seed that fails
// is played again with the command that test/differential/sequences.py shows.
func TestDifferential(t *testing.T) {
	output := python(t, 5*time.Minute, "sequences.py", newStack(t).besides()...)
	t.Logf("%s", output)
}

// TestRawDifferential sends hand-made requests to MLflow and to the endpoint.
func TestRawDifferential(t *testing.T) {
	output := python(t, 3*time.Minute, "raw.py", newStack(t).besides()...)
	t.Logf("%s", output)
}

// TestGuide does what MLflow's guide on feedback does, through the endpoint; MLflow behind it holds the same.
func TestGuide(t *testing.T) {
	s := newStack(t)
	s.guide(s.collector("collector", nil, "config/feedback-api.yaml").feedback)
}

func (s *stack) guide(url string) {
	s.t.Helper()
	output := python(s.t, 2*time.Minute, "guide.py", "--uri", url, "--experiment", s.experiment, "--openai", s.modelURL)
	var left map[string][]row
	require.NoError(s.t, json.Unmarshal(output, &left), "%s", output)
	require.NotEmpty(s.t, left)
	s.eventually(time.Minute, func(ctx context.Context) error {
		held, err := s.rows(ctx)
		if err != nil {
			return err
		}
		return sameRows(left, held)
	})
}

// sameRows says which trace's assessments differ; their order, and the spelling of JSON, is nobody's promise.
func sameRows(want, got map[string][]row) error {
	if len(want) != len(got) {
		return fmt.Errorf("%d traces, not %d", len(got), len(want))
	}
	for _, trace := range slices.Sorted(maps.Keys(want)) {
		if want, got := spelled(want[trace]), spelled(got[trace]); !slices.Equal(want, got) {
			return fmt.Errorf("%s holds %s, not %s", trace, got, want)
		}
	}
	return nil
}

func spelled(rows []row) []string {
	texts := make([]string, 0, len(rows))
	for _, r := range rows {
		var value any
		_ = json.Unmarshal(r.Feedback.Value, &value) // an expectation has none
		r.Feedback.Value, _ = json.Marshal(value)
		text, _ := json.Marshal(r)
		texts = append(texts, string(text))
	}
	slices.Sort(texts)
	return texts
}
