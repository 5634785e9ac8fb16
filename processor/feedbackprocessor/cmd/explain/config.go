package main

import (
	"context"
	"fmt"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/envprovider"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"

	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor"
)

// loadConfig loads the section of one processor from a collector's configuration, as the collector does; without a
// file it is the default.
func loadConfig(ctx context.Context, file, name string) (*feedbackprocessor.Config, component.ID, error) {
	factory := feedbackprocessor.NewFactory()
	config := factory.CreateDefaultConfig().(*feedbackprocessor.Config)
	id := component.NewID(factory.Type())
	if err := id.UnmarshalText([]byte(name)); err != nil {
		return nil, id, fmt.Errorf("-id %q: %w", name, err)
	}
	if file == "" {
		return config, id, nil
	}
	resolver, err := confmap.NewResolver(confmap.ResolverSettings{
		URIs:              []string{file},
		ProviderFactories: []confmap.ProviderFactory{fileprovider.NewFactory(), envprovider.NewFactory()},
		DefaultScheme:     "file",
	})
	if err != nil {
		return nil, id, err
	}
	whole, err := resolver.Resolve(ctx)
	if err != nil {
		return nil, id, fmt.Errorf("configuration: %w", err)
	}
	key := "processors" + confmap.KeyDelimiter + id.String()
	if !whole.IsSet(key) {
		return nil, id, fmt.Errorf("%s has no processor %q", file, id)
	}
	section, err := whole.Sub(key)
	if err != nil {
		return nil, id, fmt.Errorf("%s: %s: %w", file, key, err)
	}
	if err := section.Unmarshal(config); err != nil {
		return nil, id, fmt.Errorf("%s: %s: %w", file, key, err)
	}
	if err := confmap.Validate(config); err != nil {
		return nil, id, fmt.Errorf("%s: %s: %w", file, key, err)
	}
	return config, id, resolver.Shutdown(ctx)
}
