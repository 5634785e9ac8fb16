package check

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

const matchesKey = "matches"

// maxParsed bounds, in bytes, the texts that are matched or parsed: checks run while the span waits.
const maxParsed = 1 << 20

// MatchesConfig looks for a regular expression in a text of at most 1 MiB; a longer one is a failed evaluation.
type MatchesConfig struct {
	// Pattern is a regular expression in RE2 syntax; it may match anywhere unless it has anchors. Required.
	Pattern string `mapstructure:"pattern"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var (
	_ confmap.Validator = (*MatchesConfig)(nil)
	_ kindConfig        = (*MatchesConfig)(nil)
	_ kind              = (*matches)(nil)
)

// Validate implements confmap.Validator.
func (c *MatchesConfig) Validate() error {
	if c.Pattern == "" {
		return errors.New("`pattern` is missing: give a regular expression, such as '(?i)^\\s*select\\b'")
	}
	if _, err := regexp.Compile(c.Pattern); err != nil {
		return fmt.Errorf("`pattern` is no RE2 regular expression: %w", err)
	}
	return nil
}

func (*MatchesConfig) key() string { return matchesKey }

func (*MatchesConfig) fields() []field { return []field{fieldValue} }

func (*MatchesConfig) reads() source { return sourceTarget }

func (c *MatchesConfig) compile(component.TelemetrySettings) (kind, error) {
	pattern, err := regexp.Compile(c.Pattern)
	if err != nil {
		return nil, err
	}
	return &matches{pattern}, nil
}

type matches struct{ pattern *regexp.Regexp }

func (m *matches) identity() any { return []any{matchesKey, m.pattern.String()} }

func (m *matches) test(_ context.Context, in *input) *assessment.Error {
	if err := tooLarge(in.text); err != nil {
		return err
	}
	in.facts.holds = m.pattern.MatchString(in.text.raw)
	return nil
}

func tooLarge(t *text) *assessment.Error {
	if len(t.raw) <= maxParsed {
		return nil
	}
	return failure("too_large", fmt.Sprintf("the text has %d bytes, at most %d are checked", len(t.raw), maxParsed))
}
