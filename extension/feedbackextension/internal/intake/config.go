package intake

import (
	"errors"
	"fmt"
	"math"

	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/bytesize"
)

// Config bounds the endpoint.
type Config struct {
	// MaxBodySize bounds a request's body. Default 64KiB.
	MaxBodySize bytesize.Size `mapstructure:"max_body_size"`
	// Rate is how many requests a second a caller may make in the long run: a user, or without names an address. An app's
	// server that gives its users' feedback is one caller. Default 20.
	Rate float64 `mapstructure:"rate"`
	// Burst is how many requests a caller may make at once. Default 100.
	Burst int `mapstructure:"burst"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var _ confmap.Validator = (*Config)(nil)

const (
	minBodySize = bytesize.KiB
	maxBodySize = 16 * bytesize.MiB
	maxRate     = 1_000_000
)

// NewDefaultConfig returns the defaults.
func NewDefaultConfig() Config {
	return Config{MaxBodySize: 64 * bytesize.KiB, Rate: 20, Burst: 100}
}

// Validate implements confmap.Validator.
func (c *Config) Validate() error {
	var errs []error
	if c.MaxBodySize < minBodySize || c.MaxBodySize > maxBodySize {
		errs = append(errs, fmt.Errorf("`max_body_size` is %v, must be %v to %v", c.MaxBodySize, minBodySize, maxBodySize))
	}
	if math.IsNaN(c.Rate) || c.Rate <= 0 || c.Rate > maxRate {
		errs = append(errs, fmt.Errorf("`rate` is %v requests a second, must be above 0 and at most %d", c.Rate, maxRate))
	}
	if c.Burst < 1 || c.Burst > maxRate {
		errs = append(errs, fmt.Errorf("`burst` is %d requests, must be 1 to %d", c.Burst, maxRate))
	}
	return errors.Join(errs...)
}
