package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func TestTextKinds(t *testing.T) {
	t.Parallel()
	const schema = `{json: {schema: {type: object, required: [n], properties: {n: {type: number}, d: {type: string, format: date}}, $defs: {}}}, explain: "answer {{.Problem}}"}`
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, test := range []struct {
		name, yaml, answer string
		holds              bool
		rationale          string
	}{
		{"any not found", `{contains: {any: [a, b]}, explain: "{{.Found}} {{.Missing}}"}`, "xyz", false, "[] []"},
		{"any found", `{contains: {any: [c, b, a]}, explain_passed: "{{.Found}}"}`, "a b", true, "['b', 'a']"},
		{"case counts", `{contains: {any: [risk]}}`, "RISK", false, ""},
		{"all, one missing", `{contains: {all: [a, b]}, explain: "{{.Found}} {{.Missing}}"}`, "b", false, "['b'] ['a']"},
		{"all found", `{contains: {all: [a, b]}}`, "ab", true, ""},
		{"any and all, any fails", `{contains: {any: [x, y], all: [a]}}`, "a", false, ""},
		{"any and all, all fails", `{contains: {any: [x, y], all: [a]}}`, "x", false, ""},
		{"any and all", `{contains: {any: [x, y], all: [a]}, explain_passed: "{{.Found}}"}`, "ay", true, "['y', 'a']"},
		{"empty text", `{contains: {any: [a]}}`, "", false, ""},
		{"term in upper case", `{contains: {any: [RISK-Free], ignore_case: true}}`, "so rIsK-fReE", true, ""},
		{"borders of the letters", `{contains: {all: ["@az[", "` + "`" + `az{"], ignore_case: true}}`, "@AZ[........`AZ{", true, ""},
		{"every offset of eight", `{contains: {any: [ABCDEFGHIJKLMNOPQRSTUVWXYZ], ignore_case: true}}`, "é0123abcdefghijklmNOPQRSTUVWXYZ", true, ""},
		{"Kelvin sign", `{contains: {any: [quick], ignore_case: true}}`, "quic\u212a", true, ""},
		{"dotted capital I is two code points", `{contains: {any: ["i\u0307x"], ignore_case: true}}`, "İX", true, ""},
		{"dotted capital I is no i", `{contains: {any: [ix], ignore_case: true}}`, "İX", false, ""},
		{"final sigma", `{contains: {any: [ΟΔΟΣ], ignore_case: true}}`, "ΟΔΟΣ ΕΡΜΟΥ", true, ""},
		{"sigma in a word", `{contains: {any: [ΟΔΟΣ], ignore_case: true}}`, "ΟΔΟΣΑ", false, ""},
		{"sharp s stays", `{contains: {any: [straße], ignore_case: true}}`, "STRAẞE", true, ""},
		{"sharp s is not ss", `{contains: {any: [straße], ignore_case: true}}`, "STRASSE", false, ""},
		{"astral letters", `{contains: {any: [𐐨], ignore_case: true}}`, "x𐐀", true, ""},
		{"invalid UTF-8", `{contains: {any: [abc], ignore_case: true}}`, "\xff\xfeABC\x80", true, ""},

		{"no match", `{matches: {pattern: '(?i)^\s*select\b'}, explain: "no SQL: {{.Value}}"}`, "selective", false, "no SQL: false"},
		{"match", `{matches: {pattern: '(?i)^\s*select\b'}}`, "\n SELECT 1", true, ""},

		{"below min", `{length: {min: 2}, explain: "{{.Length}}"}`, "é", false, "1"},
		{"at min", `{length: {min: 2}}`, "éé", true, ""},
		{"at max", `{length: {max: 2}, explain_passed: "{{.Length}}"}`, "😀\u0301", true, "2"},
		{"above max", `{length: {max: 2}}`, "abc", false, ""},
		{"max of nothing", `{length: {max: 0}}`, "", true, ""},
		{"code points past eight bytes", `{length: {min: 23, max: 23}, explain: "{{.Length}}"}`, "0123456é0123456789é123é", true, ""},
		{"bytes", `{length: {min: 4, max: 4, unit: bytes}}`, "😀", true, ""},
		{"words", `{length: {min: 3, max: 3, unit: words}, explain: "{{.Length}}"}`, " one\u00a0two\n\tthree ", true, ""},
		{"no words", `{length: {max: 0, unit: words}}`, " \n", true, ""},

		{"no JSON", `{json: {}, explain: "answer {{.Problem}}"}`, "{'a': 1}", false, "answer is not valid JSON"},
		{"empty text is no JSON", `{json: {}}`, "", false, ""},
		{"two values", `{json: {}}`, "1 2", false, ""},
		{"JSON", `{json: {}}`, ` {"a": [1, null]}`, true, ""},
		{"not even JSON", schema, `{"n": `, false, "answer is not valid JSON"},
		{"something behind", schema, `{"n": 1} x`, false, "answer is not valid JSON"},
		{"missing property", schema, `{"secret": 1}`, false, "answer does not follow the schema at #/required"},
		{"wrong type", schema, `{"n": "secret"}`, false, "answer does not follow the schema at #/properties/n/type"},
		{"formats count", schema, `{"n": 1, "d": "secret"}`, false, "answer does not follow the schema at #/properties/d/format"},
		{"follows the schema", schema, `{"n": 1e2, "d": "2026-01-02"}`, true, ""},
		{"huge exponent", schema, `{"n": 1e999999999}`, false, "answer has a number that no float64 can hold"},
		{"tiny exponent", schema, `[[1E-0000999999999]]`, false, "answer has a number that no float64 can hold"},
		{"endless number", schema, `{"n": ` + strings.Repeat("1", 500_000) + `}`, false, "answer has a number that no float64 can hold"},
		{"deep", schema, deep(9000), false, "answer is nested deeper than 256 levels"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCheck(t, test.yaml)
			assert.NotEmpty(t, c.Needs())
			result := evaluate(t, c, answer(test.answer))
			want := Result{Value: assessment.Bool(test.holds), Verdict: assessment.VerdictOf(test.holds), Rationale: test.rationale}
			assert.Equal(t, want, result)
		})
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	for _, yaml := range []string{
		`{matches: {pattern: a}}`, `{json: {}}`, `{json: {schema: {type: array}}}`, `{finds: {any: [email]}}`, `{repetition: {}}`, `{urls: {allow: []}}`,
	} {
		c := newCheck(t, yaml)
		result := evaluate(t, c, answer(strings.Repeat(" ", maxParsed+1)))
		require.NotNil(t, result.Error, yaml)
		assert.Equal(t, assessment.ErrorCodeEvaluationFailed, result.Error.Code)
		assert.Equal(t, "the text has 1048577 bytes, at most 1048576 are checked", result.Error.Message)
		assert.Empty(t, result.Value)
		assert.Equal(t, assessment.VerdictNone, result.Verdict)
	}
	c := newCheck(t, `{parts: {fine: {length: {min: 1}}, sql: {matches: {pattern: a}}}}`)
	result := evaluate(t, c, answer(strings.Repeat("a", maxParsed+1)))
	require.NotNil(t, result.Error)
	assert.Contains(t, result.Error.Message, `part "sql": the text has`)
	assert.Empty(t, result.Value)
}

func TestSchemaFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	for _, test := range []struct{ name, path, want string }{
		{"missing", filepath.Join(dir, "none.json"), "none.json"},
		{"a directory", dir, "is not a file of at most 1 MiB"},
		{"too large", write("large.json", strings.Repeat(" ", maxSchemaFile+1)), "is not a file of at most 1 MiB"},
		{"no JSON", write("broken.json", "{"), "it is not JSON"},
		{"no schema", write("other.json", `{"type": "objekt"}`), "it is not a JSON Schema"},
		{"refers to another file", write("refers.json", `{"$ref": "other.json"}`), "it is not a JSON Schema"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cfg := NewDefaultConfig()
			cfg.JSON = &JSONConfig{SchemaFile: test.path}
			_, err := New("mine", &cfg, componenttest.NewNopTelemetrySettings())
			require.ErrorContains(t, err, "check \"mine\": `json`: `schema_file`")
			assert.ErrorContains(t, err, test.want)
		})
	}
	path := write("answer.json", `{"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"const": 1}}}`)
	c := newCheck(t, `{json: {schema_file: "`+path+`"}}`)
	assert.Equal(t, assessment.True, evaluate(t, c, answer(`{"a": 1}`)).Value)
	assert.Equal(t, assessment.False, evaluate(t, c, answer(`{"a": 2}`)).Value)
}

func TestTargets(t *testing.T) {
	t.Parallel()
	subject := &Subject{Interaction: captured{genai.PartAnswer: "a", genai.PartQuestion: "q", genai.PartToolCalls: ""}}
	for _, test := range []struct {
		name, yaml string
		want       assessment.Value
		state      genai.State
	}{
		{"default", `{contains: {any: [a]}}`, assessment.True, genai.StateText},
		{"question", `{contains: {any: [q]}, target: question}`, assessment.True, genai.StateText},
		{"empty but captured", `{length: {max: 0}, target: tool_calls}`, assessment.True, genai.StateText},
		{"not captured", `{length: {max: 0}, target: system}`, "", genai.StateNotCaptured},
		{
			"a composite's target is that of its parts", `{target: question, parts: {a: {contains: {any: [q]}}, b: {contains: {any: [a]}, target: answer}}}`,
			`{"overall_score":1.0,"details":{"a":true,"b":true,"rationale":[]}}`, genai.StateText,
		},
		{"a part's text is not captured", `{parts: {a: {contains: {any: [x]}}, b: {json: {}, target: system}}}`, "", genai.StateNotCaptured},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			result, state := newCheck(t, test.yaml).Evaluate(t.Context(), subject)
			assert.Equal(t, test.state, state)
			assert.Equal(t, test.want, result.Value)
			if state != genai.StateText {
				assert.Equal(t, Result{}, result)
			}
		})
	}
}

func TestExpectFalse(t *testing.T) {
	t.Parallel()
	c := newCheck(t, `{contains: {any: [risk]}, expect: false, explain: "has {{.Found}}", explain_passed: clean}`)
	assert.Equal(t, Result{Value: assessment.True, Verdict: assessment.VerdictFailed, Rationale: "has ['risk']"}, evaluate(t, c, answer("risk")))
	assert.Equal(t, Result{Value: assessment.False, Verdict: assessment.VerdictPassed, Rationale: "clean"}, evaluate(t, c, answer("")))
}
