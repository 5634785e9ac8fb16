package feedbackextension

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configauth"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/internal/deliver"
)

// An MLflow that begins to ask who calls is believed at once: what was open is open no longer.
func TestMLflowGetsAuthentication(t *testing.T) {
	t.Parallel()
	var asks atomic.Bool
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asks.Load() {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{}`)
	}))
	t.Cleanup(behind.Close)
	url := endpoint(t, func(c *Config) {
		mlflow := deliver.NewDefaultMLflowConfig()
		mlflow.HTTP.Endpoint = behind.URL
		c.MLflow = configoptional.Some(mlflow)
	})
	require.Equal(t, http.StatusOK, ask(t, http.MethodGet, url+"/feedback/v1/assessments", "").status)
	asks.Store(true)
	require.Eventually(t, func() bool {
		return ask(t, http.MethodGet, url+"/api/2.0/mlflow/experiments/search", "").status == http.StatusUnauthorized &&
			ask(t, http.MethodGet, url+"/feedback/v1/assessments", "").status != http.StatusOK
	}, 30*time.Second, 10*time.Millisecond)
}

// Where everybody calls with the collector's own account at MLflow, what that account may do to others' is for admins.
func TestAccountsAreForAdmins(t *testing.T) {
	t.Parallel()
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{}`) }))
	t.Cleanup(behind.Close)
	url := endpoint(t, func(c *Config) {
		mlflow := deliver.NewDefaultMLflowConfig()
		mlflow.HTTP.Endpoint = behind.URL
		c.MLflow = configoptional.Some(mlflow)
		c.Access.Authorization, c.Access.Admins = access.AuthorizationEndpoint, []string{"ada"}
		c.Server.Auth = configoptional.Some(confighttp.AuthConfig{Config: configauth.Config{AuthenticatorID: guestsID}})
	})
	for _, tt := range []struct {
		method, path, user string
		want               int
	}{
		{http.MethodPatch, "/api/2.0/mlflow/users/update-admin", "grace", http.StatusForbidden},
		{http.MethodPost, "/api/3.0/mlflow/users/permissions/grant", "grace", http.StatusForbidden},
		{http.MethodPost, "/ajax-api/3.0/mlflow/roles/assign", "grace", http.StatusForbidden},
		{http.MethodPost, "/api/3.0/mlflow/roles/assign", "ada", http.StatusOK},
		{http.MethodGet, "/ajax-api/2.0/mlflow/users/list", "grace", http.StatusNotFound},
		{http.MethodGet, "/ajax-api/2.0/mlflow/users/list", "ada", http.StatusOK},
		{http.MethodGet, "/api/2.0/mlflow/users/current", "ada", http.StatusNotFound},
		{http.MethodGet, "/ajax-api/2.0/mlflow/users/current", "grace", http.StatusNotFound},
		{http.MethodPost, "/api/2.0/mlflow/experiments/search", "grace", http.StatusOK},
	} {
		got := ask(t, tt.method, url+tt.path, `{}`, "Authorization", "Bearer "+tt.user)
		assert.Equal(t, tt.want, got.status, tt)
	}
}

// Whoever was told a URL with MLflow's static prefix finds all of the endpoint below it, and without it as well.
func TestStaticPrefix(t *testing.T) {
	t.Parallel()
	url := endpoint(t, func(c *Config) {
		mlflow := deliver.NewDefaultMLflowConfig()
		mlflow.HTTP.Endpoint = "http://127.0.0.1:1/ml/flow/"
		c.MLflow = configoptional.Some(mlflow)
		c.Access.Authorization = access.AuthorizationEndpoint
		c.Server.CORS = configoptional.Some(confighttp.CORSConfig{AllowedOrigins: []string{"https://app.example.com"}})
	})
	const thumb = `{"trace_id": "tr-` + aTrace + `", "assessment": {"assessment_name": "thumbs", "feedback": {"value": true}}}`
	for _, tt := range []struct {
		method, path, body string
		want               int
	}{
		{http.MethodPost, "/ml/flow" + assessmentsPath, aThumb, http.StatusOK},
		{http.MethodGet, "/ml/flow" + assessmentsPath + "/a-1", "", http.StatusOK},
		{http.MethodGet, assessmentsPath + "/a-1", "", http.StatusOK},
		{http.MethodGet, "/ml/flow/feedback/v1/traces/tr-" + aTrace + "/history", "", http.StatusOK},
		{http.MethodGet, "/feedback/v1/traces/tr-" + aTrace + "/history", "", http.StatusOK},
		{http.MethodGet, "/ml/flow/feedback/v1/unknown", "", http.StatusNotFound},
		// What follows is for MLflow, which is not there: half of the prefix, and all of it twice.
		{http.MethodGet, "/ml" + assessmentsPath + "/a-1", "", http.StatusServiceUnavailable},
		{http.MethodGet, "/ml/flow/ml/flow" + assessmentsPath + "/a-1", "", http.StatusServiceUnavailable},
		{http.MethodGet, "/ml/feedback/v1/assessments", "", http.StatusServiceUnavailable},
		{http.MethodGet, "/ml/flowfeedback/v1/assessments", "", http.StatusServiceUnavailable},
	} {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			got := ask(t, tt.method, url+tt.path, tt.body)
			assert.Equal(t, tt.want, got.status, got.body)
		})
	}
	for path, want := range map[string]int{
		"/ml/flow/feedback/v1/feedback": http.StatusOK, "/ml/flow/feedback/v1/assessments": http.StatusForbidden,
	} {
		got := ask(t, http.MethodPost, url+path, thumb, "Origin", "https://app.example.com")
		assert.Equal(t, want, got.status, got.body)
	}
}
