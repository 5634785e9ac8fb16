package otlp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRestamp(t *testing.T) {
	t.Parallel()
	traces, err := ReadRecording("../../../testdata/spans/py_oi_langchain.json")
	require.NoError(t, err)
	KeepTraces(traces, func(place int) bool { return place == 1 })
	before := ptrace.NewTraces()
	traces.CopyTo(before)
	var old []ptrace.Span
	Spans(before, func(span ptrace.Span) { old = append(old, span) })
	require.NotEmpty(t, old)

	end := time.Date(2030, 1, 2, 3, 4, 5, 6, time.UTC)
	ids := Restamp(traces, end, func() pcommon.TraceID { return pcommon.TraceID{7} })
	require.Equal(t, []pcommon.TraceID{{7}}, ids)
	i, last := 0, pcommon.Timestamp(0)
	Spans(traces, func(span ptrace.Span) {
		require.Equal(t, pcommon.TraceID{7}, span.TraceID())
		require.Equal(t, old[i].SpanID(), span.SpanID())
		require.Equal(t, old[i].EndTimestamp()-old[i].StartTimestamp(), span.EndTimestamp()-span.StartTimestamp())
		last = max(last, span.EndTimestamp())
		i++
	})
	require.Equal(t, end, last.AsTime())
}
