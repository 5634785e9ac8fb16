package reading

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

const span = "00000000000000ab"

func TestExport(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.put(1, judged("0.5"), check("whole", assessment.True))
	r.put(2, judged("0.7"))
	refused, err := r.store.KeepContent(t.Context(), []store.SpanContent{
		{TraceID: traceID(1), SpanID: span, Content: store.Content{Question: "why?", Answer: "because <b>", Cut: true}},
	})
	require.NoError(t, err)
	require.Zero(t, refused)
	type line struct {
		subject

		Assessment gotRow `json:"assessment"`
	}
	lines := readLines[line](r, "/feedback/v1/export")
	require.Len(t, lines, 3)
	assert.Equal(t, "tr-"+traceID(2), lines[0].TraceID)
	assert.Equal(t, span, lines[0].SpanID)
	assert.Empty(t, lines[0].Prompt)
	assert.Equal(t, "j", lines[0].Assessment.Name)
	for _, one := range lines[1:] {
		assert.Equal(t, "why?", one.Prompt)
		assert.Equal(t, "because <b>", one.Answer)
		assert.True(t, one.ContentCut)
	}
	_, err = r.store.KeepContent(t.Context(), []store.SpanContent{
		{TraceID: traceID(1), SpanID: "00000000000000cd", Content: store.Content{Question: "whole?", Root: true}},
	})
	require.NoError(t, err)
	lines = readLines[line](r, "/feedback/v1/export?content=required&name=whole")
	require.Len(t, lines, 1)
	assert.Equal(t, "whole?", lines[0].Prompt, "a trace is its root")
	assert.Len(t, readLines[line](r, "/feedback/v1/export?content=required&name=j"), 1)
	assert.Empty(t, readLines[line](r, "/feedback/v1/export?kind=expectation"))
}

func TestExportCorrections(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	override := func(id, overrides string, value assessment.Value) assessment.Assessment {
		o := opinion(id, "j", value)
		o.Overrides = overrides
		return o
	}
	judgeOf := func(n int) string { return assessment.NewID(traceID(n), span, "j", judged("").Source) }

	r.put(1, judged("0.5")) // nobody said anything
	r.put(2, judged("0.2"))
	r.put(2, override("a-21", judgeOf(2), "0.8"))
	r.put(2, override("a-22", "a-21", "0.9")) // overrides the override
	r.put(3, judged("0.3"))
	r.put(3, opinion("a-31", "j", "0.4"), opinion("a-32", "other", "0.4"))
	failed := judged("")
	failed.Error = &assessment.Error{Code: assessment.ErrorCodeEvaluationFailed}
	r.put(4, failed)
	r.put(4, opinion("a-41", "j", "0.4"))
	r.put(5, judged("0.6"))
	r.pass(time.Second)
	require.NoError(t, r.store.Edit(t.Context(), traceID(5), func(e *store.Edit) error {
		record := e.Records[judgeOf(5)]
		record.History = append(record.History, store.Change{
			Time: e.Now, Author: "bob", Door: "api", Reason: "update", Old: record.Assessment,
		})
		record.Value, record.Author, record.Touched, record.UpdateTime = "1.0", "bob", true, e.Now
		return e.Put(record)
	}))
	type got struct {
		TraceID string  `json:"trace_id"`
		Name    string  `json:"name"`
		Judge   verdict `json:"judge"`
		Person  verdict `json:"person"`
	}
	lines := readLines[got](r, "/feedback/v1/export?shape=corrections")
	require.Len(t, lines, 3)
	assert.Equal(t, "tr-"+traceID(5), lines[0].TraceID)
	assert.Equal(t, assessment.Value("0.6"), lines[0].Judge.Value)
	assert.Equal(t, assessment.Value("1.0"), lines[0].Person.Value)
	assert.Equal(t, source{Type: assessment.SourceTypeHuman, ID: "bob"}, lines[0].Person.Source)
	assert.Equal(t, source{Type: assessment.SourceTypeLLMJudge, ID: "gpt-4-evaluator"}, lines[0].Judge.Source)
	assert.Equal(t, "a-31", lines[1].Person.ID)
	assert.Equal(t, "a-22", lines[2].Person.ID, "the verdict that stands")
	assert.Equal(t, assessment.Value("0.2"), lines[2].Judge.Value)
	assert.Equal(t, "seen", lines[2].Person.Rationale)

	assert.Empty(t, readLines[got](r, "/feedback/v1/export?shape=corrections&name=other"))
	assert.Empty(t, readLines[got](r, "/feedback/v1/export?shape=corrections&content=required"))
	since := testStart.Add(10 * time.Second).Format(time.RFC3339)
	assert.Len(t, readLines[got](r, "/feedback/v1/export?shape=corrections&since="+since), 1)
}

// TestCorrectionAuthor: who changed a judge's verdict in MLflow is not known, and is never the judge.
func TestCorrectionAuthor(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, author, door, want string
	}{
		{name: "unknown", door: "backend", want: "default"},
		{name: "the judge, as older records have it", author: "gpt-4-evaluator", door: "backend", want: "default"},
		{name: "no name at the API", door: "api", want: "default"},
		{name: "known", author: "bob", door: "api", want: "bob"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			r.put(1, judged("0.6"))
			require.NoError(t, r.store.Edit(t.Context(), traceID(1), func(e *store.Edit) error {
				record := e.Records[assessment.NewID(traceID(1), span, "j", judged("").Source)]
				record.History = append(record.History, store.Change{
					Time: e.Now, Author: tt.author, Door: tt.door, Reason: "update", Old: record.Assessment,
				})
				record.Value, record.Author, record.Touched = "1.0", tt.author, true
				return e.Put(record)
			}))
			lines := readLines[correction](r, "/feedback/v1/export?shape=corrections")
			require.Len(t, lines, 1)
			assert.Equal(t, source{Type: assessment.SourceTypeHuman, ID: tt.want}, lines[0].Person.Source)
			assert.Equal(t, source{Type: assessment.SourceTypeLLMJudge, ID: "gpt-4-evaluator"}, lines[0].Judge.Source)
		})
	}
}
