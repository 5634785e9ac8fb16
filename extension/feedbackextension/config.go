package feedbackextension

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/intake"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/review"
	"github.com/otelcol-feedback/otelcol-feedback/internal/confkeys"
	"github.com/otelcol-feedback/otelcol-feedback/internal/replica"
)

// Config configures the feedback extension.
type Config struct {
	// Server holds all keys of confighttp's server: `endpoint` (default localhost:5080), `tls`, `auth`, `cors` (for the
	// lookup endpoint only), `max_request_body_size`, … Reading a request's header may take 10s, a request 1m.
	Server confighttp.ServerConfig `mapstructure:",squash"`
	// AllowUnauthenticated permits an endpoint without `auth` and `user_header` that other machines reach: whoever reaches it may then read
	// and change everything. Default false.
	AllowUnauthenticated bool `mapstructure:"allow_unauthenticated"`
	// AllowedHosts are the names, without port, that a request's Host may have, against pages that let their own name
	// point here. Default: the loopback names and the endpoint's own.
	AllowedHosts []string `mapstructure:"allowed_hosts"`

	// Config holds the exporter's keys, with the same values: both work on the same assessments. MLflow is also the server
	// behind, to which all that is no assessment is passed on; left out, nothing is.
	replica.Config `mapstructure:",squash"`
	// AcceptUnknownTraces takes assessments of traces that neither Redis nor MLflow has seen, and delivers them when the
	// trace comes. Default true; false answers as MLflow does: not found.
	AcceptUnknownTraces bool `mapstructure:"accept_unknown_traces"`
	// MaxPending bounds the traces that assessments wait for so, and the spans likewise. Default 100000.
	MaxPending int `mapstructure:"max_pending"`

	// Access says who callers are and what they may do.
	Access access.Config `mapstructure:",squash"`
	// Lookup bounds the endpoint for feedback of those who know no trace id.
	Lookup intake.Config `mapstructure:"lookup"`
	// Review are rules that put traces into MLflow's review queues, by name.
	Review map[string]*review.Rule `mapstructure:"review"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var (
	_ component.Config    = (*Config)(nil)
	_ confmap.Validator   = (*Config)(nil)
	_ confmap.Unmarshaler = (*Config)(nil)
)

const defaultEndpoint = "localhost:5080"

func createDefaultConfig() component.Config {
	server := confighttp.NewDefaultServerConfig()
	server.NetAddr.Endpoint = defaultEndpoint
	server.ReadHeaderTimeout, server.ReadTimeout = 10*time.Second, time.Minute
	return &Config{
		Server:              server,
		Config:              replica.NewDefaultConfig(),
		AcceptUnknownTraces: true,
		MaxPending:          100_000,
		Access:              access.NewDefaultConfig(),
		Lookup:              intake.NewDefaultConfig(),
	}
}

// Unmarshal implements confmap.Unmarshaler: a null key, or rule, counts as absent, and a misspelled key is refused.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	for key, value := range conf.ToStringMap() {
		if value == nil {
			conf.Delete(key)
		}
	}
	if rules, err := conf.Sub("review"); err == nil {
		for name, rule := range rules.ToStringMap() {
			if rule == nil {
				conf.Delete("review::" + name)
			}
		}
	}
	if err := confkeys.Check[Config](conf); err != nil {
		return err
	}
	return conf.Unmarshal(c)
}

// Validate implements confmap.Validator.
func (c *Config) Validate() error {
	var errs []error
	host, _, err := net.SplitHostPort(c.Server.NetAddr.Endpoint)
	switch {
	case err != nil:
		errs = append(errs, fmt.Errorf("`endpoint` is %q: give host:port, such as %s", c.Server.NetAddr.Endpoint, defaultEndpoint))
	case !c.named() && !c.AllowUnauthenticated && !isLoopback(host):
		errs = append(errs, fmt.Errorf("`endpoint` is %q, which other machines may reach, and asks nobody who they are: give "+
			"`auth`, `user_header`, or a loopback address such as %s, or set `allow_unauthenticated: true`", c.Server.NetAddr.Endpoint, defaultEndpoint))
	}
	for _, host := range c.AllowedHosts {
		if host == "" || strings.ContainsAny(host, "/@ ") {
			errs = append(errs, fmt.Errorf("`allowed_hosts` holds %q: give a host's name without scheme, port and path, such as feedback.example.com", host))
		}
	}
	if len(c.Review) > 0 && !c.MLflow.HasValue() {
		errs = append(errs, errors.New("`review` needs `mlflow`: the review queues are MLflow's"))
	}
	if c.MaxPending < 1 {
		errs = append(errs, fmt.Errorf("`max_pending` is %d, must be at least 1", c.MaxPending))
	}
	return errors.Join(append(errs, c.Access.ValidateNames(c.Server.Auth.HasValue()), review.ValidateRules(c.Review))...)
}

// named reports whether callers are asked who they are.
func (c *Config) named() bool {
	return c.Server.Auth.HasValue() || c.Access.UserHeader.HasValue()
}

// isLoopback tells from the text alone: a name that has to be looked up may change what it means.
func isLoopback(host string) bool {
	return net.ParseIP(host).IsLoopback() || strings.EqualFold(host, "localhost")
}
