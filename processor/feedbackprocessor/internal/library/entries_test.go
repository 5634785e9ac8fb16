package library_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"text/template"
	"text/template/parse"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/check"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/judge"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/library"
)

// exchange is an interaction with all that checks of the library look at.
type exchange struct {
	answer        string
	took          time.Duration
	input, output int64
	usd           float64
	calls         []genai.ToolCall
}

func (e exchange) Text(part genai.Part) (string, genai.State) {
	if part == genai.PartToolCalls && len(e.calls) == 0 {
		return "", genai.StateNotCaptured
	}
	return e.answer, genai.StateText
}

func (e exchange) InputTokens() (int64, bool) { return e.input, e.input > 0 }

func (e exchange) OutputTokens() (int64, bool) { return e.output, e.output > 0 }

func (e exchange) Cost() (float64, bool) { return e.usd, e.usd > 0 }

func (e exchange) ToolCalls() []genai.ToolCall { return e.calls }

func (exchange) ToolDefinitions() map[string]string {
	return map[string]string{"weather": `{"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}}`}
}

func (e exchange) subject() *check.Subject {
	span := ptrace.NewTraces().ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	span.SetStartTimestamp(pcommon.NewTimestampFromTime(start))
	span.SetEndTimestamp(pcommon.NewTimestampFromTime(start.Add(e.took)))
	return &check.Subject{Interaction: e, Span: span}
}

// newCheck makes a check of keys as they stand in a collector's configuration.
func newCheck(t *testing.T, keys map[string]any) *check.Check {
	t.Helper()
	cfg := new(check.Config)
	require.NoError(t, confmap.NewFromStringMap(keys).Unmarshal(cfg))
	require.NoError(t, confmap.Validate(cfg))
	c, err := check.New("test", cfg, componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	return c
}

func calling(arguments string) exchange {
	return exchange{calls: []genai.ToolCall{{Name: "weather", Arguments: arguments}}}
}

// checkCases are exchanges that pass and that fail, the latter with what is then said.
var checkCases = map[string]struct {
	passes, fails []exchange
	says          []string
}{
	"email@1": {
		passes: []exchange{{answer: "Write to us."}, {answer: "See icon@2x.png."}},
		fails:  []exchange{{answer: "Write to ann@example.com or bob@example.com."}},
		says:   []string{"e-mail addresses found: 2"},
	},
	"phone@1": {
		passes: []exchange{{answer: "It has 415 555 parts, made on 01-02-2026."}},
		fails:  []exchange{{answer: "Call +49 30 901820."}, {answer: "Call (415) 555-2671."}},
		says:   []string{"telephone numbers found: 1", "telephone numbers found: 1"},
	},
	"card@1": {
		passes: []exchange{{answer: "Order 4111111111111112."}},
		fails:  []exchange{{answer: "Card 4111 1111 1111 1111."}},
		says:   []string{"payment card numbers found: 1"},
	},
	"iban@1": {
		passes: []exchange{{answer: "Account DE88370400440532013000."}},
		fails:  []exchange{{answer: "Account DE89 3704 0044 0532 0130 00."}},
		says:   []string{"bank account numbers found: 1"},
	},
	"api_key@1": {
		passes: []exchange{{answer: "Set the key to sk-xxxxxxxxxxxxxxxxxxxxxxxx."}},
		fails:  []exchange{{answer: "Set the key to sk-" + "Zq3xV7bN1mK9pL5sD2fG8hJ4wE6rT0yU."}},
		says:   []string{"API keys or tokens found: 1"},
	},
	"private_key@1": {
		passes: []exchange{{answer: "It begins with -----BEGIN PRIVATE KEY-----"}},
		fails:  []exchange{{answer: "-----BEGIN " + "PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ5cT1hQb0x2Zm9vYmFyYmF6cXV4cXV1eA==\n-----END PRIVATE KEY-----"}},
		says:   []string{"private keys found: 1"},
	},
	"refusal_phrases@1": {
		passes: []exchange{{answer: "Sure, here it is."}, {answer: "I can't recommend this enough."}, {answer: strings.Repeat("Text. ", 40) + "I cannot help with that."}},
		fails:  []exchange{{answer: "I’m sorry, but I cannot help with that."}, {answer: "Ich kann Ihnen dabei nicht helfen."}},
		says:   []string{"begins with a refusal: ['i cannot help with']", "begins with a refusal: ['ich kann ihnen dabei nicht']"},
	},
	"repetition@1": {
		passes: []exchange{{answer: "Once upon a time there was a judge."}, {answer: strings.Repeat("no ", 49)}},
		fails:  []exchange{{answer: strings.Repeat("and so on ", 30)}},
		says:   []string{"a share of 0.97 was said before"},
	},
	"urls@1": {
		passes: []exchange{{answer: "There is no URL."}},
		fails:  []exchange{{answer: "![x](https://evil.example/?d=1)"}},
		says:   []string{"URLs of hosts that are not allowed: ['evil.example']"},
	},
	"tool_arguments@1": {
		passes: []exchange{calling(`{"city": "Paris"}`)},
		fails:  []exchange{calling(`{"town": "Paris"}`), {calls: []genai.ToolCall{{Name: "clock"}}}},
		says:   []string{"call 1 has arguments that do not follow the definition at #/required", "call 1 is of a tool that is not defined"},
	},
	"latency@1": {
		passes: []exchange{{took: 10 * time.Second}},
		fails:  []exchange{{took: 11 * time.Second}},
		says:   []string{"took 11s, more than 10s"},
	},
	"tokens@1": {
		passes: []exchange{{input: 31000, output: 1000}},
		fails:  []exchange{{input: 31000, output: 1001}},
		says:   []string{"32001 total tokens are more than 32000"},
	},
	"cost@1": {
		passes: []exchange{{usd: 0.1}},
		fails:  []exchange{{usd: 0.11}},
		says:   []string{"cost $0.11, more than $0.1"},
	},
}

func TestChecks(t *testing.T) {
	t.Parallel()
	for _, name := range library.Checks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, cases := newCheck(t, map[string]any{"use": name}), checkCases[name]
			require.NotEmpty(t, cases.passes)
			require.NotEmpty(t, cases.fails)
			for _, one := range cases.passes {
				result, state := c.Evaluate(t.Context(), one.subject())
				assert.Equal(t, genai.StateText, state)
				assert.Equal(t, assessment.VerdictPassed, result.Verdict, "%v", one)
				assert.Empty(t, result.Rationale)
			}
			for i, one := range cases.fails {
				result, state := c.Evaluate(t.Context(), one.subject())
				assert.Equal(t, genai.StateText, state)
				assert.Equal(t, assessment.VerdictFailed, result.Verdict, "%v", one)
				assert.Equal(t, cases.says[i], result.Rationale)
			}
		})
	}
}

// TestChecksAreParts uses each check as a part, too.
func TestChecksAreParts(t *testing.T) {
	t.Parallel()
	for _, name := range library.Checks() {
		c := newCheck(t, map[string]any{"parts": map[string]any{"p": map[string]any{"use": name}}})
		result, _ := c.Evaluate(t.Context(), checkCases[name].fails[0].subject())
		assert.Equal(t, checkCases[name].says[0], result.Rationale, name)
	}
}

// TestFingerprintsNeverChange holds what the checks do, code and lists included, against the day of their publication.
func TestFingerprintsNeverChange(t *testing.T) {
	t.Parallel()
	published, err := os.ReadFile("testdata/fingerprints.txt")
	require.NoError(t, err)
	var now strings.Builder
	for _, name := range library.Checks() {
		now.WriteString(name + " " + newCheck(t, map[string]any{"use": name}).Fingerprint() + "\n")
	}
	assert.Equal(t, string(published), now.String())
}

// shown are the fields that the judges' prompts show.
var shown = map[string][]string{
	"correctness@1":      {"Question", "Expected", "Answer"},
	"groundedness@1":     {"Context", "Question", "Answer"},
	"helpfulness@1":      {"System", "System", "Question", "Answer"},
	"prompt_injection@1": {"System", "System", "Question"},
	"refusal@1":          {"Question", "Answer"},
	"relevance@1":        {"Question", "Answer"},
}

func TestJudges(t *testing.T) {
	t.Parallel()
	for _, name := range library.Judges() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys, err := library.Judge(name)
			require.NoError(t, err)
			prompt := keys["prompt"].(string)
			assert.Equal(t, shown[name], fieldsOf(t, prompt))
			assert.True(t, strings.HasPrefix(prompt, "Decide whether ") || strings.HasPrefix(prompt, "Rate how "), "it begins with the task")
			assert.Contains(t, prompt, "\nThe value is ", "it ends with the form of the value")

			keys["model"], keys["sampling"] = "m", []any{map[string]any{"name": "all", "rate": 1}}
			cfg := new(judge.Config)
			require.NoError(t, confmap.NewFromStringMap(keys).Unmarshal(cfg))
			assert.NoError(t, confmap.Validate(cfg), "prompt, output schema and pass_when are valid")
		})
	}
}

// fieldsOf are the fields of a template, in their order.
func fieldsOf(t *testing.T, text string) []string {
	t.Helper()
	tmpl, err := template.New("prompt").Parse(text)
	require.NoError(t, err)
	var fields []string
	var walk func(nodes []parse.Node)
	walk = func(nodes []parse.Node) {
		for _, node := range nodes {
			switch n := node.(type) {
			case *parse.ActionNode:
				fields = append(fields, n.Pipe.Cmds[0].Args[0].(*parse.FieldNode).Ident[0])
			case *parse.IfNode:
				fields = append(fields, n.Pipe.Cmds[0].Args[0].(*parse.FieldNode).Ident[0])
				walk(n.List.Nodes)
			}
		}
	}
	walk(tmpl.Root.Nodes)
	return fields
}

// TestReadme reads every example as the collector would.
func TestReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	examples := regexp.MustCompile("\\| `(\\{use: .*\\})` \\|\n").FindAllStringSubmatch(string(readme), -1)
	assert.Len(t, examples, len(library.Checks()))
	for _, example := range examples {
		newCheck(t, confOf(t, example[1]).ToStringMap())
	}
	_, block, _ := strings.Cut(string(readme), "```yaml\n")
	block, _, _ = strings.Cut(block, "```")
	conf := confOf(t, block)
	checks, err := conf.Sub("checks")
	require.NoError(t, err)
	assert.Len(t, checks.ToStringMap(), len(library.Checks()))
	for _, keys := range checks.ToStringMap() {
		newCheck(t, keys.(map[string]any))
	}
	judges, err := conf.Sub("judges")
	require.NoError(t, err)
	assert.Len(t, judges.ToStringMap(), len(library.Judges()))
	for name, keys := range judges.ToStringMap() {
		cfg := new(judge.Config)
		require.NoError(t, confmap.NewFromStringMap(keys.(map[string]any)).Unmarshal(cfg), name)
		assert.NoError(t, confmap.Validate(cfg), name)
		assert.NotEmpty(t, cfg.Prompt, name)
	}
}

func confOf(t *testing.T, yaml string) *confmap.Conf {
	t.Helper()
	retrieved, err := confmap.NewRetrievedFromYAML([]byte(yaml))
	require.NoError(t, err)
	conf, err := retrieved.AsConf()
	require.NoError(t, err)
	return conf
}
