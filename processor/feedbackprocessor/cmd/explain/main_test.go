package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const samples = "../../../../testdata/spans/"

const configYAML = `
processors:
  feedback:
    checks:
      long: {length: {min: 1000}, explain: "only {{.Length}}"}
      tools: {kinds: [tool], length: {min: 1}}
    models: {m: {endpoint: "http://localhost:1"}}
    judges:
      helpful: {model: m, prompt: "{{.Answer}}", output: {type: boolean}, sampling: [{name: all, rate: 1}]}
  feedback/other: {}
`

// spanJSON is a request with one span, a chat whose question holds a control sequence of terminals.
const spanJSON = `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708",
"name":"chat","attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}},
{"key":"gen_ai.input.messages","value":{"stringValue":"[{\"role\":\"user\",\"content\":\"\\u001b[31mred\\nquestion\"}]"}},
{"key":"gen_ai.output.messages","value":{"stringValue":"[{\"role\":\"assistant\",\"content\":\"<b>answer</b>\"}]"}}]}]}]}]}`

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// explain runs the command.
func explain(t *testing.T, stdin string, arguments ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), arguments, strings.NewReader(stdin), &out)
	return out.String(), err
}

func TestRefuses(t *testing.T) {
	config := write(t, "config.yaml", configYAML)
	for _, tt := range []struct {
		name, stdin string
		arguments   []string
		want        string
	}{
		{name: "no file", want: "give one FILE"},
		{name: "rate", arguments: []string{"-spans-per-second", "0", "-"}, want: "-spans-per-second is 0: give a positive number"},
		{name: "two files", arguments: []string{"a", "b"}, want: "give one FILE"},
		{name: "format", arguments: []string{"-format", "xml", "-"}, want: `format "xml" is not known: give text or json`},
		{name: "id", arguments: []string{"-id", "a b", "-"}, want: `-id "a b"`},
		{name: "no such file", arguments: []string{"/none.json"}, want: "no such file"},
		{name: "no such configuration", arguments: []string{"-config", "/none.yaml", "-"}, want: "/none.yaml"},
		{name: "no such processor", arguments: []string{"-config", config, "-id", "feedback/none", "-"}, want: `has no processor "feedback/none"`},
		{name: "unknown key", arguments: []string{"-config", write(t, "c.yaml", "processors: {feedback: {chekcs: {}}}"), "-"}, want: "chekcs"},
		{name: "invalid", arguments: []string{"-config", write(t, "c.yaml", "processors: {feedback: {results: x}}"), "-"}, want: "`results` is \"x\""},
		{name: "prompt file", arguments: []string{"-config", write(t, "c.yaml", strings.Replace(configYAML, `prompt: "{{.Answer}}"`, "prompt_file: /none", 1)), "-"}, stdin: spanJSON, want: "/none"},
		{name: "empty", arguments: []string{"-"}, want: "it is empty"},
		{name: "no JSON", arguments: []string{"-"}, stdin: "hello", want: "value 1 is no JSON"},
		{name: "half", arguments: []string{"-"}, stdin: spanJSON + "{", want: "value 2 is no JSON"},
		{name: "a list", arguments: []string{"-"}, stdin: "[]", want: "value 1: it is neither an OTLP request"},
		{name: "something else", arguments: []string{"-"}, stdin: `{"spans":[]}`, want: "it has neither resourceSpans"},
		{name: "no traces request", arguments: []string{"-"}, stdin: `{"traces":[{},{"resourceSpans":7}]}`, want: "value 1: traces request 2: "},
		{name: "no logs request", arguments: []string{"-"}, stdin: `{"logs":[{"resourceLogs":7}]}`, want: "value 1: logs request 1: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, err := explain(t, tt.stdin, tt.arguments...)
			require.ErrorContains(t, err, tt.want)
			assert.Empty(t, out)
		})
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	out, err := explain(t, "", "-config", write(t, "config.yaml", configYAML), "-format", "json", write(t, "spans.json", spanJSON))
	require.NoError(t, err)
	tokens := regexp.MustCompile(`"tokens":(\d+)`)
	require.Regexp(t, tokens, out)
	out = tokens.ReplaceAllString(out, `"tokens":1000`) // which depends on the length of our own words
	assert.JSONEq(t, `{
		"span_id": "0102030405060708", "kind": "llm", "convention": "otel_genai",
		"question": "\u001b[31mred\nquestion", "answer": "<b>answer</b>", "system": null, "tool_calls": null, "documents": null,
		"model": null, "provider": null, "input_tokens": null, "output_tokens": null, "response_id": null, "conversation_id": null,
		"states": {"question": "text", "answer": "text"},
		"evaluators": [
			{"name": "long", "type": "check", "scope": "span", "runs": true, "reason": null, "state": null, "rule": null,
			 "probability": null, "rate": null, "calls": null, "tokens": null, "usd": null, "value": false, "rationale": "only 13", "error": null},
			{"name": "tools", "type": "check", "scope": "span", "runs": false, "reason": "filtered", "state": null, "rule": null,
			 "probability": null, "rate": null, "calls": null, "tokens": null, "usd": null, "value": null, "rationale": null, "error": null},
			{"name": "helpful", "type": "judge", "scope": "span", "runs": true, "reason": null, "state": null, "rule": "all",
			 "probability": 1, "rate": 1, "calls": 1, "tokens": 1000, "usd": null, "value": null, "rationale": null, "error": null}
		]}`, out)
	assert.Contains(t, out, "<b>", "text is not escaped for pages")
	assert.Equal(t, 1, strings.Count(out, "\n"))
}

// TestForms: requests one by one, one a line, or as recordings.
func TestForms(t *testing.T) {
	line := strings.ReplaceAll(spanJSON, "\n", "")
	other := `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0202030405060708","name":"GET"}]}]}]}`
	for name, text := range map[string]string{
		"pretty":    spanJSON + "\n" + other,
		"lines":     line + "\n" + other + "\n",
		"recording": `{"traces":[` + line + `,` + other + `],"logs":[]}`,
		"mixed":     line + `{"traces":[` + other + `]}` + `{"resourceLogs":[]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := explain(t, text, "-format", "json", "-")
			require.NoError(t, err)
			var lines []short
			for line := range strings.Lines(out) {
				var one short
				require.NoError(t, json.Unmarshal([]byte(line), &one))
				lines = append(lines, one)
			}
			assert.Equal(t, []short{{"0102030405060708", "llm"}, {"0202030405060708", "other"}}, lines)
		})
	}
}

type short struct {
	SpanID string `json:"span_id"`
	Kind   string `json:"kind"`
}

func TestNotGenAI(t *testing.T) {
	t.Parallel()
	out, err := explain(t, `{"resourceSpans":[{"scopeSpans":[{"spans":[{"spanId":"0102030405060708","name":"GET"}]}]}]}`, "-format", "json", "-")
	require.NoError(t, err)
	var got map[string]any
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	assert.Len(t, got, 16)
	for key, value := range got {
		switch key {
		case "span_id":
		case "kind":
			assert.Equal(t, "other", value)
		default:
			assert.Nil(t, value, key)
		}
	}
}

// TestTextInLogs: the recording's text is in log records only.
func TestTextInLogs(t *testing.T) {
	t.Parallel()
	out, err := explain(t, "", samples+"py_otel_openai_v2_event_only.json")
	require.NoError(t, err)
	assert.Contains(t, out, "What is the capital of France?")
	assert.Contains(t, out, "10 spans, 0 of them not GenAI\n")
}

func TestText(t *testing.T) {
	t.Parallel()
	out, err := explain(t, spanJSON, "-config", write(t, "config.yaml", configYAML), "-")
	require.NoError(t, err)
	before, _, _ := strings.Cut(out, "  helpful                  8.64e+06")
	assert.Equal(t, `llm  0102030405060708  chat
  question      text         otel_genai         �[31mred question
  answer        text         otel_genai         <b>answer</b>
  check         long                     runs: false, not passed: only 13
  check         tools                    does not run: filtered
  judge         helpful                  runs (rule all, probability 1)

1 spans, 0 of them not GenAI

a day of such traffic at 100 spans a second, before limits, with the longest answers:
`, before)
	assert.Regexp(t, `  helpful +8\.64e\+06 judgements, 8\.64e\+06 calls, \S+ tokens, no price\n$`, out)
}

// TestAllRecordings: none fails, in either format.
func TestAllRecordings(t *testing.T) {
	files, err := filepath.Glob(samples + "*.json")
	require.NoError(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, ".expect.json") {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			for format := range formats {
				out, err := explain(t, "", "-format", format, file)
				require.NoError(t, err)
				assert.NotEmpty(t, out)
			}
		})
	}
}

// TestConfigurations: every one of the repository's can be explained by.
func TestConfigurations(t *testing.T) {
	configs, err := filepath.Glob("../../../../config/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, configs)
	for _, config := range configs {
		t.Run(filepath.Base(config), func(t *testing.T) {
			t.Parallel()
			out, err := explain(t, spanJSON, "-config", config, "-")
			require.NoError(t, err)
			assert.Regexp(t, "(?m)^  (check|judge) ", out)
		})
	}
}

// TestCosts: expected over the draws, of what the rules choose from.
func TestCosts(t *testing.T) {
	t.Parallel()
	config := write(t, "config.yaml", `
processors:
  feedback:
    checks: {short: {length: {max: 5}}}
    models:
      a: {endpoint: "http://localhost:1", price: {input: 1, output: 10}, max_output_tokens: 100}
      b: {endpoint: "http://localhost:1", price: {input: 1, output: 10}, max_output_tokens: 100}
    judges:
      failed: {model: a, prompt: "{{.Answer}}", output: {type: boolean}, sampling: [{name: failed, checks_failed: [short], rate: 1}]}
      panel: {models: [a, b], prompt: "{{.Answer}}", output: {type: boolean}, sampling: [{name: tenth, rate: 0.1}]}
      agents: {kinds: [agent], model: a, prompt: "{{.Answer}}", output: {type: boolean}, sampling: [{name: all, rate: 1}]}
`)
	out, err := explain(t, spanJSON, "-config", config, "-spans-per-second", "10", "-")
	require.NoError(t, err)
	assert.Regexp(t, `(?m)^  agents +0 judgements, 0 calls, 0 tokens, USD 0$`, out)
	assert.Regexp(t, `(?m)^  failed +8\.64e\+05 judgements, 8\.64e\+05 calls, \S+ tokens, USD [0-9.e+]+$`, out)
	assert.Regexp(t, `(?m)^  panel +8\.64e\+04 judgements, 1\.73e\+05 calls, \S+ tokens, USD [0-9.e+]+$`, out)
}
