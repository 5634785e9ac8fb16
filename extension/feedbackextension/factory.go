package feedbackextension

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/metadata"
)

// NewFactory returns the factory of the feedback extension.
func NewFactory() extension.Factory {
	return extension.NewFactory(metadata.Type, createDefaultConfig, create, metadata.ExtensionStability)
}

func create(_ context.Context, set extension.Settings, cfg component.Config) (extension.Extension, error) {
	return newFeedbackExtension(set, cfg.(*Config))
}
