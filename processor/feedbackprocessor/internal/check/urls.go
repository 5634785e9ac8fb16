package check

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

const urlsKey = "urls"

// URLsConfig holds when the text has no URL of a host that is not allowed, or that is denied. URLs are what has a scheme,
// begins with www., or is a link without a scheme such as [x](//example.com). Hosts are compared as they are written, in
// lower case: give international ones in the form that the texts have, xn--… or not. A text of more than 1 MiB is a
// failed evaluation.
type URLsConfig struct {
	// Allow are the hosts that URLs may have: example.com, or *.example.com for all below it. Empty allows none.
	// Default: all.
	Allow []string `mapstructure:"allow"`
	// Deny are hosts that URLs may not have, in the same form, allowed or not. Default none.
	Deny []string `mapstructure:"deny"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var (
	_ confmap.Validator = (*URLsConfig)(nil)
	_ kindConfig        = (*URLsConfig)(nil)
	_ kind              = (*urls)(nil)
)

// hostPattern is the form of a host in the configuration.
var hostPattern = regexp.MustCompile(`^(\*\.)?[\pL\pN_-]+(\.[\pL\pN_-]+)*$|^\[[0-9a-fA-F:.]+\]$`)

// Validate implements confmap.Validator.
func (c *URLsConfig) Validate() error {
	var errs []error
	if c.Allow == nil && len(c.Deny) == 0 {
		errs = append(errs, errors.New("no hosts: give `allow`, `deny` or both, such as allow: [example.com, '*.example.com']; allow: [] allows none"))
	}
	for _, list := range []struct {
		key   string
		hosts []string
	}{{"allow", c.Allow}, {"deny", c.Deny}} {
		for _, host := range list.hosts {
			if !hostPattern.MatchString(host) {
				errs = append(errs, fmt.Errorf("`%s` has %q: give a host alone, such as example.com or *.example.com", list.key, host))
			}
		}
	}
	return errors.Join(errs...)
}

func (*URLsConfig) key() string { return urlsKey }

func (*URLsConfig) fields() []field { return []field{fieldValue, fieldFound, fieldCount} }

func (*URLsConfig) reads() source { return sourceTarget }

func (c *URLsConfig) compile(component.TelemetrySettings) (kind, error) {
	return &urls{all: c.Allow == nil, allow: newHosts(c.Allow), deny: newHosts(c.Deny)}, nil
}

// hosts are hosts and what is below them.
type hosts struct{ exact, below map[string]bool }

func newHosts(list []string) hosts {
	h := hosts{exact: make(map[string]bool), below: make(map[string]bool)}
	for _, host := range list {
		host = strings.ToLower(host)
		if parent, ok := strings.CutPrefix(host, "*."); ok {
			h.below[parent] = true
		} else {
			h.exact[host] = true
		}
	}
	return h
}

func (h hosts) has(host string) bool {
	if h.exact[host] {
		return true
	}
	for len(h.below) > 0 {
		_, parent, ok := strings.Cut(host, ".")
		if !ok {
			break
		}
		if h.below[parent] {
			return true
		}
		host = parent
	}
	return false
}

func (h hosts) identity() any { return []any{sortedKeys(h.exact), sortedKeys(h.below)} }

func sortedKeys(set map[string]bool) []string {
	keys := make([]string, 0, len(set))
	for key := range set {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

type urls struct {
	all         bool
	allow, deny hosts
}

func (u *urls) identity() any { return []any{urlsKey, u.all, u.allow.identity(), u.deny.identity()} }

func (u *urls) test(_ context.Context, in *input) *assessment.Error {
	const mostShown = 10
	if err := tooLarge(in.text); err != nil {
		return err
	}
	f := &in.facts
	f.holds = true
	eachHost(in.text.raw, func(host string) {
		f.count++
		host = strings.ToLower(host)
		if (u.all || u.allow.has(host)) && !u.deny.has(host) {
			return
		}
		f.holds = false
		if len(f.found) < mostShown && !slices.Contains(f.found, host) {
			f.found = append(f.found, host)
		}
	})
	return nil
}
