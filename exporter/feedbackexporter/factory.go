package feedbackexporter

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/exporter"

	"github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackexporter/internal/metadata"
)

// NewFactory returns the factory of the feedback exporter.
func NewFactory() exporter.Factory {
	return newFactory(openStore)
}

// newFactory makes a factory whose exporters open their store with open.
func newFactory(open openFunc) exporter.Factory {
	shared := &registry{open: open, byConfig: map[*Config]*instance{}}
	return exporter.NewFactory(
		metadata.Type,
		createDefaultConfig,
		exporter.WithTraces(func(ctx context.Context, set exporter.Settings, cfg component.Config) (exporter.Traces, error) {
			return shared.join(ctx, set, cfg.(*Config))
		}, metadata.TracesStability),
		exporter.WithLogs(func(ctx context.Context, set exporter.Settings, cfg component.Config) (exporter.Logs, error) {
			return shared.join(ctx, set, cfg.(*Config))
		}, metadata.LogsStability),
	)
}
