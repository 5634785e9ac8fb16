package assessment_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

func evaluatorSpan(t *testing.T, attributes map[string]any) ptrace.Span {
	t.Helper()
	span := ptrace.NewSpan()
	span.SetName("Hallucination")
	span.SetTraceID([16]byte{0xee})
	span.SetSpanID([8]byte{0xee})
	span.SetEndTimestamp(pcommon.NewTimestampFromTime(created))
	require.NoError(t, span.Attributes().FromRaw(attributes))
	span.Attributes().PutStr("openinference.span.kind", "EVALUATOR")
	link := span.Links().AppendEmpty()
	link.SetTraceID(subject().TraceID())
	link.SetSpanID(subject().SpanID())
	return span
}

func TestIsEvaluatorSpan(t *testing.T) {
	span := evaluatorSpan(t, nil)
	assert.True(t, assessment.IsEvaluatorSpan(span))
	span.Links().AppendEmpty()
	assert.False(t, assessment.IsEvaluatorSpan(span), "two links name no subject")
	_, refused := assessment.DecodeEvaluatorSpan(span, assessment.DecodeOptions{})
	require.Len(t, refused, 1)
	require.ErrorIs(t, refused[0].Err, assessment.ErrNoSubject)

	span = ptrace.NewSpan()
	span.Links().AppendEmpty()
	assert.False(t, assessment.IsEvaluatorSpan(span), "any span may have a link")
	span.Attributes().PutStr("gen_ai.operation.name", "evaluation")
	assert.True(t, assessment.IsEvaluatorSpan(span))
}

func TestDecodeEvaluatorSpan(t *testing.T) {
	type result struct {
		Name, SpanID, Rationale string
		Source                  assessment.Source
		Value                   assessment.Value
		Metadata                map[string]string
	}
	code := assessment.Source{Type: assessment.SourceTypeCode, ID: "phoenix.evals"}
	tests := []struct {
		name       string
		attributes map[string]any
		want       []result
		refused    []error
	}{
		{name: "says nothing", attributes: map[string]any{"input.value": "x"}},
		{
			name: "annotation",
			attributes: map[string]any{
				"annotations.0.annotation.name": "hallucination", "annotations.0.annotation.score": 1,
				"annotations.0.annotation.label": "hallucinated", "annotations.0.annotation.explanation": "why",
				"annotations.0.annotation.annotator_kind": "LLM", "annotations.0.annotation.identifier": "judge-v2",
				"annotations.0.annotation.metadata": `{"rubric":"2","n":1,"none":null}`,
			},
			want: []result{{
				"hallucination", spanID, "why",
				assessment.Source{Type: assessment.SourceTypeLLMJudge, ID: "judge-v2"},
				"1",
				map[string]string{"rubric": "2", "n": "1", assessment.MetadataScoreLabel: "hallucinated"},
			}},
		},
		{
			name: "evaluation of the trace",
			attributes: map[string]any{
				"trace.evaluations.7.evaluation.name": "tone", "trace.evaluations.7.evaluation.label": "kind",
				"session.annotations.0.annotation.name": "other", "session.annotations.0.annotation.label": "x",
				"annotations.x.annotation.name": "odd", "annotations.0": "odd",
			},
			want: []result{{"tone", "", "", code, `"kind"`, nil}},
		},
		{
			name: "one of them is a person's",
			attributes: map[string]any{
				"annotations.0.annotation.name": "a", "annotations.0.annotation.score": 0.5,
				"annotations.0.annotation.annotator_kind": "HUMAN",
			},
			refused: []error{assessment.ErrHuman},
		},
		{name: "score output", attributes: map[string]any{"output.value": `{"score":0.5,"label":"ok","explanation":"why"}`}, want: []result{
			{"Hallucination", spanID, "why", code, "0.5", map[string]string{assessment.MetadataScoreLabel: "ok"}},
		}},
		{name: "label output", attributes: map[string]any{"output.value": `{"score":null,"label":"ok","name":"own"}`}, want: []result{
			{"own", spanID, "", code, `"ok"`, nil},
		}},
		{name: "other object", attributes: map[string]any{"output.value": `{"b":1,"a":2}`}, want: []result{
			{"Hallucination", spanID, "", code, `{"b":1,"a":2}`, nil},
		}},
		{name: "number", attributes: map[string]any{"output.value": `0.25`}, want: []result{{"Hallucination", spanID, "", code, "0.25", nil}}},
		{name: "text", attributes: map[string]any{"output.value": `factual`}, want: []result{{"Hallucination", spanID, "", code, `"factual"`, nil}}},
		{name: "null", attributes: map[string]any{"output.value": `null`}, refused: []error{assessment.ErrNoResult}},
		{name: "large", attributes: map[string]any{"output.value": strings.Repeat("[", 1000)}, refused: []error{assessment.ErrValue}},
		{name: "semantic conventions on the span", attributes: map[string]any{"gen_ai.evaluation.name": "rel", "gen_ai.evaluation.score.value": 0.5, "output.value": "x"}, want: []result{
			{"rel", spanID, "", code, "0.5", nil},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, refused := assessment.DecodeEvaluatorSpan(evaluatorSpan(t, tt.attributes),
				assessment.DecodeOptions{Scope: "phoenix.evals", MaxSize: 900})
			require.Len(t, refused, len(tt.refused))
			for i, want := range tt.refused {
				require.ErrorIs(t, refused[i].Err, want)
			}
			var results []result
			for _, a := range got {
				assert.Equal(t, traceID, a.TraceID, "the linked trace, not the evaluator's own")
				assert.Equal(t, created, a.CreateTime)
				results = append(results, result{a.Name, a.SpanID, a.Rationale, a.Source, a.Value, a.Metadata})
			}
			assert.Equal(t, tt.want, results)
		})
	}
}

func TestDecodeEvaluatorSpanEvents(t *testing.T) {
	span := evaluatorSpan(t, map[string]any{"output.value": "not looked at"})
	a := full(assessment.True)
	assessment.EncodeSpanEvent(span.Events().AppendEmpty(), &a)
	span.Events().AppendEmpty().SetName("other")
	got, refused := assessment.DecodeEvaluatorSpan(span, assessment.DecodeOptions{})
	assert.Empty(t, refused)
	assert.Equal(t, []assessment.Assessment{a}, got)
}

func TestDecodeEvaluatorSpanIsBounded(t *testing.T) {
	attributes := map[string]any{}
	for i := range 300 {
		attributes[fmt.Sprintf("annotations.%d.annotation.name", i)] = strconv.Itoa(i)
		attributes[fmt.Sprintf("annotations.%d.annotation.score", i)] = 1
	}
	got, refused := assessment.DecodeEvaluatorSpan(evaluatorSpan(t, attributes), assessment.DecodeOptions{})
	assert.Len(t, got, 256)
	require.Len(t, refused, 44)
	require.ErrorIs(t, refused[0].Err, assessment.ErrTooLarge)
}
