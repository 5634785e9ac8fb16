// Command explain shows what the feedback processor makes of recorded spans: how each is read, and which evaluators of
// a configuration would run on it, or why not. It is the processor's own code; it asks no model and sends nothing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/metric/noop"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdin, os.Stdout); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "explain:", err)
		}
		os.Exit(1)
	}
}

const usage = `usage: explain [-config FILE] [-id ID] [-format text|json] [-spans-per-second N] FILE

FILE holds OTLP JSON, one request or one a line, or {"traces": [requests], "logs": [requests]}; - is standard input.
`

func run(ctx context.Context, arguments []string, stdin io.Reader, stdout io.Writer) error {
	flags := flag.NewFlagSet("explain", flag.ContinueOnError)
	configFile := flags.String("config", "", "a collector's configuration; without one, only the reading is explained")
	id := flags.String("id", "feedback", "the processor in it")
	format := flags.String("format", "text", "text, or json: one line a span")
	rate := flags.Float64("spans-per-second", 100, "spans a second, of all kinds, for which text tells what judges would cost a day")
	flags.Usage = func() {
		_, _ = fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	write, ok := formats[*format]
	if !ok {
		return fmt.Errorf("format %q is not known: give text or json", *format)
	}
	if !(*rate > 0) || math.IsInf(*rate, 0) {
		return fmt.Errorf("-spans-per-second is %v: give a positive number", *rate)
	}
	if flags.NArg() != 1 {
		return errors.New("give one FILE of OTLP JSON, or - for standard input")
	}
	config, processorID, err := loadConfig(ctx, *configFile, *id)
	if err != nil {
		return err
	}
	traces, logs, err := readFile(flags.Arg(0), stdin)
	if err != nil {
		return err
	}
	explainer, err := feedbackprocessor.NewExplainer(config, settings(processorID)) //nolint:contextcheck // compiling waits for nothing
	if err != nil {
		return err
	}
	return write(stdout, explainer.Explain(ctx, traces, logs), *rate)
}

// formats write explanations.
var formats = map[string]func(w io.Writer, explained []feedbackprocessor.Explanation, spansPerSecond float64) error{
	"text": writeText,
	"json": writeJSON,
}

// settings are those of a collector that keeps quiet.
func settings(id component.ID) processor.Settings {
	return processor.Settings{
		ID: id,
		TelemetrySettings: component.TelemetrySettings{
			Logger: zap.NewNop(), MeterProvider: noop.NewMeterProvider(), TracerProvider: tracenoop.NewTracerProvider(),
		},
	}
}
