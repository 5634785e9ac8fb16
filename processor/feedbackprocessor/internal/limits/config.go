package limits

import (
	"errors"
	"fmt"
	"math"
	"time"
	_ "time/tzdata" // `day_zone` also where the image has no time zones

	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// Config is what one sampling rule, or one judge, may spend.
type Config struct {
	// CallsPerMinute is the most HTTP requests within any 60 s. Default 0: no limit.
	CallsPerMinute int64 `mapstructure:"calls_per_minute"`
	// TokensPerDay is the most tokens, input and output, in a calendar day. Default 0: no limit.
	TokensPerDay int64 `mapstructure:"tokens_per_day"`
	// USDPerDay is the most US dollars in a calendar day, by the models' `price`. Default 0: no limit.
	USDPerDay float64 `mapstructure:"usd_per_day"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var _ confmap.Validator = (*Config)(nil)

// The largest limits: sums must stay exact where Redis counts in floating point.
const (
	maxCalls  = 1_000_000_000
	maxTokens = 1_000_000_000_000_000
	maxUSD    = 1_000_000
)

// Validate implements confmap.Validator.
func (c *Config) Validate() error {
	var errs []error
	for _, limit := range []struct {
		key         string
		value, most int64
	}{
		{keyCalls, c.CallsPerMinute, maxCalls},
		{keyTokens, c.TokensPerDay, maxTokens},
	} {
		if limit.value < 0 || limit.value > limit.most {
			errs = append(errs, fmt.Errorf("`%s` is %d: give 0 for no limit, or up to %d", limit.key, limit.value, limit.most))
		}
	}
	if !(c.USDPerDay >= 0 && c.USDPerDay <= maxUSD) { // also refuses NaN
		errs = append(errs, fmt.Errorf("`%s` is %v: give 0 for no limit, or up to %d", keyUSD, c.USDPerDay, maxUSD))
	}
	return errors.Join(errs...)
}

// OnUnavailable says what happens to calls while Redis does not answer.
type OnUnavailable string

// The values of `on_unavailable`.
const (
	// OnUnavailableStop makes none.
	OnUnavailableStop OnUnavailable = "stop"
	// OnUnavailableLocal lets each replica use its share of every limit.
	OnUnavailableLocal OnUnavailable = "local"
)

// GlobalConfig is what all judges together may spend, and how spending is counted.
type GlobalConfig struct {
	// Limits are those of all judges together: `calls_per_minute`, default 600, `tokens_per_day` and `usd_per_day`,
	// default 0, which is none.
	Limits Config `mapstructure:",squash"`
	// DayZone is the IANA time zone whose calendar days the day limits are for, such as Europe/Berlin. Default UTC.
	DayZone string `mapstructure:"day_zone"`
	// ReserveRandom is the share in [0, 1) of each limit, those of rules and judges too, that triggered calls must leave
	// to calls that chance chose, wherever there are such. Default 0.3.
	ReserveRandom float64 `mapstructure:"reserve_random"`
	// Burst lets a day's limit be used at once. Default false: at most a 12th of it an hour.
	Burst bool `mapstructure:"burst"`
	// Redis counts for all replicas together, and over restarts. Default none: each replica counts for itself, in memory.
	Redis configoptional.Optional[store.Config] `mapstructure:"redis"`
	// OnUnavailable says what happens while Redis does not answer: `stop`, the default, makes no calls; `local` lets each
	// replica use its share of every limit, what it used before included, and counts that in Redis afterwards.
	OnUnavailable OnUnavailable `mapstructure:"on_unavailable"`
	// Replicas is by how many every limit is divided, rounded down, for `on_unavailable: local`, which needs it.
	Replicas int64 `mapstructure:"replicas"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var (
	_ confmap.Validator   = (*GlobalConfig)(nil)
	_ confmap.Unmarshaler = (*GlobalConfig)(nil)
)

// NewDefaultGlobalConfig returns 600 calls a minute, counted in memory.
func NewDefaultGlobalConfig() GlobalConfig {
	return GlobalConfig{
		Limits:        Config{CallsPerMinute: 600},
		DayZone:       "UTC",
		ReserveRandom: 0.3,
		Redis:         configoptional.Default(store.NewDefaultConfig()),
		OnUnavailable: OnUnavailableStop,
	}
}

// Unmarshal implements confmap.Unmarshaler: a null key counts as absent. A null `redis`, such as one whose environment
// variable is unset, would otherwise be one with its defaults.
func (c *GlobalConfig) Unmarshal(conf *confmap.Conf) error {
	for key, value := range conf.ToStringMap() {
		if value == nil {
			conf.Delete(key)
		}
	}
	return conf.Unmarshal(c)
}

// Validate implements confmap.Validator. The limits themselves and `redis` are checked apart.
func (c *GlobalConfig) Validate() error {
	var errs []error
	if _, err := location(c.DayZone); err != nil {
		errs = append(errs, err)
	}
	if !(c.ReserveRandom >= 0 && c.ReserveRandom < 1) { // also refuses NaN
		errs = append(errs, fmt.Errorf("`reserve_random` is %v: give a share from 0 to below 1, such as 0.3", c.ReserveRandom))
	}
	if redis := c.Redis.Get(); redis != nil && redis.WaitReplicas != 0 {
		errs = append(errs, fmt.Errorf("`redis`: `wait_replicas` is %d: a reservation does not wait for Redis' replicas, leave it out",
			redis.WaitReplicas))
	}
	switch c.OnUnavailable {
	case OnUnavailableStop:
		if c.Replicas != 0 {
			errs = append(errs, fmt.Errorf("`replicas` is %d, which only `on_unavailable: local` uses: leave it out", c.Replicas))
		}
	case OnUnavailableLocal:
		if !c.Redis.HasValue() {
			errs = append(errs, errors.New("`on_unavailable` is local, but there is no `redis` that could be unavailable: add it, or leave this out"))
		}
		if c.Replicas <= 0 || c.Replicas > math.MaxInt32 {
			errs = append(errs, fmt.Errorf("`replicas` is %d: `on_unavailable: local` needs the number of collectors that share the limits, 1 or more",
				c.Replicas))
		}
	default:
		errs = append(errs, fmt.Errorf("`on_unavailable` is %q: give stop or local", c.OnUnavailable))
	}
	return errors.Join(errs...)
}

// location loads a zone that is the same on every replica, which "Local" is not.
func location(name string) (*time.Location, error) {
	if name != "" && name != "Local" {
		if zone, err := time.LoadLocation(name); err == nil {
			return zone, nil
		}
	}
	return nil, fmt.Errorf("`day_zone` is %q: give an IANA time zone, such as UTC or Europe/Berlin", name)
}
