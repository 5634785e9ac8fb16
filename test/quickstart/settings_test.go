package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestReadSettings(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name        string
		env         map[string]string
		startMLflow bool
		want        string
		wantErr     string
	}{
		{
			name: "redis as an address", env: map[string]string{"REDIS_ENDPOINT": "redis://localhost:6379"},
			wantErr: "it should be host:port",
		},
		{name: "redis without a port", env: map[string]string{"REDIS_ENDPOINT": "redis"}, wantErr: "it should be host:port"},
		{name: "mlflow without a scheme", env: map[string]string{"MLFLOW_TRACKING_URI": "localhost:5000"}, wantErr: "http://localhost:5000"},
		{name: "mlflow as a file", env: map[string]string{"MLFLOW_TRACKING_URI": "sqlite:///x.db"}, wantErr: "http://localhost:5000"},
		{name: "two mlflows", env: map[string]string{"MLFLOW_TRACKING_URI": "http://x:1"}, startMLflow: true, wantErr: "unset it"},
		{name: "a model without a key", env: map[string]string{"OPENAI_BASE_URL": "http://x/v1"}, wantErr: "OPENAI_API_KEY"},
		{name: "nothing set", want: "config/quickstart.yaml"},
		{
			name: "everything set",
			env: map[string]string{
				"OPENAI_API_KEY": "k", "REDIS_ENDPOINT": "r:6379", "MLFLOW_TRACKING_URI": "http://m:5000/",
			},
			want: "config/quickstart.yaml config/quickstart/openai.yaml config/quickstart/redis.yaml config/quickstart/mlflow.yaml",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, err := readSettings(func(key string) string { return test.env[key] }, test.startMLflow)
			if test.wantErr != "" {
				require.ErrorContains(t, err, test.wantErr)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.want, strings.Join(s.config(), " "))
		})
	}
}

func TestPrintRow(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	printTitle(&out)
	printRow(&out, "an app", assessment.Assessment{
		TraceID: strings.Repeat("ab", 16), Name: "check", Value: assessment.True, Verdict: assessment.VerdictPassed,
		Source: assessment.Source{Type: assessment.SourceTypeCode, ID: "v1"}, Rationale: "one\n\x1b[31mtwo " + strings.Repeat("é", 200),
	})
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 2)
	require.Regexp(t, `^abababab  an app +check +pass +true +CODE v1 +one  \[31mtwo é+…$`, lines[1])
}

func TestOneLine(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a: b", oneLine("collector ended\n2026 info x\nError: a: b\n2026 collector server run finished with error: a: b"))
	require.Equal(t, "invalid: 'x' y", oneLine("ended\nError: invalid:\n\n'x' y\n"))
	require.Equal(t, "not ready", oneLine("not ready\n2026 info x"))
}
