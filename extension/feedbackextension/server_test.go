package feedbackextension

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/internal/deliver"
)

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
