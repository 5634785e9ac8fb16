package judge

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configauth"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/bytesize"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func TestConfigRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"no model", func(c *Config) { c.Model = "" }, "`model` is missing"},
		{"model and models", func(c *Config) { c.Models = []string{"a", "b"} }, "`model` and `models` exclude each other"},
		{"panel of one", func(c *Config) { c.Model, c.Models = "", []string{"a"} }, "`models` has one model, which is no panel: give `model: a`"},
		{"model twice", func(c *Config) { c.Model, c.Models = "", []string{"a", "b", "a"} }, "`models` has \"a\" twice"},
		{"empty key", func(c *Config) { c.Model, c.Models = "", []string{"a", ""} }, "`models` has an empty key"},
		{"quorum of no panel", func(c *Config) { c.Quorum = 1 }, "`quorum` is set, but there is no panel"},
		{"quorum too large", func(c *Config) { c.Model, c.Models, c.Quorum = "", []string{"a", "b"}, 3 }, "`quorum` is 3: give 1 to 2"},
		{"negative quorum", func(c *Config) { c.Model, c.Models, c.Quorum = "", []string{"a", "b"}, -1 }, "`quorum` is -1: give 1 to 2"},
		{"negative age", func(c *Config) { c.MaxAge = -1 }, "`max_age` is -1ns"},
		{"evaluator spans", func(c *Config) { c.Kinds = []genai.Kind{genai.KindEvaluator} }, "`kinds` has \"evaluator\": give any of [llm agent"},
		{"no kinds", func(c *Config) { c.Kinds = nil }, "`kinds` is empty"},
		{"input too small", func(c *Config) { c.MaxInput = 10 }, "`max_input` is 10: give a size from 256 to 4MiB"},
		{"input too large", func(c *Config) { c.MaxInput = 1 << 30 }, "`max_input` is 1GiB"},
		{"no sampling", func(c *Config) { c.Sampling = nil }, "`sampling` is missing"},
		{"no prompt", func(c *Config) { c.Prompt = "" }, "`prompt` is missing: give `prompt` or `prompt_file`"},
		{"two prompts", func(c *Config) { c.PromptFile = "x" }, "exclude each other"},
		{"bad prompt", func(c *Config) { c.Prompt = "{{.Nothing}}" }, "`prompt`: unknown field .Nothing"},
		{"no output", func(c *Config) { c.Output = nil }, "`output`: it is missing"},
		{"no schema", func(c *Config) { c.Output = map[string]any{"type": "numbr"} }, "`output`: it is not a JSON Schema"},
		{"remote schema", func(c *Config) { c.Output = map[string]any{"$ref": "https://example.com/s.json"} }, "only #/$defs/… can be referred to"},
		{"file schema", func(c *Config) { c.Output = map[string]any{"items": map[string]any{"$ref": "file:///etc/passwd"}} }, "only #/$defs/… can be referred to"},
		{"anchors", func(c *Config) { c.Output = map[string]any{"$id": "https://example.com/"} }, "it uses $id"},
		{"remote dialect", func(c *Config) { c.Output = map[string]any{"$schema": "https://example.com/d", "type": "number"} }, "remote schema"},
		{"bad condition", func(c *Config) { c.PassWhen = "value >=" }, "`pass_when`: "},
		{"other path", func(c *Config) { c.PassWhen = "attributes[\"x\"] == 1" }, "the only path here is value"},
		{"unknown key", func(c *Config) { c.PassWhen = `value["acc"] >= 0.5` }, "value has no key \"acc\": `output` has accuracy, helpfulness, rationale"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := guideConfig()
			tt.change(cfg)
			require.ErrorContains(t, cfg.Validate(), tt.want)
		})
	}
	panel := guideConfig()
	panel.Model, panel.Models, panel.Quorum = "", []string{"a", "b"}, 1
	require.NoError(t, panel.Validate())
	require.NoError(t, guideConfig().Validate())
	require.NoError(t, boolConfig().Validate())
}

func TestModelConfigRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*ModelConfig)
		want   string
	}{
		{"provider", func(c *ModelConfig) { c.Provider = "acme" }, "`provider` is \"acme\": give \"openai\" or \"anthropic\""},
		{"no URL", func(c *ModelConfig) { c.ClientConfig.Endpoint = "localhost:8000" }, "`endpoint` is not an http or https URL"},
		{"password in URL", func(c *ModelConfig) { c.ClientConfig.Endpoint = "https://me:sekret@example.com/v1" }, "`endpoint` holds a user name or password"},
		{"no timeout", func(c *ModelConfig) { c.ClientConfig.Timeout = 0 }, "`timeout` is 0s: a call needs an end"},
		{"two credentials", func(c *ModelConfig) {
			c.APIKey, c.ClientConfig.Auth = "sekret", configoptional.Some(configauth.Config{})
		}, "`api_key` and `auth` exclude each other"},
		{"reserved parameter", func(c *ModelConfig) { c.Parameters = map[string]any{"stream": true} }, "`parameters` has \"stream\""},
		{"parameter without JSON", func(c *ModelConfig) { c.Parameters = map[string]any{"x": map[any]any{1: 2}} }, "`parameters` cannot be written as JSON"},
		{"Anthropic's parameter", func(c *ModelConfig) {
			c.Provider, c.Parameters = ProviderAnthropic, map[string]any{"system": "x"}
		}, "`parameters` has \"system\""},
		{"Anthropic's format", func(c *ModelConfig) {
			c.Provider, c.Parameters = ProviderAnthropic, map[string]any{"output_config": map[string]any{"format": 1}}
		}, "`parameters` has a \"output_config\""},
		{"Anthropic's format, not a map", func(c *ModelConfig) {
			c.Provider, c.Parameters = ProviderAnthropic, map[string]any{"output_config": "x"}
		}, "`parameters` has a \"output_config\""},
		{"Anthropic without a bound", func(c *ModelConfig) { c.Provider, c.MaxOutputTokens = ProviderAnthropic, 0 }, "`max_output_tokens` is 0: provider \"anthropic\" needs a bound"},
		{"negative concurrency", func(c *ModelConfig) { c.MaxConcurrency = -1 }, "`max_concurrency` is -1"},
		{"negative rate", func(c *ModelConfig) { c.RequestsPerMinute = -1 }, "`requests_per_minute` is -1"},
		{"negative bound", func(c *ModelConfig) { c.MaxOutputTokens = -1 }, "`max_output_tokens` is -1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := NewDefaultModelConfig()
			tt.change(&cfg)
			err := cfg.Validate()
			require.ErrorContains(t, err, tt.want)
			assert.NotContains(t, err.Error(), "sekret")
		})
	}
	require.ErrorContains(t, (&PriceConfig{Input: -1}).Validate(), "`price` has -1")
}

// TestUnmarshalKeepsDefaults decodes as the processor does: entries of maps, of which only some keys are written.
func TestUnmarshalKeepsDefaults(t *testing.T) {
	var cfg struct {
		Models map[string]*ModelConfig `mapstructure:"models"`
		Judges map[string]*Config      `mapstructure:"judges"`
	}
	require.NoError(t, confmap.NewFromStringMap(map[string]any{
		"models": map[string]any{
			"short":  map[string]any{"api_key": "k"},
			"claude": map[string]any{"provider": "anthropic", "max_concurrency": 4, "requests_per_minute": 50, "parameters": map[string]any{"output_config": map[string]any{"effort": "low"}}},
			"proxy":  map[string]any{"provider": "anthropic", "endpoint": "http://localhost:4000"},
			"long": map[string]any{
				"model": "gpt-4", "endpoint": "http://localhost:1/v1", "timeout": "5s", "headers": map[string]any{"a": "b"},
				"parameters": map[string]any{"temperature": 0}, "max_output_tokens": 0, "price": map[string]any{"input": 2.5, "output": 10},
			},
		},
		"judges": map[string]any{
			"short": map[string]any{"model": "m"},
			"long":  map[string]any{"enabled": false, "kinds": []any{"agent"}, "max_input": "1MiB", "sampling": []any{map[string]any{"name": "x", "rate": 0.5}}},
			"plain": map[string]any{"max_input": 4096},
			"panel": map[string]any{"models": []any{"a", "b", "c"}, "quorum": 3, "max_age": "1h"},
		},
	}).Unmarshal(&cfg))

	short, long := cfg.Models["short"], cfg.Models["long"]
	assert.Equal(t, "https://api.openai.com/v1", short.ClientConfig.Endpoint)
	assert.Equal(t, 30*time.Second, short.ClientConfig.Timeout)
	assert.Equal(t, int64(1024), short.MaxOutputTokens)
	assert.Equal(t, "[REDACTED]", short.APIKey.String())
	assert.Equal(t, "http://localhost:1/v1", long.ClientConfig.Endpoint)
	assert.Equal(t, 5*time.Second, long.ClientConfig.Timeout)
	assert.Equal(t, int64(0), long.MaxOutputTokens)
	assert.Equal(t, map[string]any{"temperature": 0}, long.Parameters)
	assert.InDelta(t, 10, long.Price.Output, 0)
	require.NoError(t, confmap.Validate(long))

	claude := cfg.Models["claude"]
	require.NoError(t, confmap.Validate(claude))
	assert.Equal(t, "https://api.anthropic.com", claude.ClientConfig.Endpoint)
	assert.Equal(t, 4, claude.MaxConcurrency)
	assert.Equal(t, 50, claude.RequestsPerMinute)
	assert.Equal(t, "http://localhost:4000", cfg.Models["proxy"].ClientConfig.Endpoint)

	panel := cfg.Judges["panel"]
	assert.Equal(t, []string{"a", "b", "c"}, panel.ModelKeys())
	assert.Equal(t, 3, panel.quorum())
	assert.Equal(t, time.Hour, panel.MaxAge)
	panel.Quorum = 0
	assert.Equal(t, 2, panel.quorum(), "more than half")
	assert.Equal(t, 15*time.Minute, cfg.Judges["short"].MaxAge)
	assert.Equal(t, []string{"m"}, cfg.Judges["short"].ModelKeys())

	assert.True(t, cfg.Judges["short"].Enabled)
	assert.Equal(t, []genai.Kind{genai.KindLLM}, cfg.Judges["short"].Kinds)
	assert.Equal(t, 32*bytesize.KiB, cfg.Judges["short"].MaxInput)
	assert.False(t, cfg.Judges["long"].Enabled)
	assert.Equal(t, []genai.Kind{genai.KindAgent}, cfg.Judges["long"].Kinds)
	assert.Equal(t, bytesize.MiB, cfg.Judges["long"].MaxInput)
	assert.Equal(t, bytesize.Size(4096), cfg.Judges["plain"].MaxInput)
}

func TestUnmarshalRefusesUnknownKeys(t *testing.T) {
	var model ModelConfig
	require.ErrorContains(t, confmap.NewFromStringMap(map[string]any{"api_kee": "k"}).Unmarshal(&model), "api_kee")
	require.ErrorContains(t, confmap.NewFromStringMap(map[string]any{"price": map[string]any{"inputs": 1}}).Unmarshal(&model), "inputs")
	var judge Config
	require.ErrorContains(t, confmap.NewFromStringMap(map[string]any{"promt": "x"}).Unmarshal(&judge), "promt")
}
