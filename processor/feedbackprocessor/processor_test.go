package feedbackprocessor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/check"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/metadata"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/metadatatest"
)

func attributeKey(name string) attribute.Key { return attribute.Key(name) }

func TestForwardsWhatTheNextSays(t *testing.T) {
	t.Parallel()
	refused := errors.New("no")
	node, err := NewFactory().CreateTraces(t.Context(), processortest.NewNopSettings(metadata.Type),
		loadConfig(t, disclaimerYAML), consumertest.NewErr(refused))
	require.NoError(t, err)
	require.NoError(t, node.Start(t.Context(), componenttest.NewNopHost()))
	require.ErrorIs(t, node.ConsumeTraces(t.Context(), newBatch(0, 1)), refused)
	require.NoError(t, node.Shutdown(t.Context()))
}

func TestCheckPutsItsResultOnTheSpan(t *testing.T) {
	t.Parallel()
	p := startPipelines(t, loadConfig(t, disclaimerYAML), componenttest.NewNopHost())
	td := newBatch(0, 0)
	spans := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	newSpan(spans, 1, "q", "This is not financial advice")
	newSpan(spans, 2, "q", "Buy!")
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))

	out := p.spans.AllTraces()[0].ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	require.Equal(t, 2, out.Len())
	passed, err := assessment.DecodeSpanEvent(out.At(0), out.At(0).Events().At(0), assessment.DecodeOptions{})
	require.NoError(t, err)
	assert.Equal(t, assessment.True, passed.Value)
	assert.Equal(t, assessment.VerdictPassed, passed.Verdict)
	failed, err := assessment.DecodeSpanEvent(out.At(1), out.At(1).Events().At(0), assessment.DecodeOptions{})
	require.NoError(t, err)
	assert.Equal(t, assessment.False, failed.Value)
	assert.Equal(t, assessment.VerdictFailed, failed.Verdict)
	assert.Equal(t, "Missing required disclaimer", failed.Rationale)
	assert.Equal(t, assessment.Source{Type: assessment.SourceTypeCode, ID: "compliance_v1"}, failed.Source)
	assert.Equal(t, "resp-2", failed.ResponseID)
	assert.Equal(t, assessment.ScopeSpan, assessment.Scope(text(t, out.At(1).Events().At(0).Attributes(), assessment.AttributeScope)))
	assert.NotEmpty(t, failed.Fingerprint)
	assert.False(t, failed.CreateTime.IsZero())

	metadatatest.AssertEqualProcessorFeedbackSubjects(t, p.telemetry, []metricdata.DataPoint[int64]{
		{Value: 2, Attributes: attribute.NewSet(attribute.String("kind", "llm"))},
	}, metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualProcessorFeedbackResults(t, p.telemetry, []metricdata.DataPoint[int64]{
		{Value: 1, Attributes: attribute.NewSet(attribute.String("evaluator", "has_disclaimer"), attribute.String("outcome", "pass"))},
		{Value: 1, Attributes: attribute.NewSet(attribute.String("evaluator", "has_disclaimer"), attribute.String("outcome", "fail"))},
	}, metricdatatest.IgnoreTimestamp())
}

func text(t *testing.T, attributes pcommon.Map, key string) string {
	t.Helper()
	value, ok := attributes.Get(key)
	require.True(t, ok, key)
	return value.Str()
}

// TestLeavesAlone: whatever is no subject passes as it came.
func TestLeavesAlone(t *testing.T) {
	tests := []struct {
		name   string
		change func(ptrace.Span)
		// subjects is how many are counted.
		subjects int64
	}{
		{name: "not GenAI", change: func(s ptrace.Span) { s.Attributes().Clear() }},
		{name: "without trace id", change: func(s ptrace.Span) { s.SetTraceID(pcommon.TraceID{}) }},
		{name: "without span id", change: func(s ptrace.Span) { s.SetSpanID(pcommon.SpanID{}) }},
		{name: "evaluator", subjects: 1, change: func(s ptrace.Span) { s.Attributes().PutStr("openinference.span.kind", "EVALUATOR") }},
		{name: "embedding", subjects: 1, change: func(s ptrace.Span) { s.Attributes().PutStr("gen_ai.operation.name", "embeddings") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			model := newModel(t)
			p := startPipelines(t, loadConfig(t, disclaimerYAML, fmt.Sprintf(judgeYAML, model.URL)), componenttest.NewNopHost())
			td, want := newBatch(0, 1), ptrace.NewTraces()
			if tt.name == "evaluator" {
				firstSpan(td).Attributes().Remove("gen_ai.operation.name")
			}
			tt.change(firstSpan(td))
			td.CopyTo(want)
			require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
			assert.Equal(t, want, p.spans.AllTraces()[0])
			p.stop(t)
			assert.Zero(t, model.calls.Load())
			assert.Equal(t, tt.subjects, total(sums(t, p.telemetry, "subjects", "kind")))
			assert.Equal(t, tt.subjects, total(sums(t, p.telemetry, "decisions", "reason")), "the judge decides on each subject once")
			assert.Equal(t, tt.subjects, sums(t, p.telemetry, "decisions", "reason")["filtered"])
		})
	}
}

func TestCheckWithoutContent(t *testing.T) {
	t.Parallel()
	p := startPipelines(t, loadConfig(t, disclaimerYAML), componenttest.NewNopHost())
	td := newBatch(0, 1)
	firstSpan(td).Attributes().Remove("gen_ai.output.messages")
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
	p.stop(t) // until then, its text might come in log records
	assert.Zero(t, firstSpan(p.spans.AllTraces()[0]).Events().Len())
	assert.Equal(t, map[string]int64{"has_disclaimer not_captured": 1}, sums(t, p.telemetry, "checks_without_content", "evaluator", "state"))
}

func TestConditions(t *testing.T) {
	const conditions = `
checks: {has_disclaimer: {conditions: ['Int(span.attributes["broken"]) > 0 and ParseJSON(span.attributes["broken"])["x"] == 1', 'resource.attributes["tier"] == "premium"']}}
`
	tests := []struct {
		name, mode string
		tier       string
		broken     bool
		events     int
		errors     int64
		lines      int
	}{
		{name: "matches", mode: "ignore", tier: "premium", events: 1},
		{name: "does not match", mode: "ignore", tier: "free"},
		{name: "one errs, another matches", mode: "ignore", tier: "premium", broken: true, events: 1, errors: 1, lines: 1},
		{name: "errs", mode: "ignore", tier: "free", broken: true, errors: 1, lines: 1},
		{name: "errs silently", mode: "silent", tier: "free", broken: true, errors: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config := loadConfig(t, disclaimerYAML, conditions, "error_mode: "+tt.mode)
			telemetry := componenttest.NewTelemetry()
			defer func() { require.NoError(t, telemetry.Shutdown(context.Background())) }()
			set := metadatatest.NewSettings(telemetry)
			core, logs := observer.New(zapcore.InfoLevel)
			set.Logger = zap.New(core)
			var sink consumertest.TracesSink
			node, err := NewFactory().CreateTraces(t.Context(), set, config, &sink)
			require.NoError(t, err)
			require.NoError(t, node.Start(t.Context(), componenttest.NewNopHost()))
			for range 2 {
				td := newBatch(0, 1)
				td.ResourceSpans().At(0).Resource().Attributes().PutStr("tier", tt.tier)
				if tt.broken {
					firstSpan(td).Attributes().PutStr("broken", "12")
				}
				require.NoError(t, node.ConsumeTraces(t.Context(), td))
			}
			require.NoError(t, node.Shutdown(t.Context()))
			for _, td := range sink.AllTraces() {
				assert.Equal(t, tt.events, firstSpan(td).Events().Len())
			}
			assert.Equal(t, 2*tt.errors, sums(t, telemetry, "condition_errors", "evaluator")["has_disclaimer"])
			assert.Equal(t, tt.lines, logs.Len(), "one line a condition")
		})
	}
}

func TestResultsAsLogs(t *testing.T) {
	t.Parallel()
	p := startPipelines(t, loadConfig(t, disclaimerYAML, "results: logs"), componenttest.NewNopHost())
	assert.False(t, p.traces.Capabilities().MutatesData)
	td, want := newBatch(0, 2), ptrace.NewTraces()
	td.CopyTo(want)
	td.MarkReadOnly()
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
	got := ptrace.NewTraces()
	p.spans.AllTraces()[0].CopyTo(got)
	assert.Equal(t, want, got, "spans stay untouched")
	records := p.exporter.records()
	require.Len(t, records, 2)
	require.Len(t, p.exporter.AllLogs(), 1, "in one piece")
	for i, record := range records {
		decoded, err := assessment.DecodeLogRecord(record, assessment.DecodeOptions{})
		require.NoError(t, err)
		span := want.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(i)
		assert.Equal(t, span.TraceID().String(), decoded.TraceID)
		assert.Equal(t, span.SpanID().String(), decoded.SpanID)
		assert.Equal(t, assessment.True, decoded.Value)
		assert.Equal(t, assessment.EventName, record.EventName())
		assert.NotZero(t, record.Timestamp())
	}
	assert.Zero(t, p.exporter.AllLogs()[0].ResourceLogs().At(0).Resource().Attributes().Len())
}

func TestReadyResultsAreLostAloud(t *testing.T) {
	t.Parallel()
	p := startPipelines(t, loadConfig(t, disclaimerYAML, "results: logs"), componenttest.NewNopHost())
	p.exporter.set(false)
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), newBatch(0, 3)), "the batch is not at fault")
	assert.Equal(t, map[string]int64{"has_disclaimer": 3}, sums(t, p.telemetry, "lost_results", "evaluator"))
	p.stop(t)
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), newBatch(3, 1)), "after the stop")
	assert.Equal(t, map[string]int64{"has_disclaimer": 4}, sums(t, p.telemetry, "lost_results", "evaluator"))
	assert.Equal(t, 1, p.exporter.refusals(), "nothing is sent after the stop")
}

// claimOf is an event that speaks in the name of an evaluator.
func claimOf(name, sourceID string, sourceType assessment.SourceType) *assessment.Assessment {
	return &assessment.Assessment{
		Name: name, Source: assessment.Source{Type: sourceType, ID: sourceID}, Value: assessment.True, SpanID: "0000000000000001",
	}
}

var inbound = []struct {
	name    string
	claim   *assessment.Assessment
	removed bool
}{
	{"our check", claimOf("has_disclaimer", "compliance_v1", assessment.SourceTypeCode), true},
	{"our judge", claimOf("quality", "stand-in-v1", assessment.SourceTypeLLMJudge), true},
	{"another source", claimOf("has_disclaimer", "compliance_v2", assessment.SourceTypeCode), false},
	{"another name", claimOf("toxicity", "compliance_v1", assessment.SourceTypeCode), false},
	{"another type", claimOf("has_disclaimer", "compliance_v1", assessment.SourceTypeLLMJudge), false},
}

func TestClaimsOnSpans(t *testing.T) {
	for _, mode := range []ResultsMode{ResultsEvents, ResultsLogs} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			model := newModel(t)
			p := startPipelines(t, loadConfig(t, disclaimerYAML, fmt.Sprintf(judgeYAML, model.URL), "results: "+string(mode)), componenttest.NewNopHost())
			td := newBatch(0, 1)
			span := firstSpan(td)
			span.Attributes().Clear() // on any span, not only on subjects
			span.Events().AppendEmpty().SetName("exception")
			for _, one := range inbound {
				assessment.EncodeSpanEvent(span.Events().AppendEmpty(), one.claim)
			}
			if !p.traces.Capabilities().MutatesData {
				td.MarkReadOnly()
			}
			require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
			var names []string
			for _, event := range firstSpan(p.spans.AllTraces()[0]).Events().All() {
				name, source := assessment.Identity(event.Attributes())
				names = append(names, strings.TrimSpace(name+" "+source.ID+" "+string(source.Type)))
			}
			assert.Equal(t, []string{
				"CODE", "has_disclaimer compliance_v2 CODE", "toxicity compliance_v1 CODE", "has_disclaimer compliance_v1 LLM_JUDGE",
			}, names)
			assert.Equal(t, map[string]int64{"traces": 2}, sums(t, p.telemetry, "removed_events", "signal"))
		})
	}
}

func TestClaimsInLogs(t *testing.T) {
	t.Parallel()
	model := newModel(t)
	p := startPipelines(t, loadConfig(t, disclaimerYAML, fmt.Sprintf(judgeYAML, model.URL)), componenttest.NewNopHost())
	ld := plog.NewLogs()
	for _, one := range inbound {
		records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
		assessment.EncodeLogRecord(records.AppendEmpty(), one.claim)
	}
	ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr("a line")
	ld.MarkReadOnly()
	require.NoError(t, p.logs.ConsumeLogs(t.Context(), ld))
	out := p.exporter.AllLogs()[0]
	assert.Equal(t, 4, out.LogRecordCount())
	assert.Equal(t, 4, out.ResourceLogs().Len(), "nothing empty is left")
	assert.Equal(t, map[string]int64{"logs": 2}, sums(t, p.telemetry, "removed_events", "signal"))
}

// TestClaimsOfAScope: an event that names no evaluator is decoded under its scope's name, which may claim to be ours.
func TestClaimsOfAScope(t *testing.T) {
	t.Parallel()
	claim := *inbound[0].claim
	p := startPipelines(t, loadConfig(t, disclaimerYAML), componenttest.NewNopHost())
	td := newBatch(0, 1)
	td.ResourceSpans().At(0).ScopeSpans().At(0).Scope().SetName(claim.Source.ID)
	event := firstSpan(td).Events().AppendEmpty()
	assessment.EncodeSpanEvent(event, &claim)
	event.Attributes().Remove(assessment.AttributeEvaluatorID)
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))

	ld := plog.NewLogs()
	scope := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty()
	scope.Scope().SetName(claim.Source.ID)
	record := scope.LogRecords().AppendEmpty()
	assessment.EncodeLogRecord(record, &claim)
	record.Attributes().Remove(assessment.AttributeEvaluatorID)
	require.NoError(t, p.logs.ConsumeLogs(t.Context(), ld))
	assert.Equal(t, map[string]int64{"traces": 1, "logs": 1}, sums(t, p.telemetry, "removed_events", "signal"))
}

// TestClaimsOfAnEvaluatorSpan: evaluators have spans of their own, whose annotations name an evaluator too.
func TestClaimsOfAnEvaluatorSpan(t *testing.T) {
	t.Parallel()
	claim := *inbound[0].claim
	for _, test := range []struct {
		name, evaluator string
		links           int
	}{
		{name: "ours", evaluator: claim.Source.ID, links: 0},
		{name: "somebody's", evaluator: "their_evaluator", links: 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := startPipelines(t, loadConfig(t, disclaimerYAML), componenttest.NewNopHost())
			td := newBatch(0, 1)
			span := firstSpan(td)
			require.NoError(t, span.Attributes().FromRaw(map[string]any{
				"openinference.span.kind":             "EVALUATOR",
				"gen_ai.evaluation.name":              claim.Name,
				"gen_ai.evaluation.score.value":       1.0,
				"gen_ai.evaluation.evaluator.id":      test.evaluator,
				"gen_ai.evaluation.score.label":       "pass",
				"gen_ai.evaluation.evaluator.version": "1",
			}))
			link := span.Links().AppendEmpty()
			link.SetTraceID(pcommon.TraceID{7})
			link.SetSpanID(pcommon.SpanID{7})
			require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
			assert.Equal(t, test.links, firstSpan(p.spans.AllTraces()[0]).Links().Len())
			assert.Equal(t, int64(1-test.links), sums(t, p.telemetry, "removed_events", "signal")["traces"])
		})
	}
}

func TestLogsPassUnchanged(t *testing.T) {
	t.Parallel()
	p := startPipelines(t, loadConfig(t, disclaimerYAML), componenttest.NewNopHost())
	ld := plog.NewLogs()
	ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr("a line")
	ld.MarkReadOnly()
	require.NoError(t, p.logs.ConsumeLogs(t.Context(), ld))
	assert.Equal(t, ld, p.exporter.AllLogs()[0])
}

type panicking struct{}

func (panicking) Evaluate(context.Context, *check.Subject) (check.Result, genai.State) {
	panic("secret answer")
}

// TestPanicOfACheck: a check that panics neither fails the batch nor goes without a trace, nor does its panic's text
// reach anybody.
func TestPanicOfACheck(t *testing.T) {
	t.Parallel()
	p := startPipelines(t, loadConfig(t, disclaimerYAML), componenttest.NewNopHost())
	shared := p.traces.(*tracesNode).instance
	core, logs := observer.New(zapcore.DebugLevel)
	shared.checks[0].check, shared.logger = panicking{}, zap.New(core)
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), newBatch(0, 1)))
	span := firstSpan(p.spans.AllTraces()[0])
	failed, err := assessment.DecodeSpanEvent(span, span.Events().At(0), assessment.DecodeOptions{})
	require.NoError(t, err)
	assert.Equal(t, &assessment.Error{
		Code: assessment.ErrorCodeEvaluationFailed, Type: "panic", Message: "the evaluator failed internally; the collector's log has the stack",
	}, failed.Error)
	assert.Empty(t, failed.Value)
	require.Equal(t, 1, logs.Len())
	assert.NotContains(t, fmt.Sprint(logs.All()[0].ContextMap()), "secret")
	assert.Equal(t, map[string]int64{"has_disclaimer error": 1}, sums(t, p.telemetry, "results", "evaluator", "outcome"))
}

// TestPanicOfOurs: what no evaluator is to blame for costs the results of the batch, not the batch.
func TestPanicOfOurs(t *testing.T) {
	t.Parallel()
	p := startPipelines(t, loadConfig(t, disclaimerYAML), componenttest.NewNopHost())
	p.traces.(*tracesNode).instance.checks[0] = nil
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), newBatch(0, 2)))
	assert.Equal(t, 2, p.spans.SpanCount())
}

func TestVerifyShutdown(t *testing.T) {
	processortest.VerifyShutdown(t, NewFactory(), loadConfig(t, disclaimerYAML))
}
