package servers

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/test/internal/process"
)

// MLflow is a real tracking server on SQLite.
type MLflow struct {
	*process.Process
	// URL has no slash at its end.
	URL    string
	path   string
	port   int
	dir    string
	prefix string
	args   []string
	env    []string
}

// The administrator of a server with users.
const (
	MLflowAdmin         = "admin"
	MLflowAdminPassword = "example-of-a-password"
)

// StartMLflow starts the `mlflow` command at path; its database and log are kept in dir. Port 0 takes a free one.
func StartMLflow(ctx context.Context, path, dir string, port int) (*MLflow, error) {
	return startMLflow(ctx, &MLflow{path: path, port: port, dir: dir})
}

// StartMLflowUnder does the same with a static prefix, such as /ml, which stands in front of all paths.
func StartMLflowUnder(ctx context.Context, prefix, path, dir string, port int) (*MLflow, error) {
	return startMLflow(ctx, &MLflow{path: path, port: port, dir: dir, prefix: prefix, args: []string{"--static-prefix", prefix}})
}

// StartMLflowWithUsers does the same with MLflow's own authentication, where nobody but the administrator has rights yet.
func StartMLflowWithUsers(ctx context.Context, path, dir string, port int) (*MLflow, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "users.ini")
	text := "[mlflow]\ndefault_permission = NO_PERMISSIONS\ndatabase_uri = sqlite:///" + filepath.Join(dir, "users.db") +
		"\nadmin_username = " + MLflowAdmin + "\nauthorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return startMLflow(ctx, &MLflow{
		path: path, port: port, dir: dir, args: []string{"--app-name", "basic-auth"},
		env: []string{
			"MLFLOW_AUTH_CONFIG_PATH=" + config, "MLFLOW_AUTH_ADMIN_PASSWORD=" + MLflowAdminPassword,
			"MLFLOW_FLASK_SERVER_SECRET_KEY=example",
		},
	})
}

func startMLflow(ctx context.Context, m *MLflow) (*MLflow, error) {
	if m.port == 0 {
		var err error
		if m.port, err = process.FreePort(); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return nil, err
	}
	child, err := process.Start(process.Spec{
		Name: "mlflow",
		Path: m.path,
		Args: append([]string{
			"server", "--host", "127.0.0.1", "--port", strconv.Itoa(m.port), "--workers", "2",
			"--backend-store-uri", "sqlite:///" + filepath.Join(m.dir, "mlflow.db"),
			"--default-artifact-root", filepath.Join(m.dir, "artifacts"),
		}, m.args...),
		Env: append([]string{"MLFLOW_DISABLE_TELEMETRY=true", "DO_NOT_TRACK=true"}, m.env...),
		Log: filepath.Join(m.dir, "mlflow.log"),
	})
	if err != nil {
		return nil, err
	}
	// The first start makes the database: seconds, more on a busy machine.
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	m.Process, m.URL = child, "http://"+process.Loopback(m.port)+m.prefix
	if err := child.Ready(ctx, process.Answers(m.URL+"/health")); err != nil {
		child.Kill()
		return nil, err
	}
	return m, nil
}

// Restart starts a killed or stopped server again, on the same port and database.
func (m *MLflow) Restart(ctx context.Context) error {
	_, err := startMLflow(ctx, m)
	return err
}
