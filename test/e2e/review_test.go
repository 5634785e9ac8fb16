//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// reviewQueue is a queue as MLflow answers it.
type reviewQueue struct {
	ID      string   `json:"queue_id"`
	Users   []string `json:"users"`
	Schemas []string `json:"schema_ids"`
}

func (s *stack) reviewQueue(ctx context.Context, name string) (reviewQueue, error) {
	var answer struct {
		Queue reviewQueue `json:"review_queue"`
	}
	query := url.Values{"experiment_id": {s.experiment}, "name": {name}}
	err := call(ctx, http.MethodGet, "/api/3.0/mlflow/review-queues/get-by-name?"+query.Encode(), nil, &answer)
	return answer.Queue, err
}

// standsIn says whether exactly these traces stand in a queue.
func (s *stack) standsIn(ctx context.Context, name string, exchanges ...exchange) error {
	queue, err := s.reviewQueue(ctx, name)
	if err != nil {
		return err
	}
	var answer struct {
		Items []struct {
			ID string `json:"item_id"`
		} `json:"items"`
	}
	if err := call(ctx, http.MethodGet, "/api/3.0/mlflow/review-queues/items/list?queue_id="+queue.ID, nil, &answer); err != nil {
		return err
	}
	var found, wanted []string
	for _, item := range answer.Items {
		found = append(found, item.ID)
	}
	for _, e := range exchanges {
		wanted = append(wanted, e.mlflowID())
	}
	slices.Sort(found)
	slices.Sort(wanted)
	if !slices.Equal(found, wanted) {
		return fmt.Errorf("%d traces stand in %q, not the %d that should", len(found), name, len(wanted))
	}
	return nil
}

// kept is a field of a trace in Redis.
func (s *stack) kept(ctx context.Context, e exchange, field string) (string, error) {
	client := redis.NewClient(&redis.Options{Addr: s.redis.Address, DisableIdentity: true})
	defer client.Close()
	keys, err := client.Keys(ctx, "*:trace:"+e.trace.String()).Result()
	if err != nil || len(keys) != 1 {
		return "", fmt.Errorf("%d traces %s: %w", len(keys), e.trace, err)
	}
	return client.HGet(ctx, keys[0], field).Result()
}

// TestReview lets two replicas fill review queues while MLflow is away for a moment, and a person answer one question
// directly in MLflow.
func TestReview(t *testing.T) {
	s := newStack(t)
	rules := `yaml:extensions: {feedback: {mlflow: {refresh_rate: 5}, review: {` +
		`failing: {checks_failed: [has_disclaimer], users: [Ann@example.com]}, ` +
		`unhappy: {thumbs_down: [thumbs], queue: Unhappy people, max_pending: 2}, ` +
		`share: {rate: 1, label_schemas: [quality]}}}}`
	a := s.collector("a", nil, "config/feedback-api.yaml", rules)
	b := s.collector("b", nil, "config/feedback-api.yaml", rules)

	good := newExchanges(3, func(int) string { return "This is not financial advice" })
	bad := newExchanges(60, func(int) string { return "Buy." })
	s.send(a, 10, good)
	s.send(a, 20, bad[:30])
	s.send(b, 20, bad[30:40])
	s.eventually(2*time.Minute, func(ctx context.Context) error { return s.standsIn(ctx, "failing", bad[:40]...) })
	s.eventually(time.Minute, func(ctx context.Context) error { return s.standsIn(ctx, "share", append(good, bad[:40]...)...) })
	queue, err := s.reviewQueue(t.Context(), "failing")
	require.NoError(t, err)
	require.Equal(t, []string{"ann@example.com"}, queue.Users)
	require.Len(t, queue.Schemas, 1)
	var question struct {
		Schema json.RawMessage `json:"label_schema"`
	}
	require.NoError(t, call(t.Context(), http.MethodGet, "/api/3.0/mlflow/label-schemas/get?schema_id="+queue.Schemas[0], nil, &question))
	require.Contains(t, string(question.Schema), `"has_disclaimer"`)
	require.Contains(t, string(question.Schema), `"pass_fail"`)
	note, err := s.kept(t.Context(), bad[0], ".review:failing")
	require.NoError(t, err)
	require.Contains(t, note, `"reason":"checks_failed: has_disclaimer"`)
	require.Contains(t, note, queue.ID)

	for i, e := range good {
		a, err := ask(t.Context(), http.MethodPost, assessments(a.feedback, e), thumb(fmt.Sprintf("a-%s-down", e.trace), false))
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, a.status, "%d: %s", i, a.body)
	}
	s.eventually(time.Minute, func(ctx context.Context) error {
		ofA, _ := a.metric(ctx, "otelcol_extension_feedback_reviews", `rule="unhappy"`, `outcome="queue_full"`)
		ofB, err := b.metric(ctx, "otelcol_extension_feedback_reviews", `rule="unhappy"`, `outcome="queue_full"`)
		if ofA+ofB != 1 {
			return fmt.Errorf("%v found no room: %w", ofA+ofB, err)
		}
		return nil
	})

	// A reviewer answers, in MLflow itself, and takes another trace out of the queue.
	answer := map[string]any{"assessment": map[string]any{
		"assessment_id": "a-" + bad[0].trace.String(), "assessment_name": "has_disclaimer", "feedback": map[string]any{"value": true},
		"source": map[string]string{"source_type": "HUMAN", "source_id": "ann@example.com"},
	}}
	require.NoError(t, call(t.Context(), http.MethodPost, "/api/3.0/mlflow/traces/"+bad[0].mlflowID()+"/assessments", answer, nil))
	require.NoError(t, call(t.Context(), http.MethodPost, "/api/3.0/mlflow/review-queues/items/set-status", map[string]string{
		"queue_id": queue.ID, "item_id": bad[0].mlflowID(), "status": "COMPLETE", "completed_by": "ann@example.com",
	}, nil))
	require.NoError(t, call(t.Context(), http.MethodPost, "/api/3.0/mlflow/review-queues/items/remove", map[string]any{
		"queue_id": queue.ID, "item_ids": []string{bad[1].mlflowID()},
	}, nil))
	s.eventually(time.Minute, func(ctx context.Context) error {
		_, err := s.kept(ctx, bad[0], "a-"+bad[0].trace.String())
		return err
	})

	// MLflow dies and one replica with it; what was not added yet is, and what was removed is not.
	a.Kill()
	tracking.Kill()
	s.send(b, 20, bad[40:])
	s.pass(5 * time.Second)
	require.NoError(t, tracking.Restart(context.WithoutCancel(t.Context())))
	require.NoError(t, s.mlflowSender().Traces(t.Context(), spans(bad[40:]...)))
	left := append(slices.Clone(bad[:1]), bad[2:]...)
	s.eventually(3*time.Minute, func(ctx context.Context) error { return s.standsIn(ctx, "failing", left...) })
}
