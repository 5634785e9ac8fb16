package feedbackprocessor

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/metadata"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	config := loadConfig(t, disclaimerYAML, fmt.Sprintf(judgeYAML, "http://localhost:1"), `
checks:
  premium: {conditions: ['span.attributes["tier"] == "premium"'], length: {min: 1}}
  trace_answered: {scope: trace, length: {min: 1}}
judges: {quality: {sampling: [{name: rare, rate: 1e-9}]}}
`)
	explainer, err := NewExplainer(config, processortest.NewNopSettings(metadata.Type))
	require.NoError(t, err)
	td := httpBatch(1)
	spans := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	newSpan(spans, 1, "q", "Buy!")
	silent := newSpan(spans, 2, "", "")
	silent.Attributes().Remove("gen_ai.input.messages")
	silent.Attributes().Remove("gen_ai.output.messages")
	inLogs := newSpan(spans, 3, "", "")
	inLogs.Attributes().Remove("gen_ai.input.messages")
	inLogs.Attributes().Remove("gen_ai.output.messages")

	explained := explainer.Explain(t.Context(), td, detailsOf(inLogs, "asked in a record", "answered in a record"))
	require.Len(t, explained, 4)
	assert.Equal(t, genai.KindOther, explained[0].Interaction.Kind())
	assert.Empty(t, explained[0].Evaluators)

	judge := Outcome{Name: "quality", Type: EvaluatorJudge, Scope: assessment.ScopeSpan, Reason: "not_sampled", Rule: "rare", Probability: 1e-9, Rate: 1e-9, Calls: 1}
	filtered := Outcome{Name: "premium", Type: EvaluatorCheck, Scope: assessment.ScopeSpan, Reason: "filtered"}
	for n := range explained[1].Evaluators { // which depend on the length of our own words
		one := &explained[1].Evaluators[n]
		assert.Equal(t, one.Type == EvaluatorJudge, one.Tokens > 1024 && one.USD > 0)
		one.Tokens, one.USD = 0, 0
	}
	assert.Equal(t, []Outcome{
		{Name: "has_disclaimer", Type: EvaluatorCheck, Scope: assessment.ScopeSpan, Runs: true, Value: assessment.False, Verdict: assessment.VerdictFailed, Rationale: "Missing required disclaimer"},
		filtered, judge,
		{Name: "trace_answered", Type: EvaluatorCheck, Scope: assessment.ScopeTrace, Runs: true, Value: assessment.True, Verdict: assessment.VerdictPassed},
	}, explained[1].Evaluators)
	judge = Outcome{Name: "quality", Type: EvaluatorJudge, Scope: assessment.ScopeSpan, Reason: "no_content", State: genai.StateNotCaptured}
	assert.Equal(t, []Outcome{
		{Name: "has_disclaimer", Type: EvaluatorCheck, Scope: assessment.ScopeSpan, Reason: "no_content", State: genai.StateNotCaptured},
		filtered, judge,
		{Name: "trace_answered", Type: EvaluatorCheck, Scope: assessment.ScopeTrace, Reason: "no_content", State: genai.StateNotCaptured},
	}, explained[2].Evaluators)
	answer, _ := explained[3].Interaction.Text(genai.PartAnswer)
	assert.Equal(t, "answered in a record", answer)
	assert.True(t, explained[3].Evaluators[0].Runs)
}

func TestExplainWithoutJoining(t *testing.T) {
	t.Parallel()
	explainer, err := NewExplainer(loadConfig(t, "join_logs: {span_wait: 0s}"), processortest.NewNopSettings(metadata.Type))
	require.NoError(t, err)
	td := silentBatch(1)
	explained := explainer.Explain(t.Context(), td, detailsOf(firstSpan(td), "q", "a"))
	_, state := explained[0].Interaction.Text(genai.PartAnswer)
	assert.Equal(t, genai.StateNotCaptured, state)
	assert.Empty(t, explained[0].Evaluators)
	assert.Empty(t, explainer.Explain(t.Context(), newBatch(0, 0), plog.NewLogs()))
}
