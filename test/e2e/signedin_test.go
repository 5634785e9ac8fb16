//go:build e2e

package e2e

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// standInIssuer signs tokens as an OpenID provider does.
type standInIssuer struct {
	*httptest.Server

	key *rsa.PrivateKey
}

func startIssuer(t *testing.T) *standInIssuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	issuer := &standInIssuer{key: key}
	mux := http.NewServeMux()
	answer := func(path string, body func() map[string]any) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(body())
		})
	}
	answer("/.well-known/openid-configuration", func() map[string]any {
		return map[string]any{
			"issuer": issuer.URL, "jwks_uri": issuer.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256"},
		}
	})
	answer("/keys", func() map[string]any {
		return map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1",
			"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()),
			"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
		}}}
	})
	issuer.Server = httptest.NewServer(mux)
	t.Cleanup(issuer.Close)
	return issuer
}

// token says who subject is, until the time given.
func (i *standInIssuer) token(t *testing.T, subject string, until time.Time) string {
	t.Helper()
	part := func(content map[string]any) string {
		text, err := json.Marshal(content)
		require.NoError(t, err)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	signed := part(map[string]any{"alg": "RS256", "kid": "1"}) + "." + part(map[string]any{
		"iss": i.URL, "aud": "feedback", "sub": subject, "exp": until.Unix(), "iat": time.Now().Unix(),
	})
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, i.key, crypto.SHA256, digest[:])
	require.NoError(t, err)
	return "Bearer " + signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// TestSignedIn has people sign in by the collector's own auth extensions: an OpenID provider names them, whatever their
// requests say; a shared token names nobody.
func TestSignedIn(t *testing.T) {
	s := newStack(t)
	issuer := startIssuer(t)
	oidc := s.collector("oidc", nil, "config/feedback-api.yaml",
		"yaml:extensions: {oidc: {issuer_url: '"+issuer.URL+"', audience: feedback}, feedback: {auth: {authenticator: oidc}}}",
		"yaml:service: {extensions: [oidc, feedback]}")
	token := s.collector("token", nil, "config/feedback-api.yaml",
		"yaml:extensions: {bearertokenauth: {token: example}, feedback: {auth: {authenticator: bearertokenauth}}}",
		"yaml:service: {extensions: [bearertokenauth, feedback]}")
	soon := time.Now().Add(time.Hour)
	for _, tt := range []struct {
		name, url, authorization string
		status                   int
		author                   string
	}{
		{"nobody", oidc.feedback, "", http.StatusUnauthorized, ""},
		{"an old token", oidc.feedback, issuer.token(t, "ada", time.Now().Add(-time.Hour)), http.StatusUnauthorized, ""},
		{"of another provider", oidc.feedback, startIssuer(t).token(t, "ada", soon), http.StatusUnauthorized, ""},
		{"signed in", oidc.feedback, issuer.token(t, "ada", soon), http.StatusOK, "ada"},
		{"no token", token.feedback, "", http.StatusUnauthorized, ""},
		{"a wrong token", token.feedback, "Bearer exampl", http.StatusUnauthorized, ""},
		{"the token", token.feedback, "Bearer example", http.StatusOK, "somebody@example.com"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := newExchange("Whose is it?", "Mine.")
			got, err := askAs(t.Context(), tt.authorization, http.MethodPost, assessments(tt.url, e), thumb("a-"+e.trace.String(), true))
			require.NoError(t, err)
			require.Equal(t, tt.status, got.status, string(got.body))
			if tt.status != http.StatusOK {
				return
			}
			var answer struct {
				Assessment row `json:"assessment"`
			}
			require.NoError(t, json.Unmarshal(got.body, &answer))
			require.Equal(t, tt.author, answer.Assessment.Source.ID)
		})
	}
}
