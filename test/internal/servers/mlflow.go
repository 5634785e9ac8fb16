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
	URL  string
	path string
	port int
	dir  string
}

// StartMLflow starts the `mlflow` command at path; its database and log are kept in dir. Port 0 takes a free one.
func StartMLflow(ctx context.Context, path, dir string, port int) (*MLflow, error) {
	if port == 0 {
		var err error
		if port, err = process.FreePort(); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	child, err := process.Start(process.Spec{
		Name: "mlflow",
		Path: path,
		Args: []string{
			"server", "--host", "127.0.0.1", "--port", strconv.Itoa(port), "--workers", "2",
			"--backend-store-uri", "sqlite:///" + filepath.Join(dir, "mlflow.db"),
			"--default-artifact-root", filepath.Join(dir, "artifacts"),
		},
		Env: []string{"MLFLOW_DISABLE_TELEMETRY=true", "DO_NOT_TRACK=true"},
		Log: filepath.Join(dir, "mlflow.log"),
	})
	if err != nil {
		return nil, err
	}
	// The first start makes the database: seconds, more on a busy machine.
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	url := "http://" + process.Loopback(port)
	if err := child.Ready(ctx, process.Answers(url+"/health")); err != nil {
		child.Kill()
		return nil, err
	}
	return &MLflow{Process: child, URL: url, path: path, port: port, dir: dir}, nil
}

// Restart starts a killed or stopped server again, on the same port and database.
func (m *MLflow) Restart(ctx context.Context) error {
	again, err := StartMLflow(ctx, m.path, m.dir, m.port)
	if err != nil {
		return err
	}
	m.Process = again.Process
	return nil
}
