//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/test/internal/servers"
)

// row is an assessment as MLflow answers it.
type row struct {
	ID     string `json:"assessment_id"`
	Name   string `json:"assessment_name"`
	SpanID string `json:"span_id"`
	Source struct {
		Type string `json:"source_type"`
		ID   string `json:"source_id"`
	} `json:"source"`
	Feedback struct {
		Value json.RawMessage `json:"value"`
		Error *struct {
			Code    string `json:"error_code"`
			Message string `json:"error_message"`
		} `json:"error"`
	} `json:"feedback"`
	Rationale string            `json:"rationale"`
	Metadata  map[string]string `json:"metadata"`
	Overrides string            `json:"overrides"`
	Valid     *bool             `json:"valid"`
}

// use lets the test stand on an MLflow of its own.
func use(t *testing.T, own *servers.MLflow) {
	t.Helper()
	shared := tracking
	tracking = own
	t.Cleanup(func() {
		own.Kill()
		tracking = shared
	})
}

// call speaks MLflow's REST API as any client would; answer may be nil.
func call(ctx context.Context, method, path string, body, answer any) error {
	var payload io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		payload = bytes.NewReader(text)
	}
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, tracking.URL+path, payload)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %s", method, path, response.Status, text)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(text, answer)
}

func newExperiment(t *testing.T) string {
	t.Helper()
	var answer struct {
		ID string `json:"experiment_id"`
	}
	name := fmt.Sprintf("%s %d", t.Name(), time.Now().UnixNano())
	require.NoError(t, call(t.Context(), http.MethodPost, "/api/2.0/mlflow/experiments/create", map[string]string{"name": name}, &answer))
	return answer.ID
}

// rows returns the assessments of all traces of an experiment, by MLflow's trace id; a trace without any is there too.
func rows(ctx context.Context, experiment string) (map[string][]row, error) {
	all := make(map[string][]row)
	token := ""
	for {
		body := map[string]any{
			"locations": []any{map[string]any{
				"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": map[string]string{"experiment_id": experiment},
			}},
			"max_results": 500,
		}
		if token != "" {
			body["page_token"] = token
		}
		var page struct {
			Traces []struct {
				ID          string `json:"trace_id"`
				Assessments []row  `json:"assessments"`
			} `json:"traces"`
			Next string `json:"next_page_token"`
		}
		if err := call(ctx, http.MethodPost, "/api/3.0/mlflow/traces/search", body, &page); err != nil {
			return nil, err
		}
		for _, trace := range page.Traces {
			all[trace.ID] = trace.Assessments
		}
		if token = page.Next; token == "" {
			return all, nil
		}
	}
}

func closeIdle() { http.DefaultClient.CloseIdleConnections() }
