package proxy

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
)

// DefaultHosts are the names that requests may ask for unless others are given: the loopback ones, and that of the
// endpoint that is listened on, where it is one.
func DefaultHosts(endpoint string) []string {
	hosts := []string{"localhost", "127.0.0.1", "[::1]"}
	name, _, err := net.SplitHostPort(endpoint)
	if err != nil {
		name = endpoint
	}
	if address, err := netip.ParseAddr(name); name == "" || err == nil && address.IsUnspecified() {
		return hosts
	}
	return append(hosts, name)
}

// Hosts refuses, with 403, requests to any host but the allowed ones: a page whose name was made to point here (DNS
// rebinding) would pass for a page of ours. Names are without port.
func Hosts(allowed []string, next http.Handler) http.Handler {
	names := make(map[string]bool, len(allowed))
	for _, host := range allowed {
		if address, err := netip.ParseAddr(host); err == nil && address.Is6() {
			host = "[" + host + "]"
		}
		if name, ok := hostName(host); ok {
			names[name] = true
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, ok := hostName(r.Host); !ok || !names[name] {
			answer.Refuse(w, answer.Denied("The Host of the request is not in allowed_hosts"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostName is a Host header's name in its one spelling, without port; ok is false for what is no host.
func hostName(host string) (name string, ok bool) {
	var port string
	if bracketed, found := strings.CutPrefix(host, "["); found {
		text, rest, closed := strings.Cut(bracketed, "]")
		address, err := netip.ParseAddr(text)
		if !closed || err != nil || !address.Is6() || rest != "" && rest[0] != ':' {
			return "", false
		}
		name, port = "["+address.String()+"]", strings.TrimPrefix(rest, ":")
	} else {
		name, port, _ = strings.Cut(host, ":")
		name = strings.ToLower(strings.TrimSuffix(name, "."))
		if name == "" || strings.ContainsFunc(name, noNameRune) {
			return "", false
		}
	}
	return name, !strings.ContainsFunc(port, noDigit)
}

func noDigit(r rune) bool { return r < '0' || r > '9' }

// noNameRune reports what stands in no host's name; international names are sent in ASCII.
func noNameRune(r rune) bool {
	return noDigit(r) && (r < 'a' || r > 'z') && r != '-' && r != '.' && r != '_'
}
