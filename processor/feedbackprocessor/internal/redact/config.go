package redact

import (
	"errors"
	"fmt"
	"regexp"
	"unicode/utf8"

	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/finder"
)

// defaultReplacement tells a model that something stood there.
const defaultReplacement = "[REDACTED]"

// maxReplacement bounds a replacement, in bytes, so that redacting cannot blow up a text.
const maxReplacement = 64

// Config says what is taken out of each part of an interaction before a judge sees it.
type Config struct {
	// Finders are kinds of data: email, phone, card, iban, api_key, private_key. Default none.
	Finders []finder.Kind `mapstructure:"finders"`
	// Patterns are regular expressions in RE2 syntax that match at least one character. One whose matches depend on what
	// follows far behind, such as `key|a.*b`, is slow on hostile text; two patterns are not. Default none.
	Patterns []string `mapstructure:"patterns"`
	// Replacement stands in the place of what was found, at most 64 bytes. Default [REDACTED].
	Replacement string `mapstructure:"replacement"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var _ confmap.Validator = (*Config)(nil)

// Validate implements confmap.Validator.
func (c *Config) Validate() error {
	_, err := New(c)
	return err
}

// compile compiles what is written.
func (c *Config) compile() ([]finder.Finder, []*regexp.Regexp, error) {
	var errs []error
	finders, err := finder.Of(c.Finders)
	if err != nil {
		errs = append(errs, fmt.Errorf("`finders`: %w", err))
	}
	patterns := make([]*regexp.Regexp, 0, len(c.Patterns))
	for _, text := range c.Patterns {
		pattern, err := regexp.Compile(text)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("`patterns` has %q, which is no RE2 regular expression: %w", text, err))
		case pattern.MatchString(""):
			errs = append(errs, fmt.Errorf("`patterns` has %q, which matches nothing at all everywhere: let it ask for at least one character", text))
		default:
			patterns = append(patterns, pattern)
		}
	}
	if len(c.Replacement) > maxReplacement || !utf8.ValidString(c.Replacement) {
		errs = append(errs, fmt.Errorf("`replacement` is %d bytes long or no UTF-8: give at most %d, such as %s", len(c.Replacement), maxReplacement, defaultReplacement))
	}
	return finders, patterns, errors.Join(errs...)
}
