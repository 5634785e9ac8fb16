package access

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"
)

// Authorization says who decides what a caller may do.
type Authorization string

// The values of Authorization.
const (
	// AuthorizationAuto finds out from MLflow which of the others holds.
	AuthorizationAuto Authorization = ""
	// AuthorizationMLflow asks MLflow about each caller.
	AuthorizationMLflow Authorization = "mlflow"
	// AuthorizationEndpoint lets everybody who passes the endpoint's `auth` do everything.
	AuthorizationEndpoint Authorization = "endpoint"
)

// defaultUserHeader is what oauth2-proxy and most others send.
const defaultUserHeader = "X-Forwarded-User"

// Config says who callers are and what they may do.
type Config struct {
	// Authorization is `mlflow` (each caller may do what MLflow lets them, asked with their own credentials), `endpoint`
	// (everybody who passes the endpoint's `auth` may do everything), or empty (default): found out from MLflow itself,
	// which has no authentication, then `endpoint`, or has, then `mlflow`. Say `mlflow` where MLflow shows its experiments
	// to anonymous callers and yet has users.
	Authorization Authorization `mapstructure:"authorization"`
	// Admins are users who may list, export and restore everything. Default: nobody, except that everybody may where
	// neither the endpoint nor MLflow asks who they are.
	Admins []string `mapstructure:"admins"`
	// Trusted are users, mostly programs, who may say which source an assessment has, people's included, and who may give
	// assessments of traces that MLflow does not have yet although it tells people apart. A proxy that has a user of its
	// own must be one, to name others in `user_header`. Default: nobody.
	Trusted []string `mapstructure:"trusted"`
	// UserHeader takes the user's name from a reverse proxy that has authenticated them. Default: off.
	UserHeader configoptional.Optional[UserHeader] `mapstructure:"user_header"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// UserHeader is a header in which named proxies tell who calls.
type UserHeader struct {
	// Name of the header. Default X-Forwarded-User.
	Name string `mapstructure:"name"`
	// Proxies are the addresses, or prefixes of them, that are believed; required. The peer's address counts, and no
	// header that tells of one. From all others, and towards MLflow, the header is removed.
	Proxies []string `mapstructure:"proxies"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var (
	_ confmap.Validator = (*Config)(nil)
	_ confmap.Validator = (*UserHeader)(nil)
)

// NewDefaultConfig returns the defaults.
func NewDefaultConfig() Config {
	return Config{UserHeader: configoptional.Default(UserHeader{Name: defaultUserHeader})}
}

// Validate implements confmap.Validator.
func (c *Config) Validate() error {
	var errs []error
	switch c.Authorization {
	case AuthorizationAuto, AuthorizationMLflow, AuthorizationEndpoint:
	default:
		errs = append(errs, fmt.Errorf("`authorization` is %q, must be mlflow, endpoint or left out", string(c.Authorization)))
	}
	for _, list := range []struct {
		key   string
		users []string
	}{{"admins", c.Admins}, {"trusted", c.Trusted}} {
		for _, user := range list.users {
			if err := checkName(user); user == "" || err != nil {
				errs = append(errs, fmt.Errorf("`%s` holds %.60q, must be a user's name of at most %d bytes without control characters",
					list.key, user, maxName))
			}
		}
	}
	return errors.Join(errs...)
}

// ValidateNames refuses lists of users where nothing could tell who a caller is. authenticated says whether the
// endpoint has `auth`.
func (c *Config) ValidateNames(authenticated bool) error {
	if authenticated || c.UserHeader.HasValue() {
		return nil
	}
	var errs []error
	if len(c.Admins) > 0 {
		errs = append(errs, fmt.Errorf("`admins` names %q, but nobody is asked for their name: give `auth` or `user_header`", c.Admins[0]))
	}
	if len(c.Trusted) > 0 {
		errs = append(errs, fmt.Errorf("`trusted` names %q, but nobody is asked for their name: give `auth` or `user_header`", c.Trusted[0]))
	}
	return errors.Join(errs...)
}

var headerPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)

// reserved are headers that mean something else.
var reserved = []string{
	"Authorization", "Connection", "Content-Length", "Content-Type", "Cookie", "Host", "Origin", "Transfer-Encoding", workspaceHeader,
}

// Validate implements confmap.Validator.
func (h *UserHeader) Validate() error {
	var errs []error
	if !headerPattern.MatchString(h.Name) {
		errs = append(errs, fmt.Errorf("`name` is %q, must be a header's name, such as %s", h.Name, defaultUserHeader))
	} else if slices.ContainsFunc(reserved, func(name string) bool { return strings.EqualFold(name, h.Name) }) {
		errs = append(errs, fmt.Errorf("`name` is %q, which means something else; give the header in which the proxy names the user, "+
			"such as %s", h.Name, defaultUserHeader))
	}
	if len(h.Proxies) == 0 {
		errs = append(errs, errors.New("`proxies` is empty, must hold the addresses of the proxies that are believed, such as 127.0.0.1"))
	}
	for _, text := range h.Proxies {
		if _, err := parseProxy(text); err != nil {
			errs = append(errs, fmt.Errorf("`proxies` holds %q, %w", text, err))
		}
	}
	return errors.Join(errs...)
}

func parseProxy(text string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		address, err := netip.ParseAddr(text)
		if err != nil || address.Zone() != "" {
			return netip.Prefix{}, errors.New("must be an address such as 10.1.2.3, or a prefix such as 10.1.2.0/24")
		}
		address = address.Unmap()
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	if prefix.Addr().Is4In6() {
		return netip.Prefix{}, errors.New("must be written as an IPv4 prefix, such as 10.1.2.0/24")
	}
	if prefix.Bits() == 0 {
		return netip.Prefix{}, errors.New("which is every address, so that anybody could call themselves anything; name the proxies")
	}
	return prefix.Masked(), nil
}
