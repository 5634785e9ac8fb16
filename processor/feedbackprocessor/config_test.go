package feedbackprocessor

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/metadata"
)

// load decodes one of the configurations of testdata/config.yaml.
func load(t *testing.T, name string) *Config {
	t.Helper()
	conf, err := confmaptest.LoadConf(filepath.Join("testdata", "config.yaml"))
	require.NoError(t, err)
	id := component.NewIDWithName(metadata.Type, name)
	sub, err := conf.Sub(id.String())
	require.NoError(t, err)
	require.NotEmpty(t, sub.AllKeys(), id)
	config := createDefaultConfig().(*Config)
	require.NoError(t, sub.Unmarshal(config))
	return config
}

func TestInvalidConfigurations(t *testing.T) {
	tests := []struct {
		name string
		want []string
	}{
		{name: "error_mode", want: []string{"`error_mode` is \"propagate\": give ignore or silent"}},
		{name: "results", want: []string{"`results` is \"spans\": give events or logs"}},
		{name: "shutdown_timeout", want: []string{"`shutdown_timeout` is -1s: give 0 or a positive duration, such as 3s"}},
		{name: "queue", want: []string{
			"`judge_queue`: `block_on_overflow` is true: it would hold spans back, leave it out",
			"`wait_for_result` is true: it would hold spans back, leave it out",
			"`batch` is set: judgements are made one by one, leave it out",
			"`queue_size` is 4, below `num_consumers` 8",
		}},
		{name: "unknown_model", want: []string{"judges::quality: `model` is \"gpt-5\", which is not in `models`: known are gpt-4, local"}},
		{name: "no_models", want: []string{"judges::quality: `model` is \"gpt-5\", which is not in `models`: `models` has none"}},
		{name: "same_name", want: []string{"\"quality\" is the name of a check and of a judge: assessments are told apart by it, rename one of them"}},
		{name: "conditions", want: []string{"checks::length: `conditions`: ", "possibly valid options are", "\"span.attributes[x]\""}},
		{name: "kinds", want: []string{"checks::length: `kinds` has \"chat\": give any of [llm agent chain tool retriever reranker embedding guardrail]"}},
		{name: "scope", want: []string{
			"checks::length: `scope` is \"session\": give span or trace",
			"judges::quality: `kinds` is [agent], but selects spans: leave it out with `scope: trace`",
		}},
		{name: "read", want: []string{"read: `question` is \"attributes[\\\"ask\\\"]\", which is no OTTL value expression"}},
		{name: "join_logs", want: []string{
			"join_logs: `span_wait` is -1s: give 0 or a positive duration, such as 10s",
			"`max_size` is 1KiB: give at least 64KiB, such as 64MiB",
		}},
		{name: "sampling", want: []string{
			"judges::quality::sampling::0: `rate` is 1.5: give a share above 0 and at most 1, such as 0.05",
			"judges::quality: `sampling` rule \"second\" is never asked: rule \"first\" before it matches every subject, put that one last",
		}},
		{name: "no_name", want: []string{"checks::: the name \"\" is blank or 0 bytes long: it names the assessment, give 1 to 250"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := confmap.Validate(load(t, tt.name))
			require.Error(t, err)
			for _, want := range tt.want {
				assert.ErrorContains(t, err, want)
			}
		})
	}
}

// TestUnknownKeysAreRefused: a key that would do nothing is an error, not a promise.
func TestUnknownKeysAreRefused(t *testing.T) {
	t.Parallel()
	for _, unknown := range []map[string]any{
		{"limit": map[string]any{"calls_per_minute": 600}},
		{"limits": map[string]any{"calls_per_hour": 600}},
		{"judges": map[string]any{"quality": map[string]any{"limits": map[string]any{"day_zone": "UTC"}}}},
	} {
		require.Error(t, confmap.NewFromStringMap(unknown).Unmarshal(createDefaultConfig()), unknown)
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	config := createDefaultConfig().(*Config)
	require.NoError(t, confmap.Validate(config))
	assert.Equal(t, ottl.IgnoreError, config.ErrorMode)
	assert.Equal(t, ResultsEvents, config.Results)
	assert.Equal(t, 8, config.JudgeQueue.NumConsumers)
	assert.EqualValues(t, 10_000, config.JudgeQueue.QueueSize)
	assert.False(t, config.JudgeQueue.Batch.HasValue())
	assert.Equal(t, time.Second, config.JudgeRetry.InitialInterval)
	assert.Equal(t, time.Minute, config.JudgeRetry.MaxElapsedTime)
	assert.Equal(t, 3*time.Second, config.ShutdownTimeout)
	assert.Equal(t, 10*time.Second, config.JoinLogs.SpanWait)
	assert.Equal(t, 2*time.Minute, config.JoinLogs.RecordWait)
	assert.Equal(t, "64MiB", config.JoinLogs.MaxSize.String())
}

// TestScope: the scope is part of what an evaluator's results mean.
func TestScope(t *testing.T) {
	t.Parallel()
	traces, spans := load(t, "trace"), load(t, "trace")
	require.NoError(t, confmap.Validate(traces))
	assert.Empty(t, traces.Checks["length"].Kinds)
	spans.Checks["length"].Scope, spans.Checks["length"].Kinds = assessment.ScopeSpan, []genai.Kind{genai.KindLLM}
	spans.Judges["quality"].Scope, spans.Judges["quality"].Kinds = assessment.ScopeSpan, []genai.Kind{genai.KindLLM}
	one, other := newPipelines(t, traces), newPipelines(t, spans)
	a, b := one.traces.(*tracesNode).instance, other.traces.(*tracesNode).instance
	assert.NotEqual(t, a.checks[0].fingerprint, b.checks[0].fingerprint)
	assert.NotEqual(t, a.judges[0].judge.Fingerprint(), b.judges[0].judge.Fingerprint())
	one.stop(t)
	other.stop(t)
}

func TestFullConfiguration(t *testing.T) {
	t.Parallel()
	config := load(t, "full")
	require.NoError(t, confmap.Validate(config))
	assert.Equal(t, ottl.SilentError, config.ErrorMode)
	assert.Equal(t, ResultsLogs, config.Results)
	assert.Equal(t, []genai.Kind{genai.KindLLM}, config.Checks["length"].Kinds)
	assert.Equal(t, []genai.Kind{genai.KindTool, genai.KindAgent}, config.Judges["quality"].Kinds)
	assert.InDelta(t, 0.05, config.Judges["quality"].Sampling[0].Rate, 0)
	assert.Equal(t, "file_storage/judges", config.JudgeQueue.StorageID.String())
	assert.EqualValues(t, 500, config.JudgeQueue.QueueSize)
	assert.Equal(t, 8, config.JudgeQueue.NumConsumers)
	assert.Equal(t, 2*time.Second, config.JudgeRetry.InitialInterval)
	assert.Equal(t, time.Minute, config.JudgeRetry.MaxElapsedTime)
}

func TestNullAndDisabledEntries(t *testing.T) {
	t.Parallel()
	config := load(t, "null")
	require.NoError(t, confmap.Validate(config))
	assert.Equal(t, []string{"kept", "off"}, sortedKeys(config.Checks))
	assert.Empty(t, config.Judges)
	assert.Empty(t, config.Models)
	p := newPipelines(t, config)
	assert.Len(t, p.traces.(*tracesNode).instance.checks, 1)
	p.stop(t)
}

// TestNullKeysCountAsAbsent: but not those of maps that are handed on, where null means null.
func TestNullKeysCountAsAbsent(t *testing.T) {
	t.Parallel()
	conf := confmap.NewFromStringMap(map[string]any{
		"error_mode": nil, "results": nil, "shutdown_timeout": nil,
		"judge_queue": map[string]any{"queue_size": nil},
		"judge_retry": nil,
		"checks":      map[string]any{"schema": map[string]any{"enabled": nil, "json": map[string]any{"schema": map[string]any{"const": nil}}}},
		"models":      map[string]any{"m": map[string]any{"timeout": nil, "max_output_tokens": nil, "parameters": map[string]any{"stop": nil}}},
		"judges": map[string]any{"output": map[string]any{
			"enabled": nil, "kinds": nil, "max_input": nil, "model": "m", "prompt": "{{.Answer}}",
			"output": map[string]any{"type": "boolean", "default": nil}, "sampling": []any{map[string]any{"name": "all", "rate": 1}},
		}},
	})
	config := createDefaultConfig().(*Config)
	require.NoError(t, conf.Unmarshal(config))
	require.NoError(t, confmap.Validate(config))
	defaults := createDefaultConfig().(*Config)
	assert.Equal(t, defaults.ErrorMode, config.ErrorMode)
	assert.Equal(t, defaults.Results, config.Results)
	assert.Equal(t, defaults.ShutdownTimeout, config.ShutdownTimeout)
	assert.Equal(t, defaults.JudgeQueue, config.JudgeQueue)
	assert.Equal(t, defaults.JudgeRetry, config.JudgeRetry)
	assert.True(t, config.Checks["schema"].Enabled)
	assert.Contains(t, config.Checks["schema"].JSON.Schema, "const")
	assert.Equal(t, 30*time.Second, config.Models["m"].ClientConfig.Timeout)
	assert.EqualValues(t, 1024, config.Models["m"].MaxOutputTokens)
	assert.Contains(t, config.Models["m"].Parameters, "stop")
	assert.True(t, config.Judges["output"].Enabled)
	assert.Equal(t, []genai.Kind{genai.KindLLM}, config.Judges["output"].Kinds)
	assert.Contains(t, config.Judges["output"].Output, "default")
}

// TestSourceIDsThatNoStoreTakes: every result would be refused.
func TestSourceIDsThatNoStoreTakes(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", 245)
	conf := confmap.NewFromStringMap(map[string]any{"checks": map[string]any{
		"a":  map[string]any{"json": map[string]any{}, "source_id": strings.Repeat("s", 251)},
		long: map[string]any{"json": map[string]any{}},
	}})
	config := createDefaultConfig().(*Config)
	require.NoError(t, conf.Unmarshal(config))
	err := confmap.Validate(config)
	require.ErrorContains(t, err, "checks::a: `source_id` is 251 bytes long: give at most 250")
	require.ErrorContains(t, err, "checks::"+long+": `source_id` is missing")
	config.Checks["a"].SourceID, config.Checks[long].SourceID = "a", "long"
	require.NoError(t, confmap.Validate(config))
}
