//go:build e2e

package e2e

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/test/internal/servers"
)

// user is somebody with a password; the zero one has none to give.
type user struct{ name, password string }

func (u user) authorization() string {
	if u.name == "" {
		return ""
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(u.name+":"+u.password))
}

// ask makes a request in the user's name.
func (u user) ask(ctx context.Context, method, url string, body any) (int, http.Header, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	a, err := askAs(ctx, u.authorization(), method, url, body)
	return a.status, a.header, a.body, err
}

func (u user) status(t *testing.T, method, url string, body any) int {
	t.Helper()
	status, _, _, err := u.ask(t.Context(), method, url, body)
	require.NoError(t, err)
	return status
}

// post makes a request that must succeed; answer may be nil.
func (u user) post(t *testing.T, url string, body, answer any) {
	t.Helper()
	status, _, text, err := u.ask(t.Context(), http.MethodPost, url, body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, "%s: %s", url, text)
	if answer != nil {
		require.NoError(t, json.Unmarshal(text, answer))
	}
}

type opinion map[string]any

func newOpinion() opinion {
	return opinion{"assessment": opinion{
		"assessment_name": "helpful", "feedback": opinion{"value": true}, "source": opinion{"source_type": "HUMAN", "source_id": "x"},
	}}
}

// TestRights lets several users of MLflow's own authentication read and change feedback through the endpoint: each may do
// what MLflow lets them, also while MLflow is down, and nothing else.
func TestRights(t *testing.T) {
	s := newStack(t)
	tracking, err := servers.StartMLflowWithUsers(t.Context(), os.Getenv("MLFLOW"), filepath.Join(s.dir, "mlflow"), 0)
	require.NoError(t, err)
	t.Cleanup(func() { tracking.Kill() })
	admin := user{servers.MLflowAdmin, servers.MLflowAdminPassword}
	var experiment struct {
		ID string `json:"experiment_id"`
	}
	admin.post(t, tracking.URL+"/api/2.0/mlflow/experiments/create", opinion{"name": "rights"}, &experiment)
	// What a user may do: read, create, update, delete. MLflow has permissions on kinds of things beside those on experiments.
	users := map[string]struct {
		grants map[string]string
		may    [4]bool
	}{
		"stranger":     {},
		"reader":       {map[string]string{"experiment": "READ"}, [4]bool{true}},
		"editor":       {map[string]string{"experiment": "EDIT"}, [4]bool{true, true, true, true}},
		"denied":       {map[string]string{"experiment": "EDIT", "assessment": "DENY"}, [4]bool{}},
		"assessor":     {map[string]string{"experiment": "READ", "assessment": "EDIT"}, [4]bool{true, false, true, false}},
		"trace-editor": {map[string]string{"experiment": "READ", "trace": "EDIT"}, [4]bool{true, true, false, false}},
	}
	password := func(name string) string { return "password-of-" + name }
	for name, u := range users {
		admin.post(t, tracking.URL+"/api/2.0/mlflow/users/create", opinion{"username": name, "password": password(name)}, nil)
		for kind, permission := range u.grants {
			on := "*"
			if kind == "experiment" {
				on = experiment.ID
			}
			admin.post(t, tracking.URL+"/api/3.0/mlflow/users/permissions/grant",
				opinion{"username": name, "resource_type": kind, "resource_id": on, "permission": permission}, nil)
		}
	}

	header := fmt.Sprintf("{Authorization: '%s'}", admin.authorization())
	c := s.collector("collector", map[string]string{"MLFLOW_TRACKING_URI": tracking.URL, "MLFLOW_EXPERIMENT_ID": experiment.ID},
		"config/feedback-api.yaml",
		"yaml:exporters::feedback::mlflow::headers: "+header,
		"yaml:extensions::feedback::mlflow::headers: "+header,
		"yaml:exporters::otlp_http/mlflow::headers::authorization: '"+admin.authorization()+"'")
	exchanges := newExchanges(2, generatedAnswer)
	s.send(c, 2, exchanges)
	s.eventually(time.Minute, func(ctx context.Context) error {
		for _, e := range exchanges {
			status, _, text, err := admin.ask(ctx, http.MethodGet, strings.TrimSuffix(assessments(tracking.URL, e), "/assessments"), nil)
			if err != nil || status != http.StatusOK || !strings.Contains(string(text), "has_disclaimer") {
				return fmt.Errorf("%d %w", status, err)
			}
		}
		return nil
	})
	first := exchanges[0]

	row := func(by user, e exchange) string {
		var created struct {
			Assessment struct {
				ID string `json:"assessment_id"`
			} `json:"assessment"`
		}
		by.post(t, assessments(c.feedback, e), newOpinion(), &created)
		return created.Assessment.ID
	}
	expect := func(may bool) int {
		if may {
			return http.StatusOK
		}
		return http.StatusForbidden
	}
	update := opinion{"assessment": opinion{"feedback": opinion{"value": false}}, "update_mask": "feedback"}
	for name, u := range users {
		by, id := user{name, password(name)}, row(admin, first)
		assert.Equal(t, expect(u.may[0]), by.status(t, http.MethodGet, assessments(c.feedback, first)+"/"+id, nil), "%s reads", name)
		assert.Equal(t, expect(u.may[1]), by.status(t, http.MethodPost, assessments(c.feedback, first), newOpinion()), "%s creates", name)
		assert.Equal(t, expect(u.may[2]), by.status(t, http.MethodPatch, assessments(c.feedback, first)+"/"+id, update), "%s updates", name)
		assert.Equal(t, expect(u.may[3]), by.status(t, http.MethodDelete, assessments(c.feedback, first)+"/"+id, nil), "%s deletes", name)
		history := c.feedback + "/feedback/v1/traces/" + first.mlflowID() + "/history"
		assert.Equal(t, expect(u.may[0]), by.status(t, http.MethodGet, history, nil), "%s reads the history", name)
		for _, list := range []string{"/feedback/v1/assessments", "/feedback/v1/export"} {
			assert.Equal(t, http.StatusForbidden, by.status(t, http.MethodGet, c.feedback+list, nil), "%s lists", name)
		}
	}
	for _, by := range []user{{}, {"editor", "wrong"}} {
		status, header, _, err := by.ask(t.Context(), http.MethodPost, assessments(c.feedback, first), newOpinion())
		require.NoError(t, err)
		assert.Equal(t, http.StatusUnauthorized, status)
		assert.Equal(t, `Basic realm="mlflow"`, header.Get("WWW-Authenticate"))
	}
	// The questions that were asked of MLflow have changed nothing: what stands there was written by those who may.
	s.eventually(time.Minute, func(ctx context.Context) error {
		_, _, text, err := admin.ask(ctx, http.MethodGet, strings.TrimSuffix(assessments(tracking.URL, exchanges[1]), "/assessments"), nil)
		if err != nil || strings.Count(string(text), `"assessment_id"`) != 1 {
			return fmt.Errorf("the other trace has not its one assessment: %w", err)
		}
		return nil
	})

	tracking.Kill()
	assert.Equal(t, http.StatusOK, user{"editor", password("editor")}.status(t, http.MethodPost, assessments(c.feedback, first), newOpinion()),
		"granted before")
	status, after, _, err := user{"editor", "wrong"}.ask(t.Context(), http.MethodPost, assessments(c.feedback, exchanges[1]), newOpinion())
	require.NoError(t, err)
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.NotEmpty(t, after.Get("Retry-After"))

	for name := range users {
		assert.NotContains(t, c.Output(), password(name))
		assert.NotContains(t, c.Output(), strings.TrimPrefix(user{name, password(name)}.authorization(), "Basic "))
	}
}
