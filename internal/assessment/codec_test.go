package assessment_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

var created = time.Date(2026, 11, 3, 12, 0, 0, 123456789, time.UTC)

func subject() ptrace.Span {
	span := ptrace.NewSpan()
	span.SetTraceID([16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
	span.SetSpanID([8]byte{17, 18, 19, 20, 21, 22, 23, 24})
	return span
}

// full is what a judge says, with every field that telemetry carries.
func full(value assessment.Value) assessment.Assessment {
	source := assessment.Source{Type: assessment.SourceTypeLLMJudge, ID: "relevance@0123abcd"}
	return assessment.Assessment{
		ID: assessment.NewID(traceID, spanID, "relevance", source), TraceID: traceID, SpanID: spanID,
		Name: "relevance", Kind: assessment.KindFeedback, Source: source, Value: value,
		Rationale: "The answer is <b>to the point</b>.", Verdict: assessment.VerdictPassed,
		Fingerprint: "0123abcd4567", ResponseID: "chatcmpl-1",
		Metadata: map[string]string{
			assessment.MetadataModel: "gpt-4", assessment.MetadataSamplingProbability: "0.05", "own": "",
		},
		CreateTime: created, UpdateTime: created,
	}
}

func assertRoundTrip(t *testing.T, want assessment.Assessment) {
	t.Helper()
	opts := assessment.DecodeOptions{TrustHuman: true}

	span := subject()
	ev := span.Events().AppendEmpty()
	assessment.EncodeSpanEvent(ev, &want)
	require.True(t, assessment.IsResult(ev))
	fromEvent, err := assessment.DecodeSpanEvent(span, ev, opts)
	require.NoError(t, err)
	assert.Equal(t, want, fromEvent)

	lr := plog.NewLogRecord()
	assessment.EncodeLogRecord(lr, &want)
	require.True(t, assessment.IsResultRecord(lr))
	fromRecord, err := assessment.DecodeLogRecord(lr, opts)
	require.NoError(t, err)
	assert.Equal(t, want, fromRecord)

	name, source := assessment.Identity(ev.Attributes())
	assert.Equal(t, want.Name, name)
	assert.Equal(t, want.Source, source)
}

func TestRoundTripOfValues(t *testing.T) {
	values := map[string]assessment.Value{
		"true": assessment.True, "false": assessment.False,
		"int": assessment.Int(-7), "int one": assessment.Int(1), "large int": assessment.Int(1<<62 + 1),
		"float": assessment.Float(0.1), "float one": assessment.Float(1), "float zero": assessment.Float(0),
		"text": assessment.String("mostly <relevant> 😀"), "empty text": assessment.String(""),
		"text that looks like a bool's label": assessment.String("pass"),
		"text that looks like a number":       assessment.String("1"),
		"list":                                `[1,1.0,"a",null,true,[],{}]`,
		"map":                                 `{"overall_score":0.6666666666666666,"details":{"z":false,"a":1,"rationale":["x"]}}`,
		"null in a map":                       `{"a":null}`,
		"deepest":                             assessment.Value(strings.Repeat("[", 64) + strings.Repeat("]", 64)),
		"object of many keys":                 manyKeys(1000),
	}
	for name, value := range values {
		t.Run(name, func(t *testing.T) { assertRoundTrip(t, full(value)) })
	}
}

func manyKeys(n int) assessment.Value {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `,"k%d":%d`, i, i)
	}
	return assessment.Value("{" + text.String()[1:] + "}")
}

func TestRoundTripOfTheRest(t *testing.T) {
	tests := []struct {
		name   string
		change func(a *assessment.Assessment)
	}{
		{"error", func(a *assessment.Assessment) {
			a.Value, a.Verdict = "", assessment.VerdictNone
			a.Error = &assessment.Error{Code: assessment.ErrorCodeEvaluationFailed, Type: "timeout", Message: "no answer in 30s"}
		}},
		{"error without message keeps its rationale", func(a *assessment.Assessment) {
			a.Value, a.Error = "", &assessment.Error{Code: "X", Type: "y"}
		}},
		{"value and error", func(a *assessment.Assessment) {
			a.Error = &assessment.Error{Code: "PARTIAL", Type: "schema", Message: "a part failed"}
		}},
		{"no verdict on a bool", func(a *assessment.Assessment) { a.Verdict = assessment.VerdictNone }},
		{"failed verdict", func(a *assessment.Assessment) { a.Verdict = assessment.VerdictFailed }},
		{"bare", func(a *assessment.Assessment) {
			a.Rationale, a.ResponseID, a.Fingerprint, a.Metadata = "", "", "", nil
		}},
		{"code", func(a *assessment.Assessment) { a.Source.Type = assessment.SourceTypeCode }},
		{"human", func(a *assessment.Assessment) { a.Source.Type = assessment.SourceTypeHuman }},
		{"trace scope", func(a *assessment.Assessment) { a.SpanID = "" }},
		{"more metadata than the stack holds", func(a *assessment.Assessment) {
			for i := range 40 {
				a.Metadata[fmt.Sprintf("key.%d", i)] = strconv.Itoa(i)
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := full(assessment.True)
			tt.change(&a)
			a.ID = assessment.NewID(a.TraceID, a.SpanID, a.Name, a.Source)
			assertRoundTrip(t, a)
		})
	}
}

func TestRoundTripOfRandomValues(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		value, err := assessment.ParseValue([]byte(randomJSON(random, 4)))
		require.NoError(t, err)
		if value == "" {
			continue
		}
		assertRoundTrip(t, full(value))
	}
}

func randomJSON(r *rand.Rand, depth int) string {
	switch kind := r.IntN(8); {
	case kind == 0:
		return "null"
	case kind == 1:
		return strconv.FormatBool(r.IntN(2) == 0)
	case kind == 2:
		return strconv.FormatInt(int64(r.Uint64()), 10)
	case kind == 3:
		return string(assessment.Float(r.NormFloat64() * float64(r.Uint64())))
	case kind < 6 || depth == 0:
		text := make([]rune, r.IntN(6))
		for i := range text {
			text[i] = rune(r.IntN(0x3000))
		}
		return string(assessment.String(string(text)))
	case kind == 6:
		elements := make([]string, r.IntN(4))
		for i := range elements {
			elements[i] = randomJSON(r, depth-1)
		}
		return "[" + strings.Join(elements, ",") + "]"
	default:
		members := make([]string, r.IntN(4))
		for i := range members {
			members[i] = fmt.Sprintf("\"k%d\":%s", r.IntN(3), randomJSON(r, depth-1))
		}
		return "{" + strings.Join(members, ",") + "}"
	}
}

func TestEncodeSpanEvent(t *testing.T) {
	a := full(`{"score":1}`)
	ev := ptrace.NewSpanEvent()
	assessment.EncodeSpanEvent(ev, &a)
	assert.Equal(t, "gen_ai.evaluation.result", ev.Name())
	assert.Equal(t, pcommon.NewTimestampFromTime(created), ev.Timestamp())
	assert.Equal(t, map[string]any{
		"gen_ai.evaluation.name":                 "relevance",
		"gen_ai.evaluation.explanation":          "The answer is <b>to the point</b>.",
		"gen_ai.response.id":                     "chatcmpl-1",
		"gen_ai.evaluation.evaluator.id":         "relevance@0123abcd",
		"gen_ai.evaluation.evaluator.version":    "0123abcd4567",
		"gen_ai.evaluation.evaluator.type":       "llm_judge",
		"feedback.passed":                        true,
		"feedback.value":                         map[string]any{"score": int64(1)},
		"feedback.scope":                         "span",
		"feedback.metadata.model":                "gpt-4",
		"feedback.metadata.own":                  "",
		"feedback.metadata.sampling.probability": "0.05",
	}, ev.Attributes().AsRaw())
}

func TestEncodeLogRecord(t *testing.T) {
	a := full(assessment.True)
	lr := plog.NewLogRecord()
	assessment.EncodeLogRecord(lr, &a)
	assert.Equal(t, "gen_ai.evaluation.result", lr.EventName())
	assert.Equal(t, traceID, lr.TraceID().String())
	assert.Equal(t, spanID, lr.SpanID().String())
	assert.Equal(t, plog.SeverityNumberInfo, lr.SeverityNumber())
	assert.Equal(t, "evaluation: relevance", lr.Body().Str())
	attributes := lr.Attributes().AsRaw()
	assert.Equal(t, "gen_ai.evaluation.result", attributes["event.name"])
	assert.InDelta(t, 1.0, attributes["gen_ai.evaluation.score.value"], 0)
	assert.Equal(t, "pass", attributes["gen_ai.evaluation.score.label"])
	assert.NotContains(t, attributes, "feedback.value")

	a.Value, a.Error, a.SpanID = "", &assessment.Error{}, ""
	lr = plog.NewLogRecord()
	assessment.EncodeLogRecord(lr, &a)
	assert.Equal(t, plog.SeverityNumberWarn, lr.SeverityNumber())
	assert.True(t, lr.SpanID().IsEmpty())
	attributes = lr.Attributes().AsRaw()
	assert.Equal(t, "_OTHER", attributes["error.type"])
	assert.Equal(t, "EVALUATION_FAILED", attributes["feedback.error.code"])
	assert.Equal(t, "trace", attributes["feedback.scope"])
}

// The order of attributes is part of what people compare: it does not depend on a map's iteration.
func TestEncodeIsStable(t *testing.T) {
	a := full(assessment.True)
	for i := range 30 {
		a.Metadata[strconv.Itoa(i)] = "x"
	}
	keys := func() (keys []string) {
		ev := ptrace.NewSpanEvent()
		assessment.EncodeSpanEvent(ev, &a)
		for key := range ev.Attributes().All() {
			keys = append(keys, key)
		}
		return keys
	}
	first := keys()
	assert.Equal(t, first, keys())
}

func TestIsResultRecord(t *testing.T) {
	lr := plog.NewLogRecord()
	assert.False(t, assessment.IsResultRecord(lr))
	lr.Attributes().PutStr("event.name", "gen_ai.evaluation.result")
	assert.True(t, assessment.IsResultRecord(lr), "older SDKs name the event in an attribute")
	lr.SetEventName("other")
	assert.False(t, assessment.IsResultRecord(lr))
}
