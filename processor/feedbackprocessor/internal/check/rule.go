package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/component"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

// kind is one kind of check, compiled.
type kind interface {
	// test puts the outcome, and what can be said about it, into in.facts. The error's message never quotes content.
	test(ctx context.Context, in *input) *assessment.Error
	// identity is all that shapes the outcome, in a form that encoding/json writes in one way.
	identity() any
}

// kindConfig is the configuration of one kind of check.
type kindConfig interface {
	// key is the kind's key in the configuration.
	key() string
	// fields are what `explain` can show.
	fields() []field
	compile(set component.TelemetrySettings) (kind, error)
}

// ruleConfig is what a check and a part of a composite have in common.
type ruleConfig struct {
	kinds                  []kindConfig
	target                 genai.Part
	expect                 *bool
	explain, explainPassed string
}

func (c *Config) rule() ruleConfig {
	return ruleConfig{kindsOf(c.Contains, c.Matches, c.Length, c.JSON, c.OTTL), c.Target, c.Expect, c.Explain, c.ExplainPassed}
}

func (c *PartConfig) rule() ruleConfig {
	return ruleConfig{kindsOf(c.Contains, c.Matches, c.Length, c.JSON, c.OTTL), c.Target, c.Expect, c.Explain, ""}
}

// kindsOf lists the kinds that are written, in the order in which they are documented.
func kindsOf(contains *ContainsConfig, matches *MatchesConfig, length *LengthConfig, json *JSONConfig, ottl *OTTLConfig) []kindConfig {
	var kinds []kindConfig
	if contains != nil {
		kinds = append(kinds, contains)
	}
	if matches != nil {
		kinds = append(kinds, matches)
	}
	if length != nil {
		kinds = append(kinds, length)
	}
	if json != nil {
		kinds = append(kinds, json)
	}
	if ottl != nil {
		kinds = append(kinds, ottl)
	}
	return kinds
}

func (c *ruleConfig) validate(choices string) error {
	errs := []error{validateTarget(c.target)}
	switch len(c.kinds) {
	case 0:
		errs = append(errs, fmt.Errorf("nothing to check: give exactly one of %s", choices))
	case 1:
		fields, key := c.kinds[0].fields(), c.kinds[0].key()
		for _, text := range []struct{ key, text string }{{"explain", c.explain}, {"explain_passed", c.explainPassed}} {
			if _, err := newExplanation(text.text, key, fields); err != nil {
				errs = append(errs, fmt.Errorf("`%s`: %w", text.key, err))
			}
		}
		if key == ottlKey && c.target != "" {
			errs = append(errs, fmt.Errorf("`target` is %q, but `ottl` reads the span itself: leave it out", c.target))
		}
	default:
		keys := make([]string, len(c.kinds))
		for i, kind := range c.kinds {
			keys[i] = kind.key()
		}
		errs = append(errs, fmt.Errorf("%s exclude each other: give exactly one of %s", strings.Join(keys, " and "), choices))
	}
	return errors.Join(errs...)
}

func (c *ruleConfig) expects() bool { return c.expect == nil || *c.expect }

// rule is one thing that is tested, compiled.
type rule struct {
	kind kind
	// target indexes targets; it is -1 where no text is needed.
	target                 int
	expect                 bool
	explain, explainPassed *explanation
}

func (c *ruleConfig) compile(set component.TelemetrySettings) (rule, error) {
	cfg := c.kinds[0]
	compiled, err := cfg.compile(set)
	if err != nil {
		return rule{}, fmt.Errorf("`%s`: %w", cfg.key(), err)
	}
	r := rule{kind: compiled, target: max(0, slices.Index(targets, c.target)), expect: c.expects()}
	if cfg.key() == ottlKey {
		r.target = -1
	}
	if r.explain, err = newExplanation(c.explain, cfg.key(), cfg.fields()); err != nil {
		return rule{}, fmt.Errorf("`explain`: %w", err)
	}
	if r.explainPassed, err = newExplanation(c.explainPassed, cfg.key(), cfg.fields()); err != nil {
		return rule{}, fmt.Errorf("`explain_passed`: %w", err)
	}
	return r, nil
}

func (r *rule) identity() any {
	target := ""
	if r.target >= 0 {
		target = string(targets[r.target])
	}
	return []any{r.kind.identity(), target, r.expect, r.explain.source(), r.explainPassed.source()}
}

// test leaves the outcome in in.facts; any other state than text says that there was nothing to test.
func (r *rule) test(ctx context.Context, in *input) (genai.State, *assessment.Error) {
	if r.target >= 0 {
		if state := in.use(r.target); state != genai.StateText {
			return state, nil
		}
	}
	in.facts.reset()
	return genai.StateText, r.kind.test(ctx, in)
}
