package check

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/library"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/subject"
)

// Config is one check, an entry of `checks`; the entry's key is the assessment's name. It has exactly one of the kinds
// of check from contains to cost, or parts.
//
// The value is whether the check holds; for ottl it is what it computes, and for latency, tokens and cost the number.
// That of parts is {"overall_score": passed parts / all parts, "details": {<part>: whether it holds, "rationale":
// [texts]}}.
type Config struct {
	// Use is an entry of the library with its version, such as email@1: its keys are the defaults of this check, and
	// what is written beside it wins. Default none.
	Use string `mapstructure:"use"`
	// Enabled turns the check on. Default true.
	Enabled bool `mapstructure:"enabled"`
	// SourceID is the source id of the results. Default: the check's name, `@` and the first 8 digits of its
	// fingerprint, so that a changed check is a new source.
	SourceID string `mapstructure:"source_id"`
	// Scope says what is checked: `span`, each span of the kinds, or `trace`, the whole trace once its root span
	// arrives, with the spans of it that are in the same batch; ottl sees the root span. Default span.
	Scope assessment.Scope `mapstructure:"scope"`
	// Kinds are the kinds of interactions that the check sees; none with scope trace. Default [llm].
	Kinds []genai.Kind `mapstructure:"kinds"`
	// Conditions are OTTL conditions in span context; any one may match. Default none: all spans of the kinds.
	Conditions []string `mapstructure:"conditions"`
	// Target is the text that is tested: answer, question, system, context or tool_calls. Beside parts it is the
	// default of the parts; ottl, tool_arguments, latency, tokens and cost have none. Default answer.
	Target genai.Part `mapstructure:"target"`
	// Expect is the outcome with which the check passes. Default true.
	Expect *bool `mapstructure:"expect"`
	// Explain is the rationale of a result that does not pass, a text/template over what the kind of check found out:
	// .Value (all but parts), .Found (contains, finds, refusal, urls), .Missing (contains), .Count (finds, urls), .Length
	// (length), .Share (repetition), .Problem (json, tool_arguments, latency, tokens, cost). Default none.
	Explain string `mapstructure:"explain"`
	// ExplainPassed is the rationale of a result that passes, a template like Explain. Default none.
	ExplainPassed string `mapstructure:"explain_passed"`

	// Contains looks for terms.
	Contains *ContainsConfig `mapstructure:"contains"`
	// Matches looks for a regular expression.
	Matches *MatchesConfig `mapstructure:"matches"`
	// Length holds the text's length against bounds.
	Length *LengthConfig `mapstructure:"length"`
	// JSON asks whether the text is JSON, and whether it follows a schema.
	JSON *JSONConfig `mapstructure:"json"`
	// OTTL computes a value or a condition from the span.
	OTTL *OTTLConfig `mapstructure:"ottl"`
	// Finds looks for personal data and secrets.
	Finds *FindsConfig `mapstructure:"finds"`
	// Refusal asks whether the text begins by refusing.
	Refusal *RefusalConfig `mapstructure:"refusal"`
	// Repetition holds the share of the text that says again what it said against a bound.
	Repetition *RepetitionConfig `mapstructure:"repetition"`
	// URLs holds the hosts of the text's URLs against lists.
	URLs *URLsConfig `mapstructure:"urls"`
	// ToolArguments holds tool calls against the definitions of the tools.
	ToolArguments *ToolArgumentsConfig `mapstructure:"tool_arguments"`
	// Latency holds the span's duration against a bound.
	Latency *LatencyConfig `mapstructure:"latency"`
	// Tokens holds the numbers of tokens against bounds.
	Tokens *TokensConfig `mapstructure:"tokens"`
	// Cost holds the cost against a bound.
	Cost *CostConfig `mapstructure:"cost"`

	// Parts are the parts of a composite, by name. It passes when all of them pass; its rationale is what they explain,
	// joined by "; ".
	Parts map[string]*PartConfig `mapstructure:"parts"`
	// Order names parts in the order in which details and rationale show them, because a collector's configuration
	// does not keep the order of a mapping. Parts that it leaves out follow: those that must hold before those that
	// must not (`expect: false`), in each by kind, in the order of the keys here, then by name.
	Order []string `mapstructure:"order"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// PartConfig is one part of a composite. It has exactly one of the kinds of check; ottl is a condition.
type PartConfig struct {
	// Use is an entry of the library, as in Config. Default none.
	Use string `mapstructure:"use"`
	// Target is the text that is tested. Default: the composite's.
	Target genai.Part `mapstructure:"target"`
	// Expect is the outcome with which the part passes. Default true.
	Expect *bool `mapstructure:"expect"`
	// Explain is what the part adds to the rationale when it does not pass, as in Config. Default nothing.
	Explain string `mapstructure:"explain"`

	// Contains looks for terms.
	Contains *ContainsConfig `mapstructure:"contains"`
	// Matches looks for a regular expression.
	Matches *MatchesConfig `mapstructure:"matches"`
	// Length holds the text's length against bounds.
	Length *LengthConfig `mapstructure:"length"`
	// JSON asks whether the text is JSON, and whether it follows a schema.
	JSON *JSONConfig `mapstructure:"json"`
	// OTTL asks for a condition on the span.
	OTTL *OTTLConfig `mapstructure:"ottl"`
	// Finds looks for personal data and secrets.
	Finds *FindsConfig `mapstructure:"finds"`
	// Refusal asks whether the text begins by refusing.
	Refusal *RefusalConfig `mapstructure:"refusal"`
	// Repetition holds the share of the text that says again what it said against a bound.
	Repetition *RepetitionConfig `mapstructure:"repetition"`
	// URLs holds the hosts of the text's URLs against lists.
	URLs *URLsConfig `mapstructure:"urls"`
	// ToolArguments holds tool calls against the definitions of the tools.
	ToolArguments *ToolArgumentsConfig `mapstructure:"tool_arguments"`
	// Latency holds the span's duration against a bound.
	Latency *LatencyConfig `mapstructure:"latency"`
	// Tokens holds the numbers of tokens against bounds.
	Tokens *TokensConfig `mapstructure:"tokens"`
	// Cost holds the cost against a bound.
	Cost *CostConfig `mapstructure:"cost"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var (
	_ confmap.Validator   = (*Config)(nil)
	_ confmap.Unmarshaler = (*Config)(nil)
	_ confmap.Validator   = (*PartConfig)(nil)
	_ confmap.Unmarshaler = (*PartConfig)(nil)
)

// NewDefaultConfig returns the configuration of a check of which nothing is written yet.
func NewDefaultConfig() Config {
	return Config{Enabled: true, Scope: assessment.ScopeSpan, Kinds: subject.DefaultKinds()}
}

// Unmarshal implements confmap.Unmarshaler: entries of a map have no other way to their defaults.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	*c = NewDefaultConfig()
	conf, err := library.ForCheck(conf)
	if err != nil {
		return err
	}
	for _, key := range conf.AllKeys() {
		part, isPart := strings.CutPrefix(key, "parts"+confmap.KeyDelimiter)
		isPart = isPart && !strings.Contains(part, confmap.KeyDelimiter)
		if (isPart || key == "enabled" || key == "kinds") && conf.Get(key) == nil {
			conf.Delete(key) // null: a key counts as absent, a part is removed
		}
	}
	if conf.IsSet("kinds") || conf.Get("scope") == string(assessment.ScopeTrace) {
		c.Kinds = nil // a shorter list would keep the tail of the default
	}
	return conf.Unmarshal(c)
}

// Unmarshal implements confmap.Unmarshaler, for Use.
func (c *PartConfig) Unmarshal(conf *confmap.Conf) error {
	conf, err := library.ForCheck(conf)
	if err != nil {
		return err
	}
	return conf.Unmarshal(c)
}

// Validate implements confmap.Validator. It reads no files; whether the conditions compile is the processor's to say.
func (c *Config) Validate() error {
	errs := []error{subject.Validate(c.Scope, c.Kinds)}
	r := c.rule()
	if c.Parts == nil {
		if len(c.Order) > 0 {
			errs = append(errs, errors.New("`order` orders `parts`, which are missing"))
		}
		return errors.Join(append(errs, r.validate(choices+", parts"))...)
	}
	return errors.Join(append(errs, validateTarget(c.Target), c.validateComposite(r))...)
}

// Validate implements confmap.Validator.
func (c *PartConfig) Validate() error {
	r := c.rule()
	errs := []error{r.validate(choices)}
	if c.OTTL != nil && c.OTTL.Value != "" {
		errs = append(errs, errors.New("`ottl` has a `value`: a part passes or not, give a `condition`"))
	}
	return errors.Join(errs...)
}

// targets are the parts of an interaction that can be tested; the first one is the default.
var targets = []genai.Part{
	genai.PartAnswer, genai.PartQuestion, genai.PartSystem, genai.PartContext, genai.PartToolCalls,
}

func validateTarget(target genai.Part) error {
	if target != "" && !slices.Contains(targets, target) {
		return fmt.Errorf("`target` is %q: give one of %v", target, targets)
	}
	return nil
}
