package feedbackprocessor

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/confmap"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/check"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/join"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/judge"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/limits"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/queue"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/reading"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/redact"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/sampling"
)

// ResultsMode says how results that are ready when their span leaves are sent.
type ResultsMode string

// The modes of `results`.
const (
	// ResultsEvents puts them on the span, as span events.
	ResultsEvents ResultsMode = "events"
	// ResultsLogs sends them through the logs pipeline, as late verdicts always are.
	ResultsLogs ResultsMode = "logs"
)

// maxNameLength bounds an evaluator's name, in bytes: MLflow's column for it holds no more.
const maxNameLength = 250

// Config configures the feedback processor. Evaluators and models are maps keyed by name, so that several files
// merge; a null entry counts as absent.
type Config struct {
	// ErrorMode says what a condition's error does beside not matching and being counted: `ignore`, the default,
	// logs the first one of each condition, `silent` none.
	ErrorMode ottl.ErrorMode `mapstructure:"error_mode"`
	// Results says how checks' results are sent: `events`, the default, on the span itself, or `logs`, as log
	// records, which leaves spans untouched and needs the processor in exactly one logs pipeline.
	Results ResultsMode `mapstructure:"results"`
	// Read says in OTTL where spans keep question, answer, system text, context and conversation id, and wins over what
	// conventions say. Default none: conventions are known.
	Read reading.Config `mapstructure:"read"`
	// JoinLogs bounds how text that arrives in log records waits for its span, and spans for it; it needs the processor
	// in exactly one logs pipeline, through which the results of what waited leave.
	JoinLogs join.Config `mapstructure:"join_logs"`
	// Checks are evaluated in code, on every matching span. The key is the assessment's name. Default none.
	Checks map[string]*check.Config `mapstructure:"checks"`
	// Models are the language models that judges ask. Default none.
	Models map[string]*judge.ModelConfig `mapstructure:"models"`
	// Judges ask a language model about sampled spans, in the background. The key is the assessment's name. They
	// need the processor in exactly one logs pipeline, through which their verdicts leave. Default none.
	Judges map[string]*judge.Config `mapstructure:"judges"`
	// Redact is taken out of what judges see before it is queued. Default nothing.
	Redact redact.Config `mapstructure:"redact"`
	// Limits bound what all judges together may spend, and say how it is counted. Default 600 calls a minute.
	Limits limits.GlobalConfig `mapstructure:"limits"`
	// JudgeCache bounds the verdicts that are kept in memory, so that the same content is not judged twice: `window`,
	// default 1h, and `size`, default 10000.
	JudgeCache judge.CacheConfig `mapstructure:"judge_cache"`
	// AnnotateDecisions writes what each judge decided about a span onto it, as attributes of an event
	// `feedback.decision`, for finding out about a single span. Default false.
	AnnotateDecisions bool `mapstructure:"annotate_decisions"`
	// TrustUpstream believes results and decisions in the names of this processor's evaluators that come with a span:
	// those of a collector in front that runs the same configuration. They are kept, and not made again. Default false:
	// they are removed, because anyone could write them.
	TrustUpstream bool `mapstructure:"trust_upstream"`
	// JudgeQueue bounds what waits for each judge: `num_consumers` (workers, default 8), `queue_size` (judgements
	// waiting or under way, default 10000), `storage` (an extension that keeps them over a restart, default none).
	JudgeQueue queue.Config `mapstructure:"judge_queue"`
	// JudgeRetry says how calls that may succeed later are made again. Default: from 1s, for at most 60s.
	JudgeRetry configretry.BackOffConfig `mapstructure:"judge_retry"`
	// ShutdownTimeout is how long judgements may go on once the collector stops; sending their verdicts may take 2s
	// longer. Default 3s; 0 stops at once.
	ShutdownTimeout time.Duration `mapstructure:"shutdown_timeout"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var (
	_ component.Config    = (*Config)(nil)
	_ confmap.Validator   = (*Config)(nil)
	_ confmap.Unmarshaler = (*Config)(nil)
)

func createDefaultConfig() component.Config {
	retry := configretry.NewDefaultBackOffConfig()
	retry.InitialInterval = time.Second
	retry.MaxElapsedTime = time.Minute
	return &Config{
		ErrorMode:       ottl.IgnoreError,
		Results:         ResultsEvents,
		JoinLogs:        join.NewDefaultConfig(),
		Limits:          limits.NewDefaultGlobalConfig(),
		JudgeCache:      judge.NewDefaultCacheConfig(),
		JudgeQueue:      queue.NewDefaultConfig(),
		JudgeRetry:      retry,
		ShutdownTimeout: 3 * time.Second,
	}
}

// Unmarshal implements confmap.Unmarshaler: null keys and entries are removed. Plain decoding would turn a null entry
// into one with nothing set, and a null key, such as one whose environment variable is unset, into zero: off, or
// without a bound.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	removeNulls(conf, "", conf.ToStringMap())
	return conf.Unmarshal(c)
}

// foreignMaps are the keys of maps that are handed on as they are; a null in a JSON Schema has a meaning.
var foreignMaps = []string{"parameters", "output", "schema"}

// removeNulls removes the nulls of a section, whose keys begin with path.
func removeNulls(conf *confmap.Conf, path string, section map[string]any) {
	inEntry := strings.Count(path, confmap.KeyDelimiter) > 1 // above it, a key may be an entry's name
	for key, value := range section {
		switch child := value.(type) {
		case nil:
			conf.Delete(path + key)
		case map[string]any:
			if !inEntry || !slices.Contains(foreignMaps, key) {
				removeNulls(conf, path+key+confmap.KeyDelimiter, child)
			}
		}
	}
}

// Validate implements confmap.Validator. The sections check themselves; here is what lies between them.
func (c *Config) Validate() error {
	var errs []error
	if c.ErrorMode != ottl.IgnoreError && c.ErrorMode != ottl.SilentError {
		errs = append(errs, fmt.Errorf("`error_mode` is %q: give ignore or silent", c.ErrorMode))
	}
	if c.Results != ResultsEvents && c.Results != ResultsLogs {
		errs = append(errs, fmt.Errorf("`results` is %q: give events or logs", c.Results))
	}
	if c.ShutdownTimeout < 0 {
		errs = append(errs, fmt.Errorf("`shutdown_timeout` is %s: give 0 or a positive duration, such as 3s", c.ShutdownTimeout))
	}
	if err := queue.Validate(&c.JudgeQueue); err != nil {
		errs = append(errs, fmt.Errorf("`judge_queue`: %w", err))
	}
	for _, name := range sortedKeys(c.Checks) {
		errs = append(errs, prefixed("checks", name, nameError(name), sourceError(name, c.Checks[name].SourceID), conditionsError(c.Checks[name].Conditions)))
	}
	for _, name := range sortedKeys(c.Judges) {
		config := c.Judges[name]
		errs = append(errs, prefixed("judges", name,
			nameError(name), sourceError(name, config.SourceID), conditionsError(config.Conditions), c.modelError(config), c.priceError(config), sampling.ValidateRules(config.Sampling, c.checksOf(config.Scope)), sampling.ValidateCohort(config.Cohort)))
		if _, ok := c.Checks[name]; ok {
			errs = append(errs, fmt.Errorf("%q is the name of a check and of a judge: assessments are told apart by it, rename one of them", name))
		}
	}
	return errors.Join(errs...)
}

// modelError says that a judge names a model that does not exist. That a name is missing, the judge says itself.
func (c *Config) modelError(config *judge.Config) error {
	known := "`models` has none"
	if len(c.Models) > 0 {
		known = "known are " + strings.Join(sortedKeys(c.Models), ", ")
	}
	var errs []error
	for _, model := range config.ModelKeys() {
		if _, ok := c.Models[model]; ok || model == "" {
			continue
		}
		if len(config.Models) > 0 {
			errs = append(errs, fmt.Errorf("`models` names %q, which is not in the processor's `models`: %s", model, known))
		} else {
			errs = append(errs, fmt.Errorf("`model` is %q, which is not in `models`: %s", model, known))
		}
	}
	return errors.Join(errs...)
}

// priceError says that dollars are limited whose number nobody knows.
func (c *Config) priceError(config *judge.Config) error {
	var limited string
	switch {
	case config.Limits.USDPerDay > 0:
		limited = "`limits::usd_per_day`"
	case slices.ContainsFunc(config.Sampling, func(rule sampling.RuleConfig) bool { return rule.Limits.USDPerDay > 0 }):
		limited = "`usd_per_day` of a sampling rule"
	case c.Limits.Limits.USDPerDay > 0:
		limited = "`limits::usd_per_day` of the processor"
	default:
		return nil
	}
	var errs []error
	for _, key := range config.ModelKeys() {
		if model, ok := c.Models[key]; ok && !model.Price.Known() {
			errs = append(errs, fmt.Errorf("%s bounds dollars, but model %q has no `price`: give one, such as {input: 2.5, output: 10}", limited, key))
		}
	}
	return errors.Join(errs...)
}

// checksOf are the names of the checks that may fail on the subjects of a scope.
func (c *Config) checksOf(scope assessment.Scope) []string {
	var names []string
	for _, name := range sortedKeys(c.Checks) {
		if config := c.Checks[name]; config.Enabled && config.Scope == scope {
			names = append(names, name)
		}
	}
	return names
}

func nameError(name string) error {
	if strings.TrimSpace(name) == "" || len(name) > maxNameLength {
		return fmt.Errorf("the name %.20q is blank or %d bytes long: it names the assessment, give 1 to %d", name, len(name), maxNameLength)
	}
	return nil
}

// sourceError refuses a source id with which every result would be refused where it is to be stored.
func sourceError(name, sourceID string) error {
	const fingerprintSuffix = len("@01234567")
	switch {
	case len(sourceID) > maxNameLength:
		return fmt.Errorf("`source_id` is %d bytes long: give at most %d", len(sourceID), maxNameLength)
	case sourceID == "" && len(name) <= maxNameLength && len(name)+fingerprintSuffix > maxNameLength:
		return fmt.Errorf("`source_id` is missing, and the default, the name and %d bytes, is longer than %d: give one", fingerprintSuffix, maxNameLength)
	default:
		return nil
	}
}

func conditionsError(conditions []string) error {
	if _, err := compileConditions(conditions, component.TelemetrySettings{Logger: zap.NewNop()}); err != nil {
		return fmt.Errorf("`conditions`: %w", err)
	}
	return nil
}

// prefixed puts an evaluator's place in the configuration before each of its errors.
func prefixed(section, name string, all ...error) error {
	var errs []error
	for _, err := range all {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s::%s: %w", section, name, err))
		}
	}
	return errors.Join(errs...)
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
