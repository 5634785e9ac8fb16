package check

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
)

// TestFoundIsPythons has what `python3 -c 'print([term])'` prints for a term.
func TestFoundIsPythons(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, term, want string }{
		{"plain", "risk-free", `['risk-free']`},
		{"single quote", "don't", `["don't"]`},
		{"double quote", `a "b"`, `['a "b"']`},
		{"both quotes", `'"`, `['\'"']`},
		{"backslash", `a\b`, `['a\\b']`},
		{"line ends", "a\r\n\tb", `['a\r\n\tb']`},
		{"control", "\x00\x1f\x7f\u0085", `['\x00\x1f\x7f\x85']`},
		{"no-break space", "a\u00a0b", `['a\xa0b']`},
		{"soft hyphen", "\u00ad", `['\xad']`},
		{"line separator", "\u2028", `['\u2028']`},
		{"zero width joiner", "\u200d", `['\u200d']`},
		{"letters", "é財😀\u0301", `['é財😀` + "\u0301" + `']`},
		{"private use", "\ue000\U000f0000", `['\ue000\U000f0000']`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, template := range []string{"{{.Found}}", "{{print .Found}}"} {
				cfg := NewDefaultConfig()
				cfg.Contains, cfg.ExplainPassed = &ContainsConfig{Any: []string{test.term}}, template
				c, err := New("test", &cfg, componenttest.NewNopTelemetrySettings())
				require.NoError(t, err)
				assert.Equal(t, test.want, evaluate(t, c, answer(test.term)).Rationale)
			}
		})
	}
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, yaml, want string }{
		{"none", `{length: {max: 1}}`, ""},
		{"text", `{length: {max: 1}, explain: "too long"}`, "too long"},
		{"comment only", `{length: {max: 1}, explain: "{{/* nothing */}}"}`, ""},
		{"fields", `{length: {max: 1}, explain: "{{.Length}}: {{ .Value -}} !"}`, "12: false!"},
		{"choice", `{length: {max: 1}, explain: "{{if gt .Length 10}}far {{end}}too long"}`, "far too long"},
		{"value in a choice", `{length: {max: 1}, explain: "{{if .Value}}yes{{else}}no{{end}}"}`, "no"},
		{"list", `{contains: {any: [text, risk], all: [x, y]}, explain: "{{range .Found}}<{{.}}>{{end}} {{len .Missing}}"}`, "<text><risk><x> 1"},
		{"variable", `{contains: {any: [risk], all: [y]}, explain: "{{$all := .Found}}{{$all}} {{$.Value}}"}`, "['risk'] false"},
		{"escapes in the list of rationales", `{parts: {p: {contains: {any: ['"']}, explain: "no {{.Found}} \"é\n\u0001"}}}`, "no [] \"é\n\u0001"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			result := evaluate(t, newCheck(t, test.yaml), answer("text of risk"))
			assert.Nil(t, result.Error)
			assert.Equal(t, test.want, result.Rationale)
		})
	}
}

// TestTemplateThatFailsLater renders at start, but not with all that can be found.
func TestTemplateThatFailsLater(t *testing.T) {
	t.Parallel()
	const explain = `{{if eq (len .Found) 1}}{{index .Found 1}}{{end}}`
	c := newCheck(t, `{contains: {any: [a, b]}, expect: false, explain: '`+explain+`'}`)
	assert.Nil(t, evaluate(t, c, answer("a b")).Error)
	result := evaluate(t, c, answer("a"))
	require.NotNil(t, result.Error)
	assert.Equal(t, "EVALUATION_FAILED", result.Error.Code)
	assert.Equal(t, Result{Error: result.Error}, result)

	c = newCheck(t, `{parts: {p: {contains: {any: [a, b]}, expect: false, explain: '`+explain+`'}}}`)
	result = evaluate(t, c, answer("a"))
	require.NotNil(t, result.Error)
	assert.True(t, strings.HasPrefix(result.Error.Message, `part "p": the explanation's template`), result.Error.Message)
}
