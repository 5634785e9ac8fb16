package access

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
)

// found is what an auth extension leaves in the context.
type found map[string]any

func (f found) GetAttribute(name string) any { return f[name] }

func (found) GetAttributeNames() []string { return nil }

func identity() *Identity {
	return NewIdentity(&Config{
		Admins: []string{"alice"}, Trusted: []string{"bot", "proxy"},
		UserHeader: configoptional.Some(UserHeader{Name: "x-forwarded-user", Proxies: []string{"10.0.0.0/8", "::1"}}),
	}, true)
}

func TestIdentifyByTheHeaderAlone(t *testing.T) {
	t.Parallel()
	i := NewIdentity(&Config{
		UserHeader: configoptional.Some(UserHeader{Name: "X-Forwarded-User", Proxies: []string{"10.0.0.0/8"}}),
	}, false)
	caller, err := i.Identify(request(t, nil, proxyAddress, "X-Forwarded-User", "alice"))
	require.NoError(t, err)
	assert.Equal(t, "alice", caller.Name)
	for name, r := range map[string]*http.Request{
		"around the proxy":          request(t, nil, otherAddress, "X-Forwarded-User", "alice"),
		"nobody":                    request(t, nil, otherAddress),
		"a proxy that names nobody": request(t, nil, proxyAddress),
	} {
		_, err := i.Identify(r)
		var refusal *answer.Error
		require.ErrorAs(t, err, &refusal, name)
		assert.Equal(t, http.StatusUnauthorized, refusal.Status, name)
	}
}

const (
	proxyAddress = "10.1.2.3:4"
	otherAddress = "192.0.2.1:4"
)

func request(t *testing.T, auth client.AuthData, remote string, headers ...string) *http.Request {
	t.Helper()
	ctx := client.NewContext(t.Context(), client.Info{Auth: auth})
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/api/3.0/mlflow/traces/tr-1/assessments", http.NoBody)
	r.RemoteAddr = remote
	for header := range slices.Chunk(headers, 2) {
		r.Header[header[0]] = append(r.Header[header[0]], header[1:]...)
	}
	return r
}

func TestIdentifyRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		auth   client.AuthData
		header []string
		status int
		want   string
	}{
		{"for somebody else", found{"username": "carol"}, []string{"X-Forwarded-User", "alice"}, 403, "may not speak for the one that X-Forwarded-User names"},
		{"two names", nil, []string{"X-Forwarded-User", "a", "X-Forwarded-User", "b"}, 400, "more than once"},
		{"too long", nil, []string{"X-Forwarded-User", strings.Repeat("ä", 126)}, 400, "longer than 250 bytes"},
		{"too long, authenticated", found{"subject": strings.Repeat("a", 251)}, nil, 400, "longer than 250 bytes"},
		{"not UTF-8", nil, []string{"X-Forwarded-User", "\xe4"}, 400, "no valid UTF-8"},
		{"control character", found{"username": "a\x00"}, nil, 400, "control characters"},
		{"control character of Unicode", nil, []string{"X-Forwarded-User", "a\u0085b"}, 400, "control characters"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := request(t, tt.auth, proxyAddress, tt.header...)
			_, err := identity().Identify(r)
			var refusal *answer.Error
			require.ErrorAs(t, err, &refusal)
			assert.Equal(t, tt.status, refusal.Status)
			assert.Contains(t, refusal.Message, tt.want)
			assert.Empty(t, r.Header)
		})
	}
}

func TestIdentifyName(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		auth   client.AuthData
		remote string
		header string
		want   string
	}{
		{"nobody", nil, otherAddress, "", ""},
		{"basicauth", found{"username": "carol", "raw": "secret"}, otherAddress, "", "carol"},
		{"oidcauth", found{"subject": "carol", "raw": "secret", "membership": []string{"x"}}, otherAddress, "", "carol"},
		{"an extension that names nobody", found{"username": 7}, otherAddress, "", ""},
		{"proxy", nil, proxyAddress, "carol", "carol"},
		{"proxy in IPv6", nil, "[::1]:4", "carol", "carol"},
		{"proxy on a dual-stack socket", nil, "[::ffff:10.1.2.3]:4", "carol", "carol"},
		{"proxy with a user of its own", found{"username": "proxy"}, proxyAddress, "carol", "carol"},
		{"proxy that passes the token on", found{"subject": "carol"}, proxyAddress, "carol", "carol"},
		{"proxy that names nobody", found{"username": "proxy"}, proxyAddress, "", "proxy"},
		{"not the proxy", nil, otherAddress, "alice", ""},
		{"not the proxy, authenticated", found{"username": "bot"}, otherAddress, "alice", "bot"},
		{"no address", nil, "@", "alice", ""},
		{"zone", nil, "[fe80::1%eth0]:4", "alice", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := request(t, tt.auth, tt.remote, "X-Forwarded-For", "10.1.2.3", "X_forwarded_user", "eve", "X-Forwarded_user", "eve")
			if tt.header != "" {
				r.Header.Set("X-Forwarded-User", tt.header)
			}
			caller, err := identity().Identify(r)
			require.NoError(t, err)
			assert.Equal(t, tt.want, caller.Name)
			assert.Equal(t, http.Header{"X-Forwarded-For": {"10.1.2.3"}}, r.Header, "the header goes no further, whatever its spelling")
		})
	}
}

func TestIdentifyWithoutUserHeader(t *testing.T) {
	t.Parallel()
	r := request(t, nil, "127.0.0.1:4", "X-Forwarded-User", "alice")
	caller, err := NewIdentity(&Config{Admins: []string{"alice"}}, false).Identify(r)
	require.NoError(t, err)
	assert.Equal(t, Caller{Door: DoorAPI, Change: mlflow.ActCreate, Credentials: Credentials{}}, caller)
}

func TestIdentifyRest(t *testing.T) {
	t.Parallel()
	credentials := []string{
		"Authorization", "Basic x", "Cookie", "a=1", "Cookie", "b=2", "X-Mlflow-Workspace", "w", "X-Other", "y",
	}
	caller, err := identity().Identify(request(t, found{"username": "alice"}, otherAddress, credentials...))
	require.NoError(t, err)
	assert.Equal(t, Caller{
		Name: "alice", Admin: true, Door: DoorAPI, Change: mlflow.ActCreate, Credentials: Credentials{
			"Authorization": {"Basic x"}, "Cookie": {"a=1", "b=2"}, "X-Mlflow-Workspace": {"w"},
		},
	}, caller)

	caller, err = identity().Identify(request(t, found{"username": "proxy"}, proxyAddress, "X-Forwarded-User", "carol"))
	require.NoError(t, err)
	assert.False(t, caller.Trusted, "the trust in a proxy is not a trust in whom it names")

	for _, tt := range []struct {
		method, path string
		door         Door
		change       mlflow.Act
	}{
		{http.MethodGet, "/api/3.0/mlflow/traces/tr-1", DoorAPI, mlflow.ActUpdate},
		{http.MethodPatch, "/prefix/ajax-api/3.0/mlflow/traces/tr-1/assessments/a", DoorUI, mlflow.ActUpdate},
		{http.MethodDelete, "/ajax-api/3.0/mlflow/traces/tr-1/assessments/a", DoorUI, mlflow.ActDelete},
		{http.MethodPost, "/feedback/v1/feedback", DoorLookup, mlflow.ActCreate},
	} {
		r := request(t, found{"username": "bot"}, otherAddress)
		r.Method, r.URL.Path = tt.method, tt.path
		caller, err := identity().Identify(r)
		require.NoError(t, err)
		assert.True(t, caller.Trusted)
		assert.Equal(t, tt.door, caller.Door, tt.path)
		assert.Equal(t, tt.change, caller.Change, tt.method)
	}
}

func TestCallerIsNeverPrintedWithCredentials(t *testing.T) {
	t.Parallel()
	caller := Caller{Name: "alice", Door: DoorAPI, Credentials: Credentials{"Authorization": {"s3cret"}}}
	var printed strings.Builder
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	line, err := encoder.EncodeEntry(zapcore.Entry{}, []zap.Field{
		zap.Any("a", caller), zap.Any("b", caller.Credentials), zap.Reflect("c", caller), zap.Any("d", &caller),
	})
	require.NoError(t, err)
	printed.Write(line.Bytes())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		_, _ = fmt.Fprintf(&printed, verb+verb+verb+verb, caller, &caller, caller.Credentials, []Caller{caller})
	}
	slog.New(slog.NewTextHandler(&printed, nil)).Info("x", "caller", caller, "credentials", caller.Credentials)
	assert.NotContains(t, printed.String(), "s3cret")
	assert.Contains(t, printed.String(), "alice (api)")
	assert.Equal(t, "unnamed caller (ui)", Caller{Door: DoorUI}.String())
}

func TestCallerOf(t *testing.T) {
	t.Parallel()
	assert.Equal(t, Caller{}, CallerOf(t.Context()))
	caller := Caller{Name: "alice"}
	assert.Equal(t, caller, CallerOf(WithCaller(context.Background(), caller)))
}

// FuzzIdentify: whatever a peer sends, only a believed one names anybody, and every name is fit to be stored.
func FuzzIdentify(f *testing.F) {
	f.Add("10.1.2.3:4", "X-Forwarded-User", "alice", "carol")
	f.Add("192.0.2.1:4", "x_forwarded-USER", "alice", "")
	f.Add("[::1]:", "X-Forwarded-User", "a\x00\xff", "")
	f.Fuzz(func(t *testing.T, remote, header, value, user string) {
		r := request(t, found{"username": user}, remote, header, value)
		caller, err := identity().Identify(r)
		if err != nil {
			var refusal *answer.Error
			require.ErrorAs(t, err, &refusal)
			return
		}
		require.NoError(t, checkName(caller.Name))
		if caller.Name != user {
			require.True(t, identity().believes(remote))
		}
		require.Empty(t, r.Header.Values("X-Forwarded-User"))
	})
}
