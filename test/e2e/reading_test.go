//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// withoutText takes the text off the spans of an exchange and returns it as the log record that official
// instrumentations send it in.
func withoutText(traces ptrace.Traces) plog.Logs {
	logs := plog.NewLogs()
	records := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for _, span := range traces.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
		question, ok := span.Attributes().Get("gen_ai.input.messages")
		if !ok {
			continue
		}
		answer, _ := span.Attributes().Get("gen_ai.output.messages")
		record := records.AppendEmpty()
		record.SetEventName("gen_ai.client.inference.operation.details")
		record.SetObservedTimestamp(pcommon.NewTimestampFromTime(time.Now()))
		record.SetTraceID(span.TraceID())
		record.SetSpanID(span.SpanID())
		question.CopyTo(record.Attributes().PutEmpty("gen_ai.input.messages"))
		answer.CopyTo(record.Attributes().PutEmpty("gen_ai.output.messages"))
		span.Attributes().Remove("gen_ai.input.messages")
		span.Attributes().Remove("gen_ai.output.messages")
	}
	return logs
}

// TestTextInLogs sends spans without text, and their text in log records: before the spans, after them, and never.
func TestTextInLogs(t *testing.T) {
	s := newStack(t)
	c := s.collector("collector", nil, "config/compliance.yaml", "config/judge.yaml",
		"yaml:processors::feedback::judges::llm_judge_evaluation::sampling: [{name: all, rate: 1}]",
		"yaml:processors::feedback::join_logs: {span_wait: 2s}")
	exchanges := newExchanges(60, generatedAnswer)[2:] // without the empty answer
	want := reference(t, exchanges)
	for i, e := range exchanges {
		traces := spans(e)
		logs := withoutText(traces)
		if i%2 == 0 {
			require.NoError(t, c.Logs(t.Context(), logs))
			require.NoError(t, c.Traces(t.Context(), traces))
		} else {
			require.NoError(t, c.Traces(t.Context(), traces))
			require.NoError(t, c.Logs(t.Context(), logs))
		}
	}
	all := s.eachOnce(exchanges, time.Minute, "compliance_check", "llm_judge_evaluation")
	for i, e := range exchanges {
		for _, r := range all[e.mlflowID()] {
			require.Equal(t, e.llm.String(), r.SpanID)
			if r.Name == "compliance_check" {
				require.JSONEq(t, want[i].Value, string(r.Feedback.Value), "answer %q", e.answer)
			}
		}
	}
	silent := newExchange("Nobody's question?", "Nobody's answer.")
	traces := spans(silent)
	withoutText(traces)
	require.NoError(t, c.Traces(t.Context(), traces))
	// It is given up after its wait, and judged by nothing.
	more := newExchanges(1, generatedAnswer)
	more[0].answer = "This one is judged."
	s.pass(3 * time.Second)
	require.NoError(t, c.Traces(t.Context(), spans(more...)))
	s.eventually(time.Minute, func(ctx context.Context) error {
		rows, err := s.rows(ctx)
		if err == nil && len(rows[more[0].mlflowID()]) < 2 {
			err = fmt.Errorf("%d results", len(rows[more[0].mlflowID()]))
		}
		return err
	})
	rows, err := s.rows(t.Context())
	require.NoError(t, err)
	require.Empty(t, rows[silent.mlflowID()])
}

// TestTraceScope evaluates whole traces, whose spans arrive one by one.
func TestTraceScope(t *testing.T) {
	s := newStack(t)
	c := s.collector("collector", map[string]string{"TRACE_WAIT": "1s"}, "config/trace.yaml",
		"yaml:processors::feedback::judges::grounded: {sampling: [{name: all, rate: 1}], prompt: 'Is {{.Answer}} an answer to {{.Question}}? {{.ToolCalls}}'}")
	exchanges := newExchanges(20, func(i int) string { return fmt.Sprintf("Answer %d.", i) })
	for _, e := range exchanges {
		whole := spans(e).ResourceSpans().At(0)
		for n := range whole.ScopeSpans().At(0).Spans().Len() {
			one := ptrace.NewTraces()
			whole.CopyTo(one.ResourceSpans().AppendEmpty())
			at := 0
			one.ResourceSpans().At(0).ScopeSpans().At(0).Spans().RemoveIf(func(ptrace.Span) bool {
				at++
				return at-1 != n
			})
			require.NoError(t, c.Traces(t.Context(), one))
		}
	}
	all := s.eachOnce(exchanges, time.Minute, "trace_answered", "grounded")
	for _, e := range exchanges {
		for _, r := range all[e.mlflowID()] {
			require.Empty(t, r.SpanID, "it is about the trace")
			require.Equal(t, "4", r.Metadata["spans_seen"])
			require.Nil(t, r.Feedback.Error)
		}
	}
}
