package check

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func TestConfigErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, yaml, want string }{
		{"nothing", `{}`, "nothing to check: give exactly one of contains, matches, length, json, ottl, finds, refusal, repetition, urls, tool_arguments, latency, tokens, cost, parts"},
		{"two kinds", `{contains: {any: [a]}, length: {max: 1}}`, "contains and length exclude each other: give exactly one of"},
		{"kind beside parts", `{json: {}, parts: {p: {json: {}}}}`, "`json` and `parts` exclude each other"},
		{"unknown key", `{contain: {any: [a]}}`, "contain"},
		{"kind unknown", `{json: {}, kinds: [lm]}`, "`kinds` has \"lm\": give any of [llm"},
		{"kind evaluator", `{json: {}, kinds: [evaluator]}`, "`kinds` has \"evaluator\""},
		{"no kinds", `{json: {}, kinds: []}`, "`kinds` is empty"},
		{"target", `{json: {}, target: reply}`, "`target` is \"reply\": give one of [answer question system context tool_calls]"},
		{"target of composite", `{target: reply, parts: {p: {json: {}}}}`, "`target` is \"reply\""},
		{"target beside ottl", `{ottl: {condition: 'true'}, target: answer}`, "`ottl` reads the span itself"},
		{"order without parts", `{json: {}, order: [p]}`, "`order` orders `parts`, which are missing"},
		{"order of unknown part", `{parts: {p: {json: {}}}, order: [q]}`, "`order` has \"q\", which is no part"},
		{"order twice", `{parts: {p: {json: {}}}, order: [p, p]}`, "`order` has \"p\" twice"},
		{"no parts", `{parts: {}}`, "`parts` is empty"},
		{"reserved part", `{parts: {rationale: {json: {}}}}`, "`parts` has \"rationale\""},
		{"explain beside parts", `{explain: x, parts: {p: {json: {}}}}`, "`explain` stands in the parts"},
		{"expect beside parts", `{expect: false, parts: {p: {json: {}}}}`, "`expect` stands in the parts"},
		{"field in explain_passed of parts", `{explain_passed: "{{.Value}}", parts: {p: {json: {}}}}`, "`explain_passed`: unknown field .Value: `parts` has no fields"},
		{"parts in a part", `{parts: {p: {parts: {q: {json: {}}}}}}`, "parts"},
		{"kinds in a part", `{parts: {p: {json: {}, kinds: [llm]}}}`, "kinds"},
		{"conditions in a part", `{parts: {p: {json: {}, conditions: []}}}`, "conditions"},
		{"source_id in a part", `{parts: {p: {json: {}, source_id: x}}}`, "source_id"},
		{"enabled in a part", `{parts: {p: {json: {}, enabled: false}}}`, "enabled"},
		{"explain_passed in a part", `{parts: {p: {json: {}, explain_passed: x}}}`, "explain_passed"},
		{"nothing in a part", `{parts: {p: {explain: x}}}`, "parts::p: nothing to check: give exactly one of contains, matches, length, json, ottl, finds, refusal, repetition, urls, tool_arguments, latency, tokens, cost"},
		{"value in a part", `{parts: {p: {ottl: {value: '1'}}}}`, "parts::p: `ottl` has a `value`"},
		{"no terms", `{contains: {}}`, "contains: no terms"},
		{"empty term", `{contains: {any: [a, ""]}}`, "contains: a term is empty"},
		{"no pattern", `{matches: {}}`, "matches: `pattern` is missing"},
		{"bad pattern", `{matches: {pattern: '(?=a)'}}`, "matches: `pattern` is no RE2 regular expression"},
		{"no bounds", `{length: {}}`, "length: no bounds"},
		{"negative min", `{length: {min: -1}}`, "`min` is -1"},
		{"negative max", `{length: {max: -1}}`, "`max` is -1"},
		{"crossed bounds", `{length: {min: 2, max: 1}}`, "`min` is 2, which is more than `max` 1"},
		{"unit", `{length: {max: 1, unit: runes}}`, "`unit` is \"runes\": give characters, words or bytes"},
		{"two schemas", `{json: {schema: {type: object}, schema_file: x}}`, "json: `schema` and `schema_file` exclude each other"},
		{"bad schema", `{json: {schema: {type: objekt}}}`, "json: `schema`: it is not a JSON Schema"},
		{"remote schema", `{json: {schema: {$ref: "https://example.com/schema.json"}}}`, "a schema cannot refer to other documents"},
		{"schema from a file", `{json: {schema: {$ref: "file:///etc/hostname"}}}`, "a schema cannot refer to other documents"},
		{"neither value nor condition", `{ottl: {}}`, "ottl: give exactly one of `value` and `condition`"},
		{"value and condition", `{ottl: {value: '1', condition: 'true'}}`, "ottl: give exactly one of `value` and `condition`"},
		{"bad condition", `{ottl: {condition: 'span.name =='}}`, "ottl: `condition` \"span.name ==\""},
		{"bad value", `{ottl: {value: 'Nope(span.name)'}}`, "ottl: `value` \"Nope(span.name)\""},
		{"path without context", `{ottl: {condition: 'name == "x"'}}`, "span.name"},
		{"editor", `{ottl: {value: 'set(span.name, "x")'}}`, "ottl: `value`"},
		{"nothing to find", `{finds: {}}`, "finds: nothing to find: give `any` of [email phone card iban api_key private_key]"},
		{"unknown finder", `{finds: {any: [mail]}}`, "finds: `any`: there is no finder \"mail\": give any of [email"},
		{"blank phrase", `{refusal: {phrases: [a, " "]}}`, "refusal: `phrases` has a blank one"},
		{"within", `{refusal: {within: -1}}`, "refusal: `within` is -1: give 1 to 2000 characters, or leave it out for 200"},
		{"share", `{repetition: {max_share: 1}}`, "repetition: `max_share` is 1: give a number above 0 and below 1, such as 0.5"},
		{"no share", `{repetition: {max_share: .nan}}`, "repetition: `max_share` is NaN"},
		{"words", `{repetition: {words: 17}}`, "repetition: `words` is 17: give 1 to 16, or leave it out for 4"},
		{"min words", `{repetition: {min_words: -1}}`, "repetition: `min_words` is -1"},
		{"no hosts", `{urls: {}}`, "urls: no hosts: give `allow`, `deny` or both"},
		{"no hosts denied", `{urls: {deny: []}}`, "urls: no hosts: give `allow`, `deny` or both"},
		{"host with a scheme", `{urls: {allow: ["https://example.com"]}}`, "urls: `allow` has \"https://example.com\": give a host alone, such as example.com or *.example.com"},
		{"host with a port", `{urls: {deny: ["example.com:80"]}}`, "urls: `deny` has \"example.com:80\""},
		{"host with a star inside", `{urls: {deny: ["www.*.com"]}}`, "urls: `deny` has \"www.*.com\""},
		{"target beside tool_arguments", `{tool_arguments: {}, target: tool_calls}`, "`target` is \"tool_calls\", but `tool_arguments` reads the tool calls: leave it out"},
		{"target beside latency", `{latency: {max: 1s}, target: answer}`, "`target` is \"answer\", but `latency` reads the span itself"},
		{"no latency", `{latency: {}}`, "latency: `max` is 0s: give a positive duration, such as 2s"},
		{"no token bounds", `{tokens: {}}`, "tokens: no bounds: give any of `max_input`, `max_output` and `max_total`"},
		{"negative tokens", `{tokens: {max_output: -1}}`, "tokens: `max_output` is -1: give 1 or more"},
		{"no cost", `{cost: {}}`, "cost: `max_usd` is 0: give a positive number of US dollars, such as 0.05"},
		{"endless cost", `{cost: {max_usd: .inf}}`, "cost: `max_usd` is +Inf"},
		{"field of numbers", `{cost: {max_usd: 1}, explain: "{{.Length}}"}`, "`explain`: unknown field .Length: `cost` has .Value, .Problem"},
		{"use", `{use: email@2}`, "`use`: the library has no \"email@2\", but email@1: versions are part of the name"},
		{"use of a judge", `{use: relevance@1}`, "`use`: \"relevance@1\" is an entry for `judges`"},
		{"use in a part", `{parts: {p: {use: email@2}}}`, "`use`: the library has no \"email@2\", but email@1"},
		{"another kind beside use", `{use: email@1, length: {max: 1}}`, "length and finds exclude each other"},
		{"template", `{json: {}, explain: "{{.Value"}`, "`explain`: template"},
		{"unknown field", `{length: {max: 1}, explain: "{{.Size}}"}`, "`explain`: unknown field .Size: `length` has .Value, .Length"},
		{"field of another kind", `{json: {}, explain_passed: "{{.Found}}"}`, "`explain_passed`: unknown field .Found: `json` has .Value, .Problem"},
		{"field in a branch", `{json: {}, explain: "{{if .Value}}a{{else}}{{with $.Found}}b{{end}}{{end}}"}`, "unknown field .Found"},
		{"field in an argument", `{json: {}, explain: '{{printf "%d" .Length}}'}`, "unknown field .Length"},
		{"field in a definition", `{json: {}, explain: '{{define "x"}}{{.Length}}{{end}}{{template "x" .}}'}`, "unknown field .Length"},
		{"template that fails", `{contains: {any: [a]}, explain: "{{index .Found 5}}"}`, "`explain`: template"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := load(t, test.yaml)
			assert.ErrorContains(t, err, test.want)
		})
	}
}

func TestConfigDefaults(t *testing.T) {
	t.Parallel()
	cfg, err := load(t, `{enabled: null, kinds: null, expect: null, json: {}}`)
	require.NoError(t, err)
	assert.True(t, cfg.Enabled)
	assert.Equal(t, []genai.Kind{genai.KindLLM}, cfg.Kinds)
	assert.Nil(t, cfg.Expect)

	cfg, err = load(t, `{enabled: false, kinds: [agent, tool], conditions: ['span.name == "x"'], json: {}}`)
	require.NoError(t, err)
	assert.False(t, cfg.Enabled)
	assert.Equal(t, []genai.Kind{genai.KindAgent, genai.KindTool}, cfg.Kinds)
	assert.Equal(t, []string{`span.name == "x"`}, cfg.Conditions)
	assert.NoError(t, componenttest.CheckConfigStruct(cfg))
}

func TestNullPartIsRemoved(t *testing.T) {
	t.Parallel()
	c := newCheck(t, `{parts: {a: null, b: {json: {}}}}`)
	result := evaluate(t, c, answer("1"))
	assert.JSONEq(t, `{"overall_score": 1.0, "details": {"b": true, "rationale": []}}`, string(result.Value))
}

func TestNewChecksWhatItGets(t *testing.T) {
	t.Parallel()
	_, err := New("mine", &Config{}, componenttest.NewNopTelemetrySettings())
	assert.ErrorContains(t, err, `check "mine": `)
	assert.ErrorContains(t, err, "nothing to check")
}

func TestUse(t *testing.T) {
	t.Parallel()
	cfg, err := load(t, `{use: latency@1, latency: {max: 1s}, kinds: [agent], explain: null}`)
	require.NoError(t, err)
	assert.True(t, cfg.Enabled)
	assert.Equal(t, time.Second, cfg.Latency.Max, "what is written wins")
	assert.Equal(t, "{{.Problem}}", cfg.Explain, "null is absent")
	assert.Equal(t, []genai.Kind{genai.KindAgent}, cfg.Kinds)

	cfg, err = load(t, `{use: email@1}`)
	require.NoError(t, err)
	assert.Equal(t, []genai.Kind{genai.KindLLM}, cfg.Kinds)
	same := newCheck(t, `{finds: {any: [email]}, expect: false, explain: "e-mail addresses found: {{.Count}}"}`)
	c, err := New("test", cfg, componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	assert.Equal(t, same.Fingerprint(), c.Fingerprint(), "it is what it would be if it were written out")

	cfg, err = load(t, `{use: urls@1, urls: {allow: [example.com]}, scope: trace}`)
	require.NoError(t, err)
	assert.Equal(t, []string{"example.com"}, cfg.URLs.Allow)

	composite := newCheck(t, `{parts: {mail: {use: email@1}, short: {length: {max: 20}}}}`)
	assert.JSONEq(t, `{"overall_score": 0.5, "details": {"short": true, "mail": true, "rationale": ["e-mail addresses found: 1"]}}`,
		string(evaluate(t, composite, answer("a@example.com")).Value))
}
