package feedbackprocessor

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"gopkg.in/yaml.v3"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/metadata"
)

// TestRules: the first rule that matches decides, and what was judged carries it.
func TestRules(t *testing.T) {
	t.Parallel()
	model := newModel(t)
	p := startPipelines(t, loadConfig(t, disclaimerYAML, fmt.Sprintf(judgeYAML, model.URL), `
judges:
  quality:
    sampling:
      - {name: failed, checks_failed: [has_disclaimer], rate: 1}
      - {name: premium, conditions: ['span.attributes["tier"] == "premium"'], rate: 1}
      - {name: broken, conditions: ['ParseJSON(span.attributes["tier"])["x"] == 1'], rate: 1}
`), componenttest.NewNopHost())
	td := newBatch(0, 0)
	spans := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	newSpan(spans, 1, "q", "Buy!")
	newSpan(spans, 2, "q", "This is not financial advice").Attributes().PutStr("tier", "premium")
	newSpan(spans, 3, "q", "This is not financial advice").Attributes().PutStr("tier", "{")
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
	strata := map[string]string{}
	for _, record := range p.awaitRecords(t, 2) {
		decoded, err := assessment.DecodeLogRecord(record, assessment.DecodeOptions{})
		require.NoError(t, err)
		strata[decoded.Metadata[assessment.MetadataSamplingRule]] = decoded.Metadata[assessment.MetadataSamplingStratum]
	}
	assert.Equal(t, map[string]string{"failed": "triggered", "premium": "random"}, strata)
	p.stop(t)
	assert.Equal(t, map[string]int64{"failed evaluated": 1, "premium evaluated": 1, "not_sampled": 1}, sums(t, p.telemetry, "decisions", "rule", "reason"))
	assert.Equal(t, map[string]int64{"quality": 1}, sums(t, p.telemetry, "condition_errors", "evaluator"))
}

// TestLimits: what a limit turns away is counted by its rule, and asks nobody.
func TestLimits(t *testing.T) {
	tests := []struct {
		name, limits string
		want         string
		asked        int64
	}{
		{name: "calls of all judges", limits: "limits: {calls_per_minute: 5}", want: "throttled", asked: 5},
		{name: "calls of the judge", limits: "judges: {quality: {limits: {calls_per_minute: 5}}}", want: "throttled", asked: 5},
		{name: "calls of the rule", limits: "judges: {quality: {sampling: [{name: all, rate: 1, limits: {calls_per_minute: 5}}]}}", want: "throttled", asked: 5},
		{
			// A prompt of about 1,500 bytes: 500 tokens, and 1,024 for the answer are set aside for a call of 110.
			name: "tokens of the judge", limits: "judges: {quality: {max_input: 1KiB, limits: {tokens_per_day: 2400}}}\nlimits: {burst: true}", want: "over_budget",
		},
		{name: "dollars of all", limits: "limits: {usd_per_day: 0.005, burst: true}\njudges: {quality: {max_input: 1KiB}}", want: "over_budget"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			model := newModel(t)
			p := startPipelines(t, loadConfig(t, fmt.Sprintf(judgeYAML, model.URL), tt.limits), componenttest.NewNopHost())
			for n := range 60 {
				require.NoError(t, p.traces.ConsumeTraces(t.Context(), newBatch(n, 1)))
			}
			p.stop(t)
			decided := sums(t, p.telemetry, "decisions", "rule", "reason")
			assert.EqualValues(t, 60, total(decided))
			assert.Len(t, decided, 2, decided)
			assert.Positive(t, decided["all "+tt.want])
			assert.Equal(t, model.calls.Load(), decided["all evaluated"])
			assert.Positive(t, decided["all evaluated"])
			if tt.asked > 0 {
				assert.Equal(t, tt.asked, model.calls.Load())
			}
			assert.EqualValues(t, decided["all evaluated"], p.exporter.LogRecordCount(), "what was turned away is no assessment")
		})
	}
}

// TestWhatWasTurnedAwayIsNoDuplicate: it may be judged when there is room again.
func TestWhatWasTurnedAwayIsNoDuplicate(t *testing.T) {
	t.Parallel()
	model := newModel(t)
	p := newPipelines(t, loadConfig(t, fmt.Sprintf(judgeYAML, model.URL), "limits: {calls_per_minute: 1}"))
	p.exporter.set(true)
	require.NoError(t, p.logs.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, p.traces.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), newBatch(0, 1)))
	p.awaitRecords(t, 1)
	for range 3 {
		require.NoError(t, p.traces.ConsumeTraces(t.Context(), newBatch(1, 1)))
	}
	p.stop(t)
	assert.Equal(t, map[string]int64{"evaluated": 1, "throttled": 3}, sums(t, p.telemetry, "decisions", "reason"))
}

func TestSameWorkOnce(t *testing.T) {
	t.Parallel()
	model := newModel(t)
	p := startPipelines(t, loadConfig(t, fmt.Sprintf(judgeYAML, model.URL), "judge_cache: {window: 1h}"), componenttest.NewNopHost())
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), newBatch(0, 1)))
	p.awaitRecords(t, 1)
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), newBatch(1, 1)))
	again, err := assessment.DecodeLogRecord(p.awaitRecords(t, 2)[1], assessment.DecodeOptions{})
	require.NoError(t, err)
	assert.Equal(t, assessment.True, again.Value)
	assert.Equal(t, "fine", again.Rationale)
	assert.Equal(t, "true", again.Metadata["cached"])
	assert.Equal(t, "1", again.Metadata[assessment.MetadataSamplingProbability])
	assert.NotContains(t, again.Metadata, assessment.MetadataJudgeCost)
	assert.EqualValues(t, 1, model.calls.Load())
	p.stop(t)
	assert.Equal(t, map[string]int64{"evaluated": 1, "cached": 1}, sums(t, p.telemetry, "decisions", "reason"))
	assert.Equal(t, map[string]int64{"pass": 2}, sums(t, p.telemetry, "results", "outcome"))
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), newBatch(2, 1)))
	assert.Equal(t, map[string]int64{"evaluated": 1, "cached": 1, "shutdown": 1}, sums(t, p.telemetry, "decisions", "reason"),
		"after the stop it could not leave")
}

func TestShadow(t *testing.T) {
	t.Parallel()
	model := newModel(t)
	p := startPipelines(t, loadConfig(t, fmt.Sprintf(judgeYAML, model.URL), "judges: {quality: {shadow: true}}"), componenttest.NewNopHost())
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), newBatch(0, 10)))
	assert.Equal(t, map[string]int64{"all shadow": 10}, sums(t, p.telemetry, "decisions", "rule", "reason"))
	assert.Equal(t, map[string]int64{"quality stand-in": 10}, sums(t, p.telemetry, "shadow_calls", "evaluator", "model"))
	tokens := sums(t, p.telemetry, "shadow_tokens", "direction")
	assert.EqualValues(t, 10*1024, tokens["output"])
	assert.Greater(t, tokens["input"], int64(1000))
	cost, err := p.telemetry.GetMetric("otelcol_processor_feedback_shadow_cost")
	require.NoError(t, err)
	assert.InDelta(t, (float64(tokens["input"])*1+float64(tokens["output"])*2)/1e6, cost.Data.(metricdata.Sum[float64]).DataPoints[0].Value, 1e-9)
	p.stop(t)
	assert.Zero(t, model.calls.Load())
	assert.Zero(t, p.exporter.LogRecordCount())
}

// TestPausedJudgements: with its model down, a judge's queue fills, and then that is why.
func TestPausedJudgements(t *testing.T) {
	t.Parallel()
	model := newModel(t)
	model.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	p := startPipelines(t, loadConfig(t, fmt.Sprintf(judgeYAML, model.URL), "judge_queue: {num_consumers: 2, queue_size: 5}", "shutdown_timeout: 0s"), componenttest.NewNopHost())
	require.Eventually(t, func() bool {
		require.NoError(t, p.traces.ConsumeTraces(t.Context(), newBatch(int(time.Now().UnixNano()%(1<<20)), 1)))
		return sums(t, p.telemetry, "decisions", "reason")["paused"] > 0
	}, time.Minute, time.Millisecond)
	p.stop(t)
	assert.Equal(t, total(sums(t, p.telemetry, "subjects", "kind")), total(sums(t, p.telemetry, "decisions", "reason")))
}

func TestRedaction(t *testing.T) {
	t.Parallel()
	model := newModel(t)
	prompt := model.keepsPrompt()
	plain := loadConfig(t, fmt.Sprintf(judgeYAML, model.URL))
	redacting := loadConfig(t, fmt.Sprintf(judgeYAML, model.URL), `redact: {finders: [email, card], patterns: ['secret-\d+']}`)
	p := startPipelines(t, redacting, componenttest.NewNopHost())
	td := newBatch(0, 0)
	newSpan(td.ResourceSpans().At(0).ScopeSpans().At(0).Spans(), 1, "I am jane.doe@example.com, card 4111 1111 1111 1111", "Noted as secret-42.")
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
	p.awaitRecords(t, 1)
	for _, gone := range []string{"jane.doe", "4111", "secret-42"} {
		assert.NotContains(t, prompt.Load(), gone)
	}
	assert.Equal(t, 3, strings.Count(prompt.Load().(string), "[REDACTED]"))
	unredacted := newPipelines(t, plain)
	assert.NotEqual(t, unredacted.traces.(*tracesNode).instance.judges[0].judge.Fingerprint(), p.traces.(*tracesNode).instance.judges[0].judge.Fingerprint())
	unredacted.stop(t)
}

// attributesOf is the event of a name on a span.
func attributesOf(t *testing.T, span ptrace.Span, name string) map[string]any {
	t.Helper()
	for _, event := range span.Events().All() {
		if event.Name() == name {
			return event.Attributes().AsRaw()
		}
	}
	require.Fail(t, "no event "+name)
	return nil
}

func TestAnnotatedDecisions(t *testing.T) {
	t.Parallel()
	model := newModel(t)
	p := startPipelines(t, loadConfig(t, fmt.Sprintf(judgeYAML, model.URL), `
annotate_decisions: true
judges:
  agents: {model: stand-in, kinds: [agent], prompt: "{{.Answer}}", output: {type: boolean}, sampling: [{name: all, rate: 1}]}
`), componenttest.NewNopHost())
	td := newBatch(0, 1)
	spans := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	newSpan(spans, 2, "[REDACTED]", "a")
	silentSpan(td, 3)
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
	assert.Equal(t, map[string]any{"feedback.scope": "span", "quality": "queued", "quality.rule": "all", "agents": "filtered"}, attributesOf(t, spans.At(0), decisionEvent))
	assert.Equal(t, map[string]any{"feedback.scope": "span", "quality": "no_content", "quality.state": "redacted", "agents": "filtered"}, attributesOf(t, spans.At(1), decisionEvent))
	assert.Equal(t, map[string]any{"feedback.scope": "span", "quality": "waiting", "agents": "waiting"}, attributesOf(t, spans.At(2), decisionEvent))
}

// TestBehindAnotherOne: an agent and a gateway run the same configuration.
func TestBehindAnotherOne(t *testing.T) {
	for _, trust := range []bool{true, false} {
		t.Run(fmt.Sprintf("trust=%v", trust), func(t *testing.T) {
			t.Parallel()
			model := newModel(t)
			agent := startPipelines(t, loadConfig(t, disclaimerYAML, fmt.Sprintf(judgeYAML, model.URL), "annotate_decisions: true"), componenttest.NewNopHost())
			gateway := startPipelines(t, loadConfig(t, disclaimerYAML, fmt.Sprintf(judgeYAML, model.URL), fmt.Sprintf("trust_upstream: %v", trust)), componenttest.NewNopHost())
			require.NoError(t, agent.traces.ConsumeTraces(t.Context(), newBatch(0, 1)))
			agent.awaitRecords(t, 1)
			require.NoError(t, gateway.traces.ConsumeTraces(t.Context(), agent.spans.AllTraces()[0]))
			require.NoError(t, gateway.logs.ConsumeLogs(t.Context(), agent.exporter.AllLogs()[0]))
			gateway.stop(t)
			results := 0
			for _, event := range firstSpan(gateway.spans.AllTraces()[0]).Events().All() {
				if assessment.IsResult(event) {
					results++
				}
			}
			assert.Equal(t, 1, results, "a check's result stands once, whoever made it")
			assert.Equal(t, 1, gateway.exporter.LogRecordCount(), "so does the verdict")
			want := map[string]int64{"evaluated": 1}
			if trust {
				want = map[string]int64{"duplicate": 1}
			}
			assert.Equal(t, want, sums(t, gateway.telemetry, "decisions", "reason"))
		})
	}
}

func TestPanelVotesAreCounted(t *testing.T) {
	t.Parallel()
	one, two, three := newModel(t), newModel(t), newModel(t)
	three.answers(says(`{"value": false, "rationale": "no"}`))
	p := startPipelines(t, loadConfig(t, fmt.Sprintf(judgeYAML, one.URL), fmt.Sprintf(`
models: {two: {endpoint: %q}, three: {endpoint: %q}}
judges: {quality: {model: null, models: [stand-in, two, three]}}
`, two.URL, three.URL)), componenttest.NewNopHost())
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), newBatch(0, 1)))
	decoded, err := assessment.DecodeLogRecord(p.awaitRecords(t, 1)[0], assessment.DecodeOptions{})
	require.NoError(t, err)
	assert.Equal(t, assessment.True, decoded.Value)
	assert.Contains(t, decoded.Metadata[assessment.MetadataVotes], `"model":"three"`)
	p.stop(t)
	assert.Equal(t, map[string]int64{"stand-in": 10, "two": 10, "three": 10}, outputTokens(t, p))
	agreement, err := p.telemetry.GetMetric("otelcol_processor_feedback_judge_agreement")
	require.NoError(t, err)
	assert.InDelta(t, 2.0/3, agreement.Data.(metricdata.Histogram[float64]).DataPoints[0].Sum, 1e-9)
}

func outputTokens(t *testing.T, p *pipelines) map[string]int64 {
	t.Helper()
	tokens := map[string]int64{}
	for key, n := range sums(t, p.telemetry, "judge_tokens", "direction", "model") {
		if model, ok := strings.CutPrefix(key, "output "); ok {
			tokens[model] = n
		}
	}
	return tokens
}

// TestLibrary: an entry is used by its name, and what is written beside it wins.
func TestLibrary(t *testing.T) {
	t.Parallel()
	model := newModel(t)
	p := startPipelines(t, loadConfig(t, fmt.Sprintf(judgeYAML, model.URL), `
read: {expected: 'span.attributes["expected"]'}
checks:
  no_email: {use: email@1}
  fast: {use: latency@1}
judges:
  quality: {enabled: false}
  correct: {use: correctness@1, model: stand-in, sampling: [{name: all, rate: 1}]}
`), componenttest.NewNopHost())
	td := newBatch(0, 0)
	spans := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	newSpan(spans, 1, "q", "Write to jane.doe@example.com.").Attributes().PutStr("expected", "An address.")
	newSpan(spans, 2, "q", "No address.")
	for _, span := range spans.All() {
		span.SetStartTimestamp(1_000_000_000)
		span.SetEndTimestamp(1_500_000_000)
	}
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
	p.awaitRecords(t, 1)
	p.stop(t)
	assert.Equal(t, map[string]int64{"no_email fail": 1, "no_email pass": 1, "fast pass": 2, "correct pass": 1}, sums(t, p.telemetry, "results", "evaluator", "outcome"))
	assert.Equal(t, map[string]int64{"evaluated": 1, "no_content": 1}, sums(t, p.telemetry, "decisions", "reason"), "without an expectation there is nothing to hold it against")
}

// TestLimitsThatNothingFits are errors at start, as is a price that is missing.
func TestLimitsThatNothingFits(t *testing.T) {
	for name, tt := range map[string]struct{ config, want string }{
		"too small":         {"judges: {quality: {limits: {tokens_per_day: 100}}}", "`tokens_per_day` of judge \"quality\" is too small for a single call"},
		"too small an hour": {"judges: {quality: {limits: {tokens_per_day: 24000}}}", "a 12th of it unless `burst` is true"},
		"no price":          {"models: {free: {}}\njudges: {quality: {model: free, limits: {usd_per_day: 5}}}", "model \"free\" has no `price`"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conf := confmap.New()
			for _, text := range []string{fmt.Sprintf(judgeYAML, "http://localhost:1"), tt.config} {
				var raw map[string]any
				require.NoError(t, yaml.Unmarshal([]byte(text), &raw))
				require.NoError(t, conf.Merge(confmap.NewFromStringMap(raw)))
			}
			config := createDefaultConfig().(*Config)
			require.NoError(t, conf.Unmarshal(config))
			err := confmap.Validate(config)
			if err == nil {
				_, err = NewFactory().CreateTraces(context.Background(), processortest.NewNopSettings(metadata.Type), config, nil)
			}
			assert.ErrorContains(t, err, tt.want)
		})
	}
}
