package access

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.opentelemetry.io/collector/client"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
)

const (
	// maxName bounds a user's name in bytes: MLflow's column for a source's id.
	maxName = 250

	workspaceHeader = "X-Mlflow-Workspace"
)

// credentialHeaders are what MLflow tells callers apart by.
var credentialHeaders = []string{"Authorization", "Cookie", workspaceHeader}

// Identity finds out who calls.
type Identity struct {
	admins  map[string]bool
	trusted map[string]bool
	header  string
	proxies []netip.Prefix
	// authenticated says that the endpoint has `auth`: without it, only the proxies tell anybody apart.
	authenticated bool
}

// NewIdentity takes a valid configuration, and whether the endpoint has `auth`.
func NewIdentity(cfg *Config, authenticated bool) *Identity {
	i := &Identity{admins: set(cfg.Admins), trusted: set(cfg.Trusted), authenticated: authenticated}
	if cfg.UserHeader.HasValue() {
		header := cfg.UserHeader.Get()
		i.header = http.CanonicalHeaderKey(header.Name)
		for _, text := range header.Proxies {
			if prefix, err := parseProxy(text); err == nil {
				i.proxies = append(i.proxies, prefix)
			}
		}
	}
	return i
}

func set(names []string) map[string]bool {
	all := make(map[string]bool, len(names))
	for _, name := range names {
		all[name] = true
	}
	return all
}

// Identify is the caller of a request that passed the endpoint's `auth`, with an *answer.Error where their name is
// unusable, or where `user_header` alone tells callers apart and there is none: who went around the proxy could say to be
// anybody. It removes `user_header` from the request, so that it goes no further.
//
// A proxy may have a user of its own beside the one that it names: the named one counts if the proxy's is `trusted`, and
// the request is refused if not, because the peer may then be anybody on the proxy's machine.
func (i *Identity) Identify(r *http.Request) (Caller, error) {
	named, err := i.takeHeader(r)
	if err != nil {
		return Caller{}, err
	}
	name := authenticated(r.Context())
	switch {
	case named == "" || named == name:
	case name == "" || i.trusted[name]:
		name = named
	default:
		return Caller{}, answer.Denied("The authenticated user may not speak for the one that " + i.header +
			" names: `trusted` must hold the proxy's user")
	}
	if err := checkName(name); err != nil {
		return Caller{}, answer.Invalid("The user's name " + err.Error())
	}
	if name == "" && i.header != "" && !i.authenticated {
		return Caller{}, answer.Unauthenticated("Only the proxies that `user_header` names may call, and must name the user in "+i.header, "")
	}
	caller := Caller{
		Name: name, Trusted: i.trusted[name], Admin: i.admins[name],
		Door: doorOf(r.URL.Path), Change: changeOf(r.Method), Credentials: Credentials{},
	}
	for _, header := range credentialHeaders {
		if values := r.Header.Values(header); len(values) > 0 {
			caller.Credentials[header] = values
		}
	}
	return caller, nil
}

// takeHeader removes the header in all spellings that a server behind us may take for it, and is what it says if the
// peer is believed.
func (i *Identity) takeHeader(r *http.Request) (string, error) {
	if i.header == "" {
		return "", nil
	}
	values := r.Header.Values(i.header)
	for name := range r.Header {
		if strings.EqualFold(strings.ReplaceAll(name, "_", "-"), strings.ReplaceAll(i.header, "_", "-")) {
			delete(r.Header, name)
		}
	}
	if len(values) == 0 || !i.believes(r.RemoteAddr) {
		return "", nil
	}
	if len(values) > 1 {
		return "", answer.Invalid("The header " + i.header + " is there more than once")
	}
	return strings.TrimSpace(values[0]), nil
}

func (i *Identity) believes(remote string) bool {
	peer, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	address := peer.Addr().Unmap().WithZone("")
	for _, prefix := range i.proxies {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

// authenticated is the name that an auth extension found: basicauth calls it username, oidcauth subject.
func authenticated(ctx context.Context) string {
	auth := client.FromContext(ctx).Auth
	if auth == nil {
		return ""
	}
	for _, attribute := range []string{"username", "subject"} {
		if name, ok := auth.GetAttribute(attribute).(string); ok && name != "" {
			return name
		}
	}
	return ""
}

func checkName(name string) error {
	switch {
	case len(name) > maxName:
		return errors.New("is longer than 250 bytes")
	case !utf8.ValidString(name):
		return errors.New("is no valid UTF-8")
	case strings.ContainsFunc(name, unicode.IsControl):
		return errors.New("has control characters")
	default:
		return nil
	}
}

func doorOf(path string) Door {
	switch {
	case strings.Contains(path, "/ajax-api/"):
		return DoorUI
	case strings.HasSuffix(path, "/feedback/v1/feedback"):
		return DoorLookup
	default:
		return DoorAPI
	}
}

func changeOf(method string) mlflow.Act {
	switch method {
	case http.MethodPost:
		return mlflow.ActCreate
	case http.MethodDelete:
		return mlflow.ActDelete
	default:
		return mlflow.ActUpdate
	}
}
