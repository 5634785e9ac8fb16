package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/component"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

// kind is one kind of check, compiled.
type kind interface {
	// test puts the outcome, and what can be said about it, into in.facts, or the state that says why there was nothing
	// to test. The error's message never quotes content.
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
	// reads is what the kind looks at.
	reads() source
	compile(set component.TelemetrySettings) (kind, error)
}

// source is what a kind of check looks at.
type source uint8

const (
	sourceTarget source = iota // the text that target names
	sourceCalls                // the tool calls
	sourceSpan                 // the span, or what is known of it beside its texts
)

// kindOrder is the order in which the kinds are documented.
var kindOrder = []string{
	containsKey, matchesKey, lengthKey, jsonKey, ottlKey,
	findsKey, refusalKey, repetitionKey, urlsKey, toolArgumentsKey, latencyKey, tokensKey, costKey,
}

// choices are what a check or a part can be of.
var choices = strings.Join(kindOrder, ", ")

// ruleConfig is what a check and a part of a composite have in common.
type ruleConfig struct {
	kinds                  []kindConfig
	target                 genai.Part
	expect                 *bool
	explain, explainPassed string
}

func (c *Config) rule() ruleConfig {
	return ruleConfig{kindsOf(
		c.Contains, c.Matches, c.Length, c.JSON, c.OTTL,
		c.Finds, c.Refusal, c.Repetition, c.URLs, c.ToolArguments, c.Latency, c.Tokens, c.Cost,
	), c.Target, c.Expect, c.Explain, c.ExplainPassed}
}

func (c *PartConfig) rule() ruleConfig {
	return ruleConfig{kindsOf(
		c.Contains, c.Matches, c.Length, c.JSON, c.OTTL,
		c.Finds, c.Refusal, c.Repetition, c.URLs, c.ToolArguments, c.Latency, c.Tokens, c.Cost,
	), c.Target, c.Expect, c.Explain, ""}
}

// kindsOf lists the kinds that are written.
func kindsOf(all ...kindConfig) []kindConfig {
	return slices.DeleteFunc(all, func(one kindConfig) bool { return reflect.ValueOf(one).IsNil() })
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
		if c.target != "" {
			switch c.kinds[0].reads() {
			case sourceSpan:
				errs = append(errs, fmt.Errorf("`target` is %q, but `%s` reads the span itself: leave it out", c.target, key))
			case sourceCalls:
				errs = append(errs, fmt.Errorf("`target` is %q, but `%s` reads the tool calls: leave it out", c.target, key))
			}
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
	switch cfg.reads() {
	case sourceSpan:
		r.target = -1
	case sourceCalls:
		r.target = slices.Index(targets, genai.PartToolCalls)
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
	failed := r.kind.test(ctx, in)
	return cmp.Or(in.facts.state, genai.StateText), failed
}
