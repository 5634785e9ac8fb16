//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestJudgesHang sends 40,000 spans past judges that never answer, until the queue is full of judgements of 4 KB, then
// stops the collector.
func TestJudgesHang(t *testing.T) {
	s := newStack(t)
	exchanges := newExchanges(10_000, func(i int) string { return fmt.Sprintf("Answer %d. %s", i, strings.Repeat("text ", 800)) })
	// The runtime is told what it may use, as is advised for collectors: else what is measured is when it last collected.
	env := map[string]string{"JUDGE_MODEL": "standin-hang", "GOMEMLIMIT": "100MiB"}
	c := s.collector("collector", env, "config/judge.yaml",
		// Without storage: at the end every judgement must be counted.
		"yaml:processors::feedback::judge_queue: {storage: null}",
		// Nothing but the queue of the judge may hold what was sent.
		"yaml:exporters: {nop: {}}", "yaml:service::pipelines: {traces: {exporters: [nop]}, logs: {exporters: [nop]}}")
	idle := c.residentMemory(t)
	start := time.Now()
	s.send(c, 25, exchanges)
	t.Logf("40,000 spans passed in %s", time.Since(start).Round(time.Millisecond))
	s.eventually(20*time.Second, func(ctx context.Context) error {
		pending, err := c.metric(ctx, "otelcol_processor_feedback_pending")
		if err == nil && pending != float64(len(exchanges)) {
			err = fmt.Errorf("%v pending", pending)
		}
		return err
	})
	more := c.residentMemory(t) - idle
	t.Logf("%d MiB above the idle %d MiB", more>>20, idle>>20)
	require.Less(t, more, int64(100<<20), "resident memory above idle")
	took, err := c.Stop(10 * time.Second)
	require.NoError(t, err)
	require.Less(t, took, 5*time.Second, "shutdown")
	t.Logf("stopped in %s", took.Round(time.Millisecond))
}

// TestJudgementsKept stops the collector in an orderly way while judgements wait, with storage: the next start judges
// them.
func TestJudgementsKept(t *testing.T) {
	s := newStack(t)
	exchanges := newExchanges(100, func(i int) string { return fmt.Sprintf("Answer %d.", i) })
	env := map[string]string{"JUDGE_MODEL": "standin-slow"}
	c := s.collector("collector", env, "config/judge.yaml")
	s.send(c, 25, exchanges)
	_, err := c.Stop(10 * time.Second)
	require.NoError(t, err)
	require.NoError(t, c.Restart(t.Context()))
	s.eachOnce(exchanges, 2*time.Minute, "llm_judge_evaluation")
}

// TestFailuresAreAssessments asks models that fail in every way: each failure is one assessment with an error that
// holds nothing of the exchange nor of the key.
func TestFailuresAreAssessments(t *testing.T) {
	s := newStack(t)
	behaviours := []string{
		"401", "500", "429", "garbage", "wrong-schema", "out-of-range", "empty", "cut", "huge", "hang", "drop", "html",
	}
	config := "yaml:processors: {feedback: {judge_retry: {initial_interval: 100ms, max_interval: 500ms, max_elapsed_time: 1s}, " +
		"models: {gpt-4: {timeout: 1s}}}}"
	exchanges := newExchanges(len(behaviours), func(i int) string { return fmt.Sprintf("Secret answer %d.", i) })
	for i, behaviour := range behaviours {
		c := s.collector("collector-"+behaviour, map[string]string{"JUDGE_MODEL": "standin-" + behaviour}, "config/judge.yaml", config)
		s.send(c, 1, exchanges[i:i+1])
		// In Redis before the next one: a collector of a test is no more than it must be.
		s.eventually(30*time.Second, func(ctx context.Context) error { return s.holds(ctx, i+1) })
		_, err := c.Stop(10 * time.Second)
		require.NoError(t, err)
	}
	s.collector("deliverer", nil, "config/judge.yaml", config)
	all := s.eachOnce(exchanges, time.Minute, "llm_judge_evaluation")
	for i, e := range exchanges {
		r := all[e.mlflowID()][0]
		require.NotNil(t, r.Feedback.Error, behaviours[i])
		require.Equal(t, "EVALUATION_FAILED", r.Feedback.Error.Code, behaviours[i])
		require.NotEmpty(t, r.Feedback.Error.Message, behaviours[i])
		for _, secret := range []string{"Secret answer", "sk-example", "echo-of-secret-payload", "Question"} {
			require.NotContains(t, r.Feedback.Error.Message, secret, behaviours[i])
		}
		t.Logf("%-13s %s", behaviours[i], r.Feedback.Error.Message)
	}
}

// TestForeignEvaluatorsAreNotJudged sends what other evaluators sent: an EVALUATOR span is not judged.
func TestForeignEvaluatorsAreNotJudged(t *testing.T) {
	s := newStack(t)
	e := newExchange("What is it?", "This is it.")
	traces := spans(e)
	all := traces.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	evaluator := appendSpan(traces.ResourceSpans().At(0).ScopeSpans().At(0), e.trace, "judge", time.Now(), time.Second)
	evaluator.Attributes().PutStr("openinference.span.kind", "EVALUATOR")
	evaluator.Attributes().PutStr("input.value", "What is it?")
	evaluator.Attributes().PutStr("output.value", "0.9")
	require.Equal(t, 5, all.Len())
	c := s.collector("collector", nil, "config/judge.yaml", complianceInJudge,
		// All kinds of spans, so that nothing but the rule keeps the evaluator out.
		"yaml:processors: {feedback: {checks: {compliance_check: {kinds: [llm, chain, agent]}}}}")
	require.NoError(t, c.Traces(t.Context(), traces))
	rows := s.eachOnce([]exchange{e}, time.Minute, "compliance_check", "llm_judge_evaluation")
	require.False(t, slices.ContainsFunc(rows[e.mlflowID()], func(r row) bool { return r.SpanID == evaluator.SpanID().String() }))
}
