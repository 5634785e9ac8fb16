package feedbackprocessor

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"

	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/metadata"
)

// NewFactory returns the factory of the feedback processor.
func NewFactory() processor.Factory {
	return processor.NewFactory(
		metadata.Type,
		createDefaultConfig,
		processor.WithTraces(createTraces, metadata.TracesStability),
		processor.WithLogs(createLogs, metadata.LogsStability),
	)
}

func createTraces(_ context.Context, set processor.Settings, cfg component.Config, next consumer.Traces) (processor.Traces, error) {
	shared, err := instances.join(cfg.(*Config), set, nil) //nolint:contextcheck // compiling waits for nothing
	if err != nil {
		return nil, err
	}
	return &tracesNode{instance: shared, next: next}, nil
}

func createLogs(_ context.Context, set processor.Settings, cfg component.Config, next consumer.Logs) (processor.Logs, error) {
	shared, err := instances.join(cfg.(*Config), set, next) //nolint:contextcheck // compiling waits for nothing
	if err != nil {
		return nil, err
	}
	return &logsNode{instance: shared, next: next}, nil
}
