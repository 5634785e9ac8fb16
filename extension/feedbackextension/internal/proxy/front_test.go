package proxy

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestHosts(t *testing.T) {
	t.Parallel()
	allowed := append(DefaultHosts("[2001:db8::1]:5080"), "Feedback.Example.com", "fd00::7")
	tests := []struct {
		host   string
		status int
	}{
		{"", 403},
		{"evil.com", 403},
		{"evil.com:5080", 403},
		{"localhost.evil.com", 403},
		{"evil-localhost", 403},
		{"localhost@evil.com", 403},
		{"localhost:80@evil.com", 403},
		{"localhost/evil.com", 403},
		{"localhost evil.com", 403},
		{"localhost:http", 403},
		{"localhost:80:80", 403},
		{"127.0.0.2", 403},
		{"0.0.0.0", 403},
		{"2130706433", 403},
		{"::1", 403},
		{"[::1", 403},
		{"[::1]evil", 403},
		{"[::1]:x", 403},
		{"[127.0.0.1]", 403},
		{"[::ffff:127.0.0.1]", 403},
		{"localhost..", 403},
		{"ⅼocalhost", 403},
		{"localhost", 200},
		{"LocalHost:5080", 200},
		{"localhost.", 200},
		{"localhost.:5080", 200},
		{"localhost:", 200},
		{"127.0.0.1:1", 200},
		{"[::1]", 200},
		{"[::1]:5080", 200},
		{"[0:0:0:0:0:0:0:1]:5080", 200},
		{"[2001:DB8::1]:5080", 200},
		{"[fd00::7]", 200},
		{"feedback.example.com", 200},
		{"FEEDBACK.example.com.:443", 200},
	}
	handler := Hosts(allowed, http.HandlerFunc(ok))
	for _, test := range tests {
		t.Run(test.host, func(t *testing.T) {
			t.Parallel()
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				r := httptest.NewRequestWithContext(t.Context(), method, "/health", http.NoBody)
				r.Host = test.host
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				assert.Equal(t, test.status, w.Code)
				if test.status == http.StatusForbidden {
					assertRefused(t, test.status, reply{StatusCode: w.Code}, w.Body.String())
				}
			}
		})
	}
}

func TestDefaultHosts(t *testing.T) {
	t.Parallel()
	loopback := []string{"localhost", "127.0.0.1", "[::1]"}
	assert.Equal(t, loopback, DefaultHosts("0.0.0.0:5080"))
	assert.Equal(t, loopback, DefaultHosts("[::]:5080"))
	assert.Equal(t, loopback, DefaultHosts(":5080"))
	assert.Equal(t, append(loopback, "feedback.example.com"), DefaultHosts("feedback.example.com:5080"))
}

func TestSameOrigin(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		method string
		host   string // default localhost:5080
		tls    bool
		header http.Header
		status int
	}{
		{name: "foreign", header: http.Header{"Origin": {"https://evil.com"}}, status: 403},
		{name: "foreign read", method: "GET", header: http.Header{"Origin": {"https://evil.com"}}, status: 403},
		{name: "foreign preflight", method: "OPTIONS", header: http.Header{"Origin": {"https://evil.com"}}, status: 403},
		{name: "null", header: http.Header{"Origin": {"null"}}, status: 403},
		{name: "empty", header: http.Header{"Origin": {""}}, status: 403},
		{name: "two", header: http.Header{"Origin": {"http://localhost:5080", "http://localhost:5080"}}, status: 403},
		{name: "other port", header: http.Header{"Origin": {"http://localhost:3000"}}, status: 403},
		{name: "no port", header: http.Header{"Origin": {"http://localhost"}}, status: 403},
		{name: "other scheme", header: http.Header{"Origin": {"ftp://localhost:5080"}}, status: 403},
		{name: "user", header: http.Header{"Origin": {"http://localhost:5080@evil.com"}}, status: 403},
		{name: "prefix", header: http.Header{"Origin": {"http://localhost:5080.evil.com"}}, status: 403},
		{name: "plain page of a TLS server", tls: true, header: http.Header{"Origin": {"http://localhost:5080"}}, status: 403},
		{name: "cross-site", header: http.Header{"Sec-Fetch-Site": {"cross-site"}}, status: 403},
		{name: "same-site", header: http.Header{"Sec-Fetch-Site": {"same-site"}}, status: 403},
		{name: "cross-site delete", method: "DELETE", header: http.Header{"Sec-Fetch-Site": {"cross-site"}}, status: 403},
		{name: "own", header: http.Header{"Origin": {"http://localhost:5080"}}, status: 200},
		{name: "own spelled otherwise", header: http.Header{"Origin": {"HTTP://LocalHost:5080"}}, status: 403},
		{name: "own over TLS", tls: true, header: http.Header{"Origin": {"https://localhost:5080"}}, status: 200},
		{
			name: "TLS ended in front", host: "feedback.example.com",
			header: http.Header{"Origin": {"https://feedback.example.com"}, "Sec-Fetch-Site": {"same-origin"}}, status: 200,
		},
		{
			name: "default port", host: "feedback.example.com:80",
			header: http.Header{"Origin": {"http://feedback.example.com"}}, status: 200,
		},
		{name: "program", status: 200},
		{name: "typed by a person", header: http.Header{"Sec-Fetch-Site": {"none"}}, status: 200},
		{name: "link", method: "GET", header: http.Header{"Sec-Fetch-Site": {"cross-site"}}, status: 200},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			method := test.method
			if method == "" {
				method = http.MethodPost
			}
			r := httptest.NewRequestWithContext(t.Context(), method, uiTraces+"/search", http.NoBody)
			if r.Host = test.host; r.Host == "" {
				r.Host = "localhost:5080"
			}
			if test.tls {
				r.TLS = &tls.ConnectionState{}
			}
			r.Header = test.header
			w := httptest.NewRecorder()
			SameOrigin(nil, http.HandlerFunc(ok)).ServeHTTP(w, r)
			assert.Equal(t, test.status, w.Code)

			exempt := func(r *http.Request) bool { return r.URL.Path == uiTraces+"/search" }
			w = httptest.NewRecorder()
			SameOrigin(exempt, http.HandlerFunc(ok)).ServeHTTP(w, r)
			assert.Equal(t, http.StatusOK, w.Code)
		})
	}
}
