package embeddedredisextension

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"

	"github.com/otelcol-feedback/otelcol-feedback/extension/embeddedredisextension/internal/metadata"
)

// NewFactory returns the factory of the embedded_redis extension.
func NewFactory() extension.Factory {
	return extension.NewFactory(metadata.Type, createDefaultConfig, create, metadata.ExtensionStability)
}

func createDefaultConfig() component.Config {
	return &Config{Endpoint: defaultEndpoint}
}

func create(_ context.Context, set extension.Settings, cfg component.Config) (extension.Extension, error) {
	return newEmbeddedRedis(cfg.(*Config), set.Logger), nil
}
