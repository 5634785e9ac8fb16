package feedbackprocessor

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/metadatatest"
)

// timed are pipelines whose time a test sets.
type timed struct {
	*pipelines
	nanos atomic.Int64
	ticks chan time.Time
}

func startTimed(t *testing.T, config *Config) *timed {
	t.Helper()
	p := &timed{pipelines: newPipelines(t, config), ticks: make(chan time.Time)}
	in := p.traces.(*tracesNode).instance
	in.now = func() time.Time { return time.Unix(1_800_000_000, p.nanos.Load()) }
	in.newTicker = func(time.Duration) (<-chan time.Time, func()) { return p.ticks, func() {} }
	p.exporter.set(true)
	t.Cleanup(func() { p.stop(t) })
	require.NoError(t, p.logs.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, p.traces.Start(t.Context(), componenttest.NewNopHost()))
	return p
}

// advance moves the time and waits until what was due then is done.
func (p *timed) advance(by time.Duration) {
	p.nanos.Add(int64(by))
	p.ticks <- time.Time{}
	p.ticks <- time.Time{} // is taken when the first has been worked off
}

// silentSpan is a span that carries no text.
func silentSpan(td ptrace.Traces, n int) {
	span := newSpan(td.ResourceSpans().At(0).ScopeSpans().At(0).Spans(), n, "", "")
	span.Attributes().Remove("gen_ai.input.messages")
	span.Attributes().Remove("gen_ai.output.messages")
}

func silentBatch(n int) ptrace.Traces {
	td := newBatch(0, 0)
	silentSpan(td, n)
	return td
}

// detailsOf is the record that holds all about a span.
func detailsOf(span ptrace.Span, question, answer string) plog.Logs {
	ld := plog.NewLogs()
	record := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	record.SetTraceID(span.TraceID())
	record.SetSpanID(span.SpanID())
	record.SetEventName("gen_ai.client.inference.operation.details")
	record.Attributes().PutStr("gen_ai.input.messages", message("user", question))
	record.Attributes().PutStr("gen_ai.output.messages", message("assistant", answer))
	return ld
}

// saidOf is one of several records about a span.
func saidOf(span ptrace.Span, event, text string) plog.Logs {
	ld := plog.NewLogs()
	record := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	record.SetTraceID(span.TraceID())
	record.SetSpanID(span.SpanID())
	record.SetTimestamp(pcommon.Timestamp(1))
	record.SetEventName(event)
	body := record.Body().SetEmptyMap()
	if event == "gen_ai.choice" {
		body.PutStr("finish_reason", "stop")
		body = body.PutEmptyMap("message")
	}
	body.PutStr("content", text)
	return ld
}

func TestTextBeforeItsSpan(t *testing.T) {
	t.Parallel()
	model := newModel(t)
	p := startTimed(t, loadConfig(t, disclaimerYAML, fmt.Sprintf(judgeYAML, model.URL)))
	td := silentBatch(1)
	ld := detailsOf(firstSpan(td), "q", "Buy!")
	require.NoError(t, p.logs.ConsumeLogs(t.Context(), ld))
	assert.Equal(t, 1, p.exporter.LogRecordCount(), "records pass")
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
	result, err := assessment.DecodeSpanEvent(firstSpan(td), firstSpan(td).Events().At(0), assessment.DecodeOptions{})
	require.NoError(t, err, "all is there, so that the result is on the span")
	assert.Equal(t, assessment.VerdictFailed, result.Verdict)
	p.stop(t)
	assert.Equal(t, map[string]int64{"evaluated": 1}, sums(t, p.telemetry, "decisions", "reason"))
}

func TestTextAfterItsSpan(t *testing.T) {
	t.Parallel()
	model := newModel(t)
	p := startTimed(t, loadConfig(t, disclaimerYAML, fmt.Sprintf(judgeYAML, model.URL),
		"checks: {fast: {ottl: {condition: 'span.name == \"chat\"'}}}"))
	td := silentBatch(1)
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
	require.Equal(t, 1, p.spans.SpanCount(), "the span does not wait")
	require.Equal(t, 1, firstSpan(td).Events().Len(), "nor does what needs no text")
	assert.Empty(t, sums(t, p.telemetry, "decisions", "reason"))
	assert.Equal(t, map[string]int64{"llm": 1}, sums(t, p.telemetry, "subjects", "kind"))
	metadatatest.AssertEqualProcessorFeedbackPending(t, p.telemetry, []metricdata.DataPoint[int64]{
		{Value: 1, Attributes: attribute.NewSet(attribute.String("model", "stand-in"))},
	}, metricdatatest.IgnoreTimestamp())

	require.NoError(t, p.logs.ConsumeLogs(t.Context(), detailsOf(firstSpan(td), "q", "Buy!")))
	records := p.awaitRecords(t, 3) // the record itself, the check's result, the verdict
	names := map[string]bool{}
	for _, record := range records {
		if decoded, err := assessment.DecodeLogRecord(record, assessment.DecodeOptions{}); err == nil {
			names[decoded.Name] = true
			assert.Equal(t, firstSpan(td).SpanID().String(), decoded.SpanID)
		}
	}
	assert.Equal(t, map[string]bool{"has_disclaimer": true, "quality": true}, names)
	p.stop(t)
	assert.Equal(t, map[string]int64{"evaluated": 1}, sums(t, p.telemetry, "decisions", "reason"))
	assert.Equal(t, map[string]int64{"has_disclaimer fail": 1, "fast pass": 1, "quality pass": 1}, sums(t, p.telemetry, "results", "evaluator", "outcome"))
	assert.Equal(t, map[string]int64{"llm": 1}, sums(t, p.telemetry, "subjects", "kind"), "one subject, though it was looked at twice")
}

// TestOneByOne: records that each tell a part are waited for as long as the span waits, because the last of them need
// not have come last.
func TestOneByOne(t *testing.T) {
	t.Parallel()
	model := newModel(t)
	prompt := model.keepsPrompt()
	p := startTimed(t, loadConfig(t, fmt.Sprintf(judgeYAML, model.URL)))
	td := silentBatch(1)
	span := firstSpan(td)
	require.NoError(t, p.logs.ConsumeLogs(t.Context(), saidOf(span, "gen_ai.choice", "the answer")))
	require.NoError(t, p.logs.ConsumeLogs(t.Context(), saidOf(span, "gen_ai.user.message", "first question")))
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
	p.advance(9 * time.Second)
	assert.Zero(t, model.calls.Load())
	require.NoError(t, p.logs.ConsumeLogs(t.Context(), saidOf(span, "gen_ai.user.message", "second question")))
	p.advance(time.Second)
	p.awaitRecords(t, 4)
	assert.Contains(t, prompt.Load(), "second question")
	assert.Contains(t, prompt.Load(), "the answer")
	assert.NotContains(t, prompt.Load(), "first question")
	p.stop(t)
	assert.Equal(t, map[string]int64{"evaluated": 1}, sums(t, p.telemetry, "decisions", "reason"))
}

func TestTextThatNeverComes(t *testing.T) {
	tests := []struct {
		name, config string
		act          func(*timed)
	}{
		{name: "the wait ends", act: func(p *timed) { p.advance(10 * time.Second) }},
		{name: "the collector stops", act: func(p *timed) { p.stop(t) }},
		{name: "no room", config: "join_logs: {max_size: 64KiB}", act: func(p *timed) {
			td := silentBatch(1000)
			firstSpan(td).Attributes().PutStr("large", strings.Repeat("a", 65<<10))
			firstSpan(td).Attributes().PutStr("gen_ai.operation.name", "chat")
			_ = p.traces.ConsumeTraces(context.Background(), td)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			model := newModel(t)
			p := startTimed(t, loadConfig(t, disclaimerYAML, fmt.Sprintf(judgeYAML, model.URL), tt.config))
			td := silentBatch(1)
			require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
			tt.act(p)
			got := sums(t, p.telemetry, "decisions", "reason", "state")
			assert.Contains(t, got, "no_content not_captured")
			assert.Len(t, got, 1)
			p.stop(t)
			subjects := total(sums(t, p.telemetry, "subjects", "kind"))
			assert.Equal(t, subjects, total(sums(t, p.telemetry, "decisions", "reason")), "each subject is decided on once")
			assert.Equal(t, subjects, sums(t, p.telemetry, "checks_without_content", "state")["not_captured"])
		})
	}
}

// TestNothingWaits where text cannot come, or nobody reads it.
func TestNothingWaits(t *testing.T) {
	tests := []struct {
		name, config string
		change       func(ptrace.Span)
		want         map[string]int64
	}{
		{name: "joining is off", config: "join_logs: {span_wait: 0s}", want: map[string]int64{"not_captured": 1}},
		{name: "redacted", change: func(span ptrace.Span) {
			span.Attributes().PutStr("gen_ai.input.messages", message("user", "[REDACTED]"))
			span.Attributes().PutStr("gen_ai.output.messages", message("assistant", "[REDACTED]"))
		}, want: map[string]int64{"redacted": 1}},
		{name: "a kind that nobody looks at", change: func(span ptrace.Span) {
			span.Attributes().PutStr("gen_ai.operation.name", "execute_tool")
		}, want: map[string]int64{"": 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			model := newModel(t)
			p := startPipelines(t, loadConfig(t, fmt.Sprintf(judgeYAML, model.URL), tt.config), componenttest.NewNopHost())
			td := silentBatch(1)
			if tt.change != nil {
				tt.change(firstSpan(td))
			}
			require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
			assert.Equal(t, tt.want, sums(t, p.telemetry, "decisions", "state"))
		})
	}
}

// TestWithoutALogsPipeline the state is not_captured at once.
func TestWithoutALogsPipeline(t *testing.T) {
	t.Parallel()
	telemetry := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, telemetry.Shutdown(context.Background())) })
	traces, err := NewFactory().CreateTraces(t.Context(), metadatatest.NewSettings(telemetry), loadConfig(t, disclaimerYAML), consumertest.NewNop())
	require.NoError(t, err)
	require.NoError(t, traces.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, traces.ConsumeTraces(t.Context(), silentBatch(1)))
	assert.Equal(t, map[string]int64{"not_captured": 1}, sums(t, telemetry, "checks_without_content", "state"))
	require.NoError(t, traces.Shutdown(t.Context()))
}

func TestRecordsThatNobodyAsksFor(t *testing.T) {
	t.Parallel()
	p := startTimed(t, loadConfig(t, disclaimerYAML))
	require.NoError(t, p.logs.ConsumeLogs(t.Context(), detailsOf(firstSpan(silentBatch(1)), "q", "a")))
	p.advance(2 * time.Minute)
	metadatatest.AssertEqualProcessorFeedbackUnjoinedRecords(t, p.telemetry, []metricdata.DataPoint[int64]{{Value: 1}}, metricdatatest.IgnoreTimestamp())
}

// TestNothingIsHeldAfterTheStop: nobody would look at it again.
func TestNothingIsHeldAfterTheStop(t *testing.T) {
	t.Parallel()
	model := newModel(t)
	p := startTimed(t, loadConfig(t, fmt.Sprintf(judgeYAML, model.URL)))
	p.stop(t)
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), silentBatch(1)))
	assert.Equal(t, map[string]int64{"no_content": 1}, sums(t, p.telemetry, "decisions", "reason"))
}
