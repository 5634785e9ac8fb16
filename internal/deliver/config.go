package deliver

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/confkeys"
)

// Bulk says whether several creations of one trace may go in one StartTraceV3.
type Bulk string

// The values of Bulk.
const (
	// BulkAuto uses StartTraceV3 on server versions it was tested with, for traces that have ended.
	BulkAuto Bulk = "auto"
	// BulkOff uses single calls only.
	BulkOff Bulk = "off"
)

// UnmarshalText implements encoding.TextUnmarshaler. YAML reads a bare `off` as false, so that is taken too.
func (b *Bulk) UnmarshalText(text []byte) error {
	switch Bulk(text) {
	case BulkAuto:
		*b = BulkAuto
	case BulkOff, "false", "0":
		*b = BulkOff
	default:
		return fmt.Errorf("%q is none of auto, off", text)
	}
	return nil
}

const (
	defaultTimeout     = 10 * time.Second
	maxTimeout         = 20 * time.Second // within a lease
	defaultMaxInFlight = 16
	// idleConnTimeout is below the 5s after which MLflow's web server closes an idle connection, so that no write goes
	// out on one that is being closed. It also bounds how long connections outlive Close, which cannot reach them.
	idleConnTimeout = 4 * time.Second

	defaultRefreshRate   = 1
	minRefreshRate       = 0.01
	maxRefreshRate       = 20
	defaultRefreshWindow = 24 * time.Hour
)

// MLflowConfig configures the delivery to an MLflow server.
type MLflowConfig struct {
	// HTTP holds all keys of confighttp's client: `endpoint` (required; a path is kept as prefix), `tls`, `headers`,
	// `auth`, `proxy_url`, … `timeout` is per call, default 10s, at most 20s.
	HTTP confighttp.ClientConfig `mapstructure:",squash"`
	// Bulk is `auto` (default) or `off`.
	Bulk Bulk `mapstructure:"bulk"`
	// Forward selects what is delivered; an assessment that any rule takes is. Default: everything. It decides first
	// creation only: what was delivered once is kept in agreement.
	Forward []ForwardRule `mapstructure:"forward"`
	// MaxInFlight bounds the calls under way to the server over all replicas, and the connections of this one.
	// Default 16.
	MaxInFlight int `mapstructure:"max_in_flight"`
	// RefreshRate is how many calls a second, over all replicas, look for what people did in MLflow directly. One call
	// reads up to 50 traces; delivery goes first. 0.01 to 20, default 1.
	RefreshRate float64 `mapstructure:"refresh_rate"`
	// RefreshWindow is how long after its assessments changed last a trace is looked at again, newest traces first; what
	// people do later is noticed when the trace gets another assessment. Default 24h, 0 turns it off.
	RefreshWindow time.Duration `mapstructure:"refresh_window"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var (
	_ confmap.Validator   = (*MLflowConfig)(nil)
	_ confmap.Unmarshaler = (*MLflowConfig)(nil)
)

// Unmarshal implements confmap.Unmarshaler. It refuses unknown keys, which confmap lets pass beside a squashed struct
// that unmarshals itself.
func (c *MLflowConfig) Unmarshal(conf *confmap.Conf) error {
	if err := conf.Unmarshal(c); err != nil {
		return err
	}
	return confkeys.Check[MLflowConfig](conf)
}

// NewDefaultMLflowConfig returns the defaults; only `endpoint` is missing.
func NewDefaultMLflowConfig() MLflowConfig {
	client := confighttp.NewDefaultClientConfig()
	client.Timeout = defaultTimeout
	keepalive := confighttp.NewDefaultKeepaliveClientConfig()
	keepalive.MaxIdleConnsPerHost = defaultMaxInFlight
	keepalive.IdleConnTimeout = idleConnTimeout
	client.Keepalive = configoptional.Some(keepalive)
	return MLflowConfig{
		HTTP: client, Bulk: BulkAuto, MaxInFlight: defaultMaxInFlight,
		RefreshRate: defaultRefreshRate, RefreshWindow: defaultRefreshWindow,
	}
}

// Validate implements confmap.Validator.
func (c *MLflowConfig) Validate() error {
	var errs []error
	if parsed, err := url.Parse(c.HTTP.Endpoint); c.HTTP.Endpoint == "" || err != nil || parsed.Host == "" ||
		parsed.Scheme != "http" && parsed.Scheme != "https" {
		errs = append(errs, errors.New("`endpoint` must be an http or https URL such as http://localhost:5000"))
	} else if parsed.User != nil || parsed.RawQuery != "" || parsed.Fragment != "" {
		errs = append(errs,
			errors.New("`endpoint` must not carry a user, a query or a fragment; use `auth` or `headers`"))
	}
	if c.HTTP.Timeout <= 0 || c.HTTP.Timeout > maxTimeout {
		errs = append(errs, fmt.Errorf("`timeout` is %v, must be above 0 and at most %v", c.HTTP.Timeout, maxTimeout))
	}
	if c.Bulk != BulkAuto && c.Bulk != BulkOff {
		errs = append(errs, fmt.Errorf("`bulk` is %q, must be auto or off", string(c.Bulk)))
	}
	if c.MaxInFlight < 1 || c.MaxInFlight > 1000 {
		errs = append(errs, fmt.Errorf("`max_in_flight` is %d, must be 1 to 1000", c.MaxInFlight))
	}
	if !(c.RefreshRate >= minRefreshRate && c.RefreshRate <= maxRefreshRate) { // refuses NaN, too
		errs = append(errs, fmt.Errorf("`refresh_rate` is %v calls a second, must be %v to %v; "+
			"`refresh_window: 0` turns refreshing off", c.RefreshRate, minRefreshRate, maxRefreshRate))
	}
	if c.RefreshWindow < 0 {
		errs = append(errs, fmt.Errorf("`refresh_window` is %v, must be 0 (off) or positive", c.RefreshWindow))
	}
	return errors.Join(errs...)
}
