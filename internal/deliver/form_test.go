package deliver

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

func TestHoldValue(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, value, want string
		refused           bool
	}{
		{name: "not JSON", value: "{", refused: true},
		{name: "beyond a double", value: "1e999", refused: true},
		{name: "too deep", value: nested(maxHeldDepth + 1), refused: true},
		{name: "as deep as it goes", value: nested(maxHeldDepth), want: nestedFloat(maxHeldDepth)},
		{name: "none", value: "", want: ""},
		{name: "integer", value: "4", want: "4.0"},
		{name: "large integer", value: "1152921504606846976", want: "1152921504606847000.0"},
		{name: "keys are sorted", value: `{"b":1,"a":[true,null,"x"]}`, want: `{"a":[true,null,"x"],"b":1.0}`},
		{name: "no HTML escapes", value: `"<&>"`, want: `"<&>"`},
		{name: "lone surrogate", value: `"\ud800"`, want: "\"\ufffd\""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := holdValue(assessment.Value(tt.value))
			assert.Equal(t, tt.refused, err != nil)
			assert.Equal(t, assessment.Value(tt.want), got)
		})
	}
}

func nestedFloat(depth int) string {
	text := "1.0"
	for range depth {
		text = "[" + text + "]"
	}
	return text
}

func TestAgree(t *testing.T) {
	t.Parallel()
	ours := assessment.Assessment{Kind: assessment.KindFeedback, Name: "n", Metadata: map[string]string{"a": "1"}}
	more := ours
	more.Metadata = map[string]string{"a": "1", "kept": "x"}
	other := ours
	other.Metadata = map[string]string{"a": "2"}
	assert.True(t, agree(ours, ours))
	assert.True(t, agree(ours, more), "a key cannot be removed from a row, so it is no difference")
	assert.False(t, agree(more, ours))
	assert.False(t, agree(ours, other))
}

// FuzzHold: a form's form is itself, and has the same digest.
func FuzzHold(f *testing.F) {
	f.Add("name", "CODE", "v1", `{"b":[1,2.5e3,"x"],"a":null}`, "why\x00", "key\xff", "value", "E", true)
	f.Add("", "", "", "", "", "", "", "", false)
	f.Add("n", "HUMAN", "a@b.c", "{", "r", "k", "f", "", false)
	f.Add("n", "HUMAN", "a@b.c", "-0", "r", assessment.MetadataFingerprint, "f", "", true)
	f.Fuzz(func(t *testing.T, name, sourceType, source, value, rationale, key, metadata, code string, feedback bool) {
		a := assessment.Assessment{
			Name: name, Kind: assessment.KindExpectation, Value: assessment.Value(value), Rationale: rationale,
			Source:   assessment.Source{Type: assessment.SourceType(sourceType), ID: source},
			Metadata: map[string]string{key: metadata}, Fingerprint: metadata,
			Error: &assessment.Error{Code: code, Type: "t", Message: rationale},
		}
		if feedback {
			a.Kind = assessment.KindFeedback
		}
		form, err := hold(&a)
		if err != nil {
			return
		}
		again, err := hold(&form)
		require.NoError(t, err)
		require.Equal(t, form, again)
		require.Equal(t, digest(form), digest(again))
		require.True(t, agree(form, again))
		if _, err := assessment.ParseValue([]byte(value)); err == nil { // as all are that Redis holds
			_, err = assessment.ParseValue([]byte(form.Value))
			require.True(t, err == nil || form.Value == "", "a form's value can be sent")
		}
	})
}
