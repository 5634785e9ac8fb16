package judge

import (
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/bytesize"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/sampling"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/subject"
)

const (
	minInput = bytesize.Size(256)
	maxInput = 4 * bytesize.MiB
)

// Config is one judge, an entry of `judges`; the entry's key is the assessment's name.
type Config struct {
	// Enabled turns the judge on. Default true.
	Enabled bool `mapstructure:"enabled"`
	// SourceID is the source id of the results. Default: the judge's name, `@` and the first 8 digits of its
	// fingerprint, so that a changed prompt is a new source.
	SourceID string `mapstructure:"source_id"`
	// Model is the key in `models` of the model to ask. Required.
	Model string `mapstructure:"model"`
	// Scope says what is judged: `span`, each span of the kinds, or `trace`, the whole trace once its root span arrives,
	// with the spans of it that are in the same batch. Default span.
	Scope assessment.Scope `mapstructure:"scope"`
	// Kinds are the kinds of interactions that the judge sees; none with scope trace. Default [llm].
	Kinds []genai.Kind `mapstructure:"kinds"`
	// Conditions are OTTL conditions in span context; any one may match. Default none: all spans of the kinds.
	Conditions []string `mapstructure:"conditions"`
	// MaxInput bounds the text of the interaction in a prompt, over all its parts, in bytes; longer text is cut and
	// the result's metadata says so. From 256 bytes to 4MiB. Default 32KiB.
	MaxInput bytesize.Size `mapstructure:"max_input"`
	// Prompt is the question to the model, a text/template over .Question, .Answer, .System, .Context and
	// .ToolCalls, at least one of which it must use. Exactly one of prompt and prompt_file is required.
	Prompt string `mapstructure:"prompt"`
	// PromptFile is the path of a file that holds the prompt, at most 1 MiB.
	PromptFile string `mapstructure:"prompt_file"`
	// Output is the JSON Schema of the value. An object with a property `rationale` is asked for as it is, and its
	// rationale is the assessment's; any other value is asked for beside a rationale. Required.
	Output map[string]any `mapstructure:"output"`
	// PassWhen is an OTTL condition over `value` that says when the result counts as passed. Default: a boolean is
	// its own verdict, any other value has none.
	PassWhen string `mapstructure:"pass_when"`
	// Sampling says what is judged; the first rule that matches decides. Required.
	Sampling []sampling.RuleConfig `mapstructure:"sampling"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var (
	_ confmap.Validator   = (*Config)(nil)
	_ confmap.Unmarshaler = (*Config)(nil)
)

// NewDefaultConfig returns the configuration of a judge of which nothing is written yet.
func NewDefaultConfig() Config {
	return Config{Enabled: true, Scope: assessment.ScopeSpan, Kinds: subject.DefaultKinds(), MaxInput: 32 << 10}
}

// Unmarshal implements confmap.Unmarshaler: entries of a map have no other way to their defaults.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	*c = NewDefaultConfig()
	if conf.Get("kinds") != nil || conf.Get("scope") == string(assessment.ScopeTrace) {
		c.Kinds = nil // a shorter list would keep the tail of the default
	}
	return conf.Unmarshal(c)
}

// Validate implements confmap.Validator. It checks everything that needs neither files nor the other sections:
// whether the model exists and whether the conditions compile is the processor's to say.
func (c *Config) Validate() error {
	var errs []error
	if c.Model == "" {
		errs = append(errs, errors.New("`model` is missing: give a key of `models`"))
	}
	errs = append(errs, subject.Validate(c.Scope, c.Kinds))
	if c.MaxInput < minInput || c.MaxInput > maxInput {
		errs = append(errs, fmt.Errorf("`max_input` is %s: give a size from %s to %s, such as 32KiB", c.MaxInput, minInput, maxInput))
	}
	if len(c.Sampling) == 0 {
		errs = append(errs, errors.New("`sampling` is missing: say what is judged, such as [{name: all, rate: 0.05}]"))
	}
	switch {
	case c.Prompt == "" && c.PromptFile == "":
		errs = append(errs, errors.New("`prompt` is missing: give `prompt` or `prompt_file`"))
	case c.Prompt != "" && c.PromptFile != "":
		errs = append(errs, errors.New("`prompt` and `prompt_file` exclude each other: give one of them"))
	case c.Prompt != "":
		if _, err := parsePrompt(c.Prompt); err != nil {
			errs = append(errs, fmt.Errorf("`prompt`: %w", err))
		}
	}
	output, err := newOutputForm("judge", c.Output)
	if err != nil {
		return errors.Join(append(errs, fmt.Errorf("`output`: %w", err))...)
	}
	if _, err := newPassRule(c.PassWhen, output, component.TelemetrySettings{Logger: zap.NewNop()}); err != nil {
		errs = append(errs, fmt.Errorf("`pass_when`: %w", err))
	}
	return errors.Join(errs...)
}
