//go:build e2e

// Package e2e checks the built distribution end to end: apps that send OTLP, a real Redis, a real MLflow, and a
// stand-in for the judges' language model. Servers are killed and stopped as they would be in real life.
package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/otelcol-feedback/otelcol-feedback/test/internal/servers"
)

// root is the repository's: configurations name files relative to it.
const root = "../.."

var (
	// binary is the built distribution.
	binary = filepath.Join("_build", "otelcol-feedback")
	// tracking is the one MLflow of the run: it takes 10 s to start. Each test has an experiment of its own.
	tracking *servers.MLflow
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if err := os.Chdir(root); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	path := os.Getenv("MLFLOW")
	if path == "" {
		fmt.Fprintln(os.Stderr, "MLFLOW does not name the mlflow command: run `make test-e2e`")
		return 1
	}
	dir, err := os.MkdirTemp("", "feedback-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	tracking, err = servers.StartMLflow(context.Background(), path, dir, 0)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	status := m.Run()
	_, _ = tracking.Stop(10 * time.Second)
	closeIdle()
	if status == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return status
}
