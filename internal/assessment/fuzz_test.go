package assessment_test

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

// FuzzDecode reads arbitrary OTLP spans: what is taken is well formed, within its bound, and survives another hop.
func FuzzDecode(f *testing.F) {
	marshaler := &ptrace.ProtoMarshaler{}
	for _, value := range []assessment.Value{"true", "1", "0.5", `"x"`, `{"a":[1,null,{"b":2.5}]}`} {
		traces := ptrace.NewTraces()
		span := traces.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		subject().CopyTo(span)
		a := full(value)
		assessment.EncodeSpanEvent(span.Events().AppendEmpty(), &a)
		span.Attributes().PutStr("openinference.span.kind", "EVALUATOR")
		span.Attributes().PutStr("annotations.0.annotation.name", "n")
		span.Attributes().PutInt("annotations.0.annotation.score", 1)
		span.Attributes().PutStr("output.value", `{"score":1}`)
		span.Links().AppendEmpty().SetTraceID(span.TraceID())
		seed, err := marshaler.MarshalTraces(traces)
		require.NoError(f, err)
		f.Add(seed)
	}
	opts := assessment.DecodeOptions{TrustHuman: true, MaxSize: 4096}
	f.Fuzz(func(t *testing.T, data []byte) {
		traces, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(data)
		if err != nil {
			return
		}
		for _, rs := range traces.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, span := range ss.Spans().All() {
					for _, ev := range span.Events().All() {
						assessment.Identity(ev.Attributes())
						if a, err := assessment.DecodeSpanEvent(span, ev, opts); err == nil {
							requireSound(t, a, opts)
						}
					}
					results, _ := assessment.DecodeEvaluatorSpan(span, opts)
					for _, a := range results {
						requireSound(t, a, opts)
					}
				}
			}
		}
	})
}

func requireSound(t *testing.T, a assessment.Assessment, opts assessment.DecodeOptions) {
	t.Helper()
	require.Equal(t, assessment.NewID(a.TraceID, a.SpanID, a.Name, a.Source), a.ID)
	require.NotEmpty(t, strings.TrimSpace(a.Name))
	require.LessOrEqual(t, len(a.Name)+len(a.Value)+len(a.Rationale), opts.MaxSize)
	require.True(t, utf8.ValidString(a.Name+string(a.Value)+a.Rationale+a.Source.ID))
	if a.Value != "" {
		require.True(t, json.Valid([]byte(a.Value)))
	}
	span := ptrace.NewSpan()
	span.SetTraceID(hexTrace(t, a.TraceID))
	if a.SpanID != "" {
		span.SetSpanID(subject().SpanID())
		a.SpanID = spanID
	}
	a.ID = assessment.NewID(a.TraceID, a.SpanID, a.Name, a.Source)
	ev := span.Events().AppendEmpty()
	assessment.EncodeSpanEvent(ev, &a)
	again, err := assessment.DecodeSpanEvent(span, ev, assessment.DecodeOptions{TrustHuman: true})
	require.NoError(t, err)
	require.Equal(t, a, again)
}

func hexTrace(t *testing.T, text string) pcommon.TraceID {
	t.Helper()
	var id pcommon.TraceID
	_, err := hex.Decode(id[:], []byte(text))
	require.NoError(t, err)
	return id
}
