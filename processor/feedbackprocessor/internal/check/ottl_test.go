package check

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func ottlSpan(span ptrace.Span) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	span.SetName("chat")
	span.SetTraceID(pcommon.TraceID{1, 2})
	span.SetSpanID(pcommon.SpanID{3, 4})
	span.SetStartTimestamp(pcommon.NewTimestampFromTime(start))
	span.SetEndTimestamp(pcommon.NewTimestampFromTime(start.Add(1500 * time.Millisecond)))
	attributes := span.Attributes()
	attributes.PutInt("int", 7)
	attributes.PutDouble("double", 2)
	attributes.PutDouble("nan", math.NaN())
	attributes.PutStr("text", "payload \"é\"")
	attributes.PutBool("yes", true)
	attributes.PutEmptyBytes("bytes").FromRaw([]byte{1, 2})
	m := attributes.PutEmptyMap("map")
	m.PutInt("z", 1)
	m.PutEmpty("a")
	m.PutEmptySlice("list").AppendEmpty().SetDouble(1)
	attributes.PutStr("large", strings.Repeat("x", maxValue+1))
	attributes.PutEmptySlice("many")
	many, _ := attributes.Get("many")
	for range maxValue {
		many.Slice().AppendEmpty().SetInt(1)
	}
	deep := attributes.PutEmptySlice("deep")
	for range 1000 {
		deep = deep.AppendEmpty().SetEmptySlice()
	}
}

func TestOTTLValue(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, value string
		want        assessment.Value
		verdict     assessment.Verdict
	}{
		{"milliseconds", `Milliseconds(span.end_time - span.start_time)`, "1500", assessment.VerdictNone},
		{"float", `Seconds(span.end_time - span.start_time)`, "1.5", assessment.VerdictNone},
		{"whole float", `span.attributes["double"]`, "2.0", assessment.VerdictNone},
		{"int", `span.attributes["int"]`, "7", assessment.VerdictNone},
		{"string", `span.attributes["text"]`, `"payload \"é\""`, assessment.VerdictNone},
		{"bool", `span.attributes["yes"]`, "true", assessment.VerdictPassed},
		{"false", `IsRootSpan() == false`, "false", assessment.VerdictFailed},
		{"root", `IsRootSpan()`, "true", assessment.VerdictPassed},
		{"map in its order", `span.attributes["map"]`, `{"z":1,"a":null,"list":[1.0]}`, assessment.VerdictNone},
		{"list", `Split(span.name, "h")`, `["c","at"]`, assessment.VerdictNone},
		{"literal list", `[1, "a", true]`, `[1,"a",true]`, assessment.VerdictNone},
		{"literal map", `{"b": 1, "a": 2.0}`, "", assessment.VerdictNone},
		{"bytes", `span.attributes["bytes"]`, `"AQI="`, assessment.VerdictNone},
		{"time", `span.start_time`, `"2026-01-02T03:04:05Z"`, assessment.VerdictNone},
		{"trace id", `span.trace_id`, `"01020000000000000000000000000000"`, assessment.VerdictNone},
		{"span id", `span.span_id`, `"0304000000000000"`, assessment.VerdictNone},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cfg := NewDefaultConfig()
			cfg.OTTL = &OTTLConfig{Value: test.value}
			if strings.Contains(test.value, "==") {
				cfg.OTTL = &OTTLConfig{Condition: test.value}
			}
			c := newOTTL(t, cfg)
			assert.Empty(t, c.Needs())
			result, state := c.Evaluate(t.Context(), withSpan(ottlSpan))
			assert.Equal(t, genai.StateText, state)
			assert.Nil(t, result.Error)
			assert.Equal(t, test.verdict, result.Verdict)
			if test.want == "" {
				assert.JSONEq(t, `{"b": 1, "a": 2.0}`, string(result.Value)) // a literal has no order
				return
			}
			assert.Equal(t, test.want, result.Value)
		})
	}
}

func TestOTTLFailures(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, value, want string }{
		{"nil", `span.attributes["none"]`, "gives nil, which is no value"},
		{"duration", `span.end_time - span.start_time`, "gives a duration, which has no unit"},
		{"wrong type", `Double(span.attributes["map"])`, "fails on this span: unsupported type: pcommon.Map"},
		{"not JSON", `ParseJSON(span.attributes["text"])`, "fails on this span"},
		{"type mismatch", `ParseJSON(span.attributes["int"])`, "fails on this span: expected string but got"},
		{"large string", `span.attributes["large"]`, "gives more than 65536 bytes of JSON"},
		{"large list", `span.attributes["many"]`, "gives more than 65536 bytes of JSON"},
		{"deep", `span.attributes["deep"]`, "gives a value nested deeper than 64 levels"},
		{"not finite", `span.attributes["nan"]`, "gives a number that is not finite"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cfg := NewDefaultConfig()
			cfg.OTTL = &OTTLConfig{Value: test.value}
			result := evaluate(t, newOTTL(t, cfg), withSpan(ottlSpan))
			require.NotNil(t, result.Error)
			assert.Equal(t, assessment.ErrorCodeEvaluationFailed, result.Error.Code)
			assert.Equal(t, "ottl", result.Error.Type)
			assert.Contains(t, result.Error.Message, test.want)
			assert.NotContains(t, result.Error.Message, "payload")
			assert.Equal(t, Result{Error: result.Error}, result)
		})
	}
}

func TestOTTLCondition(t *testing.T) {
	t.Parallel()
	cfg := NewDefaultConfig()
	cfg.OTTL = &OTTLConfig{Condition: `span.end_time - span.start_time < Duration("2s")`}
	cfg.Explain, cfg.ExplainPassed = "slow", "fast: {{.Value}}"
	c := newOTTL(t, cfg)
	assert.Equal(t, Result{Value: assessment.True, Verdict: assessment.VerdictPassed, Rationale: "fast: true"}, evaluate(t, c, withSpan(ottlSpan)))
	slow := withSpan(func(span ptrace.Span) { span.SetEndTimestamp(3e9) })
	assert.Equal(t, Result{Value: assessment.False, Verdict: assessment.VerdictFailed, Rationale: "slow"}, evaluate(t, c, slow))
}

func TestOTTLInParts(t *testing.T) {
	t.Parallel()
	c := newCheck(t, `{parts: {slow: {ottl: {condition: 'span.end_time - span.start_time > Duration("1s")'}, expect: false, explain: slow}}}`)
	assert.Empty(t, c.Needs())
	result := evaluate(t, c, withSpan(ottlSpan))
	assert.JSONEq(t, `{"overall_score":0.0,"details":{"slow":true,"rationale":["slow"]}}`, string(result.Value))
}

func newOTTL(t *testing.T, cfg Config) *Check {
	t.Helper()
	c, err := New("test", &cfg, componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	return c
}
