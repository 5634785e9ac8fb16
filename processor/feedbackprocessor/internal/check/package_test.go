package check

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/goleak"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// captured is an interaction with these texts; the state of others is not_captured.
type captured map[genai.Part]string

func (c captured) Text(part genai.Part) (string, genai.State) {
	if text, ok := c[part]; ok {
		return text, genai.StateText
	}
	return "", genai.StateNotCaptured
}

// metered is an interaction with numbers.
type metered struct {
	captured
	input, output       int64
	hasInput, hasOutput bool
	usd                 float64
	hasCost             bool
}

func (m metered) InputTokens() (int64, bool) { return m.input, m.hasInput }

func (m metered) OutputTokens() (int64, bool) { return m.output, m.hasOutput }

func (m metered) Cost() (float64, bool) { return m.usd, m.hasCost }

// withTools is an interaction with tools.
type withTools struct {
	captured
	calls       []genai.ToolCall
	definitions map[string]string
}

func (w withTools) ToolCalls() []genai.ToolCall { return w.calls }

func (w withTools) ToolDefinitions() map[string]string { return w.definitions }

var (
	_ Meter    = metered{}
	_ ToolUser = withTools{}
)

func answer(text string) *Subject {
	return &Subject{Interaction: captured{genai.PartAnswer: text}}
}

// withSpan is a subject with a span and no texts.
func withSpan(fill func(ptrace.Span)) *Subject {
	resource := ptrace.NewTraces().ResourceSpans().AppendEmpty()
	scope := resource.ScopeSpans().AppendEmpty()
	span := scope.Spans().AppendEmpty()
	if fill != nil {
		fill(span)
	}
	return &Subject{Resource: resource, Scope: scope, Span: span}
}

// load reads a check as the collector does.
func load(tb testing.TB, yaml string) (*Config, error) {
	tb.Helper()
	retrieved, err := confmap.NewRetrievedFromYAML([]byte(yaml))
	require.NoError(tb, err)
	conf, err := retrieved.AsConf()
	require.NoError(tb, err)
	cfg := new(Config)
	if err := conf.Unmarshal(cfg); err != nil {
		return nil, err
	}
	return cfg, confmap.Validate(cfg)
}

func newCheck(tb testing.TB, yaml string) *Check {
	tb.Helper()
	cfg, err := load(tb, yaml)
	require.NoError(tb, err)
	c, err := New("test", cfg, componenttest.NewNopTelemetrySettings())
	require.NoError(tb, err)
	return c
}

// evaluate demands that there was something to test.
func evaluate(tb testing.TB, c *Check, s *Subject) Result {
	tb.Helper()
	result, state := c.Evaluate(tb.Context(), s)
	require.Equal(tb, genai.StateText, state)
	return result
}
