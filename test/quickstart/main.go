// Command quickstart is what `make run` runs: it starts the built collector and what it needs, sends recorded spans,
// prints the assessments that come out, and goes on taking OTLP until Ctrl-C.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/test/internal/process"
	"github.com/otelcol-feedback/otelcol-feedback/test/internal/servers"
)

func main() {
	var o options
	flag.StringVar(&o.binary, "collector", "_build/otelcol-feedback", "the built distribution")
	flag.StringVar(&o.logs, "logs", ".run", "folder for the logs, and MLflow's data")
	flag.StringVar(&o.mlflow, "mlflow", "", "start this mlflow command")
	flag.IntVar(&o.mlflowPort, "mlflow-port", 5000, "MLflow's port")
	flag.BoolVar(&o.once, "once", false, "end after the table of the recorded spans")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	interrupted := ctx.Err() != nil
	stop()
	if err != nil && !interrupted {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

type options struct {
	binary, logs string
	mlflow       string
	mlflowPort   int
	once         bool
}

func run(ctx context.Context, o options) error {
	s, err := readSettings(os.Getenv, o.mlflow != "")
	if err != nil {
		return err
	}
	for _, file := range append(s.config(), o.binary, recordings[0].path()) {
		if _, err := os.Stat(file); err != nil {
			return fmt.Errorf("%s is missing: run `make run` from the repository's root", file)
		}
	}
	for _, address := range s.listens() {
		if err := free(ctx, address); err != nil {
			return err
		}
	}
	if o.mlflow != "" {
		stopMLflow, err := startMLflow(ctx, o, &s)
		if err != nil {
			return err
		}
		defer stopMLflow()
	}
	env := s.env()
	if s.standIn {
		model, err := startStandIn()
		if err != nil {
			return err
		}
		defer model.stop()
		env = append(env, "STANDIN_ENDPOINT="+model.url)
	}
	collector, err := startCollector(ctx, o, s, env)
	if err != nil {
		return err
	}
	defer stopCollector(collector)
	return judge(ctx, o, s, collector)
}

// judge sends the recorded spans and prints what comes out.
func judge(ctx context.Context, o options, s settings, collector *servers.Collector) error {
	started := time.Now()
	results, err := openResults(ctx, s.redis)
	if err != nil {
		return err
	}
	defer results.close()
	sent, err := sendRecordings(ctx, s)
	if err != nil {
		return err
	}
	w := watcher{results: results, out: os.Stdout, labels: sent, ended: collector.Done()}
	if err := w.first(ctx, started); err != nil {
		return err
	}
	fmt.Println()
	fmt.Println("Send OTLP to", s.otlpHTTP, "(HTTP) or", s.otlpGRPC, "(gRPC): results of your spans are added here.")
	fmt.Println("Give feedback of your own: MLFLOW_TRACKING_URI=http://" + s.feedback + " for the mlflow client, or any HTTP client.")
	if page := s.experimentURL(); page != "" {
		fmt.Println("MLflow's page, the traces with their assessments:", page)
	}
	fmt.Println("Metrics: http://localhost:"+s.metricsPort+"/metrics   Logs:", filepath.Join(o.logs, "collector.log"))
	if o.once {
		return nil
	}
	fmt.Println("Ctrl-C ends it.")
	return w.follow(ctx)
}

// free says in one line when somebody listens at address already.
func free(ctx context.Context, address string) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		if strings.Contains(err.Error(), "address already in use") {
			return fmt.Errorf("%s is in use: end what listens there (another `make run`, another collector?)", address)
		}
		return err
	}
	return listener.Close()
}

func startMLflow(ctx context.Context, o options, s *settings) (stop func(), err error) {
	if err := free(ctx, process.Loopback(o.mlflowPort)); err != nil {
		return nil, fmt.Errorf("%w, or choose another port: MLFLOW_PORT=5001 make run-mlflow", err)
	}
	dir, err := filepath.Abs(filepath.Join(o.logs, "mlflow"))
	if err != nil {
		return nil, err
	}
	fmt.Println("Starting MLflow ...")
	server, err := servers.StartMLflow(ctx, o.mlflow, dir, o.mlflowPort)
	if err != nil {
		return nil, err
	}
	s.mlflow = server.URL
	return func() { _, _ = server.Stop(10 * time.Second) }, nil
}

func startCollector(ctx context.Context, o options, s settings, env []string) (*servers.Collector, error) {
	collector, err := servers.StartCollector(ctx, servers.CollectorConfig{
		Binary: o.binary, Config: s.config(), Env: env, Health: s.otlpHTTP, Dir: o.logs,
	})
	if err != nil {
		return nil, fmt.Errorf("the collector did not start: %s (log: %s)",
			oneLine(err.Error()), filepath.Join(o.logs, "collector.log"))
	}
	return collector, nil
}

func stopCollector(collector *servers.Collector) {
	if _, err := collector.Stop(10 * time.Second); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", oneLine(err.Error()))
	}
}

// oneLine finds the collector's own error in what it printed: the last line that starts with `Error: `, which is
// followed by the same error once more and sometimes by a list.
func oneLine(output string) string {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	for i, line := range lines {
		if message, ok := strings.CutPrefix(line, "Error: "); ok {
			rest := lines[i+1:]
			for len(rest) > 0 && strings.HasSuffix(strings.TrimSpace(message), ":") {
				message, rest = strings.TrimSpace(message)+" "+strings.TrimSpace(rest[0]), rest[1:]
			}
			return message
		}
	}
	return lines[0]
}
