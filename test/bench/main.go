// Command bench is what `make bench` runs: the Go benchmarks of all packages, with a real Redis and a real MLflow beside
// them, a comparison of whole collectors with and without our processor, and one of feedback through us and through MLflow.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/test/internal/servers"
)

func main() {
	var o options
	flag.StringVar(&o.binary, "collector", "_build/otelcol-feedback", "the built distribution")
	flag.StringVar(&o.mlflow, "mlflow", "", "the mlflow command")
	flag.StringVar(&o.pattern, "bench", ".", "Go benchmarks to run")
	flag.StringVar(&o.benchtime, "benchtime", "1s", "for each Go benchmark")
	flag.IntVar(&o.count, "count", 1, "runs of each Go benchmark")
	flag.IntVar(&o.rounds, "rounds", 5, "rounds of the comparisons of collectors and of feedback; 0 leaves them out")
	flag.DurationVar(&o.round, "round", 3*time.Second, "length of a round")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type options struct {
	binary, mlflow     string
	pattern, benchtime string
	count, rounds      int
	round              time.Duration
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "feedback-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var errs []error
	if o.pattern != "" {
		errs = append(errs, goBenchmarks(ctx, o, dir))
	}
	if o.rounds > 0 {
		errs = append(errs, compareCollectors(ctx, o, dir), compareFeedback(ctx, o, dir))
	}
	return errors.Join(errs...)
}

// goBenchmarks prints the benchmarks' own lines as they come, then benchstat's table.
func goBenchmarks(ctx context.Context, o options, dir string) error {
	redis, err := servers.StartRedis(ctx, dir, 0)
	if err != nil {
		return err
	}
	defer redis.Kill()
	tracking, err := servers.StartMLflow(ctx, o.mlflow, dir, 0)
	if err != nil {
		return err
	}
	defer tracking.Kill()

	file, err := os.Create(filepath.Join(dir, "bench.txt"))
	if err != nil {
		return err
	}
	defer file.Close()
	// One package at a time: they share the servers and the cores.
	benchmarks := exec.CommandContext(ctx, "go", "test", "-p", "1", "-run", "^$", "-bench", o.pattern, "-benchmem",
		"-benchtime", o.benchtime, "-count", strconv.Itoa(o.count), "-timeout", "1h",
		"./internal/...", "./processor/...", "./exporter/...", "./extension/...")
	benchmarks.Env = append(os.Environ(), "REDIS_ENDPOINT="+redis.Address, "MLFLOW_TRACKING_URI="+tracking.URL)
	benchmarks.Stdout = io.MultiWriter(os.Stdout, file)
	benchmarks.Stderr = os.Stderr
	failed := benchmarks.Run() // the table shows what did run
	if failed != nil {
		failed = fmt.Errorf("go test: %w", failed)
	}
	table := exec.CommandContext(ctx, "benchstat", file.Name())
	table.Stdout, table.Stderr = os.Stdout, os.Stderr
	return errors.Join(failed, table.Run())
}
