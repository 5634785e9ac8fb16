package spanottl

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestParser(t *testing.T) {
	t.Parallel()
	parser, err := NewParser(componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	_, err = parser.ParseCondition(`IsRootSpan() and span.attributes["a"] == resource.attributes["b"]`)
	require.NoError(t, err)
	_, err = parser.ParseValueExpression(`ToLowerCase(span.name)`)
	require.NoError(t, err)
	_, err = parser.ParseCondition(`name == "x"`)
	assert.ErrorContains(t, err, "span.name", "paths name their context")
}
