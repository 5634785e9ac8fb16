package replica

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/bytesize"
	"github.com/otelcol-feedback/otelcol-feedback/internal/deliver"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// Config is what all components that work on the same assessments are told alike.
type Config struct {
	// Redis says where assessments are kept. Default: standalone on localhost:6379, without TLS.
	Redis store.Config `mapstructure:"redis"`
	// MLflow delivers assessments to an MLflow server. Left out: they stay in Redis only.
	MLflow configoptional.Optional[deliver.MLflowConfig] `mapstructure:"mlflow"`
	// Backend is the tracking backend's name in Redis and in metrics. Replicas must agree on it, and must not use it
	// for another server. Default: the component's id, which exporter and extension share where both have the plain name.
	Backend string `mapstructure:"backend"`

	// Retention is how long Redis keeps a trace's assessments after the last write. Default 720h.
	Retention time.Duration `mapstructure:"retention"`
	// TraceWait is how long an assessment waits for its trace to appear in the backend. Default 24h.
	TraceWait time.Duration `mapstructure:"trace_wait"`
	// MaxWaiting bounds the traces with automated results that wait for the backend; the longest waiting are given up.
	// Default 1000000.
	MaxWaiting int `mapstructure:"max_waiting"`
	// MaxAssessmentSize bounds one assessment; larger ones are refused. Default 256KiB.
	MaxAssessmentSize bytesize.Size `mapstructure:"max_assessment_size"`
	// MaxPerTrace bounds the assessments of one trace; further ones are refused. Default 1000.
	MaxPerTrace int `mapstructure:"max_per_trace"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var _ confmap.Validator = (*Config)(nil)

const (
	minAssessmentSize = bytesize.KiB
	maxAssessmentSize = 16 * bytesize.MiB
	maxMaxPerTrace    = 100_000
)

// backendPattern is what can stand in a key of Redis and in a metric.
var backendPattern = regexp.MustCompile(`^[A-Za-z0-9_./-]{1,100}$`)

// NewDefaultConfig returns the defaults.
func NewDefaultConfig() Config {
	return Config{
		Redis:             store.NewDefaultConfig(),
		MLflow:            configoptional.Default(deliver.NewDefaultMLflowConfig()),
		Retention:         720 * time.Hour,
		TraceWait:         deliver.DefaultTraceWait,
		MaxWaiting:        1_000_000,
		MaxAssessmentSize: assessment.DefaultMaxSize,
		MaxPerTrace:       1000,
	}
}

// Validate implements confmap.Validator.
func (c *Config) Validate() error {
	var errs []error
	if c.Backend != "" && !backendPattern.MatchString(c.Backend) {
		errs = append(errs, fmt.Errorf("`backend` is %q, must be at most 100 letters, digits, `_`, `-`, `.` and `/`", c.Backend))
	}
	if c.Retention < time.Minute {
		errs = append(errs, fmt.Errorf("`retention` is %v, must be at least 1m", c.Retention))
	}
	if c.TraceWait <= 0 || c.TraceWait > c.Retention {
		errs = append(errs, fmt.Errorf("`trace_wait` is %v, must be above 0 and at most `retention`, which is %v", c.TraceWait, c.Retention))
	}
	if c.MaxWaiting < 1 {
		errs = append(errs, fmt.Errorf("`max_waiting` is %d, must be at least 1", c.MaxWaiting))
	}
	if c.MaxAssessmentSize < minAssessmentSize || c.MaxAssessmentSize > maxAssessmentSize {
		errs = append(errs, fmt.Errorf("`max_assessment_size` is %v, must be %v to %v", c.MaxAssessmentSize, minAssessmentSize, maxAssessmentSize))
	}
	if c.MaxPerTrace < 1 || c.MaxPerTrace > maxMaxPerTrace {
		errs = append(errs, fmt.Errorf("`max_per_trace` is %d, must be 1 to %d", c.MaxPerTrace, maxMaxPerTrace))
	}
	return errors.Join(errs...)
}

// BackendName is the tracking backend's name in Redis for the component.
func (c *Config) BackendName(id component.ID) string {
	if c.Backend != "" {
		return c.Backend
	}
	return id.String()
}

// StoreSettings are the store's, for the component that knows the backend by the name.
func (c *Config) StoreSettings(backend string) store.Settings {
	settings := store.Settings{
		Retention:         c.Retention,
		MaxPerTrace:       c.MaxPerTrace,
		MaxAssessmentSize: int(c.MaxAssessmentSize),
		MaxWaiting:        c.MaxWaiting,
	}
	if mlflow := c.MLflow.Get(); mlflow != nil {
		settings.Backends = []store.Backend{{Name: backend, Endpoint: mlflow.HTTP.Endpoint}}
	}
	return settings
}
