package feedbackextension

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configauth"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/extension/extensionauth"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/metadata"
	"github.com/otelcol-feedback/otelcol-feedback/internal/deliver"
)

const aTrace = "0af7651916cd43dd8448eb211c80319c"

// host has the extensions that the endpoint refers to.
type host map[component.ID]component.Component

func (h host) GetExtensions() map[component.ID]component.Component { return h }

// guests is an auth extension that takes a name for itself as a bearer token.
type guests struct {
	component.StartFunc
	component.ShutdownFunc
}

var _ extensionauth.Server = guests{}

func (guests) Authenticate(ctx context.Context, sources map[string][]string) (context.Context, error) {
	for key, values := range sources {
		if name, found := strings.CutPrefix(values[0], "Bearer "); found && strings.EqualFold(key, "authorization") {
			return client.NewContext(ctx, client.Info{Auth: guest(name)}), nil
		}
	}
	return ctx, assert.AnError
}

type guest string

func (g guest) GetAttribute(name string) any {
	if name == "username" {
		return string(g)
	}
	return nil
}

func (guest) GetAttributeNames() []string { return []string{"username"} }

var guestsID = component.MustNewID("guests")

// endpoint starts an extension on a Redis in this process.
func endpoint(t *testing.T, change func(*Config)) string {
	t.Helper()
	config := createDefaultConfig().(*Config)
	config.Server.NetAddr.Endpoint = "127.0.0.1:0"
	config.Redis.Endpoints = []string{miniredis.RunT(t).Addr()}
	if change != nil {
		change(config)
	}
	e, err := newFeedbackExtension(extensiontest.NewNopSettings(metadata.Type), config)
	require.NoError(t, err)
	require.NoError(t, e.Start(t.Context(), host{guestsID: guests{}}))
	t.Cleanup(func() { require.NoError(t, e.Shutdown(context.Background())) })
	return "http://" + e.address.String()
}

// reply is what a request came to.
type reply struct {
	status int
	header http.Header
	body   string
}

func ask(t *testing.T, method, url, body string, headers ...string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	for pair := range slices.Chunk(headers, 2) {
		request.Header.Set(pair[0], pair[1])
		if pair[0] == "Host" {
			request.Host = pair[1]
		}
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return reply{response.StatusCode, response.Header, string(text)}
}

const (
	assessmentsPath = "/api/3.0/mlflow/traces/tr-" + aTrace + "/assessments"
	aThumb          = `{"assessment": {"assessment_id": "a-1", "assessment_name": "thumbs", "feedback": {"value": true},
		"source": {"source_type": "HUMAN", "source_id": "forged@example.com"}}}`
)

func TestWithoutMLflow(t *testing.T) {
	t.Parallel()
	url := endpoint(t, nil)
	created := ask(t, http.MethodPost, url+assessmentsPath, aThumb)
	require.Equal(t, http.StatusOK, created.status, created.body)
	assert.Contains(t, created.body, "forged@example.com", "nobody is asked for their name")
	assert.Equal(t, http.StatusOK, ask(t, http.MethodGet, url+"/ajax-api/3.0/mlflow/traces/tr-"+aTrace+"/assessments/a-1", "").status)
	history := ask(t, http.MethodGet, url+"/feedback/v1/traces/tr-"+aTrace+"/history", "")
	assert.Contains(t, history.body, `"door": "api"`)
	listed := ask(t, http.MethodGet, url+"/feedback/v1/assessments", "")
	assert.Contains(t, listed.body, `"a-1"`, "everybody is admin where nobody is asked for their name")
	other := ask(t, http.MethodGet, url+"/api/2.0/mlflow/experiments/get?experiment_id=0", "")
	assert.Equal(t, http.StatusNotFound, other.status)
	assert.Contains(t, other.body, "ENDPOINT_NOT_FOUND")
	assert.Equal(t, http.StatusNotFound, ask(t, http.MethodGet, url+"/feedback/v1/unknown", "").status)
}

func TestForeignPagesAndNames(t *testing.T) {
	t.Parallel()
	url := endpoint(t, func(c *Config) {
		c.Server.CORS = configoptional.Some(confighttp.CORSConfig{AllowedOrigins: []string{"https://app.example.com"}})
	})
	const lookup = "/feedback/v1/feedback"
	thumb := `{"trace_id": "tr-` + aTrace + `", "assessment": {"assessment_name": "thumbs", "feedback": {"value": true}}}`
	for _, tt := range []struct {
		name, path, body string
		headers          []string
		want             int
	}{
		{"a foreign page", assessmentsPath, aThumb, []string{"Origin", "https://evil.example.com"}, http.StatusForbidden},
		{"a foreign page at the lookup", lookup, thumb, []string{"Origin", "https://evil.example.com"}, http.StatusForbidden},
		{"a name that was made to point here", assessmentsPath, aThumb, []string{"Host", "evil.example.com"}, http.StatusForbidden},
		{"the app's page at another path", assessmentsPath, aThumb, []string{"Origin", "https://app.example.com"}, http.StatusForbidden},
		{"the app's page", lookup, thumb, []string{"Origin", "https://app.example.com"}, http.StatusOK},
		{"our own page", assessmentsPath, aThumb, []string{"Origin", url}, http.StatusOK},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ask(t, http.MethodPost, url+tt.path, tt.body, tt.headers...)
			assert.Equal(t, tt.want, got.status, got.body)
		})
	}
}

func TestAuthor(t *testing.T) {
	t.Parallel()
	url := endpoint(t, func(c *Config) {
		c.Server.Auth = configoptional.Some(confighttp.AuthConfig{Config: configauth.Config{AuthenticatorID: guestsID}})
		c.Access.Admins = []string{"ada"}
	})
	nobody := ask(t, http.MethodPost, url+assessmentsPath, aThumb)
	assert.Equal(t, http.StatusUnauthorized, nobody.status)
	assert.Contains(t, nobody.body, "UNAUTHENTICATED")
	assert.NotEmpty(t, nobody.header.Get("WWW-Authenticate"))

	created := ask(t, http.MethodPost, url+assessmentsPath, aThumb, "Authorization", "Bearer grace")
	require.Equal(t, http.StatusOK, created.status, created.body)
	assert.Contains(t, created.body, `"source_id": "grace"`)
	assert.Contains(t, created.body, `"feedback.claimed_source_id": "forged@example.com"`)
	page := ask(t, http.MethodGet, url+"/ajax-api/3.0/mlflow/traces/tr-"+aTrace+"/assessments/a-1", "", "Authorization", "Bearer grace")
	assert.Contains(t, page.body, `"source_id": "User"`)
	assert.Equal(t, http.StatusForbidden, ask(t, http.MethodGet, url+"/feedback/v1/assessments", "", "Authorization", "Bearer grace").status)
	assert.Equal(t, http.StatusOK, ask(t, http.MethodGet, url+"/feedback/v1/assessments", "", "Authorization", "Bearer ada").status)
}

func TestBehindIsMLflow(t *testing.T) {
	t.Parallel()
	seen := make(chan *http.Request, 100)
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r
		_, _ = io.WriteString(w, `{"from": "mlflow"}`)
	}))
	t.Cleanup(behind.Close)
	url := endpoint(t, func(c *Config) {
		mlflow := deliver.NewDefaultMLflowConfig()
		mlflow.HTTP.Endpoint = behind.URL + "/static"
		c.MLflow = configoptional.Some(mlflow)
	})
	got := ask(t, http.MethodGet, url+"/api/2.0/mlflow/experiments/get?experiment_id=0", "")
	assert.JSONEq(t, `{"from": "mlflow"}`, got.body)
	assert.Equal(t, "/static/api/2.0/mlflow/experiments/get", (<-seen).URL.Path)
}

func TestRedisNotThereYet(t *testing.T) {
	t.Parallel()
	url := endpoint(t, func(c *Config) { c.Redis.Endpoints = []string{"127.0.0.1:1"} })
	got := ask(t, http.MethodPost, url+assessmentsPath, aThumb)
	assert.Equal(t, http.StatusServiceUnavailable, got.status)
	assert.NotEmpty(t, got.header.Get("Retry-After"))
}

func TestPortInUse(t *testing.T) {
	t.Parallel()
	var listen net.ListenConfig
	taken, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	config := createDefaultConfig().(*Config)
	config.Server.NetAddr.Endpoint = taken.Addr().String()
	config.Redis.Endpoints = []string{miniredis.RunT(t).Addr()}
	e, err := newFeedbackExtension(extensiontest.NewNopSettings(metadata.Type), config)
	require.NoError(t, err)
	require.ErrorContains(t, e.Start(t.Context(), host{}), "cannot listen on `endpoint`")
	require.NoError(t, e.Shutdown(t.Context()), "after a failed start")
}

// A request that never ends holds the shutdown up for its grace only.
func TestShutdownEndsStreams(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(behind.Close)
	t.Cleanup(func() { close(release) })
	config := createDefaultConfig().(*Config)
	config.Server.NetAddr.Endpoint = "127.0.0.1:0"
	config.Redis.Endpoints = []string{miniredis.RunT(t).Addr()}
	mlflow := deliver.NewDefaultMLflowConfig()
	mlflow.HTTP.Endpoint = behind.URL
	config.MLflow = configoptional.Some(mlflow)
	e, err := newFeedbackExtension(extensiontest.NewNopSettings(metadata.Type), config)
	require.NoError(t, err)
	require.NoError(t, e.Start(t.Context(), host{}))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+e.address.String()+"/gateway/stream", http.NoBody)
	require.NoError(t, err)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	require.NoError(t, e.Shutdown(ctx))
	_, err = io.ReadAll(response.Body)
	require.Error(t, err)
}

// Whatever goes wrong: credentials and what people wrote stand in no log line.
func TestLogsHoldNoSecrets(t *testing.T) {
	t.Parallel()
	core, logs := observer.New(zap.DebugLevel)
	config := createDefaultConfig().(*Config)
	config.Server.NetAddr.Endpoint = "127.0.0.1:0"
	config.Redis.Endpoints = []string{miniredis.RunT(t).Addr()}
	config.Redis.Password = "redis-secret"
	mlflow := deliver.NewDefaultMLflowConfig()
	mlflow.HTTP.Endpoint = "http://127.0.0.1:1"
	mlflow.HTTP.Headers = configopaque.MapList{{Name: "Authorization", Value: "Bearer mlflow-secret"}}
	config.MLflow = configoptional.Some(mlflow)
	set := extensiontest.NewNopSettings(metadata.Type)
	set.Logger = zap.New(core)
	e, err := newFeedbackExtension(set, config)
	require.NoError(t, err)
	require.NoError(t, e.Start(t.Context(), host{}))
	url := "http://" + e.address.String()
	const body = `{"assessment": {"assessment_name": "x", "feedback": {"value": "private words"}, "rationale": "private words"}}`
	for _, path := range []string{assessmentsPath, "/feedback/v1/feedback", "/feedback/v1/restore", "/api/2.0/mlflow/runs/search", "/a/../b"} {
		for _, text := range []string{body, "private words", `{"assessment": ` + body} {
			got := ask(t, http.MethodPost, url+path, text, "Authorization", "Basic caller-secret", "Cookie", "session=caller-secret")
			assert.NotContains(t, got.body, "secret")
		}
	}
	require.NoError(t, e.Shutdown(t.Context()))
	require.NotZero(t, logs.Len())
	for _, entry := range logs.All() {
		line := entry.Message + fmt.Sprint(entry.ContextMap())
		assert.NotContains(t, line, "secret")
		assert.NotContains(t, line, "private words")
	}
}
