package subject

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestValidate(t *testing.T) {
	for _, tt := range []struct {
		name  string
		scope assessment.Scope
		kinds []genai.Kind
		want  string
	}{
		{name: "default", scope: assessment.ScopeSpan, kinds: DefaultKinds()},
		{name: "trace", scope: assessment.ScopeTrace},
		{name: "unknown scope", scope: "session", kinds: DefaultKinds(), want: "`scope` is \"session\": give span or trace"},
		{name: "no kinds", scope: assessment.ScopeSpan, want: "`kinds` is empty"},
		{name: "unknown kind", scope: assessment.ScopeSpan, kinds: []genai.Kind{"model"}, want: "`kinds` has \"model\": give any of [llm agent"},
		{name: "evaluators", scope: assessment.ScopeSpan, kinds: []genai.Kind{genai.KindEvaluator}, want: "`kinds` has \"evaluator\""},
		{name: "kinds of a trace", scope: assessment.ScopeTrace, kinds: DefaultKinds(), want: "leave it out with `scope: trace`"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := Validate(tt.scope, tt.kinds)
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, tt.want)
		})
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []genai.Kind{genai.KindTrace}, Kinds(assessment.ScopeTrace, nil))
	assert.Equal(t, []genai.Kind{genai.KindTool}, Kinds(assessment.ScopeSpan, []genai.Kind{genai.KindTool}))
}
