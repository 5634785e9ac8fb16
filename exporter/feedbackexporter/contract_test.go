package feedbackexporter

import (
	"context"
	"testing"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pipeline"
	"go.opentelemetry.io/collector/receiver"

	"github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackexporter/internal/metadata"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// TestConsumeContract: what the store accepts is written once, its errors are repeated unless they are permanent. The
// contract's data holds no results and its receiver is no Redis, so both ends are translated.
func TestConsumeContract(t *testing.T) {
	for _, signal := range []pipeline.Signal{pipeline.SignalTraces, pipeline.SignalLogs} {
		t.Run(signal.String(), func(t *testing.T) {
			target := &contractStore{}
			config := quickConfig()
			config.Queue = configoptional.None[exporterhelper.QueueBatchConfig]() // a try is over when the call returns
			exportertest.CheckConsumeContract(exportertest.CheckConsumeContractParams{
				T:                    t,
				NumberOfTestElements: 20,
				Signal:               signal,
				ExporterFactory:      contractFactory(newFactory(target.open)),
				ExporterConfig:       config,
				ReceiverFactory:      target.receiverFactory(),
			})
		})
	}
}

// contractFactory puts a result on each of the contract's elements.
func contractFactory(factory exporter.Factory) exporter.Factory {
	return exporter.NewFactory(metadata.Type, factory.CreateDefaultConfig,
		exporter.WithTraces(func(ctx context.Context, set exporter.Settings, cfg component.Config) (exporter.Traces, error) {
			inner, err := factory.CreateTraces(ctx, set, cfg)
			return contractExporter{Component: inner, traces: inner}, err
		}, component.StabilityLevelAlpha),
		exporter.WithLogs(func(ctx context.Context, set exporter.Settings, cfg component.Config) (exporter.Logs, error) {
			inner, err := factory.CreateLogs(ctx, set, cfg)
			return contractExporter{Component: inner, logs: inner}, err
		}, component.StabilityLevelAlpha))
}

type contractExporter struct {
	component.Component
	traces consumer.Traces
	logs   consumer.Logs
}

func (contractExporter) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (c contractExporter) ConsumeTraces(ctx context.Context, _ ptrace.Traces) error {
	td, _ := tracesOf(1)
	return c.traces.ConsumeTraces(ctx, td)
}

func (c contractExporter) ConsumeLogs(ctx context.Context, _ plog.Logs) error {
	return c.logs.ConsumeLogs(ctx, logsOf(check(1, 1)))
}

// contractStore hands each write to the contract's consumer, which decides what becomes of it.
type contractStore struct{ fakeStore }

func (c *contractStore) receiverFactory() receiver.Factory {
	put := func(consume func() error) func([]assessment.Assessment) ([]store.Outcome, error) {
		return func(batch []assessment.Assessment) ([]store.Outcome, error) {
			return make([]store.Outcome, len(batch)), consume()
		}
	}
	return receiver.NewFactory(metadata.Type, func() component.Config { return nil },
		receiver.WithTraces(func(ctx context.Context, _ receiver.Settings, _ component.Config, next consumer.Traces) (receiver.Traces, error) {
			c.fail(nil, put(func() error { return next.ConsumeTraces(ctx, ptrace.NewTraces()) }))
			return &nopReceiver{}, nil
		}, component.StabilityLevelAlpha),
		receiver.WithLogs(func(ctx context.Context, _ receiver.Settings, _ component.Config, next consumer.Logs) (receiver.Logs, error) {
			c.fail(nil, put(func() error { return next.ConsumeLogs(ctx, plog.NewLogs()) }))
			return &nopReceiver{}, nil
		}, component.StabilityLevelAlpha))
}

type nopReceiver struct {
	component.StartFunc
	component.ShutdownFunc
}
