package reading

import (
	"maps"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlspan"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/goleak"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// readBy reads a span with the attributes by a configuration.
func readBy(t *testing.T, config Config, attributes map[string]any) (i genai.Interaction, failed int) {
	t.Helper()
	resource := ptrace.NewResourceSpans()
	resource.Resource().Attributes().PutStr("session", "from the resource")
	scope := resource.ScopeSpans().AppendEmpty()
	span := scope.Spans().AppendEmpty()
	require.NoError(t, span.Attributes().FromRaw(attributes))
	reader, err := New(&config, componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	require.NotNil(t, reader)
	i = genai.Read(resource.Resource(), pcommon.NewInstrumentationScope(), span)
	context := ottlspan.NewTransformContext(resource, scope, span)
	defer context.Close()
	failed = reader.Read(t.Context(), context, &i)
	return i, failed
}

func TestNothingToRead(t *testing.T) {
	t.Parallel()
	reader, err := New(&Config{}, componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	assert.Nil(t, reader)
}

func TestRead(t *testing.T) {
	chat := func(more map[string]any) map[string]any {
		all := map[string]any{
			"gen_ai.operation.name":  "chat",
			"gen_ai.input.messages":  `[{"role":"user","parts":[{"type":"text","content":"theirs"}]}]`,
			"gen_ai.output.messages": `[{"role":"assistant","parts":[{"type":"text","content":"theirs"}]}]`,
		}
		maps.Copy(all, more)
		return all
	}
	for _, tt := range []struct {
		name       string
		config     Config
		attributes map[string]any
		kind       genai.Kind
		part       genai.Part
		want       string
		state      genai.State
		failed     int
	}{
		{
			name: "wins over the convention", config: Config{Answer: `span.attributes["mine"]`}, attributes: chat(map[string]any{"mine": "ours"}),
			kind: genai.KindLLM, part: genai.PartAnswer, want: "ours", state: genai.StateText,
		},
		{
			name: "leaves other parts", config: Config{Answer: `span.attributes["mine"]`}, attributes: chat(map[string]any{"mine": "ours"}),
			kind: genai.KindLLM, part: genai.PartQuestion, want: "theirs", state: genai.StateText,
		},
		{
			name: "nil is not captured", config: Config{Answer: `span.attributes["mine"]`}, attributes: chat(nil),
			kind: genai.KindLLM, part: genai.PartAnswer, state: genai.StateNotCaptured,
		},
		{
			name: "nil in a text is not captured", config: Config{Question: `Concat(["Q: ", span.attributes["mine"]], "")`}, attributes: chat(nil),
			kind: genai.KindLLM, part: genai.PartQuestion, state: genai.StateNotCaptured,
		},
		{
			name: "an error is not captured, and counted", config: Config{Question: `ParseJSON(span.attributes["mine"])["x"]`}, attributes: chat(map[string]any{"mine": "{"}),
			kind: genai.KindLLM, part: genai.PartQuestion, state: genai.StateNotCaptured, failed: 1,
		},
		{
			name: "redacted", config: Config{Question: `span.attributes["mine"]`}, attributes: chat(map[string]any{"mine": "[REDACTED]"}),
			kind: genai.KindLLM, part: genai.PartQuestion, state: genai.StateRedacted,
		},
		{
			name: "system", config: Config{System: `"Be brief."`}, attributes: chat(nil),
			kind: genai.KindLLM, part: genai.PartSystem, want: "Be brief.", state: genai.StateText,
		},
		{
			name: "a list becomes JSON", config: Config{Context: `span.attributes["docs"]`}, attributes: chat(map[string]any{"docs": []any{"a", 1}}),
			kind: genai.KindLLM, part: genai.PartContext, want: `["a",1]`, state: genai.StateText,
		},
		{
			name: "a number is text", config: Config{Answer: `span.attributes["n"]`}, attributes: chat(map[string]any{"n": 42}),
			kind: genai.KindLLM, part: genai.PartAnswer, want: "42", state: genai.StateText,
		},
		{
			name: "of no convention", config: Config{Question: `span.attributes["app.ask"]`, Answer: `span.attributes["app.reply"]`},
			attributes: map[string]any{"app.ask": "q", "app.reply": "a"},
			kind:       genai.KindLLM, part: genai.PartAnswer, want: "a", state: genai.StateText,
		},
		{
			name: "still not GenAI", config: Config{Question: `span.attributes["app.ask"]`}, attributes: map[string]any{"http.route": "/"},
			kind: genai.KindOther, part: genai.PartQuestion, state: genai.StateNotCaptured,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			i, failed := readBy(t, tt.config, tt.attributes)
			assert.Equal(t, tt.kind, i.Kind())
			text, state := i.Text(tt.part)
			assert.Equal(t, tt.want, text)
			assert.Equal(t, tt.state, state)
			assert.Equal(t, tt.failed, failed)
		})
	}
}

func TestConversation(t *testing.T) {
	t.Parallel()
	attributes := map[string]any{"gen_ai.operation.name": "chat", "gen_ai.conversation.id": "theirs"}
	i, _ := readBy(t, Config{ConversationID: `resource.attributes["session"]`}, attributes)
	assert.Equal(t, "from the resource", i.ConversationID())
	i, _ = readBy(t, Config{ConversationID: `span.attributes["none"]`}, attributes)
	assert.Empty(t, i.ConversationID())
	i, _ = readBy(t, Config{Question: `span.attributes["none"]`}, attributes)
	assert.Equal(t, "theirs", i.ConversationID())
}

func TestConfigRefuses(t *testing.T) {
	t.Parallel()
	config := Config{Question: `attributes["x"`, Answer: `name`}
	err := config.Validate()
	require.ErrorContains(t, err, "`question` is \"attributes[\\\"x\\\"\", which is no OTTL value expression such as span.attributes[\"app.question\"]")
	require.ErrorContains(t, err, "`answer` is \"name\"")
}
