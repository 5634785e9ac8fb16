package check

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func numbers(m metered, took time.Duration) *Subject {
	subject := withSpan(func(span ptrace.Span) {
		start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		span.SetStartTimestamp(pcommon.NewTimestampFromTime(start))
		span.SetEndTimestamp(pcommon.NewTimestampFromTime(start.Add(took)))
	})
	subject.Interaction = m
	return subject
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	both := metered{input: 100, output: 20, hasInput: true, hasOutput: true}
	const explain = `, explain: "{{.Value}}: {{.Problem}}", explain_passed: "{{.Value}} is fine"}`
	for _, test := range []struct {
		name, yaml string
		subject    *Subject
		value      assessment.Value
		verdict    assessment.Verdict
		rationale  string
	}{
		{"fast", `{latency: {max: 2s}`, numbers(both, 1500*time.Millisecond), "1.5", assessment.VerdictPassed, "1.5 is fine"},
		{"just", `{latency: {max: 2s}`, numbers(both, 2*time.Second), "2.0", assessment.VerdictPassed, "2.0 is fine"},
		{"slow", `{latency: {max: 2s}`, numbers(both, 2500*time.Millisecond), "2.5", assessment.VerdictFailed, "2.5: took 2.5s, more than 2s"},
		{"no time", `{latency: {max: 2s}`, numbers(both, 0), "0.0", assessment.VerdictPassed, "0.0 is fine"},
		{"slow is asked for", `{latency: {max: 2s}, expect: false`, numbers(both, 3*time.Second), "3.0", assessment.VerdictPassed, "3.0 is fine"},
		{"no end", `{latency: {max: 2s}`, withSpan(func(span ptrace.Span) { span.SetStartTimestamp(1) }), "", assessment.VerdictNone, ""},
		{"no start", `{latency: {max: 2s}`, withSpan(func(span ptrace.Span) { span.SetEndTimestamp(1) }), "", assessment.VerdictNone, ""},

		{"centuries", `{latency: {max: 2s}`, withSpan(func(span ptrace.Span) {
			span.SetStartTimestamp(1)
			span.SetEndTimestamp(math.MaxUint64)
		}), "", assessment.VerdictNone, ""},

		{"few tokens", `{tokens: {max_total: 120}`, numbers(both, 0), "120", assessment.VerdictPassed, "120 is fine"},
		{"many tokens", `{tokens: {max_total: 119}`, numbers(both, 0), "120", assessment.VerdictFailed, "120: 120 total tokens are more than 119"},
		{"input", `{tokens: {max_input: 99}`, numbers(both, 0), "100", assessment.VerdictFailed, "100: 100 input tokens are more than 99"},
		{"output", `{tokens: {max_output: 20}`, numbers(both, 0), "20", assessment.VerdictPassed, "20 is fine"},
		{"input and output", `{tokens: {max_input: 99, max_output: 19}`, numbers(both, 0), "120", assessment.VerdictFailed, "120: 100 input tokens are more than 99, 20 output tokens are more than 19"},
		{"no tokens at all", `{tokens: {max_total: 1}`, numbers(metered{hasInput: true, hasOutput: true}, 0), "0", assessment.VerdictPassed, "0 is fine"},
		{"output is not needed", `{tokens: {max_input: 100}`, numbers(metered{input: 100, hasInput: true}, 0), "100", assessment.VerdictPassed, "100 is fine"},
		{"output is needed", `{tokens: {max_total: 100}`, numbers(metered{input: 100, hasInput: true}, 0), "", assessment.VerdictNone, ""},
		{"input is needed", `{tokens: {max_input: 100}`, numbers(metered{output: 100, hasOutput: true}, 0), "", assessment.VerdictNone, ""},
		{"no numbers", `{tokens: {max_input: 100}`, answer("x"), "", assessment.VerdictNone, ""},
		{"no interaction", `{tokens: {max_input: 100}`, withSpan(nil), "", assessment.VerdictNone, ""},

		{"cheap", `{cost: {max_usd: 0.05}`, numbers(metered{usd: 0.05, hasCost: true}, 0), "0.05", assessment.VerdictPassed, "0.05 is fine"},
		{"dear", `{cost: {max_usd: 0.05}`, numbers(metered{usd: 0.25, hasCost: true}, 0), "0.25", assessment.VerdictFailed, "0.25: cost $0.25, more than $0.05"},
		{"no cost", `{cost: {max_usd: 0.05}`, numbers(metered{}, 0), "", assessment.VerdictNone, ""},
		{"cost of no numbers", `{cost: {max_usd: 0.05}`, withSpan(nil), "", assessment.VerdictNone, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCheck(t, test.yaml+explain)
			assert.Empty(t, c.Needs())
			result, state := c.Evaluate(t.Context(), test.subject)
			assert.Equal(t, Result{Value: test.value, Verdict: test.verdict, Rationale: test.rationale}, result)
			if test.value == "" {
				assert.Equal(t, genai.StateNotCaptured, state)
			} else {
				assert.Equal(t, genai.StateText, state)
			}
		})
	}
}

func TestNumbersInParts(t *testing.T) {
	t.Parallel()
	c := newCheck(t, `{parts: {fast: {latency: {max: 1s}, explain: "{{.Problem}}"}, cheap: {cost: {max_usd: 1}}}}`)
	assert.Empty(t, c.Needs())
	slow := numbers(metered{usd: 0.5, hasCost: true}, 2*time.Second)
	assert.JSONEq(t, `{"overall_score":0.5,"details":{"fast":false,"cheap":true,"rationale":["took 2s, more than 1s"]}}`, string(evaluate(t, c, slow).Value))
	_, state := c.Evaluate(t.Context(), numbers(metered{}, 2*time.Second))
	assert.Equal(t, genai.StateNotCaptured, state)
}
