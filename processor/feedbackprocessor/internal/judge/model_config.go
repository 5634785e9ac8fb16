package judge

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"time"

	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/confkeys"
)

// The providers of models.
const (
	// ProviderOpenAI is OpenAI's chat completions, which most model servers speak too.
	ProviderOpenAI = "openai"
	// ProviderAnthropic is Anthropic's messages API.
	ProviderAnthropic = "anthropic"
)

// defaultMaxOutputTokens is also what a call is taken to need where nothing bounds it.
const defaultMaxOutputTokens = 1024

// defaultEndpoints are the endpoints of the providers themselves.
var defaultEndpoints = map[string]string{
	ProviderOpenAI:    "https://api.openai.com/v1",
	ProviderAnthropic: "https://api.anthropic.com",
}

// ModelConfig is one language model, an entry of `models`; the entry's key is its name in metrics and results.
type ModelConfig struct {
	// Provider is the API that the endpoint speaks: `openai`, the default, for OpenAI, Azure, vLLM, Ollama, LiteLLM, MLflow's
	// gateway and others that have chat completions, or `anthropic`.
	Provider string `mapstructure:"provider"`
	// Model is the model's name as the provider calls it. Default: the entry's key.
	Model string `mapstructure:"model"`
	// ClientConfig has the keys of the collector's HTTP client. `endpoint` is the base URL, whose query is kept: to its
	// path `/chat/completions` is added, default https://api.openai.com/v1, or for anthropic `/v1/messages`, default
	// https://api.anthropic.com. `timeout` bounds one call, default 30s. Azure's is the deployment with its version,
	// https://<resource>.openai.azure.com/openai/deployments/<deployment>?api-version=<version>, with the key in
	// `headers: {api-key: …}`.
	ClientConfig confighttp.ClientConfig `mapstructure:",squash"`
	// APIKey is sent as a bearer token, for anthropic as x-api-key. Default none, for servers that take none or have
	// `auth` or `headers`.
	APIKey configopaque.String `mapstructure:"api_key"`
	// Parameters are passed through in each request, such as {temperature: 0}. Default none.
	Parameters map[string]any `mapstructure:"parameters"`
	// MaxOutputTokens bounds what the model may write, its reasoning included. Default 1024; 0 sends no bound, which
	// anthropic does not take.
	MaxOutputTokens int64 `mapstructure:"max_output_tokens"`
	// MaxConcurrency bounds the calls that are under way at once, over all judges. Default 0: only the judges' workers do.
	MaxConcurrency int `mapstructure:"max_concurrency"`
	// RequestsPerMinute bounds the calls of this replica, over all judges, retries included; they are spread evenly.
	// Calls wait for their turn. Default 0: unbounded.
	RequestsPerMinute int `mapstructure:"requests_per_minute"`
	// Price turns tokens into cost. Default none: no cost is reported.
	Price PriceConfig `mapstructure:"price"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// PriceConfig is what a model costs.
type PriceConfig struct {
	// Input is USD per million tokens that the model reads, cached ones too. Default 0.
	Input float64 `mapstructure:"input"`
	// Output is USD per million tokens that the model writes, reasoning included. Default 0.
	Output float64 `mapstructure:"output"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var (
	_ confmap.Validator   = (*ModelConfig)(nil)
	_ confmap.Unmarshaler = (*ModelConfig)(nil)
	_ confmap.Validator   = (*PriceConfig)(nil)
	_ confmap.Unmarshaler = (*PriceConfig)(nil)
)

// NewDefaultModelConfig returns the configuration of a model of which nothing is written yet.
func NewDefaultModelConfig() ModelConfig {
	client := confighttp.NewDefaultClientConfig()
	client.Endpoint = defaultEndpoints[ProviderOpenAI]
	client.Timeout = 30 * time.Second
	return ModelConfig{Provider: ProviderOpenAI, ClientConfig: client, MaxOutputTokens: defaultMaxOutputTokens}
}

// Unmarshal implements confmap.Unmarshaler: entries of a map have no other way to their defaults.
func (c *ModelConfig) Unmarshal(conf *confmap.Conf) error {
	*c = NewDefaultModelConfig()
	if provider, ok := conf.Get("provider").(string); ok && defaultEndpoints[provider] != "" {
		c.ClientConfig.Endpoint = defaultEndpoints[provider]
	}
	if err := confkeys.Check[ModelConfig](conf); err != nil {
		return err
	}
	return conf.Unmarshal(c)
}

// Unmarshal implements confmap.Unmarshaler, for the reason above: it refuses unknown keys.
func (c *PriceConfig) Unmarshal(conf *confmap.Conf) error { return conf.Unmarshal(c) }

// reservedParameters are keys of a request that other keys of the configuration, or the judge itself, decide.
var reservedParameters = map[string][]string{
	ProviderOpenAI: {
		"model", "messages", "response_format", "max_tokens", "max_completion_tokens", "stream", "stream_options", "n",
		"tools", "tool_choice", "functions", "function_call",
	},
	ProviderAnthropic: {
		"model", "messages", "system", "max_tokens", "stream", "tools", "tool_choice", "output_format", "mcp_servers", "container",
	},
}

// Validate implements confmap.Validator.
func (c *ModelConfig) Validate() error {
	var errs []error
	if defaultEndpoints[c.Provider] == "" {
		errs = append(errs, fmt.Errorf("`provider` is %q: give %q or %q", c.Provider, ProviderOpenAI, ProviderAnthropic))
	}
	// The URL itself may hold a password, so no message quotes it.
	endpoint, err := url.Parse(c.ClientConfig.Endpoint)
	switch {
	case err != nil || endpoint.Host == "" || (endpoint.Scheme != "http" && endpoint.Scheme != "https"):
		errs = append(errs, errors.New("`endpoint` is not an http or https URL: give the API's base, such as https://api.openai.com/v1"))
	case endpoint.User != nil:
		errs = append(errs, errors.New("`endpoint` holds a user name or password: give credentials as `api_key`, `auth` or `headers`"))
	}
	if c.ClientConfig.Timeout <= 0 {
		errs = append(errs, fmt.Errorf("`timeout` is %s: a call needs an end, such as 30s", c.ClientConfig.Timeout))
	}
	if c.Provider == ProviderOpenAI && c.APIKey != "" && c.ClientConfig.Auth.HasValue() {
		errs = append(errs, errors.New("`api_key` and `auth` exclude each other: both set the Authorization header"))
	}
	if c.MaxOutputTokens < 0 {
		errs = append(errs, fmt.Errorf("`max_output_tokens` is %d: give a positive number, or 0 for no bound", c.MaxOutputTokens))
	}
	if c.MaxOutputTokens == 0 && c.Provider == ProviderAnthropic {
		errs = append(errs, fmt.Errorf("`max_output_tokens` is 0: provider %q needs a bound, such as %d", c.Provider, defaultMaxOutputTokens))
	}
	if c.MaxConcurrency < 0 {
		errs = append(errs, fmt.Errorf("`max_concurrency` is %d: give a positive number, or 0 for no bound", c.MaxConcurrency))
	}
	if c.RequestsPerMinute < 0 {
		errs = append(errs, fmt.Errorf("`requests_per_minute` is %d: give a positive number, or 0 for no bound", c.RequestsPerMinute))
	}
	return errors.Join(append(errs, c.validateParameters())...)
}

func (c *ModelConfig) validateParameters() error {
	var errs []error
	for _, key := range reservedParameters[c.Provider] {
		if _, ok := c.Parameters[key]; ok {
			errs = append(errs, fmt.Errorf("`parameters` has %q, which the judge sets itself: remove it, or use `max_output_tokens` for a bound", key))
		}
	}
	if config, ok := c.Parameters[outputConfig]; ok && c.Provider == ProviderAnthropic {
		shared, isMap := config.(map[string]any)
		if _, ok := shared["format"]; ok || !isMap {
			errs = append(errs, fmt.Errorf("`parameters` has a %q that is no map or has a `format`, which the judge sets itself: leave the other keys in it", outputConfig))
		}
	}
	if _, err := json.Marshal(c.Parameters); err != nil {
		errs = append(errs, errors.New("`parameters` cannot be written as JSON: give numbers, strings, booleans, lists and maps"))
	}
	return errors.Join(errs...)
}

// Validate implements confmap.Validator.
func (c *PriceConfig) Validate() error {
	for _, usd := range []float64{c.Input, c.Output} {
		if usd < 0 || math.IsNaN(usd) || math.IsInf(usd, 0) {
			return fmt.Errorf("`price` has %v: give USD per million tokens, such as {input: 2.5, output: 10}", usd)
		}
	}
	return nil
}

// Known reports whether the model has a price; without one no cost can be told.
func (c *PriceConfig) Known() bool { return c.Input > 0 || c.Output > 0 }

// cost is in USD. Cached input counts in full: what a provider takes off for it differs and changes.
func (c *PriceConfig) cost(tokens usage) float64 {
	return (float64(tokens.input)*c.Input + float64(tokens.output)*c.Output) / 1e6
}
