package check

import (
	"context"
	"fmt"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/finder"
)

const findsKey = "finds"

// FindsConfig looks for personal data and secrets in a text of at most 1 MiB; a longer one is a failed evaluation. What
// was found is told by its kind and number only.
type FindsConfig struct {
	// Any holds when at least one of these kinds of data is in the text: email, phone, card, iban, api_key,
	// private_key. Required.
	Any []finder.Kind `mapstructure:"any"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var (
	_ confmap.Validator = (*FindsConfig)(nil)
	_ kindConfig        = (*FindsConfig)(nil)
	_ kind              = (*finds)(nil)
)

// Validate implements confmap.Validator.
func (c *FindsConfig) Validate() error {
	if len(c.Any) == 0 {
		return fmt.Errorf("nothing to find: give `any` of %v", finder.Kinds())
	}
	_, err := finder.Of(c.Any)
	if err != nil {
		return fmt.Errorf("`any`: %w", err)
	}
	return nil
}

func (*FindsConfig) key() string { return findsKey }

func (*FindsConfig) fields() []field { return []field{fieldValue, fieldFound, fieldCount} }

func (*FindsConfig) reads() source { return sourceTarget }

func (c *FindsConfig) compile(component.TelemetrySettings) (kind, error) {
	finders, err := finder.Of(c.Any)
	if err != nil {
		return nil, err
	}
	return &finds{finders}, nil
}

type finds struct{ finders []finder.Finder }

func (f *finds) identity() any { return []any{findsKey, finder.Identity(f.finders)} }

func (f *finds) test(_ context.Context, in *input) *assessment.Error {
	if err := tooLarge(in.text); err != nil {
		return err
	}
	for _, one := range f.finders {
		if n := len(one.Find(in.text.raw)); n > 0 {
			in.facts.found = append(in.facts.found, string(one.Kind()))
			in.facts.count += n
		}
	}
	in.facts.holds = in.facts.count > 0
	return nil
}
