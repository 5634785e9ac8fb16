//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// TestSpansAfterAssessments lets MLflow hear of a trace only 5 s after its assessments are in Redis.
func TestSpansAfterAssessments(t *testing.T) {
	s := newStack(t)
	exchanges := newExchanges(20, generatedAnswer)
	// The spans' way to MLflow ends nowhere; an app sends them itself, later.
	c := s.collector("collector", nil, "config/compliance.yaml", "yaml:service::pipelines::traces::exporters: [feedback]")
	s.send(c, 20, exchanges)
	s.eventually(20*time.Second, func(ctx context.Context) error { return s.holds(ctx, len(exchanges)) })
	s.pass(5 * time.Second)
	all, err := s.rows(t.Context())
	require.NoError(t, err)
	require.Empty(t, all)

	require.NoError(t, s.mlflowSender().Traces(t.Context(), spans(exchanges...)))
	s.eachOnce(exchanges, time.Minute, "compliance_check")
}

// TestMLflowKilled kills MLflow in the middle, for 30 s.
func TestMLflowKilled(t *testing.T) {
	s := newStack(t)
	exchanges := newExchanges(200, generatedAnswer)
	c := s.collector("collector", nil, "config/compliance.yaml")
	s.send(c, 10, exchanges[:100])
	s.eventually(time.Minute, func(ctx context.Context) error {
		all, err := s.rows(ctx)
		if err == nil && len(all) == 0 {
			err = errors.New("nothing delivered yet")
		}
		return err
	})
	tracking.Kill()
	s.send(c, 10, exchanges[100:])
	s.pass(30 * time.Second)
	require.NoError(t, tracking.Restart(context.WithoutCancel(t.Context())))
	s.eachOnce(exchanges, 3*time.Minute, "compliance_check")
}

// TestRedisDown lets Redis be away for 20 s: the exporter's queue holds what comes meanwhile.
func TestRedisDown(t *testing.T) {
	s := newStack(t)
	exchanges := newExchanges(200, generatedAnswer)
	c := s.collector("collector", nil, "config/compliance.yaml")
	s.send(c, 10, exchanges[:100])
	s.eventually(time.Minute, func(ctx context.Context) error { return s.holds(ctx, 1) })
	s.redis.Kill()
	s.send(c, 10, exchanges[100:])
	s.pass(20 * time.Second)
	require.NoError(t, s.redis.Restart(t.Context()))
	s.eachOnce(exchanges, 3*time.Minute, "compliance_check")
	require.Less(t, lines(c.Output()), 60, "log lines, of %d failed batches", 10)
}

// TestRedisDownAtStart starts the collector before its Redis.
func TestRedisDownAtStart(t *testing.T) {
	s := newStack(t)
	exchanges := newExchanges(20, generatedAnswer)
	s.redis.Kill()
	c := s.collector("collector", nil, "config/compliance.yaml")
	s.send(c, 10, exchanges)
	require.NoError(t, s.redis.Restart(t.Context()))
	s.eachOnce(exchanges, 2*time.Minute, "compliance_check")
}

// TestCollectorKilled kills the collector several times while apps send and judges judge. What it has acknowledged is
// on disk. An app sends a request again when the answer is lost, as SDKs do.
func TestCollectorKilled(t *testing.T) {
	s := newStack(t)
	exchanges := newExchanges(150, generatedAnswer)
	// Slow enough that verdicts are under way whenever the collector dies.
	env := map[string]string{"JUDGE_MODEL": "standin-slow"}
	c := s.collector("collector", env, "config/judge.yaml", complianceInJudge)

	var group errgroup.Group
	group.Go(func() error {
		for i := 0; i < len(exchanges); i += 5 {
			batch := exchanges[i : i+5]
			deadline := time.Now().Add(time.Minute)
			for {
				err := c.Traces(t.Context(), spans(batch...))
				if err == nil {
					break
				}
				if time.Now().After(deadline) {
					return fmt.Errorf("batch %d: %w", i, err)
				}
				s.pass(200 * time.Millisecond)
			}
			s.pass(100 * time.Millisecond)
		}
		return nil
	})
	for range 3 {
		s.pass(1500 * time.Millisecond)
		c.Kill()
		require.NoError(t, c.Restart(t.Context()))
	}
	require.NoError(t, group.Wait())
	all := s.eachOnce(exchanges, 4*time.Minute, "compliance_check", "llm_judge_evaluation")
	for _, e := range exchanges {
		for _, r := range all[e.mlflowID()] {
			require.Nil(t, r.Feedback.Error, "%s on %q", r.Name, e.answer)
			require.Equal(t, e.llm.String(), r.SpanID)
		}
	}
}

// complianceInJudge adds a check to config/judge.yaml.
const complianceInJudge = `yaml:processors: {feedback: {checks: {compliance_check: {length: {min: 50, max: 500}}}}}`
