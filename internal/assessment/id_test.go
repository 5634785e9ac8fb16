package assessment_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

const (
	traceID = "0102030405060708090a0b0c0d0e0f10"
	spanID  = "1112131415161718"
)

// The ids of what is in Redis and MLflow must never change: these were computed with Python's hashlib over
// struct.pack(">I", len) prefixed fields.
func TestNewIDIsPinned(t *testing.T) {
	source := assessment.Source{Type: assessment.SourceTypeCode, ID: "compliance_validator_v2.1"}
	tests := []struct {
		name, span, evaluation string
		source                 assessment.Source
		want                   string
	}{
		{"span", spanID, "compliance_check", source, "a-22b1a797d30d1b47146aa9d2f0a49897"},
		{"trace scope", "", "compliance_check", source, "a-3381cc2aa969398247fda32fc8d54728"},
		{"unicode", spanID, "prüfung", assessment.Source{Type: assessment.SourceTypeLLMJudge, ID: "j@1"}, "a-a690e8c6bd73b6506c1b4deccf9ebcac"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, assessment.NewID(traceID, tt.span, tt.evaluation, tt.source))
		})
	}
}

func TestNewIDTellsFieldsApart(t *testing.T) {
	code := func(id string) assessment.Source { return assessment.Source{Type: assessment.SourceTypeCode, ID: id} }
	ids := map[string]bool{
		assessment.NewID(traceID, spanID, "ab", code("c")):                                                       true,
		assessment.NewID(traceID, spanID, "a", code("bc")):                                                       true,
		assessment.NewID(traceID, "", "ab", code("c")):                                                           true,
		assessment.NewID(traceID, spanID, "ab", assessment.Source{Type: assessment.SourceTypeLLMJudge, ID: "c"}): true,
	}
	assert.Len(t, ids, 4)
}

func TestVerdictOf(t *testing.T) {
	assert.Equal(t, assessment.VerdictPassed, assessment.VerdictOf(true))
	assert.Equal(t, assessment.VerdictFailed, assessment.VerdictOf(false))
}

func TestAutomated(t *testing.T) {
	assert.True(t, assessment.SourceTypeCode.Automated())
	assert.True(t, assessment.SourceTypeLLMJudge.Automated())
	assert.False(t, assessment.SourceTypeHuman.Automated())
}
