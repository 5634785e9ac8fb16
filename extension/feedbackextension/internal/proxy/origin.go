package proxy

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
)

// SameOrigin refuses, with 403, what a browser sends on behalf of another site's page. exempt says which requests may
// come from other sites, because their handler decides that itself; nil: none.
func SameOrigin(exempt func(*http.Request) bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !sameOrigin(r) && (exempt == nil || !exempt(r)) {
			answer.Refuse(w, answer.Denied("Cross-origin request refused"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// sameOrigin reports whether a request comes from a page of ours or from no page. Programs send neither header.
func sameOrigin(r *http.Request) bool {
	if origins := r.Header["Origin"]; len(origins) > 0 && (len(origins) > 1 || !isOwnOrigin(origins[0], r)) {
		return false
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return true // a link on another site's page
	}
	for _, site := range r.Header["Sec-Fetch-Site"] {
		if site != "same-origin" && site != "none" {
			return false
		}
	}
	return true
}

// isOwnOrigin compares with the Host that was asked for, which Hosts has checked.
func isOwnOrigin(origin string, r *http.Request) bool {
	scheme, host, found := strings.Cut(origin, "://")
	if !found || strings.ContainsAny(host, "/?#@") {
		return false
	}
	switch {
	case scheme == "https":
	case scheme == "http" && r.TLS == nil:
	default:
		return false // a page that was not protected on its way
	}
	// Without TLS here something in front may have ended it, so both schemes' ports may be the one that is left out.
	theirs, ours := withPort(host, scheme), withPort(r.Host, scheme)
	return theirs != "" && theirs == ours
}

// withPort is a host in its one spelling with its port, the scheme's own where it has none; "" for what is no host.
func withPort(host, scheme string) string {
	name, ok := hostName(host)
	if !ok {
		return ""
	}
	port := (&url.URL{Host: host}).Port()
	if port == "" {
		if port = "80"; scheme == "https" {
			port = "443"
		}
	}
	return net.JoinHostPort(strings.Trim(name, "[]"), port)
}
