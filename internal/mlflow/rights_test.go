package mlflow

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	missingAssessment = `{"error_code":"INVALID_PARAMETER_VALUE","message":"Missing value for required parameter 'assessment'."}`
	noSuchAssessment  = `{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"Assessment with ID 'a-0' not found for trace 'tr-1'"}`
)

func TestTry(t *testing.T) {
	t.Parallel()
	acts := map[Act]string{
		ActRead:   "GET /prefix/api/3.0/mlflow/traces/tr-1/assessments/" + nowhere,
		ActCreate: "POST /prefix/api/3.0/mlflow/traces/tr-1/assessments {}",
		ActUpdate: "PATCH /prefix/api/3.0/mlflow/traces/tr-1/assessments/" + nowhere + " {}",
		ActDelete: "DELETE /prefix/api/3.0/mlflow/traces/tr-1/assessments/" + nowhere,
	}
	tests := []struct {
		name, body string
		status     int
		yes        []Act
		denied     bool
	}{
		{name: "incomplete", status: 400, body: missingAssessment, yes: []Act{ActCreate, ActUpdate}},
		{name: "no such assessment", status: 404, body: noSuchAssessment, yes: []Act{ActRead}},
		{name: "nothing to delete", status: 200, body: "{}", yes: []Act{ActDelete}},
		{name: "denied", status: 403, body: "Permission denied", denied: true},
		{name: "host", status: 403, body: "Invalid Host header - possible DNS rebinding attack detected"},
		{name: "login page", status: 200, body: "<html>"},
		{name: "login for programs", status: 200, body: `{"login":"/login"}`},
		{name: "login elsewhere", status: 302, body: "{}"},
		{name: "bad for another reason", status: 400, body: `{"error_code":"BAD_REQUEST","message":"x"}`},
		{name: "no such route", status: 404, body: "<html>"},
		{name: "down", status: 503, body: "{}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for act, request := range acts {
				var asked, user string
				client := serve(t, func(w http.ResponseWriter, r *http.Request) {
					body, _ := io.ReadAll(r.Body)
					asked = strings.TrimSpace(r.Method + " " + r.URL.Path + " " + string(body))
					user = r.Header.Get("Authorization")
					w.Header().Set("Location", "/elsewhere")
					w.WriteHeader(tt.status)
					_, _ = io.WriteString(w, tt.body)
				}).As(http.Header{"Authorization": {"Basic x"}})
				err := client.Try(t.Context(), "tr-1", act)
				assert.Equal(t, request, asked)
				assert.Equal(t, "Basic x", user)
				yes := false
				for _, y := range tt.yes {
					yes = yes || y == act
				}
				assert.Equal(t, yes, err == nil, request)
				if err != nil {
					var e *Error
					require.ErrorAs(t, err, &e)
					assert.Equal(t, tt.denied, e.Denied())
				}
			}
		})
	}
	require.Error(t, serve(t, nil).Try(t.Context(), "tr-1", Act(9)))
}

func TestExperiment(t *testing.T) {
	t.Parallel()
	answer, status := "", http.StatusOK
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	})
	answer = `{"trace":{"trace_info":{"trace_id":"tr-1","trace_location":{"type":"MLFLOW_EXPERIMENT","mlflow_experiment":{"experiment_id":"7"}}}}}`
	id, err := client.Experiment(t.Context(), "tr-1")
	require.NoError(t, err)
	assert.Equal(t, "7", id)
	for _, answer = range []string{"{}", "<html>", `{"trace":{"trace_info":{"trace_location":{"type":"INFERENCE_TABLE"}}}}`} {
		_, err = client.Experiment(t.Context(), "tr-1")
		assert.Equal(t, ClassUnavailable, ClassOf(err), answer)
	}
	answer, status = "Permission denied", http.StatusForbidden
	_, err = client.Experiment(t.Context(), "tr-1")
	var e *Error
	require.ErrorAs(t, err, &e)
	assert.True(t, e.Denied())
}

func TestOpen(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		status     int
		open       bool
		fails      bool
	}{
		{name: "open", status: 200, body: `{"experiments":[{}],"next_page_token":"x"}`, open: true},
		{name: "open and empty", status: 200, body: `{}`, open: true},
		{name: "basic-auth", status: 401, body: "You are not authenticated."},
		{name: "forbidden", status: 403, body: "no"},
		{name: "login elsewhere", status: 302},
		{name: "login after", status: 303},
		{name: "login page", status: 200, body: "<html>", fails: true},
		{name: "login for programs", status: 200, body: `{"login":"/login"}`, fails: true},
		{name: "host", status: 403, body: "Invalid Host header", fails: true},
		{name: "moved", status: 301, fails: true},
		{name: "down", status: 503, fails: true},
		{name: "another server", status: 404, body: "<html>", fails: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/login")
				w.Header().Set("WWW-Authenticate", `Basic realm="mlflow"`)
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			}).As(nil)
			open, err := client.Open(t.Context())
			assert.Equal(t, tt.open, open)
			assert.Equal(t, tt.fails, err != nil)
		})
	}
	client, err := NewClient(http.DefaultClient, "http://127.0.0.1:1")
	require.NoError(t, err)
	_, err = client.Open(t.Context())
	require.Error(t, err)
}

func TestChallenge(t *testing.T) {
	t.Parallel()
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Www-Authenticate"] = []string{`Basic realm="mlflow"`, "Bearer"}
		w.WriteHeader(http.StatusUnauthorized)
	})
	_, err := client.Experiment(t.Context(), "tr-1")
	var e *Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, `Basic realm="mlflow", Bearer`, e.Challenge)
}
