package judge

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configretry"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

const testKey = "sk-sekret-123"

// TestEveryFailureIsOneResult has every way in which a judgement can fail.
func TestEveryFailureIsOneResult(t *testing.T) {
	for _, tt := range []struct {
		name, model string
		class       string
		message     string
		// calls is the number of requests that the server must have seen.
		calls int64
		cfg   *Config
	}{
		{name: "401", model: "standin-401", class: ErrorTypeUnauthorized, message: "refused the credentials (HTTP 401)", calls: 1},
		{name: "403", model: "standin-403", class: ErrorTypeForbidden, message: "HTTP 403", calls: 1},
		{name: "404", model: "standin-404", class: ErrorTypeNotFound, message: "knows no such model", calls: 1},
		{name: "400", model: "standin-400", class: ErrorTypeBadRequest, message: "HTTP 400", calls: 1},
		{name: "redirect", model: "standin-redirect", class: ErrorTypeRedirected, message: "HTTP 307", calls: 1},
		{name: "quota used up", model: "standin-quota", class: ErrorTypeQuotaExceeded, message: "quota", calls: 1},
		// Waits of 1, 1.5, 2.25, … 30 s: the eighth would end after a minute.
		{name: "429 for ever", model: "standin-429", class: ErrorTypeRateLimited, message: "limits the rate of calls (HTTP 429) (9 calls)", calls: 9},
		{name: "408 for ever", model: "standin-408", class: ErrorTypeTimeout, message: "HTTP 408", calls: 9},
		{name: "500 for ever", model: "standin-500", class: ErrorTypeServerError, message: "failed (HTTP 500)", calls: 9},
		{name: "503 for ever", model: "standin-503", class: ErrorTypeServerError, message: "failed (HTTP 503)", calls: 9},
		{name: "504 for ever", model: "standin-504", class: ErrorTypeServerError, message: "failed (HTTP 504)", calls: 9},
		{name: "529 for ever", model: "standin-529", class: ErrorTypeServerError, message: "is overloaded (HTTP 529)", calls: 9},
		{name: "connection dropped", model: "standin-drop", class: ErrorTypeConnection, message: "failed before a response", calls: 9},
		{name: "not JSON", model: "standin-garbage", class: ErrorTypeInvalidAnswer, message: "the answer is not a JSON object", calls: 1},
		{name: "HTML of a gateway", model: "standin-html", class: ErrorTypeInvalidResponse, message: "; check `endpoint`", calls: 1},
		{name: "wrong schema", model: "standin-wrong-schema", class: ErrorTypeInvalidAnswer, message: "the answer", calls: 1},
		{name: "wrong schema, wrapped", model: "standin-wrong-schema", class: ErrorTypeInvalidAnswer, message: "the answer", calls: 1, cfg: boolConfig()},
		{name: "number out of range", model: "standin-out-of-range", class: ErrorTypeInvalidAnswer, message: "is above the maximum of 1", calls: 1},
		{name: "10 MB answer", model: "standin-huge", class: ErrorTypeResponseTooLarge, message: "larger than 1 MiB", calls: 1},
		{name: "empty answer", model: "standin-empty", class: ErrorTypeEmptyAnswer, message: "the answer is empty", calls: 1},
		{name: "cut answer", model: "standin-cut", class: ErrorTypeTruncatedAnswer, message: "raise `max_output_tokens`", calls: 1},
		{name: "content filter", model: "standin-filtered", class: ErrorTypeRefused, message: "", calls: 1},
		{name: "refusal", model: "standin-refusal", class: ErrorTypeRefused, message: "refused to evaluate", calls: 1},
	} {
		for _, provider := range []string{ProviderOpenAI, ProviderAnthropic} {
			t.Run(provider+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				cfg := tt.cfg
				if cfg == nil {
					cfg = guideConfig()
				}
				s, server := standin(t, tt.model, cfg, func(m *ModelConfig, _ *configretry.BackOffConfig) {
					m.APIKey = testKey
					if provider == ProviderAnthropic {
						ofAnthropic(m)
					}
				})
				result, err := s.judge.Judge(t.Context(), guideInput)
				require.NoError(t, err)
				requireFailed(t, result, tt.class, tt.message)
				assert.Equal(t, tt.calls, server.Stats().Calls)
				assert.Equal(t, int(tt.calls), result.Attempts)
			})
		}
	}
}

// requireFailed checks that a result is one error that shows nothing it must not.
func requireFailed(t *testing.T, result Result, class, message string) {
	t.Helper()
	require.NotNil(t, result.Error, "%+v", result)
	assert.Equal(t, assessment.ErrorCodeEvaluationFailed, result.Error.Code)
	assert.Equal(t, class, result.Error.Type)
	assert.Contains(t, result.Error.Message, message)
	assert.Contains(t, result.Error.Message, `model "gpt-4": `)
	assert.Less(t, len(result.Error.Message), 300)
	for _, secret := range []string{testKey, "payload", "echo", "Paris", "sekret"} {
		assert.NotContains(t, result.Error.Message, secret)
	}
	assert.Empty(t, result.Value)
	assert.Empty(t, result.Rationale)
	assert.Equal(t, assessment.VerdictNone, result.Verdict)
	assert.Equal(t, "gpt-4", result.Metadata[assessment.MetadataModel])
}

func TestConnectionRefused(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	cfg := NewDefaultModelConfig()
	cfg.ClientConfig.Endpoint = "http://" + listener.Addr().String()
	cfg.APIKey = testKey
	s := newJudge(t, guideConfig(), &cfg, retryConfig())
	result, err := s.judge.Judge(t.Context(), guideInput)
	require.NoError(t, err)
	requireFailed(t, result, ErrorTypeConnection, "connection refused")
	assert.Equal(t, 9, result.Attempts)
}

func TestHang(t *testing.T) {
	s, _ := standin(t, "standin-hang", guideConfig(), func(m *ModelConfig, retry *configretry.BackOffConfig) {
		m.ClientConfig.Timeout = 20 * time.Millisecond
		retry.MaxElapsedTime = 2 * time.Second
		retry.MaxInterval = 2 * time.Second
	})
	result, err := s.judge.Judge(t.Context(), guideInput)
	require.NoError(t, err)
	requireFailed(t, result, ErrorTypeTimeout, "no complete response from 127.0.0.1:")
	assert.Equal(t, 2, result.Attempts)
}

func TestUntrustedCertificate(t *testing.T) {
	server := httptest.NewUnstartedServer(completionServer("{}"))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of our handshake
	server.StartTLS()
	defer server.Close()
	cfg := NewDefaultModelConfig()
	cfg.ClientConfig.Endpoint = server.URL
	s := newJudge(t, guideConfig(), &cfg, retryConfig())
	result, err := s.judge.Judge(t.Context(), guideInput)
	require.NoError(t, err)
	requireFailed(t, result, ErrorTypeConnection, "is not trusted; see `tls`")
	assert.Equal(t, 1, result.Attempts, "a retry cannot cure it")
}

func TestRetriesKeepRetryAfter(t *testing.T) {
	s, server := standin(t, "standin-flaky", guideConfig(), func(_ *ModelConfig, retry *configretry.BackOffConfig) {
		retry.InitialInterval = 100 * time.Millisecond
	})
	result, err := s.judge.Judge(t.Context(), guideInput)
	require.NoError(t, err)
	require.Nil(t, result.Error)
	assert.Equal(t, 3, result.Attempts)
	assert.Equal(t, []time.Duration{time.Second, time.Second}, s.clock.waits, "the server's Retry-After is longer than the back-off")
	assert.Equal(t, 2*time.Second, result.Duration)
	assert.Equal(t, "2000", result.Metadata[assessment.MetadataLatencyMillis])
	assert.Equal(t, int64(3), server.Stats().Calls)
}

func TestRetryAfterBeyondTheEndIsNotAwaited(t *testing.T) {
	for _, tt := range []struct {
		name, header string
	}{
		{"seconds", "3600"},
		{"date", "Fri, 02 Jan 2026 04:04:05 GMT"},
		{"nonsense of a hostile server", "1e308"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSetup(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", tt.header)
				w.WriteHeader(http.StatusTooManyRequests)
			}), guideConfig(), nil)
			result, err := s.judge.Judge(t.Context(), guideInput)
			require.NoError(t, err)
			requireFailed(t, result, ErrorTypeRateLimited, "(1 call)")
			assert.Empty(t, s.clock.waits)
		})
	}
}

func TestNoRetryWhenDisabled(t *testing.T) {
	s, _ := standin(t, "standin-500", guideConfig(), func(_ *ModelConfig, retry *configretry.BackOffConfig) { retry.Enabled = false })
	result, err := s.judge.Judge(t.Context(), guideInput)
	require.NoError(t, err)
	requireFailed(t, result, ErrorTypeServerError, "(1 call)")
}

func TestCancelledIsNoResult(t *testing.T) {
	t.Run("before the call", func(t *testing.T) {
		s, server := standin(t, "standin", guideConfig(), nil)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		result, err := s.judge.Judge(ctx, guideInput)
		require.ErrorIs(t, err, context.Canceled)
		assert.Zero(t, result)
		assert.Zero(t, server.Stats().Calls)
	})
	t.Run("during the call", func(t *testing.T) {
		s, server := standin(t, "standin-hang", guideConfig(), nil)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := s.judge.Judge(ctx, guideInput)
			done <- err
		}()
		require.Eventually(t, func() bool { return server.Stats().InFlight == 1 }, 10*time.Second, time.Millisecond)
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
	})
	t.Run("during a wait", func(t *testing.T) {
		s, _ := standin(t, "standin-500", guideConfig(), nil)
		ctx, cancel := context.WithCancel(t.Context())
		s.clock.onWait = cancel
		_, err := s.judge.Judge(ctx, guideInput)
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestPanicIsAResult(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	set := componenttest.NewNopTelemetrySettings()
	set.Logger = zap.New(core)
	cfg := NewDefaultModelConfig()
	model, err := NewModel("gpt-4", &cfg, set)
	require.NoError(t, err)
	require.NoError(t, model.Start(t.Context(), componenttest.NewNopHost()))
	judge, err := New("j", guideConfig(), only(model), retryConfig(), set)
	require.NoError(t, err)
	model.provider = nil // any fault of the code will do
	result, err := judge.Judge(t.Context(), guideInput)
	require.NoError(t, err)
	requireFailed(t, result, ErrorTypeInternal, "failed internally")
	require.Equal(t, 1, logs.Len())
	assert.NotContains(t, logs.All()[0].ContextMap()["stack"], "payload")
}

func TestNotStartedIsAResult(t *testing.T) {
	cfg := NewDefaultModelConfig()
	set := componenttest.NewNopTelemetrySettings()
	model, err := NewModel("gpt-4", &cfg, set)
	require.NoError(t, err)
	judge, err := New("j", guideConfig(), only(model), retryConfig(), set)
	require.NoError(t, err)
	result, err := judge.Judge(t.Context(), guideInput)
	require.NoError(t, err)
	requireFailed(t, result, ErrorTypeInternal, "before it was started")
	model.Shutdown()
}

func TestVerdictOfTheGuide(t *testing.T) {
	const text = `{"helpfulness": 0.9, "accuracy": 1.0, "rationale": "Correct & to the point."}`
	s := newSetup(t, completionServer(text), guideConfig(), func(m *ModelConfig, _ *configretry.BackOffConfig) {
		m.Price = PriceConfig{Input: 2.5, Output: 10}
		m.APIKey = testKey
		m.Parameters = map[string]any{"temperature": 0}
		m.ClientConfig.Headers.Set("X-Team", configopaque.String("a"))
	})
	result, err := s.judge.Judge(t.Context(), guideInput)
	require.NoError(t, err)
	assert.Equal(t, Result{
		Value:     `{"helpfulness":0.9,"accuracy":1.0,"rationale":"Correct & to the point."}`,
		Verdict:   assessment.VerdictPassed,
		Rationale: "Correct & to the point.",
		Metadata: map[string]string{
			"model": "gpt-4", "latency_ms": "0",
			"mlflow.assessment.judgeInputTokens": "100", "mlflow.assessment.judgeOutputTokens": "10", "mlflow.assessment.judgeCost": "0.00035",
			"cached_tokens": "60", "reasoning_tokens": "4",
		},
		Attempts: 1, Model: "gpt-4", InputTokens: 100, CachedTokens: 60, OutputTokens: 10, ReasoningTokens: 4, Cost: 0.00035,
		Usage: []ModelUsage{{Model: "gpt-4", Calls: 1, InputTokens: 100, CachedTokens: 60, OutputTokens: 10, ReasoningTokens: 4, Cost: 0.00035}},
	}, result)

	requests := s.requests()
	require.Len(t, requests, 1)
	raw := requests[0].raw
	assert.JSONEq(t, `"gpt-4"`, string(raw["model"]), "the key is the provider's name unless one is set")
	assert.JSONEq(t, `0`, string(raw["temperature"]))
	assert.JSONEq(t, `1024`, string(raw["max_completion_tokens"]))
	assert.Len(t, raw, 5, "nothing that is not configured is sent")
	assert.JSONEq(t, `{"type":"json_schema","json_schema":{"name":"llm_judge_evaluation","strict":true,"schema":{
		"type":"object","additionalProperties":false,"required":["accuracy","helpfulness","rationale"],"properties":{
			"accuracy":{"type":"number","minimum":0,"maximum":1},"helpfulness":{"type":"number","minimum":0,"maximum":1},
			"rationale":{"type":"string"}}}}}`, string(raw["response_format"]))
	assert.Equal(t, "Bearer "+testKey, requests[0].header.Get("Authorization"))
	assert.Equal(t, "a", requests[0].header.Get("X-Team"))
}

func TestWrappedVerdict(t *testing.T) {
	s := newSetup(t, completionServer(`{"rationale": "No sources.", "value": false}`), boolConfig(), nil)
	result, err := s.judge.Judge(t.Context(), guideInput)
	require.NoError(t, err)
	require.Nil(t, result.Error)
	assert.Equal(t, assessment.False, result.Value)
	assert.Equal(t, "No sources.", result.Rationale)
	assert.Equal(t, assessment.VerdictFailed, result.Verdict)
	assert.NotContains(t, result.Metadata, assessment.MetadataJudgeCost, "no price, no cost")
	assert.NotContains(t, s.requests()[0].header, "Authorization")
}

func TestTruncatedInputIsSaid(t *testing.T) {
	cfg := guideConfig()
	cfg.MaxInput = 300
	s, _ := standin(t, "standin", cfg, nil)
	in := guideInput
	in.Answer = strings.Repeat("long ", 2_000)
	result, err := s.judge.Judge(t.Context(), in)
	require.NoError(t, err)
	require.Nil(t, result.Error)
	assert.Equal(t, "true", result.Metadata[MetadataInputTruncated])
	assert.Less(t, len(s.requests()[0].User), 1500)
	assert.Contains(t, s.requests()[0].User, cutMark)
}

func TestConcurrentJudgements(t *testing.T) {
	s, server := standin(t, "standin-no-schema", guideConfig(), nil)
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for range 10 {
				result, err := s.judge.Judge(t.Context(), guideInput)
				assert.NoError(t, err)
				assert.Nil(t, result.Error)
			}
		})
	}
	group.Wait()
	assert.Equal(t, int64(160), server.Stats().Answered)
}
