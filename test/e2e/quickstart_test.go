//go:build e2e

package e2e

import (
	"context"
	"maps"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/test/internal/process"
)

// quickstart runs what `make run` runs, on ports of its own, until the table is there.
func (s *stack) quickstart(env map[string]string) (output string, err error) {
	s.t.Helper()
	all := make(map[string]string)
	for _, name := range []string{
		"OTLP_HTTP_ENDPOINT", "OTLP_GRPC_ENDPOINT", "FEEDBACK_ENDPOINT", "EMBEDDED_REDIS_ENDPOINT", "METRICS_PORT",
	} {
		port, err := process.FreePort()
		require.NoError(s.t, err)
		all[name] = process.Loopback(port)
	}
	all["METRICS_PORT"] = all["METRICS_PORT"][strings.LastIndex(all["METRICS_PORT"], ":")+1:]
	maps.Copy(all, env)
	ctx, cancel := context.WithTimeout(s.t.Context(), 3*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, "_build/quickstart", "-once", "-logs", s.dir)
	command.Env = environ(all)
	for _, name := range []string{"HOME", "PATH"} {
		command.Env = append(command.Env, name+"="+os.Getenv(name))
	}
	text, err := command.CombinedOutput()
	s.t.Logf("%s", text)
	return string(text), err
}

func TestQuickstart(t *testing.T) {
	s := newStack(t)
	output, err := s.quickstart(nil)
	require.NoError(t, err)
	for _, label := range []string{"semantic conventions", "OpenInference", "OpenLLMetry", "MLflow"} {
		for _, name := range []string{"compliance_check", "llm_judge_evaluation"} {
			require.Regexp(t, `(?m)^\w{8} +`+label+` +`+name, output)
		}
	}
	require.Regexp(t, `(?m)second_opinion +error +EVALUATION_FAILED +LLM_JUDGE`, output)
	require.Contains(t, output, "Missing required disclaimer")
	require.Contains(t, output, "All compliance checks passed")
}

// TestQuickstartWithEverything takes a real Redis, MLflow and a model behind a key.
func TestQuickstartWithEverything(t *testing.T) {
	s := newStack(t)
	output, err := s.quickstart(map[string]string{
		"OPENAI_API_KEY": "sk-example", "OPENAI_BASE_URL": s.modelURL, "JUDGE_MODEL": "good",
		"REDIS_ENDPOINT": s.redis.Address, "MLFLOW_TRACKING_URI": tracking.URL, "MLFLOW_EXPERIMENT_ID": s.experiment,
	})
	require.NoError(t, err)
	require.Contains(t, output, "llm_judge_evaluation")
	require.NotContains(t, output, "second_opinion")
	require.NotContains(t, output, "sk-example")
	require.NoError(t, s.holds(t.Context(), 5))
	require.Positive(t, s.model.Stats().Calls)
	all, err := s.rows(t.Context())
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(all), 5, "traces in MLflow")
}

// TestQuickstartSaysWhatIsWrong wants one line, no stack trace and a non-zero exit.
func TestQuickstartSaysWhatIsWrong(t *testing.T) {
	var config net.ListenConfig
	taken, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	s := newStack(t)
	for _, test := range []struct {
		name, key, value, want string
	}{
		{"port", "OTLP_HTTP_ENDPOINT", taken.Addr().String(), regexp.QuoteMeta(taken.Addr().String()) + " is in use"},
		{"redis", "REDIS_ENDPOINT", "redis://localhost:6379", "REDIS_ENDPOINT .* host:port"},
		{"mlflow", "MLFLOW_TRACKING_URI", "localhost:5000", "MLFLOW_TRACKING_URI .* http://"},
		{"configuration", "OTLP_GRPC_ENDPOINT", "[::1", "OTLP_GRPC_ENDPOINT|address|endpoint"},
	} {
		t.Run(test.name, func(t *testing.T) {
			output, err := s.quickstart(map[string]string{test.key: test.value})
			require.Error(t, err)
			require.Equal(t, 1, strings.Count(output, "\n"), output)
			require.Regexp(t, test.want, output)
		})
	}
}
