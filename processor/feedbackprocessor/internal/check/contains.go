package check

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

const containsKey = "contains"

// ContainsConfig looks for terms in a text. It needs any or all; with both, both must hold.
type ContainsConfig struct {
	// Any holds when at least one of these terms is in the text.
	Any []string `mapstructure:"any"`
	// All holds when every one of these terms is in the text.
	All []string `mapstructure:"all"`
	// IgnoreCase compares text and terms in lower case, by Unicode's full mapping. Default false.
	IgnoreCase bool `mapstructure:"ignore_case"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var (
	_ confmap.Validator = (*ContainsConfig)(nil)
	_ kindConfig        = (*ContainsConfig)(nil)
	_ kind              = (*contains)(nil)
)

// Validate implements confmap.Validator.
func (c *ContainsConfig) Validate() error {
	if len(c.Any) == 0 && len(c.All) == 0 {
		return errors.New("no terms: give `any`, `all` or both, such as any: [guaranteed returns, risk-free]")
	}
	if slices.Contains(c.Any, "") || slices.Contains(c.All, "") {
		return errors.New("a term is empty, which every text contains: remove it")
	}
	return nil
}

func (*ContainsConfig) key() string { return containsKey }

func (*ContainsConfig) fields() []field { return []field{fieldValue, fieldFound, fieldMissing} }

func (*ContainsConfig) reads() source { return sourceTarget }

func (c *ContainsConfig) compile(component.TelemetrySettings) (kind, error) {
	return &contains{cfg: *c, any: newTerms(c.Any, c.IgnoreCase), all: newTerms(c.All, c.IgnoreCase)}, nil
}

// term is what is looked for, and how it is written in the configuration.
type term struct {
	needle string
	folded []byte // nil where case counts
	text   string
}

func newTerms(texts []string, ignoreCase bool) []term {
	list := make([]term, len(texts))
	for i, text := range texts {
		list[i] = term{needle: text, text: text}
		if ignoreCase {
			list[i].folded, _ = appendLower(nil, text)
		}
	}
	return list
}

type contains struct {
	cfg      ContainsConfig
	any, all []term
}

func (c *contains) identity() any {
	return []any{containsKey, c.cfg.Any, c.cfg.All, c.cfg.IgnoreCase}
}

// test looks for every term, although fewer may decide: the explanation lists them.
func (c *contains) test(_ context.Context, in *input) *assessment.Error {
	f := &in.facts
	for i := range c.any {
		if c.any[i].in(in.text) {
			f.found = append(f.found, c.any[i].text)
		}
	}
	f.holds = len(c.any) == 0 || len(f.found) > 0
	for i := range c.all {
		if c.all[i].in(in.text) {
			f.found = append(f.found, c.all[i].text)
		} else {
			f.missing = append(f.missing, c.all[i].text)
			f.holds = false
		}
	}
	return nil
}

func (t *term) in(text *text) bool {
	if t.folded != nil {
		return bytes.Contains(text.lowered(), t.folded)
	}
	return strings.Contains(text.raw, t.needle)
}
