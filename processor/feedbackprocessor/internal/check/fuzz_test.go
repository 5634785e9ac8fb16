package check

import (
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"golang.org/x/text/cases"
	"golang.org/x/text/language"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

// FuzzText gives one text to every kind of check: each result must be one value in its one spelling, or one error.
func FuzzText(f *testing.F) {
	checks := []*Check{newCheck(f, compliance)}
	for _, yaml := range []string{
		`{contains: {any: [a, "\u00df", "i\u0307"], all: ["'"], ignore_case: true}, explain: "{{.Found}}{{.Missing}}"}`,
		`{matches: {pattern: '(?i)(a+)+$|\pL\b'}, explain_passed: "{{.Value}}"}`,
		`{length: {min: 1, max: 10}, explain: "{{.Length}}"}`,
		`{length: {min: 1, max: 10, unit: words}}`,
		`{json: {}, explain: "{{.Problem}}"}`,
		`{json: {schema: {type: [object, array], additionalProperties: {$ref: "#"}, items: {multipleOf: 0.1}, uniqueItems: true}}, explain: "{{.Problem}}"}`,
		`{ottl: {value: 'ParseJSON(span.attributes["text"])'}, explain_passed: "{{.Value}}"}`,
		`{ottl: {value: '[span.attributes["text"], span.name]'}}`,
		`{finds: {any: [email, phone, card, iban, api_key, private_key]}, explain_passed: "{{.Found}}{{.Count}}"}`,
		`{refusal: {phrases: ["\u00df"]}, explain_passed: "{{.Found}}"}`,
		`{repetition: {min_words: 1, words: 2, max_share: 0.1}, explain: "{{.Share}}"}`,
		`{urls: {allow: ["*.example.com"], deny: [a.example.com]}, explain: "{{.Found}}{{.Count}}"}`,
	} {
		checks = append(checks, newCheck(f, yaml))
	}
	for _, e := range expectations(f)[:40] {
		f.Add(e.Answer)
	}
	for _, text := range []string{`{"a":[1e999999999]}`, `[[[[1,1.0,1]]]]`, "\xff\xc3", `{"a":{"a":{"a":[]}}}`, "ΑΣ", `[0.1,1e-400,"é"]`, "I’m sorry, I can’t help with https://a@b.example.com:80/", "我无法协助 //x.y (//x.y)"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		subject := withSpan(func(span ptrace.Span) {
			span.SetName(text)
			span.Attributes().PutStr("text", text)
		})
		subject.Interaction = captured{genai.PartAnswer: text}
		for i, c := range checks {
			result := evaluate(t, c, subject)
			if result.Error != nil {
				assert.Equal(t, Result{Error: result.Error}, result, "check %d", i)
				continue
			}
			canonical, err := assessment.ParseValue([]byte(result.Value))
			assert.NoError(t, err, "check %d: %s", i, result.Value)
			assert.Equal(t, canonical, result.Value, "check %d", i)
			assert.Less(t, len(result.Value)+len(result.Rationale), 10*maxValue, "check %d", i)
		}
	})
}

// FuzzLower holds the fast ways against the libraries' slow ones.
func FuzzLower(f *testing.F) {
	for _, e := range expectations(f)[:100] {
		f.Add(e.Answer)
	}
	f.Fuzz(func(t *testing.T, text string) {
		assert.Equal(t, utf8.RuneCountInString(text), countCharacters(text))
		lower, ascii := appendLower(nil, text)
		assert.Equal(t, utf8.RuneCountInString(text) == len(text) && utf8.ValidString(text), ascii)
		if utf8.ValidString(text) {
			assert.Equal(t, cases.Lower(language.Und).String(text), string(lower))
		}
	})
}
