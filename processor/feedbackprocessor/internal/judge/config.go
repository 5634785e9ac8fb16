package judge

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/bytesize"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/library"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/limits"
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
	// Model is the key in `models` of the model to ask. Exactly one of model and models is required.
	Model string `mapstructure:"model"`
	// Models are the keys of the models of a panel, at least two different ones. All are asked at once, and their votes
	// become one value: booleans and labels by majority, numbers by the median, objects property by property.
	Models []string `mapstructure:"models"`
	// Quorum is how many models of a panel must give a valid vote; fewer are an error. Default: more than half.
	Quorum int `mapstructure:"quorum"`
	// MaxAge is how long a judgement may wait, from when it was queued, for a model whose server is down; then it ends as
	// a timeout. Default 15m; 0 does not wait.
	MaxAge time.Duration `mapstructure:"max_age"`
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
	// Prompt is the question to the model, a text/template over .Question, .Answer, .System, .Context, .ToolCalls and
	// .Expected, at least one of which it must use. Exactly one of prompt and prompt_file is required.
	Prompt string `mapstructure:"prompt"`
	// PromptFile is the path of a file that holds the prompt, at most 1 MiB.
	PromptFile string `mapstructure:"prompt_file"`
	// Output is the JSON Schema of the value. An object with a property `rationale` is asked for as it is, and its
	// rationale is the assessment's; any other value is asked for beside a rationale. Required.
	Output map[string]any `mapstructure:"output"`
	// PassWhen is an OTTL condition over `value` that says when the result counts as passed. Default: a boolean is
	// its own verdict, any other value has none.
	PassWhen string `mapstructure:"pass_when"`
	// Cohort names the judges that see the same subjects: those of one cohort draw alike, those of others independently.
	// Default `default`, for all.
	Cohort string `mapstructure:"cohort"`
	// Sampling says what is judged; the first rule that matches decides. Required.
	Sampling []sampling.RuleConfig `mapstructure:"sampling"`
	// Limits bound what the judge may spend. Default none of its own.
	Limits limits.Config `mapstructure:"limits"`
	// Shadow makes all decisions, but asks no model: what judging would cost is counted instead. Default false.
	Shadow bool `mapstructure:"shadow"`
	// Use names a judge of the library, such as relevance@1, whose prompt and output are taken. What is written beside it
	// wins; prompt, prompt_file and output need a source_id then. Default none.
	Use string `mapstructure:"use"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var (
	_ confmap.Validator   = (*Config)(nil)
	_ confmap.Unmarshaler = (*Config)(nil)
)

// NewDefaultConfig returns the configuration of a judge of which nothing is written yet.
func NewDefaultConfig() Config {
	return Config{Enabled: true, Cohort: sampling.DefaultCohort, Scope: assessment.ScopeSpan, Kinds: subject.DefaultKinds(), MaxInput: 32 << 10, MaxAge: 15 * time.Minute}
}

// ModelKeys are the keys of the models that the judge asks.
func (c *Config) ModelKeys() []string {
	if len(c.Models) > 0 {
		return c.Models
	}
	return []string{c.Model}
}

// quorum is the number of valid votes that are needed.
func (c *Config) quorum() int {
	if c.Quorum > 0 {
		return c.Quorum
	}
	return len(c.ModelKeys())/2 + 1
}

// Unmarshal implements confmap.Unmarshaler: entries of a map have no other way to their defaults.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	*c = NewDefaultConfig()
	conf, err := library.ForJudge(conf)
	if err != nil {
		return err
	}
	if conf.Get("kinds") != nil || conf.Get("scope") == string(assessment.ScopeTrace) {
		c.Kinds = nil // a shorter list would keep the tail of the default
	}
	return conf.Unmarshal(c)
}

// Validate implements confmap.Validator. It checks everything that needs neither files nor the other sections:
// whether the model exists and whether the conditions compile is the processor's to say.
func (c *Config) Validate() error {
	var errs []error
	errs = append(errs, c.validateModels())
	if c.MaxAge < 0 {
		errs = append(errs, fmt.Errorf("`max_age` is %s: give 0 or a positive duration, such as 15m", c.MaxAge))
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

func (c *Config) validateModels() error {
	var errs []error
	seen := map[string]bool{}
	for _, model := range c.Models {
		switch {
		case model == "":
			errs = append(errs, errors.New("`models` has an empty key: give keys of the processor's `models`"))
		case seen[model]:
			errs = append(errs, fmt.Errorf("`models` has %q twice: each model of a panel has one vote", model))
		}
		seen[model] = true
	}
	switch {
	case c.Model == "" && len(c.Models) == 0:
		errs = append(errs, errors.New("`model` is missing: give a key of the processor's `models`, or several as `models`"))
	case c.Model != "" && len(c.Models) > 0:
		errs = append(errs, errors.New("`model` and `models` exclude each other: give one of them"))
	case len(c.Models) == 1:
		errs = append(errs, fmt.Errorf("`models` has one model, which is no panel: give `model: %s`, or more models", c.Models[0]))
	}
	switch {
	case c.Quorum != 0 && len(c.Models) == 0:
		errs = append(errs, errors.New("`quorum` is set, but there is no panel: give `models`, or leave it out"))
	case c.Quorum < 0 || c.Quorum > len(c.Models):
		errs = append(errs, fmt.Errorf("`quorum` is %d: give 1 to %d, the number of `models`", c.Quorum, len(c.Models)))
	}
	return errors.Join(errs...)
}
