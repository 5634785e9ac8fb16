package genai

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// TestMarksAreDisjoint: recognition stops at the first mark that fits, so none may begin with another.
func TestMarksAreDisjoint(t *testing.T) {
	t.Parallel()
	for _, bucket := range known.marks {
		for i, one := range bucket {
			require.GreaterOrEqual(t, len(one.key), 3, one.key)
			for j, other := range bucket {
				assert.False(t, i != j && strings.HasPrefix(one.key, other.key), "%s begins with %s", one.key, other.key)
			}
		}
	}
}

func TestConventionsFitTheSet(t *testing.T) {
	t.Parallel()
	require.LessOrEqual(t, len(conventions), 64, "found is a set of 64")
	for place, name := range known.names {
		assert.NotEmpty(t, name, place)
	}
}

func TestTheConventionThatToldTheKind(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"gen_ai.operation.name": nameOTel, "openinference.span.kind": "openinference", "langsmith.span.kind": "langsmith",
		"mlflow.spanType": "mlflow", "traceloop.span.kind": nameTraceloop,
	} {
		span := ptrace.NewSpan()
		span.Attributes().PutStr(key, "llm")
		i := Read(pcommon.NewResource(), pcommon.NewInstrumentationScope(), span)
		assert.Equal(t, want, i.KindConvention(), key)
	}
}
