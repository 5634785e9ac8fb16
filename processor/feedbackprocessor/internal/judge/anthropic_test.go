package judge

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configretry"
)

// messageServer answers every call with the same body.
func messageServer(body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
}

const goodMessage = `{"type":"message","stop_reason":"end_turn","content":[
	{"type":"thinking","thinking":"hm"},{"type":"text","text":"{\"helpfulness\": 0.9, \"accuracy\": 1, "},{"type":"text","text":"\"rationale\": \"Right.\"}"}],
	"usage":{"input_tokens":10,"cache_read_input_tokens":60,"cache_creation_input_tokens":30,"output_tokens":20,"output_tokens_details":{"thinking_tokens":5}}}`

func TestAnthropicVerdict(t *testing.T) {
	s := newSetup(t, messageServer(goodMessage), guideConfig(), func(m *ModelConfig, _ *configretry.BackOffConfig) {
		ofAnthropic(m)
		m.ClientConfig.Endpoint += "/gateway?tenant=a"
		m.APIKey = testKey
		m.Price = PriceConfig{Input: 3, Output: 15}
		m.Parameters = map[string]any{"temperature": 0, "output_config": map[string]any{"effort": "low"}}
	})
	result, err := s.judge.Judge(t.Context(), guideInput)
	require.NoError(t, err)
	require.Nil(t, result.Error)
	assert.JSONEq(t, `{"helpfulness":0.9,"accuracy":1,"rationale":"Right."}`, string(result.Value))
	assert.Equal(t, []ModelUsage{{Model: "gpt-4", Calls: 1, InputTokens: 100, CachedTokens: 60, OutputTokens: 20, ReasoningTokens: 5, Cost: 0.0006}}, result.Usage)
	assert.Equal(t, map[string]string{
		"model": "gpt-4", "latency_ms": "0", "cached_tokens": "60", "reasoning_tokens": "5",
		"mlflow.assessment.judgeInputTokens": "100", "mlflow.assessment.judgeOutputTokens": "20", "mlflow.assessment.judgeCost": "0.0006",
	}, result.Metadata)

	requests := s.requests()
	require.Len(t, requests, 1)
	raw := requests[0].raw
	assert.Equal(t, "/gateway/v1/messages?tenant=a", requests[0].target)
	assert.Equal(t, testKey, requests[0].header.Get("X-Api-Key"))
	assert.Equal(t, "2023-06-01", requests[0].header.Get("Anthropic-Version"))
	assert.NotContains(t, requests[0].header, "Authorization")
	assert.JSONEq(t, `"gpt-4"`, string(raw["model"]))
	assert.JSONEq(t, `0`, string(raw["temperature"]))
	assert.JSONEq(t, `1024`, string(raw["max_tokens"]))
	assert.Len(t, raw, 6, "nothing that is not configured is sent")
	// What Anthropic's structured outputs do not take, such as ranges, is left to the check of the answer.
	assert.JSONEq(t, `{"effort":"low","format":{"type":"json_schema","schema":{"type":"object","additionalProperties":false,
		"required":["accuracy","helpfulness","rationale"],
		"properties":{"accuracy":{"type":"number"},"helpfulness":{"type":"number"},"rationale":{"type":"string"}}}}}`, string(raw["output_config"]))
	assert.NotContains(t, requests[0].System, "payload")
}

func TestAnthropicFormats(t *testing.T) {
	open := guideConfig()
	open.Output, open.PassWhen = map[string]any{"type": "object"}, ""
	for _, tt := range []struct {
		name, model string
		cfg         *Config
		// formats are those of two judgements, one after the other.
		formats []string
	}{
		{"nothing is refused", "standin", guideConfig(), []string{"format", "format"}},
		{"thinks before it answers", "standin-reasoning", guideConfig(), []string{"format", "format"}},
		{"no structured outputs", "standin-no-schema", guideConfig(), []string{"format", "tool", "tool"}},
		{"no tools either", "standin-no-json", guideConfig(), []string{"format", "tool", "", ""}},
		{"not this schema", "standin-no-this-schema", guideConfig(), []string{"format", "tool", "tool"}},
		{"an open object is no structured output", "standin", open, []string{"tool", "tool"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, _ := standin(t, tt.model, tt.cfg, func(m *ModelConfig, _ *configretry.BackOffConfig) { ofAnthropic(m) })
			for range 2 {
				result, err := s.judge.Judge(t.Context(), guideInput)
				require.NoError(t, err)
				require.Nil(t, result.Error)
			}
			assert.Equal(t, tt.formats, askedAnthropic(t, s.requests()))
		})
	}
}

// askedAnthropic is how requests asked for the answer.
func askedAnthropic(t *testing.T, requests []sentRequest) (formats []string) {
	t.Helper()
	for _, request := range requests {
		format := ""
		if _, ok := request.raw["output_config"]; ok {
			format = "format"
		}
		if raw, ok := request.raw["tools"]; ok {
			format += "tool"
			var tools []struct {
				Name        string
				InputSchema map[string]any `json:"input_schema"`
			}
			require.NoError(t, json.Unmarshal(raw, &tools))
			require.Len(t, tools, 1)
			assert.Equal(t, "object", tools[0].InputSchema["type"])
			assert.JSONEq(t, `{"type":"tool","name":"llm_judge_evaluation"}`, string(request.raw["tool_choice"]))
		}
		formats = append(formats, format)
	}
	return formats
}

func TestAnthropicKnowledgeOfOneJudgeIsItsOwn(t *testing.T) {
	open := guideConfig()
	open.Output, open.PassWhen = map[string]any{"type": "object"}, ""
	s, _ := standin(t, "standin", open, func(m *ModelConfig, _ *configretry.BackOffConfig) { ofAnthropic(m) })
	other, err := New("llm_judge_evaluation", boolConfig(), only(s.model), retryConfig(), componenttest.NewNopTelemetrySettings(), WithClock(newFakeClock()))
	require.NoError(t, err)
	for _, judge := range []*Judge{s.judge, other} {
		result, err := judge.Judge(t.Context(), guideInput)
		require.NoError(t, err)
		require.Nil(t, result.Error)
	}
	assert.Equal(t, []string{"tool", "format"}, askedAnthropic(t, s.requests()))
}

func TestAnthropicResponses(t *testing.T) {
	for _, tt := range []struct{ name, body, class, message string }{
		{"not JSON", `payload`, ErrorTypeInvalidResponse, "is not a message"},
		{"a chat completion", `{"choices":[]}`, ErrorTypeInvalidResponse, "is not a message"},
		{"nothing", `{"type":"message","content":[],"stop_reason":"end_turn"}`, ErrorTypeEmptyAnswer, "the answer is empty"},
		{"full context", `{"type":"message","content":[],"stop_reason":"model_context_window_exceeded"}`, ErrorTypeTruncatedAnswer, "lower `max_input`"},
		{"refusal", `{"type":"message","content":null,"stop_reason":"refusal","usage":{"input_tokens":-5,"output_tokens":9223372036854775807}}`, ErrorTypeRefused, "refused to evaluate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSetup(t, messageServer(tt.body), guideConfig(), func(m *ModelConfig, _ *configretry.BackOffConfig) { ofAnthropic(m) })
			result, err := s.judge.Judge(t.Context(), guideInput)
			require.NoError(t, err)
			requireFailed(t, result, tt.class, tt.message)
			assert.GreaterOrEqual(t, result.OutputTokens, int64(0))
			assert.LessOrEqual(t, result.OutputTokens, int64(maxTokens))
		})
	}
}

func TestAnthropicRefusal(t *testing.T) {
	for _, tt := range []struct {
		words  string
		format format
		want   refusal
	}{
		{"output_config.format.schema: for 'number' type, properties maximum, minimum are not supported", formatSchema, refusalThisSchema},
		{"output_config: extra inputs are not permitted", formatSchema, refusalFormat},
		{"this model does not support structured outputs", formatSchema, refusalFormat},
		{"output_config.effort: 'max' is not supported", formatSchema, refusalNone},
		{"prompt is too long: 210000 tokens > 200000 maximum", formatSchema, refusalNone},
		{"thinking may not be enabled when tool_choice forces tool use.", formatTool, refusalFormat},
		{"tools.0.custom.input_schema: json schema is invalid", formatTool, refusalThisSchema},
		{"output_config: extra inputs are not permitted", formatText, refusalNone},
	} {
		assert.Equal(t, tt.want, anthropicRefusal(tt.words, features{format: tt.format}), tt.words)
	}
}

// TestAzure has the key in a header of the configuration, and the version in the query of the endpoint.
func TestAzure(t *testing.T) {
	s := newSetup(t, completionServer(`{"rationale": "", "value": true}`), boolConfig(), func(m *ModelConfig, _ *configretry.BackOffConfig) {
		m.ClientConfig.Endpoint = strings.TrimSuffix(m.ClientConfig.Endpoint, "/v1") + "/openai/deployments/judge?api-version=2024-10-21"
		m.ClientConfig.Headers.Set("api-key", testKey)
	})
	result, err := s.judge.Judge(t.Context(), guideInput)
	require.NoError(t, err)
	require.Nil(t, result.Error)
	assert.Equal(t, "/openai/deployments/judge/chat/completions?api-version=2024-10-21", s.requests()[0].target)
	assert.Equal(t, testKey, s.requests()[0].header.Get("Api-Key"))
	assert.NotContains(t, s.requests()[0].header, "Authorization")
}

func TestWordsOfErrors(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		body   string
		class  string
	}{
		{"OpenAI", 429, `{"error":{"code":"insufficient_quota","message":"payload"}}`, ErrorTypeQuotaExceeded},
		{"spend limit", 429, `{"type":"error","error":{"type":"rate_limit_error","details":{"error_code":"enforced_spend_limit_reached"}}}`, ErrorTypeQuotaExceeded},
		{"no credit", 400, `{"error":{"message":"Your credit balance is too low to access the Anthropic API."}}`, ErrorTypeQuotaExceeded},
		{"billing", 402, `{}`, ErrorTypeQuotaExceeded},
		{"content filter of Azure", 400, `{"error":{"code":"content_filter","innererror":{"code":"ResponsibleAIPolicyViolation"},"message":"payload json_schema"}}`, ErrorTypeRefused},
		{"a bad request", 400, `{"error":{"message":"payload"}}`, ErrorTypeBadRequest},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSetup(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.body))
			}), guideConfig(), nil)
			result, err := s.judge.Judge(t.Context(), guideInput)
			require.NoError(t, err)
			requireFailed(t, result, tt.class, "")
			assert.Equal(t, 1, result.Attempts)
		})
	}
}
