package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFingerprint(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "schema.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"type":"object"}`), 0o600))
	schemaFile := `{json: {schema_file: "` + file + `"}}`
	first := newCheck(t, schemaFile)
	require.NoError(t, os.WriteFile(file, []byte(`{"type":"array"}`), 0o600))

	different := map[string]string{first.Fingerprint(): "schema file before"}
	for _, yaml := range []string{
		compliance, strings.ReplaceAll(compliance, "max: 500", "max: 501"), strings.ReplaceAll(compliance, "Missing", "No"),
		strings.ReplaceAll(compliance, "All compliance", "Compliance"), strings.ReplaceAll(compliance, "expect: false", "expect: true"),
		compliance + "\ntarget: question", compliance + "\norder: [appropriate_length]", strings.ReplaceAll(compliance, "has_disclaimer", "disclaimed"),
		schemaFile, `{json: {}}`, `{json: {schema: {type: string}}}`,
		`{contains: {any: [a]}}`, `{contains: {all: [a]}}`, `{contains: {any: [a], ignore_case: true}}`, `{contains: {any: [a]}, target: question}`,
		`{contains: {any: [a]}, expect: false}`, `{contains: {any: [a]}, explain: x}`, `{contains: {any: [a]}, explain_passed: x}`,
		`{matches: {pattern: a}}`, `{length: {min: 1}}`, `{length: {max: 1}}`, `{length: {min: 1, unit: words}}`,
		`{ottl: {value: 'true'}}`, `{ottl: {condition: 'true'}}`, `{parts: {p: {contains: {any: [a]}}}}`,
		`{finds: {any: [email]}}`, `{finds: {any: [phone]}}`, `{finds: {any: [email, phone]}}`, `{refusal: {}}`, `{refusal: {within: 100}}`,
		`{refusal: {phrases: [a]}}`, `{repetition: {}}`, `{repetition: {max_share: 0.4}}`, `{repetition: {words: 3}}`, `{repetition: {min_words: 9}}`,
		`{urls: {allow: []}}`, `{urls: {allow: [a.b]}}`, `{urls: {allow: ["*.a.b"]}}`, `{urls: {deny: [a.b]}}`, `{urls: {allow: [], deny: [a.b]}}`,
		`{tool_arguments: {}}`, `{tool_arguments: {allow_undefined: true}}`, `{latency: {max: 1s}}`, `{latency: {max: 2s}}`,
		`{tokens: {max_input: 1}}`, `{tokens: {max_output: 1}}`, `{tokens: {max_total: 1}}`, `{cost: {max_usd: 1}}`, `{cost: {max_usd: 1.5}}`,
	} {
		c := newCheck(t, yaml)
		assert.Len(t, c.Fingerprint(), 32)
		assert.Equal(t, c.Fingerprint(), newCheck(t, yaml).Fingerprint(), "it is always the same")
		assert.NotContains(t, different, c.Fingerprint(), yaml)
		different[c.Fingerprint()] = yaml
	}
	for _, same := range [][2]string{
		{`{json: {}}`, `{json: {}, source_id: x, kinds: [agent], conditions: ['true'], enabled: false, expect: true, target: answer}`},
		{`{finds: {any: [email, phone]}}`, `{finds: {any: [phone, email, phone]}}`},
		{`{refusal: {}}`, `{refusal: {within: 200}}`},
		{`{repetition: {}}`, `{repetition: {max_share: 0.5, words: 4, min_words: 50}}`},
		{`{urls: {allow: [a.b, "*.c.d"]}}`, `{urls: {allow: ["*.c.d", A.b]}}`},
		{`{length: {min: 0, max: 1}}`, `{length: {max: 1, unit: characters}}`},
		{compliance, compliance + "\norder: [has_disclaimer, appropriate_length]"},
	} {
		assert.Equal(t, newCheck(t, same[0]).Fingerprint(), newCheck(t, same[1]).Fingerprint(), same[1])
	}
}

// TestFingerprintStays guards against a change that would make all of everybody's checks new sources.
func TestFingerprintStays(t *testing.T) {
	t.Parallel()
	c := newCheck(t, strings.Replace(compliance, "source_id: compliance_validator_v2.1", "", 1))
	assert.Equal(t, "test@"+c.Fingerprint()[:8], c.SourceID())
	assert.Equal(t, "test@1e29e239", c.SourceID())
}
