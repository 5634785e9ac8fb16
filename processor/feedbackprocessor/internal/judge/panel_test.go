package judge

import (
	"context"
	"encoding/json"
	"maps"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/test/standinllm"
)

// panel is a judge with the models a, b, c, …
type panel struct {
	judge  *Judge
	models map[string]*Model
	clock  *fakeClock
	server *standinllm.Handler
}

// newPanel makes a panel of models of the stand-in, by their behaviours; every second one has Anthropic's API.
func newPanel(t *testing.T, cfg *Config, behaviours []string, options ...Option) panel {
	t.Helper()
	p := panel{models: map[string]*Model{}, clock: newFakeClock(), server: standinllm.NewHandler(standinllm.Options{})}
	server := httptest.NewServer(p.server)
	t.Cleanup(server.Close)
	cfg.Model, cfg.Models = "", nil
	set := componenttest.NewNopTelemetrySettings()
	for i, behaviour := range behaviours {
		modelConfig := NewDefaultModelConfig()
		modelConfig.ClientConfig.Endpoint = server.URL + "/v1"
		modelConfig.Model, modelConfig.APIKey = "standin-"+behaviour, testKey
		modelConfig.Price = PriceConfig{Input: 1, Output: 2}
		if i%2 == 1 {
			ofAnthropic(&modelConfig)
		}
		key := string(rune('a' + i))
		model, err := NewModel(key, &modelConfig, set)
		require.NoError(t, err)
		require.NoError(t, model.Start(t.Context(), componenttest.NewNopHost()))
		t.Cleanup(model.Shutdown)
		p.models[key] = model
		cfg.Models = append(cfg.Models, key)
	}
	require.NoError(t, cfg.Validate())
	var err error
	p.judge, err = New("panel", cfg, p.models, retryConfig(), set, append([]Option{WithClock(p.clock)}, options...)...)
	require.NoError(t, err)
	return p
}

// records reads the metadata `votes`.
func records(t *testing.T, result Result) (votes []map[string]any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(result.Metadata[assessment.MetadataVotes]), &votes))
	return votes
}

func TestPanelWithoutAQuorum(t *testing.T) {
	for _, tt := range []struct {
		name       string
		behaviours []string
		quorum     int
		message    string
	}{
		{"two of three fail", []string{"good", "401", "garbage"}, 0, `1 of 3 models gave a valid vote, and ` + "`quorum`" + ` is 2 ("b": unauthorized, "c": invalid_answer)`},
		{"one of two fails", []string{"good", "500"}, 0, `is 2 ("b": server_error)`},
		{"all were asked for", []string{"good", "good", "cut"}, 3, `2 of 3 models gave a valid vote, and ` + "`quorum`" + ` is 3 ("c": answer_truncated)`},
		{"all fail", []string{"drop", "quota"}, 1, `0 of 2`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := boolConfig()
			cfg.Quorum = tt.quorum
			p := newPanel(t, cfg, tt.behaviours)
			result, err := p.judge.Judge(t.Context(), guideInput)
			require.NoError(t, err)
			require.NotNil(t, result.Error)
			assert.Equal(t, assessment.ErrorCodeEvaluationFailed, result.Error.Code)
			assert.Equal(t, ErrorTypeQuorum, result.Error.Type)
			assert.Contains(t, result.Error.Message, tt.message)
			assert.Empty(t, result.Value)
			assert.False(t, result.HasAgreement)
			assert.Len(t, records(t, result), len(tt.behaviours))
		})
	}
}

func TestPanelVerdict(t *testing.T) {
	p := newPanel(t, boolConfig(), []string{"good", "contrary", "fenced", "500"})
	result, err := p.judge.Judge(t.Context(), guideInput)
	require.NoError(t, err)
	require.Nil(t, result.Error)
	assert.Equal(t, assessment.True, result.Value)
	assert.Equal(t, assessment.VerdictPassed, result.Verdict)
	assert.Contains(t, result.Rationale, "Stand-in verdict")
	assert.True(t, result.HasAgreement)
	assert.InDelta(t, 2./3, result.Agreement, 1e-9)
	assert.Equal(t, "0.6667", result.Metadata[MetadataAgreement])
	assert.Equal(t, "a, b, c, d", result.Model)
	assert.Equal(t, "a, b, c, d", result.Metadata[assessment.MetadataModel])
	assert.Equal(t, "a, b, c, d", p.judge.Model())
	assert.Equal(t, []string{"a", "b", "c", "d"}, p.judge.Models())

	votes := records(t, result)
	require.Len(t, votes, 4)
	var input, output, calls, cost float64
	for i, want := range []struct {
		value any
		class any
	}{{true, nil}, {false, nil}, {true, nil}, {nil, "server_error"}} {
		assert.Equal(t, want.value, votes[i]["value"])
		assert.Equal(t, want.class, votes[i]["error"])
		assert.Contains(t, votes[i], "latency_ms")
		used := result.Usage[i]
		assert.Equal(t, used.Model, votes[i]["model"])
		assert.InDelta(t, used.InputTokens, votes[i]["input_tokens"], 0)
		assert.InDelta(t, used.OutputTokens, votes[i]["output_tokens"], 0)
		assert.InDelta(t, used.Cost, votes[i]["cost"], 1e-9)
		input, output = input+float64(used.InputTokens), output+float64(used.OutputTokens)
		calls, cost = calls+float64(used.Calls), cost+used.Cost
	}
	assert.InDelta(t, input, result.InputTokens, 0)
	assert.InDelta(t, output, result.OutputTokens, 0)
	assert.InDelta(t, calls, result.Attempts, 0)
	assert.InDelta(t, cost, result.Cost, 1e-9)
	assert.Contains(t, result.Metadata, assessment.MetadataJudgeCost)
	stats := p.server.Stats()
	assert.InDelta(t, stats.InputTokens, input, 0)
	assert.InDelta(t, stats.OutputTokens, output, 0)
}

func TestPanelOfObjects(t *testing.T) {
	p := newPanel(t, guideConfig(), []string{"good", "contrary", "good"})
	result, err := p.judge.Judge(t.Context(), guideInput)
	require.NoError(t, err)
	require.Nil(t, result.Error)
	var value map[string]any
	require.NoError(t, json.Unmarshal([]byte(result.Value), &value))
	assert.Equal(t, result.Rationale, value["rationale"])
	assert.Equal(t, assessment.VerdictPassed, result.Verdict, "of what the votes come to")
	for _, vote := range records(t, result) {
		assert.Len(t, vote["value"], 2, "without the rationale")
	}
}

// TestPanelPriceOfSome leaves a cost out that is not all of it.
func TestPanelPriceOfSome(t *testing.T) {
	p := newPanel(t, boolConfig(), []string{"good", "good"})
	p.models["b"].cfg.Price = PriceConfig{}
	result, err := p.judge.Judge(t.Context(), guideInput)
	require.NoError(t, err)
	assert.NotContains(t, result.Metadata, assessment.MetadataJudgeCost)
	assert.Positive(t, result.Usage[0].Cost)
	assert.NotContains(t, records(t, result)[1], "cost")
}

// blockingClock stands still: who waits on it waits until it is woken.
type blockingClock struct{ now time.Time }

func (c blockingClock) Now() time.Time { return c.now }

func (blockingClock) Wait(ctx context.Context, _ time.Duration) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestPanelDoesNotWaitForModelsThatAreDown(t *testing.T) {
	p := newPanel(t, boolConfig(), []string{"good", "good", "good"})
	p.judge.cfg.MaxAge = time.Hour
	openBreaker(t, p.models["b"].breaker, p.clock)
	p.judge.clock = blockingClock{p.clock.Now()}
	assert.False(t, p.judge.Paused())
	result, err := p.judge.Judge(t.Context(), guideInput)
	require.NoError(t, err)
	require.Nil(t, result.Error)
	assert.Equal(t, errorTypePaused, records(t, result)[1]["error"])
	assert.Zero(t, result.Usage[1].Calls)

	openBreaker(t, p.models["c"].breaker, p.clock)
	assert.True(t, p.judge.Paused(), "with two of three down there is no quorum")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := p.judge.Judge(ctx, guideInput)
		done <- err
	}()
	require.Eventually(t, func() bool { return p.server.Stats().Calls == 3 }, 10*time.Second, time.Millisecond)
	assert.Empty(t, done)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
}

func TestCancelledPanel(t *testing.T) {
	for _, tt := range []struct {
		name       string
		behaviours []string
		// answered is how many of them answer; the others hang.
		answered int
		wantErr  bool
	}{
		{"votes in hand are enough", []string{"good", "good", "hang"}, 2, false},
		{"too few votes in hand", []string{"good", "hang", "hang"}, 1, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			book := &ledger{t: t}
			p := newPanel(t, boolConfig(), tt.behaviours, WithBudget(book))
			ctx, cancel := context.WithCancel(t.Context())
			type ending struct {
				result Result
				err    error
			}
			done := make(chan ending, 1)
			go func() {
				result, err := p.judge.Judge(ctx, guideInput)
				done <- ending{result, err}
			}()
			require.Eventually(t, func() bool {
				book.mu.Lock()
				defer book.mu.Unlock()
				return len(book.spent) == tt.answered && len(book.needs) == len(tt.behaviours)
			}, 10*time.Second, time.Millisecond)
			cancel()
			end := <-done
			if tt.wantErr {
				require.ErrorIs(t, end.err, context.Canceled)
				return
			}
			require.NoError(t, end.err)
			assert.Equal(t, assessment.True, end.result.Value)
			assert.Equal(t, errorTypeCancelled, records(t, end.result)[2]["error"])
		})
	}
}

func TestPanicOfAMember(t *testing.T) {
	p := newPanel(t, boolConfig(), []string{"good", "good", "good"})
	p.models["b"].provider = nil
	result, err := p.judge.Judge(t.Context(), guideInput)
	require.NoError(t, err)
	require.Nil(t, result.Error)
	assert.Equal(t, ErrorTypeInternal, records(t, result)[1]["error"])
}

func TestPanelOfUnknownModels(t *testing.T) {
	cfg := boolConfig()
	cfg.Model, cfg.Models = "", []string{"a", "b"}
	_, err := New("panel", cfg, nil, retryConfig(), componenttest.NewNopTelemetrySettings())
	require.EqualError(t, err, "judge \"panel\": model \"a\" is not in `models`")
}

// TestLongVotesAreLeftOut has votes that are too long for a list that stands beside the value.
func TestLongVotesAreLeftOut(t *testing.T) {
	text := form(t, map[string]any{"type": "string"})
	long, err := json.Marshal(map[string]string{"rationale": "", "value": string(make([]byte, 2*maxVoteValue))})
	require.NoError(t, err)
	votes := votesOf(t, text, string(long), `{"rationale":"","value":"short"}`)
	for i := range votes {
		votes[i].model.cfg = &ModelConfig{}
	}
	var got []map[string]any
	require.NoError(t, json.Unmarshal([]byte(votesJSON(votes, text)), &got))
	assert.NotContains(t, got[0], "value")
	assert.Equal(t, "short", got[1]["value"])
}

func TestFingerprintOfPanels(t *testing.T) {
	of := func(change func(*Config, map[string]*ModelConfig)) string {
		cfg, configs := boolConfig(), map[string]*ModelConfig{}
		cfg.Model, cfg.Models = "", []string{"a", "b", "c"}
		for _, key := range []string{"a", "b", "c", "d"} {
			modelConfig := NewDefaultModelConfig()
			configs[key] = &modelConfig
		}
		change(cfg, configs)
		models := map[string]*Model{}
		for key := range maps.Keys(configs) {
			model, err := NewModel(key, configs[key], componenttest.NewNopTelemetrySettings())
			require.NoError(t, err)
			models[key] = model
		}
		judge, err := New("j", cfg, models, retryConfig(), componenttest.NewNopTelemetrySettings())
		require.NoError(t, err)
		return judge.Fingerprint()
	}
	same := func(*Config, map[string]*ModelConfig) {}
	base := of(same)
	assert.Equal(t, base, of(func(c *Config, _ map[string]*ModelConfig) { c.Quorum = 2 }), "the default is a majority")
	for name, change := range map[string]func(*Config, map[string]*ModelConfig){
		"quorum":     func(c *Config, _ map[string]*ModelConfig) { c.Quorum = 3 },
		"models":     func(c *Config, _ map[string]*ModelConfig) { c.Models[2] = "d" },
		"order":      func(c *Config, _ map[string]*ModelConfig) { c.Models[0], c.Models[1] = "b", "a" },
		"fewer":      func(c *Config, _ map[string]*ModelConfig) { c.Models = c.Models[:2] },
		"provider":   func(_ *Config, m map[string]*ModelConfig) { m["b"].Provider = ProviderAnthropic },
		"parameters": func(_ *Config, m map[string]*ModelConfig) { m["c"].Parameters = map[string]any{"seed": 1} },
	} {
		assert.NotEqual(t, base, of(change), name)
	}
}

// TestFingerprintOfOneModelStays: a verdict's version, and its default source id, must not change under who uses it.
func TestFingerprintOfOneModelStays(t *testing.T) {
	for scope, want := range map[assessment.Scope]string{
		assessment.ScopeSpan:  "db65176834c02b2cfc4f90a7eba59e66",
		assessment.ScopeTrace: "9bf03e29119d94a5ef4f42f7c9a06b19",
	} {
		cfg, modelConfig := configFor("m", guideConfig()), NewDefaultModelConfig()
		modelConfig.Parameters = map[string]any{"temperature": 0}
		cfg.Scope = scope
		model, err := NewModel("m", &modelConfig, componenttest.NewNopTelemetrySettings())
		require.NoError(t, err)
		judge, err := New("j", cfg, only(model), retryConfig(), componenttest.NewNopTelemetrySettings())
		require.NoError(t, err)
		assert.Equal(t, want, judge.Fingerprint())
	}
}
