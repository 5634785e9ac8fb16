package judge

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

func TestSentSchema(t *testing.T) {
	for _, tt := range []struct {
		name   string
		output map[string]any
		strict bool
		sent   string
	}{
		{
			"free-form object",
			map[string]any{"type": "object"},
			false,
			`{"type":"object","additionalProperties":false,"required":["rationale","value"],"properties":{
				"rationale":{"type":"string","description":"The reasons for the value, in a few sentences."},"value":{"type":"object"}}}`,
		},
		{
			"no type",
			map[string]any{"description": "anything"},
			false,
			`{"type":"object","additionalProperties":false,"required":["rationale","value"],"properties":{
				"rationale":{"type":"string","description":"The reasons for the value, in a few sentences."},"value":{"description":"anything"}}}`,
		},
		{
			"what strict mode does not take is left out",
			map[string]any{"type": "string", "minLength": 1, "format": "uri", "pattern": "^h"},
			true,
			`{"type":"object","additionalProperties":false,"required":["rationale","value"],"properties":{
				"rationale":{"type":"string","description":"The reasons for the value, in a few sentences."},"value":{"type":"string","pattern":"^h"}}}`,
		},
		{
			"optional properties are asked for",
			map[string]any{
				"type": "object", "required": []any{"a"},
				"properties": map[string]any{"rationale": map[string]any{"type": "string"}, "a": map[string]any{"oneOf": []any{map[string]any{"type": "null"}, map[string]any{"type": "number"}}}},
			},
			true,
			`{"type":"object","additionalProperties":false,"required":["a","rationale"],"properties":{
				"rationale":{"type":"string"},"a":{"anyOf":[{"type":"null"},{"type":"number"}]}}}`,
		},
		{
			"definitions move to the root",
			map[string]any{"type": "array", "items": map[string]any{"$ref": "#/$defs/n"}, "$defs": map[string]any{"n": map[string]any{"type": "number"}}},
			true,
			`{"type":"object","additionalProperties":false,"required":["rationale","value"],"$defs":{"n":{"type":"number"}},"properties":{
				"rationale":{"type":"string","description":"The reasons for the value, in a few sentences."},"value":{"type":"array","items":{"$ref":"#/$defs/n"}}}}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := form(t, tt.output)
			assert.Equal(t, tt.strict, f.strict)
			assert.JSONEq(t, tt.sent, string(f.sent))
		})
	}
}

func TestFullSchemaValidates(t *testing.T) {
	f := form(t, map[string]any{"type": "string", "minLength": 3})
	_, err := parseAnswer(`{"rationale": "", "value": "ab"}`, f)
	require.EqualError(t, err, "the answer's \"value\" breaks the rule \"minLength\" of `output`")

	optional := form(t, map[string]any{
		"type": "object", "required": []any{"a"}, "properties": map[string]any{"a": map[string]any{"type": "number"}, "rationale": map[string]any{"type": "string"}},
	})
	got, err := parseAnswer(`{"a": 1}`, optional)
	require.NoError(t, err, "what the schema calls optional may be left out")
	assert.Equal(t, assessment.Value(`{"a":1}`), got.value)
	assert.Empty(t, got.rationale)
}

func TestSchemaName(t *testing.T) {
	assert.Equal(t, "is_it_good_-_1", schemaName("is it good - 1"))
	assert.Len(t, schemaName(string(make([]byte, 100))), 64)
}

func TestPassWhen(t *testing.T) {
	object := map[string]any{"type": "object", "properties": map[string]any{"a": map[string]any{"type": "number"}, "tags": map[string]any{"type": "array"}}}
	for _, tt := range []struct {
		name     string
		output   map[string]any
		passWhen string
		value    any
		want     assessment.Verdict
	}{
		{"nothing said", map[string]any{"type": "number"}, "", 1.0, assessment.VerdictNone},
		{"true", map[string]any{"type": "boolean"}, "", true, assessment.VerdictPassed},
		{"false", map[string]any{"type": "boolean"}, "", false, assessment.VerdictFailed},
		{"boolean turned round", map[string]any{"type": "boolean"}, "value == false", false, assessment.VerdictPassed},
		{"number", map[string]any{"type": "number"}, "value >= 0.5 and value < 2", 1.0, assessment.VerdictPassed},
		{"whole number", map[string]any{"type": "integer"}, "value == 3", 3.0, assessment.VerdictPassed},
		{"string", map[string]any{"type": "string"}, `value == "good" or IsMatch(value, "^fai")`, "fair", assessment.VerdictPassed},
		{"key", object, `value["a"] > 1`, map[string]any{"a": 1.0}, assessment.VerdictFailed},
		{"index", object, `value["tags"][1] == "x"`, map[string]any{"tags": []any{"y", "x"}}, assessment.VerdictPassed},
		{"converter", object, `Len(value["tags"]) == 2`, map[string]any{"tags": []any{"y", "x"}}, assessment.VerdictPassed},
		{"not there", object, `value["a"] == nil`, map[string]any{}, assessment.VerdictPassed},
		{"index beyond", object, `value["tags"][7] == "x"`, map[string]any{"tags": []any{}}, assessment.VerdictFailed},
		{"key of a number", map[string]any{"type": "number"}, `value["a"] == 1`, 1.0, assessment.VerdictFailed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rule, err := newPassRule(tt.passWhen, form(t, tt.output), componenttest.NewNopTelemetrySettings())
			require.NoError(t, err)
			got, err := rule.verdict(t.Context(), tt.value)
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
	rule, err := newPassRule("Len(value) > 1", form(t, map[string]any{"type": "number"}), componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	_, err = rule.verdict(t.Context(), 1.0)
	require.Error(t, err, "a number has no length")
}

func TestFingerprint(t *testing.T) {
	of := func(changeJudge func(*Config), changeModel func(*ModelConfig)) *Judge {
		cfg, modelConfig := guideConfig(), NewDefaultModelConfig()
		cfg.SourceID = ""
		changeJudge(cfg)
		changeModel(&modelConfig)
		model, err := NewModel("m", &modelConfig, componenttest.NewNopTelemetrySettings())
		require.NoError(t, err)
		judge, err := New("j", configFor("m", cfg), only(model), retryConfig(), componenttest.NewNopTelemetrySettings())
		require.NoError(t, err)
		return judge
	}
	sameJudge, sameModel := func(*Config) {}, func(*ModelConfig) {}
	base := of(sameJudge, sameModel)
	assert.Regexp(t, "^[0-9a-f]{32}$", base.Fingerprint())
	assert.Equal(t, "j@"+base.Fingerprint()[:8], base.SourceID())
	for name, other := range map[string]*Judge{
		"nothing":       of(sameJudge, sameModel),
		"sampling":      of(func(c *Config) { c.Sampling[0].Rate = 0.1 }, sameModel),
		"source id":     of(func(c *Config) { c.SourceID = "x" }, sameModel),
		"endpoint":      of(sameJudge, func(m *ModelConfig) { m.ClientConfig.Endpoint = "http://localhost/v1" }),
		"price and key": of(sameJudge, func(m *ModelConfig) { m.APIKey, m.Price.Input = "k", 1 }),
	} {
		assert.Equal(t, base.Fingerprint(), other.Fingerprint(), name)
	}
	for name, other := range map[string]*Judge{
		"prompt":     of(func(c *Config) { c.Prompt += "!" }, sameModel),
		"output":     of(func(c *Config) { c.Output["description"] = "x" }, sameModel),
		"input":      of(func(c *Config) { c.MaxInput = 1024 }, sameModel),
		"model":      of(sameJudge, func(m *ModelConfig) { m.Model = "gpt-5" }),
		"parameters": of(sameJudge, func(m *ModelConfig) { m.Parameters = map[string]any{"temperature": 1} }),
	} {
		assert.NotEqual(t, base.Fingerprint(), other.Fingerprint(), name)
	}
}
