package records

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

const constraint = "Failed to create assessment for trace '" + mlflowTrace + "' due to a constraint violation."

func missingOn(id string) string {
	return "Assessment with ID '" + id + "' not found for trace '" + mlflowTrace + "'"
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.create(t, opinion("a-1", "true"))
	with := func(change func(*assessment.Assessment)) assessment.Assessment {
		a := opinion("a-2", "true")
		change(&a)
		return a
	}
	const name = "Invalid value for field 'assessment.assessment_name': it must not be empty."
	const id = "Invalid value for field 'assessment.assessment_id': it must have at most 256 bytes, not begin with a dot and not be 'subject'."
	const span = "Invalid value for field 'assessment.span_id': it must be 16 lower-case hexadecimal digits."
	tests := []struct {
		name          string
		a             assessment.Assessment
		status        int
		code, message string
	}{
		{"no name", with(func(a *assessment.Assessment) { a.Name = "" }), 400, answer.CodeInvalidParameter, name},
		{"long id", opinion(strings.Repeat("x", 257), "true"), 400, answer.CodeInvalidParameter, id},
		{"id of bookkeeping", opinion(".delivery:a", "true"), 400, answer.CodeInvalidParameter, id},
		{"id of the subject", opinion("subject", "true"), 400, answer.CodeInvalidParameter, id},
		{"span", with(func(a *assessment.Assessment) { a.SpanID = "span-1" }), 400, answer.CodeInvalidParameter, span},
		{"too large", with(func(a *assessment.Assessment) { a.Rationale = strings.Repeat("x", 300<<10) }), 413, answer.CodeInvalidParameter, "The assessment is larger than it may be"},
		{"taken", opinion("a-1", "false"), 500, answer.CodeInternal, constraint},
		{"overrides nothing that is", overriding("a-2", "nope"), 404, answer.CodeDoesNotExist, missingOn("nope")},
		{"overrides itself", overriding("a-2", "a-2"), 404, answer.CodeDoesNotExist, missingOn("a-2")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := f.Create(t.Context(), trace, tt.a)
			requireRefused(t, err, tt.status, tt.code, tt.message)
		})
	}
	t.Run("trace is full", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, func(_ *Settings, s *store.Settings) { s.MaxPerTrace = 1 })
		f.create(t, opinion("a-1", "true"))
		_, err := f.Create(t.Context(), trace, opinion("a-2", "true"))
		requireRefused(t, err, 400, answer.CodeInvalidParameter, "The trace holds as many assessments as it may")
	})
	t.Run("redis is gone", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, nil)
		f.redis.Close()
		_, err := f.Create(t.Context(), trace, opinion("a-1", "true"))
		requireRefused(t, err, 503, answer.CodeUnavailable, "The store of assessments does not answer")
		_, err = f.Get(t.Context(), trace, "a-1")
		requireRefused(t, err, 503, answer.CodeUnavailable, "The store of assessments does not answer")
	})
}

func TestCreate(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	a := opinion("", "true")
	a.Invalid = true // decided here
	made := f.create(t, a)
	assert.Regexp(t, `^a-[0-9a-f]{32}$`, made.ID)
	kept := f.record(t, made.ID)
	assert.Equal(t, int64(1), kept.Revision)
	assert.Equal(t, "eve", kept.Author)
	assert.True(t, kept.Touched)
	assert.False(t, kept.Invalid)
	assert.Equal(t, assessment.VerdictPassed, kept.Verdict)
	assert.Equal(t, redisTime.Truncate(time.Millisecond), kept.CreateTime)
	assert.Equal(t, kept.CreateTime, kept.UpdateTime)
	assert.Empty(t, kept.History)
	assert.Empty(t, kept.Backends)

	assert.NotEqual(t, made.ID, f.create(t, a).ID, "a person may say the same thing twice")

	check := opinion("a-check", "1.0")
	check.Source.Type = assessment.SourceTypeCode
	f.create(t, check)
	kept = f.record(t, "a-check")
	assert.Empty(t, kept.Author)
	assert.False(t, kept.Touched)
	assert.Equal(t, assessment.VerdictNone, kept.Verdict)
}

// MLflow's client repeats a create, with the times that it gave it, where the answer was lost.
func TestCreateOnceMore(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	a := opinion("", "true")
	a.CreateTime, a.UpdateTime = redisTime, redisTime
	made := f.create(t, a)
	assert.Regexp(t, `^a-[0-9a-f]{32}$`, made.ID)
	assert.Equal(t, made.ID, f.create(t, a).ID)

	other := a
	other.Value = "false"
	assert.NotEqual(t, made.ID, f.create(t, other).ID)

	require.NoError(t, f.Delete(t.Context(), trace, made.ID))
	again := f.create(t, a)
	assert.NotEqual(t, made.ID, again.ID, "what was deleted does not come back")
	records, err := f.store.Load(t.Context(), trace)
	require.NoError(t, err)
	assert.Len(t, records, 3)
}

func TestCreateOfADeletedID(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.create(t, opinion("a-1", "true"))
	require.NoError(t, f.Delete(t.Context(), trace, "a-1"))

	other := opinion("a-1", "false")
	other.Source.ID = "mallory"
	_, err := f.Create(t.Context(), trace, other)
	requireRefused(t, err, 500, answer.CodeInternal, constraint)

	f.create(t, opinion("a-1", "false"))
	kept := f.record(t, "a-1")
	assert.True(t, kept.Deleted.IsZero())
	assert.Equal(t, assessment.False, kept.Value)
	require.Len(t, kept.History, 2)
	assert.Equal(t, reasonRestored, kept.History[1].Reason)
}

func TestOverride(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.create(t, opinion("a-1", "true"))
	f.create(t, overriding("a-2", "a-1"))
	original := f.record(t, "a-1")
	assert.True(t, original.Invalid)
	assert.Equal(t, assessment.True, original.Value)
	assert.Equal(t, redisTime.Truncate(time.Millisecond), original.UpdateTime)
	require.Len(t, original.History, 1)
	assert.Equal(t, store.Change{
		Time: redisTime, Author: "eve", Door: "api", Reason: reasonOverridden, Old: original.History[0].Old,
	}, original.History[0])
	assert.False(t, original.History[0].Old.Invalid)
	assert.False(t, f.record(t, "a-2").Invalid)

	f.create(t, overriding("a-3", "a-1")) // a fork
	f.create(t, overriding("a-4", "a-2")) // a chain
	assert.True(t, f.record(t, "a-2").Invalid)
	require.NoError(t, f.Delete(t.Context(), trace, "a-3"))
	original = f.record(t, "a-1")
	assert.False(t, original.Invalid, "although a-2 stands")
	assert.Equal(t, reasonRestored, original.History[len(original.History)-1].Reason)

	require.NoError(t, f.Delete(t.Context(), trace, "a-1"))
	require.NoError(t, f.Delete(t.Context(), trace, "a-2"))
	assert.False(t, f.record(t, "a-1").Deleted.IsZero(), "a deleted original stays deleted")
	_, err := f.Create(t.Context(), trace, overriding("a-5", "a-1"))
	requireRefused(t, err, 404, answer.CodeDoesNotExist, missingOn("a-1"))
}

// As in MLflow, only feedback overrides.
func TestExpectationsAndIssuesDoNotOverride(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.create(t, opinion("a-1", "true"))
	for _, kind := range []assessment.Kind{assessment.KindExpectation, assessment.KindIssue} {
		for _, original := range []string{"a-1", "nope"} {
			a := overriding("", original)
			a.Kind = kind
			assert.Empty(t, f.create(t, a).Overrides)
		}
	}
	assert.False(t, f.record(t, "a-1").Invalid)
}

func TestCreateOnUnknownTraces(t *testing.T) {
	t.Parallel()
	const unknown = "ffffffffffffffffffffffffffffffff"
	accept := func(s *Settings, _ *store.Settings) { s.AcceptUnknown = true }
	const notThere = "Trace with ID 'tr-" + unknown + "' not found."
	const notKnown = "MLflow does not answer, and this trace is not known here"
	down := func(f *fixture) { f.mlflow.breakDown(true) }
	tests := []struct {
		name      string
		change    func(*Settings, *store.Settings)
		prepare   func(*fixture)
		overrides string
		status    int
		message   string
	}{
		{"refused", nil, nil, "", 404, notThere},
		{"refused, no mlflow", func(s *Settings, _ *store.Settings) { s.Upstream = nil }, nil, "", 404, notThere},
		{"refused, mlflow down", nil, down, "", 503, notKnown},
		{"accepted", accept, nil, "", 0, ""},
		{"accepted, mlflow down", accept, down, "", 0, ""},
		{"accepted, no mlflow", func(s *Settings, _ *store.Settings) { s.Upstream, s.AcceptUnknown = nil, true }, nil, "", 0, ""},
		{"overrides nothing", accept, nil, "o", 404, "Assessment with ID 'o' not found for trace 'tr-" + unknown + "'"},
		{"overrides what mlflow may hold", accept, down, "o", 503, notKnown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, tt.change)
			if tt.prepare != nil {
				tt.prepare(f)
			}
			_, err := f.Create(t.Context(), unknown, overriding("a-1", tt.overrides))
			records, loadErr := f.store.Load(t.Context(), unknown)
			require.NoError(t, loadErr)
			if tt.status == 0 {
				require.NoError(t, err)
				assert.Len(t, records, 1)
				_, err = f.Create(t.Context(), unknown, opinion("a-2", "true"))
				require.NoError(t, err, "the trace is known now")
				return
			}
			assert.Empty(t, records)
			code := answer.CodeDoesNotExist
			if tt.status == http.StatusServiceUnavailable {
				code = answer.CodeUnavailable
			}
			requireRefused(t, err, tt.status, code, tt.message)
		})
	}
	t.Run("as many wait as may", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, func(s *Settings, stored *store.Settings) { s.AcceptUnknown, stored.MaxPending = true, 1 })
		var err error
		for i := 0; err == nil && i < 1000; i++ {
			_, err = f.Create(t.Context(), strings.Repeat("0", 28)+hex4(i), opinion("a-1", "true"))
		}
		requireRefused(t, err, 429, answer.CodeExhausted, "As many assessments of traces that have not arrived wait as may")
	})
}

func hex4(i int) string {
	return string([]byte{hexDigits[i>>12&0xf], hexDigits[i>>8&0xf], hexDigits[i>>4&0xf], hexDigits[i&0xf]})
}
