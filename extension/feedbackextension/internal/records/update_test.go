package records

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

func TestUpdateRefuses(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.create(t, opinion("feedback", "true"))
	for _, kind := range []assessment.Kind{assessment.KindExpectation, assessment.KindIssue} {
		a := opinion(string(kind), `"x"`)
		a.Kind = kind
		f.create(t, a)
	}
	value := new(assessment.Value("1.0"))
	const both = "Cannot specify both `expectation` and `feedback` parameters."
	const notFeedback = "Cannot update feedback value on an Expectation assessment."
	const notExpectation = "Cannot update expectation value on a Feedback assessment."
	const issue = "An issue reference cannot be updated; delete it and create another one."
	tests := []struct {
		name, id string
		patch    Patch
		message  string
	}{
		{"both", "feedback", Patch{Feedback: &Feedback{}, Expectation: value}, both},
		{"expectation of feedback", "feedback", Patch{Expectation: value}, notExpectation},
		{"feedback of an expectation", "expectation", Patch{Feedback: &Feedback{}}, notFeedback},
		{"feedback of an issue", "issue", Patch{Feedback: &Feedback{}}, notFeedback},
		{"expectation of an issue", "issue", Patch{Expectation: value}, notExpectation},
		{"an issue", "issue", Patch{Rationale: new("r")}, issue},
		{"no name", "feedback", Patch{Name: new("")}, "Invalid value for field 'assessment.assessment_name': it must not be empty."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := f.Update(t.Context(), trace, tt.id, tt.patch)
			requireRefused(t, err, 400, answer.CodeInvalidParameter, tt.message)
			assert.Equal(t, int64(1), f.record(t, tt.id).Revision)
		})
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	a := opinion("a-1", "true")
	a.Metadata = map[string]string{"k": "v", "l": "w"}
	a.Error = &assessment.Error{Code: "E"}
	f.create(t, a)
	f.redis.SetTime(redisTime.Add(time.Minute))
	updated, err := f.Update(t.Context(), trace, "a-1", Patch{
		Name: new("other"), Feedback: &Feedback{Value: "false"}, Rationale: new(""),
		Metadata: map[string]string{"k": "x", "m": "n", "fingerprint": "f"},
	})
	require.NoError(t, err)
	kept := f.record(t, "a-1")
	assert.Equal(t, updated.Assessment, kept.Assessment)
	assert.Equal(t, "other", kept.Name)
	assert.Equal(t, assessment.False, kept.Value)
	assert.Nil(t, kept.Error)
	assert.Equal(t, assessment.VerdictFailed, kept.Verdict)
	assert.Empty(t, kept.Rationale)
	assert.Equal(t, map[string]string{"k": "x", "l": "w", "m": "n"}, kept.Metadata)
	assert.Equal(t, "f", kept.Fingerprint)
	assert.Equal(t, redisTime.Truncate(time.Millisecond), kept.CreateTime)
	assert.Equal(t, redisTime.Add(time.Minute).Truncate(time.Millisecond), kept.UpdateTime)
	require.Len(t, kept.History, 1)
	assert.Equal(t, reasonUpdated, kept.History[0].Reason)
	assert.Equal(t, redisTime.Add(time.Minute), kept.History[0].Time)
	assert.Equal(t, assessment.True, kept.History[0].Old.Value)
	assert.Equal(t, map[string]string{"k": "v", "l": "w"}, kept.History[0].Old.Metadata)

	f.redis.SetTime(redisTime.Add(time.Hour))
	_, err = f.Update(t.Context(), trace, "a-1", Patch{Name: new("other")})
	require.NoError(t, err)
	kept = f.record(t, "a-1")
	assert.Equal(t, redisTime.Add(time.Hour).Truncate(time.Millisecond), kept.UpdateTime)
	assert.Len(t, kept.History, 1, "nothing was replaced")
}

func TestUpdateOfAnExpectationKeepsTheRationale(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	a := opinion("a-1", `"x"`)
	a.Kind = assessment.KindExpectation
	f.create(t, a)
	_, err := f.Update(t.Context(), trace, "a-1", Patch{
		Expectation: new(assessment.Value(`[1.0]`)), Rationale: new("why"),
	})
	require.NoError(t, err)
	kept := f.record(t, "a-1")
	assert.Equal(t, assessment.Value(`[1.0]`), kept.Value)
	assert.Equal(t, "why", kept.Rationale)
}

// What automation made and a person changed is left alone by automation.
func TestUpdateTouches(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	source := assessment.Source{Type: assessment.SourceTypeCode, ID: "checker"}
	id := assessment.NewID(trace, "", "check", source)
	check := assessment.Assessment{
		ID: id, TraceID: trace, Name: "check", Kind: assessment.KindFeedback, Source: source, Value: "false", Fingerprint: "1",
	}
	_, err := f.store.Put(t.Context(), []assessment.Assessment{check})
	require.NoError(t, err)
	_, err = f.Update(t.Context(), trace, id, Patch{Feedback: &Feedback{Value: "true"}})
	require.NoError(t, err)
	check.Fingerprint = "2"
	outcomes, err := f.store.Put(t.Context(), []assessment.Assessment{check})
	require.NoError(t, err)
	assert.Equal(t, []store.Outcome{store.OutcomeUnchanged}, outcomes)
	assert.Equal(t, assessment.True, f.record(t, id).Value)
}

func TestDelete(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.create(t, opinion("a-1", "true"))
	for range 2 {
		require.NoError(t, f.Delete(t.Context(), trace, "a-1"))
	}
	kept := f.record(t, "a-1")
	assert.Equal(t, redisTime, kept.Deleted)
	require.Len(t, kept.History, 1)
	assert.Equal(t, reasonDeleted, kept.History[0].Reason)
	assert.Equal(t, assessment.True, kept.Value, "a tombstone says what it was")
	_, err := f.Get(t.Context(), trace, "a-1")
	requireRefused(t, err, 404, answer.CodeDoesNotExist, missingOn("a-1"))
	_, err = f.Update(t.Context(), trace, "a-1", Patch{Name: new("n")})
	requireRefused(t, err, 404, answer.CodeDoesNotExist, missingOn("a-1"))
	require.NoError(t, f.Delete(t.Context(), trace, "never was"))
	require.NoError(t, f.Delete(t.Context(), "ffffffffffffffffffffffffffffffff", "a-1"))
}

// An evaluator's version has a field of its own; an empty one is a member of the metadata like any other.
func TestFingerprintInMetadata(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]assessment.Assessment{
		"f1": {Fingerprint: "f1", Metadata: map[string]string{"k": "v"}},
		"":   {Metadata: map[string]string{"k": "v", assessment.MetadataFingerprint: ""}},
	} {
		a := assessment.Assessment{Fingerprint: "f0", Metadata: map[string]string{"k": "v", assessment.MetadataFingerprint: text}}
		LiftFingerprint(&a)
		assert.Equal(t, want, a)
	}
}
