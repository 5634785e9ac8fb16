package judge

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configretry"
	"go.uber.org/goleak"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/sampling"
	"github.com/otelcol-feedback/otelcol-feedback/test/standinllm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeClock moves only when somebody waits.
type fakeClock struct {
	mu    sync.Mutex
	now   time.Time
	waits []time.Duration
	// onWait, if set, is called before each wait.
	onWait func()
}

func newFakeClock() *fakeClock {
	return &fakeClock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) Wait(ctx context.Context, d time.Duration) error {
	if c.onWait != nil {
		c.onWait()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waits = append(c.waits, d)
	c.now = c.now.Add(d)
	return ctx.Err()
}

// guideConfig is the judge of MLflow's guide.
func guideConfig() *Config {
	return &Config{
		Enabled: true, SourceID: "gpt-4-evaluator", Model: "gpt-4", Scope: assessment.ScopeSpan, Kinds: []genai.Kind{genai.KindLLM}, MaxInput: 32 << 10,
		Prompt: "Evaluate the AI response for helpfulness and accuracy.\nUser Input: {{.Question}}\nAI Response: {{.Answer}}\n",
		Output: map[string]any{
			"type": "object",
			"properties": map[string]any{
				"helpfulness": map[string]any{"type": "number", "minimum": 0, "maximum": 1},
				"accuracy":    map[string]any{"type": "number", "minimum": 0, "maximum": 1},
				"rationale":   map[string]any{"type": "string"},
			},
		},
		PassWhen: `value["accuracy"] >= 0.5`,
		Sampling: []sampling.RuleConfig{{Name: "all", Rate: 1}},
	}
}

// boolConfig is a judge with a yes-or-no verdict.
func boolConfig() *Config {
	cfg := guideConfig()
	cfg.Output, cfg.PassWhen = map[string]any{"type": "boolean"}, ""
	return cfg
}

// configFor is a judge that asks another model.
func configFor(model string, cfg *Config) *Config {
	cfg.Model = model
	return cfg
}

func retryConfig() configretry.BackOffConfig {
	retry := configretry.NewDefaultBackOffConfig()
	retry.InitialInterval, retry.MaxElapsedTime, retry.RandomizationFactor = time.Second, time.Minute, 0
	return retry
}

// setup is a judge and what it talks to.
type setup struct {
	judge *Judge
	model *Model
	clock *fakeClock
	// requests are the bodies that the server got.
	requests func() []sentRequest
}

// sentRequest is a request as a server sees it.
type sentRequest struct {
	header http.Header
	// target is the path with its query.
	target string
	raw    map[string]json.RawMessage
	System string
	User   string
}

// newSetup starts a server and a judge that asks it.
func newSetup(t *testing.T, handler http.Handler, cfg *Config, change func(*ModelConfig, *configretry.BackOffConfig)) setup {
	t.Helper()
	var (
		mu       sync.Mutex
		requests []sentRequest
	)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			mu.Lock()
			request := readRequest(t, r.Header, body)
			request.target = r.URL.RequestURI()
			requests = append(requests, request)
			mu.Unlock()
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	modelConfig, retry := NewDefaultModelConfig(), retryConfig()
	modelConfig.ClientConfig.Endpoint = server.URL + "/v1"
	if change != nil {
		change(&modelConfig, &retry)
	}
	require.NoError(t, modelConfig.Validate())
	s := newJudge(t, cfg, &modelConfig, retry)
	s.requests = func() []sentRequest {
		mu.Lock()
		defer mu.Unlock()
		return append([]sentRequest(nil), requests...)
	}
	return s
}

func newJudge(t *testing.T, cfg *Config, modelConfig *ModelConfig, retry configretry.BackOffConfig) setup {
	t.Helper()
	require.NoError(t, cfg.Validate())
	set := componenttest.NewNopTelemetrySettings()
	model, err := NewModel("gpt-4", modelConfig, set)
	require.NoError(t, err)
	require.NoError(t, model.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(model.Shutdown)
	clock := newFakeClock()
	judge, err := New("llm_judge_evaluation", cfg, only(model), retry, set, WithClock(clock))
	require.NoError(t, err)
	return setup{judge: judge, model: model, clock: clock}
}

// only is the `models` of a configuration that has one.
func only(model *Model) map[string]*Model { return map[string]*Model{model.Key(): model} }

// standin is a setup on the stand-in with a behaviour.
func standin(t *testing.T, model string, cfg *Config, change func(*ModelConfig, *configretry.BackOffConfig)) (setup, *standinllm.Handler) {
	t.Helper()
	handler := standinllm.NewHandler(standinllm.Options{})
	return newSetup(t, handler, cfg, func(modelConfig *ModelConfig, retry *configretry.BackOffConfig) {
		modelConfig.Model = model
		if change != nil {
			change(modelConfig, retry)
		}
	}), handler
}

func readRequest(t *testing.T, header http.Header, body []byte) sentRequest {
	t.Helper()
	request := sentRequest{header: header}
	if json.Unmarshal(body, &request.raw) != nil {
		t.Errorf("the request is not JSON")
		return request
	}
	if _, ok := request.raw["system"]; ok {
		return readMessage(t, request)
	}
	var messages []struct{ Role, Content string }
	if json.Unmarshal(request.raw["messages"], &messages) != nil || len(messages) != 2 || messages[0].Role != "system" || messages[1].Role != "user" {
		t.Errorf("the messages are not one of the system and one of the user")
		return request
	}
	request.System, request.User = messages[0].Content, messages[1].Content
	return request
}

// readMessage reads a request of Anthropic's API.
func readMessage(t *testing.T, request sentRequest) sentRequest {
	t.Helper()
	var (
		system []struct {
			Text         string
			CacheControl map[string]string `json:"cache_control"`
		}
		messages []struct{ Role, Content string }
	)
	if json.Unmarshal(request.raw["system"], &system) != nil || len(system) != 1 || system[0].CacheControl["type"] != "ephemeral" {
		t.Errorf("the system message is not one block that is cached")
		return request
	}
	if json.Unmarshal(request.raw["messages"], &messages) != nil || len(messages) != 1 || messages[0].Role != "user" {
		t.Errorf("the messages are not one of the user")
		return request
	}
	request.System, request.User = system[0].Text, messages[0].Content
	return request
}

// ofAnthropic changes a model to Anthropic's API on the same server.
func ofAnthropic(cfg *ModelConfig) {
	cfg.Provider = ProviderAnthropic
	cfg.ClientConfig.Endpoint = strings.TrimSuffix(cfg.ClientConfig.Endpoint, "/v1")
}

// completionServer answers every call with the same text.
func completionServer(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{
			"choices": []any{map[string]any{"finish_reason": "stop", "message": map[string]any{"content": text}}},
			"usage": map[string]any{
				"prompt_tokens": 100, "completion_tokens": 10, "prompt_tokens_details": map[string]any{"cached_tokens": 60},
				"completion_tokens_details": map[string]any{"reasoning_tokens": 4},
			},
		})
	})
}

var guideInput = Input{
	TraceID: "0102030405060708090a0b0c0d0e0f10", SpanID: "0102030405060708",
	Question: "What is the capital of France? payload-of-question", Answer: "The capital of France is Paris. payload-of-answer",
}
