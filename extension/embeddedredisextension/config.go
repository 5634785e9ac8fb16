package embeddedredisextension

import (
	"fmt"
	"net"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
)

const defaultEndpoint = "localhost:6379"

// Config configures the embedded Redis.
type Config struct {
	// Endpoint is the host:port to listen on; port 0 picks a free one. Default localhost:6379.
	Endpoint string `mapstructure:"endpoint"`
	// AllowNonLoopback permits an endpoint that other machines reach. The server asks for no password, so whoever
	// reaches it reads and writes everything. Default false.
	AllowNonLoopback bool `mapstructure:"allow_non_loopback"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var (
	_ component.Config  = (*Config)(nil)
	_ confmap.Validator = (*Config)(nil)
)

// Validate implements confmap.Validator.
func (c *Config) Validate() error {
	host, _, err := net.SplitHostPort(c.Endpoint)
	if err != nil {
		return fmt.Errorf("`endpoint` is %q: give host:port, such as %s", c.Endpoint, defaultEndpoint)
	}
	if !c.AllowNonLoopback && !isLoopback(host) {
		return fmt.Errorf("`endpoint` is %q, which other machines may reach, and this Redis asks for no password: "+
			"give a loopback address, such as %s, or set `allow_non_loopback: true`", c.Endpoint, defaultEndpoint)
	}
	return nil
}

// isLoopback tells from the text alone: a name that has to be looked up may change what it means.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return ip.IsLoopback() || strings.EqualFold(host, "localhost")
}
