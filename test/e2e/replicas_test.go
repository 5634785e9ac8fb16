//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// TestReplicas lets two collectors deliver from one Redis while a person adds, edits and deletes in MLflow: no doubles,
// both deliver, and what the person did stands, in MLflow and in Redis.
func TestReplicas(t *testing.T) {
	s := newStack(t)
	exchanges := newExchanges(200, generatedAnswer)
	first := s.collector("first", nil, "config/compliance.yaml")
	second := s.collector("second", nil, "config/compliance.yaml")
	// Both replicas get every span, as after a resend through a load balancer.
	s.send(first, 20, exchanges[:100])
	s.send(second, 20, exchanges[:100])
	all := s.eachOnce(exchanges[:100], 2*time.Minute, "compliance_check")

	edited, deleted, added := exchanges[0], exchanges[1], exchanges[2]
	p := person{t: t}
	p.edit(edited, all[edited.mlflowID()][0].ID)
	p.remove(deleted, all[deleted.mlflowID()][0].ID)
	theirs := p.add(added)

	// The same spans again, and new ones of the same traces, make both look at the traces once more.
	s.send(second, 20, exchanges)
	s.send(first, 20, exchanges)
	s.eventually(3*time.Minute, func(ctx context.Context) error {
		all, err := s.rows(ctx)
		if err != nil {
			return err
		}
		for _, e := range exchanges[100:] {
			if n := len(all[e.mlflowID()]); n != 1 {
				return fmt.Errorf("%d assessments of %s", n, e.mlflowID())
			}
		}
		return nil
	})
	// New results about the three traces: Redis compares them with MLflow, and learns what the person did.
	touch := s.collector("touch", nil, "config/compliance.yaml",
		"yaml:processors: {feedback: {checks: {another_check: {length: {min: 1}}}}}")
	s.send(touch, 3, exchanges[:3])
	s.eventually(time.Minute, func(ctx context.Context) error {
		var err error
		all, err = s.rows(ctx)
		if err != nil {
			return err
		}
		for _, e := range exchanges[:3] {
			if !slices.ContainsFunc(all[e.mlflowID()], func(r row) bool { return r.Name == "another_check" }) {
				return errors.New("another_check is not there yet")
			}
		}
		return nil
	})
	require.True(t, slices.ContainsFunc(all[edited.mlflowID()], func(r row) bool {
		return r.Name == "compliance_check" && r.Rationale == "a person says so" && string(r.Feedback.Value) == `"fine"`
	}), "the edit stands: %+v", all[edited.mlflowID()])
	require.False(t, slices.ContainsFunc(all[deleted.mlflowID()], func(r row) bool { return r.Name == "compliance_check" }), "the deletion stands")
	require.True(t, slices.ContainsFunc(all[added.mlflowID()], func(r row) bool { return r.ID == theirs }), "the addition stands")
	s.eventually(time.Minute, func(ctx context.Context) error {
		for _, want := range []struct {
			e    exchange
			text string
		}{{edited, "a person says so"}, {added, theirs}, {deleted, "withdrawn"}} {
			if err := s.redisKnows(ctx, want.e, want.text); err != nil {
				return err
			}
		}
		return nil
	})
	// How they share the work is chance: one that is quick may do it all, and the other has no such metric then.
	var total float64
	for _, c := range []*collector{first, second} {
		if delivered, err := c.metric(t.Context(), "otelcol_exporter_feedback_deliveries", `outcome="delivered"`); err == nil {
			total += delivered
		}
	}
	require.GreaterOrEqual(t, total, float64(len(exchanges)))
}

// person works in MLflow directly.
type person struct{ t *testing.T }

func (person) path(e exchange, id string) string {
	return "/api/3.0/mlflow/traces/" + e.mlflowID() + "/assessments/" + id
}

func (p person) edit(e exchange, id string) {
	p.t.Helper()
	require.NoError(p.t, call(p.t.Context(), http.MethodPatch, p.path(e, id), map[string]any{
		"assessment": map[string]any{
			"trace_id": e.mlflowID(), "assessment_id": id,
			"feedback": map[string]any{"value": "fine"}, "rationale": "a person says so",
		},
		"update_mask": "feedback,rationale",
	}, nil))
}

func (p person) remove(e exchange, id string) {
	p.t.Helper()
	require.NoError(p.t, call(p.t.Context(), http.MethodDelete, p.path(e, id), map[string]any{}, nil))
}

func (p person) add(e exchange) string {
	p.t.Helper()
	var answer struct {
		Assessment row `json:"assessment"`
	}
	require.NoError(p.t, call(p.t.Context(), http.MethodPost, strings.TrimSuffix(p.path(e, ""), "/"), map[string]any{
		"assessment": map[string]any{
			"trace_id": e.mlflowID(), "assessment_name": "tone", "source": map[string]string{"source_type": "HUMAN", "source_id": "User"},
			"feedback": map[string]any{"value": true},
		},
	}, &answer))
	return answer.Assessment.ID
}

// redisKnows says whether the trace's hash in Redis holds text anywhere.
func (s *stack) redisKnows(ctx context.Context, e exchange, text string) error {
	client := redis.NewClient(&redis.Options{Addr: s.redis.Address, DisableIdentity: true})
	defer client.Close()
	keys, err := client.Keys(ctx, "*:trace:"+e.trace.String()).Result()
	if err != nil {
		return err
	}
	for _, key := range keys {
		fields, err := client.HGetAll(ctx, key).Result()
		if err != nil {
			return err
		}
		encoded, err := json.Marshal(fields)
		if err != nil {
			return err
		}
		if strings.Contains(string(encoded), text) {
			return nil
		}
	}
	return fmt.Errorf("redis has no %q for %s", text, e.trace)
}
