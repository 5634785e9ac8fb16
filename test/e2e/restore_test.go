//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/test/internal/process"
	"github.com/otelcol-feedback/otelcol-feedback/test/internal/servers"
)

// TestMLflowFromABackup puts an old database in MLflow's place: nothing is lost in Redis, the delivery says so, and one
// command brings MLflow's rows back, each once.
func TestMLflowFromABackup(t *testing.T) {
	dir := t.TempDir()
	own, err := servers.StartMLflow(t.Context(), os.Getenv("MLFLOW"), dir, 0)
	require.NoError(t, err)
	use(t, own)
	s := newStack(t)
	port, err := process.FreePort()
	require.NoError(t, err)
	f := feedback{t: t, url: "http://" + process.Loopback(port)}
	c := s.collector("collector", map[string]string{"FEEDBACK_ENDPOINT": process.Loopback(port)}, "config/feedback-api.yaml")
	exchanges := newExchanges(40, generatedAnswer)
	s.send(c, 20, exchanges)
	s.eachOnce(exchanges, time.Minute, "has_disclaimer")

	// Before the backup: an opinion that changes after it.
	edited := f.create(exchanges[0], map[string]any{"assessment_name": "tone", "feedback": map[string]any{"value": "rude"}})
	s.has(exchanges[0], edited, `"rude"`)
	backup, err := os.ReadFile(filepath.Join(dir, "mlflow.db"))
	require.NoError(t, err)
	since := time.Now().Add(-time.Second)

	// After it: an opinion on each trace, a change, an override, a deletion, and a row that somebody makes in MLflow.
	for _, e := range exchanges {
		f.create(e, map[string]any{"assessment_name": "quality", "feedback": map[string]any{"value": 4}})
	}
	f.call(http.MethodPatch, f.path(exchanges[0])+"/"+edited, map[string]any{
		"assessment": map[string]any{"feedback": map[string]any{"value": "kind"}}, "update_mask": "feedback",
	}, nil)
	original := s.named(exchanges[1], "has_disclaimer")
	f.create(exchanges[1], map[string]any{
		"assessment_name": "has_disclaimer", "feedback": map[string]any{"value": true}, "overrides": original,
	})
	f.call(http.MethodDelete, f.path(exchanges[2])+"/"+s.named(exchanges[2], "has_disclaimer"), nil, nil)
	var theirs struct {
		Assessment row `json:"assessment"`
	}
	require.NoError(t, call(t.Context(), http.MethodPost, f.path(exchanges[3]), map[string]any{"assessment": map[string]any{
		"assessment_name": "in MLflow", "feedback": map[string]any{"value": "direct"},
		"source": map[string]any{"source_type": "HUMAN", "source_id": "bob"},
	}}, &theirs))
	const total = 40 + 1 + 40 + 1 - 1 + 1
	var whole map[string]string
	s.eventually(time.Minute, func(ctx context.Context) error {
		here, err := f.list(ctx)
		if err != nil {
			return err
		}
		if whole, err = s.values(ctx); err == nil && (len(whole) != total || !maps.Equal(here, whole)) {
			err = fmt.Errorf("%d assessments here, %d in MLflow, want %d alike", len(here), len(whole), total)
		}
		return err
	})

	own.Kill()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mlflow.db"), backup, 0o600))
	require.NoError(t, own.Restart(context.WithoutCancel(t.Context())))
	const said = "Was a backup restored?"
	s.eventually(2*time.Minute, func(context.Context) error {
		if !strings.Contains(c.Output(), said) {
			return errors.New("the delivery has not said anything")
		}
		return nil
	})
	s.pass(10 * time.Second) // several looks at each trace
	here, err := f.list(t.Context())
	require.NoError(t, err)
	require.Equal(t, whole, here, "Redis loses nothing")

	command := map[string]any{"since": since.UTC().Format(time.RFC3339)}
	var restored struct {
		Traces      int    `json:"traces"`
		Assessments int    `json:"assessments"`
		Continue    string `json:"continue"`
	}
	f.call(http.MethodPost, "/feedback/v1/restore", command, &restored)
	require.Equal(t, len(exchanges), restored.Traces)
	require.Empty(t, restored.Continue)
	s.eventually(2*time.Minute, func(ctx context.Context) error {
		there, err := s.values(ctx)
		if err == nil && !maps.Equal(whole, there) {
			err = fmt.Errorf("%d of %d assessments are as they were", same(whole, there), len(whole))
		}
		return err
	})
	f.call(http.MethodPost, "/feedback/v1/restore", command, &restored)
	s.pass(5 * time.Second)
	var there map[string]string
	s.eventually(time.Minute, func(ctx context.Context) (err error) {
		there, err = s.values(ctx)
		return err
	})
	require.Equal(t, whole, there, "once more changes nothing")
	here, err = f.list(t.Context())
	require.NoError(t, err)
	require.Equal(t, whole, here)
	log, err := os.ReadFile(filepath.Join(s.dir, "collector.log"))
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(log), said), "said once")
}

func same(a, b map[string]string) (n int) {
	for key, value := range a {
		if b[key] == value {
			n++
		}
	}
	return n
}

// has waits until MLflow holds the value of an assessment.
func (s *stack) has(e exchange, id, value string) {
	s.t.Helper()
	s.eventually(time.Minute, func(ctx context.Context) error {
		all, err := s.rows(ctx)
		if err != nil {
			return err
		}
		for _, r := range all[e.mlflowID()] {
			if r.ID == id && string(r.Feedback.Value) == value {
				return nil
			}
		}
		return fmt.Errorf("MLflow does not have %s of %s", value, id)
	})
}

// named is the id of a trace's assessment in MLflow.
func (s *stack) named(e exchange, name string) string {
	s.t.Helper()
	all, err := s.rows(s.t.Context())
	require.NoError(s.t, err)
	for _, r := range all[e.mlflowID()] {
		if r.Name == name {
			return r.ID
		}
	}
	require.FailNow(s.t, "no such assessment", name)
	return ""
}

// values are the assessments that MLflow holds, by trace and id.
func (s *stack) values(ctx context.Context) (map[string]string, error) {
	all, err := s.rows(ctx)
	values := map[string]string{}
	for trace, rows := range all {
		for i := range rows {
			values[trace+" "+rows[i].ID] = spell(&rows[i])
		}
	}
	return values, err
}

// spell is what an assessment says.
func spell(r *row) string {
	return fmt.Sprint(r.Name, " ", string(r.Feedback.Value), " ", r.Source, " ", r.Overrides, " ", r.Valid == nil || *r.Valid)
}

// feedback is the extension's endpoint.
type feedback struct {
	t   *testing.T
	url string
}

func (feedback) path(e exchange) string {
	return "/api/3.0/mlflow/traces/" + e.mlflowID() + "/assessments"
}

// create adds a person's assessment and returns its id.
func (f feedback) create(e exchange, content map[string]any) string {
	f.t.Helper()
	content = maps.Clone(content)
	content["source"] = map[string]any{"source_type": "HUMAN", "source_id": "eve"}
	var answer struct {
		Assessment row `json:"assessment"`
	}
	f.call(http.MethodPost, f.path(e), map[string]any{"assessment": content}, &answer)
	return answer.Assessment.ID
}

func (f feedback) call(method, path string, body, answer any) {
	f.t.Helper()
	payload, err := json.Marshal(body)
	require.NoError(f.t, err)
	if body == nil {
		payload = nil
	}
	text, err := f.do(f.t.Context(), method, path, payload)
	require.NoError(f.t, err)
	if answer != nil {
		require.NoError(f.t, json.Unmarshal(text, answer))
	}
}

func (f feedback) do(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, f.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(response.Body); err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, response.Status, &text)
	}
	return text.Bytes(), nil
}

// list is what Redis holds, as values of MLflow.
func (f feedback) list(ctx context.Context) (map[string]string, error) {
	text, err := f.do(ctx, http.MethodGet, "/feedback/v1/assessments?format=jsonl", nil)
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var one struct {
			row

			TraceID string `json:"trace_id"`
		}
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			return nil, err
		}
		values[one.TraceID+" "+one.ID] = spell(&one.row)
	}
	return values, lines.Err()
}
