package join

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/bytesize"
)

const minSize = bytesize.Size(64 << 10)

// Config says how long, and up to which size, text in log records and spans without text wait for each other.
type Config struct {
	// SpanWait is how long the evaluation of a span without text waits for log records with it; the span itself is
	// forwarded at once. Default 10s; 0 turns the joining off.
	SpanWait time.Duration `mapstructure:"span_wait"`
	// RecordWait is how long a log record with text is kept for its span, which ends and is exported later: as long as
	// calls may take, and their exporter's delay. Longer than SpanWait. Default 2m.
	RecordWait time.Duration `mapstructure:"record_wait"`
	// MaxSize bounds the spans and records that wait, in bytes; what waits longest is given up first. At least 64KiB.
	// Default 64MiB.
	MaxSize bytesize.Size `mapstructure:"max_size"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var _ confmap.Validator = (*Config)(nil)

// NewDefaultConfig returns the defaults.
func NewDefaultConfig() Config {
	return Config{SpanWait: 10 * time.Second, RecordWait: 2 * time.Minute, MaxSize: 64 << 20}
}

// Validate implements confmap.Validator.
func (c *Config) Validate() error {
	var errs []error
	if c.SpanWait < 0 {
		errs = append(errs, fmt.Errorf("`span_wait` is %s: give 0 or a positive duration, such as 10s", c.SpanWait))
	}
	if c.RecordWait <= c.SpanWait {
		errs = append(errs, fmt.Errorf("`record_wait` is %s: give more than `span_wait`, which is %s, such as 2m", c.RecordWait, c.SpanWait))
	}
	if c.MaxSize < minSize {
		errs = append(errs, fmt.Errorf("`max_size` is %s: give at least %s, such as 64MiB", c.MaxSize, minSize))
	}
	return errors.Join(errs...)
}
