package assessment_test

import (
	"maps"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

func decode(t *testing.T, attributes map[string]any, opts assessment.DecodeOptions) (assessment.Assessment, error) {
	t.Helper()
	span := subject()
	ev := span.Events().AppendEmpty()
	require.NoError(t, ev.Attributes().FromRaw(attributes))
	return assessment.DecodeSpanEvent(span, ev, opts)
}

func deepValue(depth int) any {
	var value any = int64(1)
	for range depth {
		value = []any{value}
	}
	return value
}

func TestDecodeRefuses(t *testing.T) {
	tests := []struct {
		name       string
		attributes map[string]any
		want       error
		wantSource assessment.SourceType
	}{
		{"no name", map[string]any{"gen_ai.evaluation.score.value": 1.0}, assessment.ErrName, "CODE"},
		{"blank name", map[string]any{"gen_ai.evaluation.name": " ", "gen_ai.evaluation.score.value": 1.0}, assessment.ErrName, "CODE"},
		{"long name", map[string]any{"gen_ai.evaluation.name": strings.Repeat("n", 251), "gen_ai.evaluation.score.value": 1.0}, assessment.ErrName, "CODE"},
		{"name is a list", map[string]any{"gen_ai.evaluation.name": []any{"a"}, "gen_ai.evaluation.score.value": 1.0}, assessment.ErrName, "CODE"},
		{"long evaluator id", map[string]any{"gen_ai.evaluation.name": "a", "gen_ai.evaluation.score.value": 1.0, "gen_ai.evaluation.evaluator.id": strings.Repeat("n", 251)}, assessment.ErrName, "CODE"},
		{"nothing said", map[string]any{"gen_ai.evaluation.name": "a", "gen_ai.evaluation.explanation": "why"}, assessment.ErrNoResult, "CODE"},
		{"score is not a number", map[string]any{"gen_ai.evaluation.name": "a", "gen_ai.evaluation.score.value": math.NaN()}, assessment.ErrNoResult, "CODE"},
		{"a person's", map[string]any{"gen_ai.evaluation.name": "a", "gen_ai.evaluation.score.value": 1.0, "gen_ai.evaluation.evaluator.type": "Human"}, assessment.ErrHuman, "HUMAN"},
		{"large rationale", map[string]any{"gen_ai.evaluation.name": "a", "gen_ai.evaluation.score.value": 1.0, "gen_ai.evaluation.explanation": strings.Repeat("x", 1024)}, assessment.ErrTooLarge, "CODE"},
		{"large metadata", map[string]any{"gen_ai.evaluation.name": "a", "gen_ai.evaluation.score.value": 1.0, "feedback.metadata." + strings.Repeat("x", 1024): ""}, assessment.ErrTooLarge, "CODE"},
		{"text grows by escapes", map[string]any{"gen_ai.evaluation.name": "a", "gen_ai.evaluation.score.label": strings.Repeat("\x01", 500)}, assessment.ErrTooLarge, "CODE"},
		{"large value", map[string]any{"gen_ai.evaluation.name": "a", "feedback.value": strings.Repeat("x", 1024)}, assessment.ErrValue, "CODE"},
		{"large list", map[string]any{"gen_ai.evaluation.name": "a", "feedback.value": make([]any, 2000)}, assessment.ErrValue, "CODE"},
		{"deep value", map[string]any{"gen_ai.evaluation.name": "a", "feedback.value": deepValue(65)}, assessment.ErrValue, "CODE"},
		{"bytes that are no JSON", map[string]any{"gen_ai.evaluation.name": "a", "feedback.value": []byte{0xff}, "gen_ai.evaluation.evaluator.type": "llm_judge"}, assessment.ErrValue, "LLM_JUDGE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := decode(t, tt.attributes, assessment.DecodeOptions{MaxSize: 1000})
			require.ErrorIs(t, err, tt.want)
			assert.Equal(t, assessment.Assessment{Source: assessment.Source{Type: tt.wantSource}}, got)
		})
	}
}

func TestDecodeNeedsATrace(t *testing.T) {
	lr := plog.NewLogRecord()
	lr.Attributes().PutStr("gen_ai.evaluation.name", "a")
	lr.Attributes().PutDouble("gen_ai.evaluation.score.value", 1)
	_, err := assessment.DecodeLogRecord(lr, assessment.DecodeOptions{})
	require.ErrorIs(t, err, assessment.ErrNoSubject)
}

func TestDecodeForeign(t *testing.T) {
	label := func(l string) map[string]string { return map[string]string{assessment.MetadataScoreLabel: l} }
	tests := []struct {
		name         string
		attributes   map[string]any
		wantValue    assessment.Value
		wantMetadata map[string]string
		wantVerdict  assessment.Verdict
	}{
		{"pass", map[string]any{"gen_ai.evaluation.score.value": 1.0, "gen_ai.evaluation.score.label": "pass"}, "true", nil, assessment.VerdictPassed},
		{"fail", map[string]any{"gen_ai.evaluation.score.value": 0.0, "gen_ai.evaluation.score.label": "fail"}, "false", nil, assessment.VerdictFailed},
		{"pass with an integer", map[string]any{"gen_ai.evaluation.score.value": 1, "gen_ai.evaluation.score.label": "pass"}, "true", nil, assessment.VerdictPassed},
		{"pass with a bool", map[string]any{"gen_ai.evaluation.score.value": true, "gen_ai.evaluation.score.label": "pass"}, "true", nil, assessment.VerdictPassed},
		{"number with pass", map[string]any{"gen_ai.evaluation.score.value": 0.8, "gen_ai.evaluation.score.label": "pass"}, "0.8", label("pass"), assessment.VerdictPassed},
		{"one that fails", map[string]any{"gen_ai.evaluation.score.value": 1.0, "gen_ai.evaluation.score.label": "fail"}, "1.0", label("fail"), assessment.VerdictFailed},
		{"number with a label", map[string]any{"gen_ai.evaluation.score.value": 4.0, "gen_ai.evaluation.score.label": "relevant"}, "4.0", label("relevant"), assessment.VerdictNone},
		{"number", map[string]any{"gen_ai.evaluation.score.value": 4.5}, "4.5", nil, assessment.VerdictNone},
		{"integer", map[string]any{"gen_ai.evaluation.score.value": 4}, "4", nil, assessment.VerdictNone},
		{"label", map[string]any{"gen_ai.evaluation.score.label": "relevant"}, `"relevant"`, nil, assessment.VerdictNone},
		{"label that says fail", map[string]any{"gen_ai.evaluation.score.label": "fail"}, `"fail"`, nil, assessment.VerdictFailed},
		{"NaN with a label", map[string]any{"gen_ai.evaluation.score.value": math.NaN(), "gen_ai.evaluation.score.label": "fail"}, `"fail"`, nil, assessment.VerdictFailed},
		{"value wins", map[string]any{"gen_ai.evaluation.score.value": 1.0, "feedback.value": "exact"}, `"exact"`, nil, assessment.VerdictNone},
		{"bytes in a value", map[string]any{"feedback.value": []any{[]byte("a")}}, `["YQ=="]`, nil, assessment.VerdictNone},
		{"NaN in a value", map[string]any{"feedback.value": []any{math.NaN()}}, `[null]`, nil, assessment.VerdictNone},
		{"invalid UTF-8", map[string]any{"gen_ai.evaluation.score.label": "a\xff"}, "\"a\uFFFD\"", nil, assessment.VerdictNone},
		{"metadata of other types", map[string]any{"gen_ai.evaluation.score.value": 1.5, "feedback.metadata.n": 3, "feedback.metadata.": "x"}, "1.5", map[string]string{"n": "3"}, assessment.VerdictNone},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.attributes["gen_ai.evaluation.name"] = "relevance"
			got, err := decode(t, tt.attributes, assessment.DecodeOptions{Scope: "my.evals"})
			require.NoError(t, err)
			source := assessment.Source{Type: assessment.SourceTypeCode, ID: "my.evals"}
			assert.Equal(t, assessment.Assessment{
				ID: assessment.NewID(traceID, spanID, "relevance", source), TraceID: traceID, SpanID: spanID,
				Name: "relevance", Kind: assessment.KindFeedback, Source: source,
				Value: tt.wantValue, Metadata: tt.wantMetadata, Verdict: tt.wantVerdict,
			}, got)
		})
	}
}

func TestDecodeForeignSource(t *testing.T) {
	tests := []struct {
		name       string
		scope      string
		attributes map[string]any
		want       assessment.Source
	}{
		{"nothing known", "", nil, assessment.Source{Type: "CODE", ID: "unknown"}},
		{"scope", "evals", nil, assessment.Source{Type: "CODE", ID: "evals"}},
		{"evaluator", "evals", map[string]any{"gen_ai.evaluation.evaluator.id": "e", "gen_ai.evaluation.evaluator.type": "llm_judge"}, assessment.Source{Type: "LLM_JUDGE", ID: "e"}},
		{"unknown type", "evals", map[string]any{"gen_ai.evaluation.evaluator.type": "oracle"}, assessment.Source{Type: "CODE", ID: "evals"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			attributes := map[string]any{"gen_ai.evaluation.name": "a", "gen_ai.evaluation.score.value": 0.5}
			maps.Copy(attributes, tt.attributes)
			got, err := decode(t, attributes, assessment.DecodeOptions{Scope: tt.scope})
			require.NoError(t, err)
			assert.Equal(t, tt.want, got.Source)
		})
	}
}

// As pydantic-evals writes a failed evaluation.
func TestDecodeForeignError(t *testing.T) {
	got, err := decode(t, map[string]any{
		"gen_ai.evaluation.name": "a", "error.type": "ValueError", "gen_ai.evaluation.explanation": "bad input",
	}, assessment.DecodeOptions{})
	require.NoError(t, err)
	assert.Equal(t, &assessment.Error{Code: "EVALUATION_FAILED", Type: "ValueError", Message: "bad input"}, got.Error)
	assert.Empty(t, got.Value)
	assert.Empty(t, got.Rationale)
	assert.Equal(t, assessment.VerdictNone, got.Verdict)
}

// An id on the wire is somebody's claim.
func TestDecodeComputesTheID(t *testing.T) {
	got, err := decode(t, map[string]any{
		"gen_ai.evaluation.name": "a", "gen_ai.evaluation.score.value": 0.5, "feedback.id": "a-0", "assessment_id": "a-0",
	}, assessment.DecodeOptions{Scope: "s"})
	require.NoError(t, err)
	assert.Equal(t, assessment.NewID(traceID, spanID, "a", got.Source), got.ID)
}

func TestDecodeLogRecordTimesAndScope(t *testing.T) {
	lr := plog.NewLogRecord()
	lr.SetTraceID([16]byte{1})
	lr.SetObservedTimestamp(pcommon.NewTimestampFromTime(created))
	lr.Attributes().PutStr("gen_ai.evaluation.name", "a")
	lr.Attributes().PutDouble("gen_ai.evaluation.score.value", 0.5)
	got, err := assessment.DecodeLogRecord(lr, assessment.DecodeOptions{})
	require.NoError(t, err)
	assert.Equal(t, created, got.CreateTime)
	assert.Empty(t, got.SpanID, "no span: about the trace")

	lr.SetSpanID([8]byte{1})
	lr.Attributes().PutStr("feedback.scope", "trace")
	got, err = assessment.DecodeLogRecord(lr, assessment.DecodeOptions{})
	require.NoError(t, err)
	assert.Empty(t, got.SpanID)
}
