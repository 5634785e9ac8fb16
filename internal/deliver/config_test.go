package deliver

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

func TestMLflowConfig(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		conf map[string]any
		err  string
	}{
		{name: "no endpoint", conf: map[string]any{}, err: "`endpoint` must be an http or https URL"},
		{
			name: "another scheme", conf: map[string]any{"endpoint": "ftp://x"},
			err: "`endpoint` must be an http or https URL",
		},
		{
			name: "a password in the URL", conf: map[string]any{"endpoint": "http://u:secret@x"},
			err: "`endpoint` must not carry a user",
		},
		{
			name: "timeout", conf: map[string]any{"endpoint": "http://x", "timeout": "1m"},
			err: "`timeout` is 1m0s, must be above 0 and at most 20s",
		},
		{name: "bulk", conf: map[string]any{"endpoint": "http://x", "bulk": "on"}, err: `"on" is none of auto, off`},
		{
			name: "max_in_flight", conf: map[string]any{"endpoint": "http://x", "max_in_flight": 0},
			err: "`max_in_flight` is 0, must be 1 to 1000",
		},
		{
			name: "refresh_rate", conf: map[string]any{"endpoint": "http://x", "refresh_rate": 0},
			err: "`refresh_rate` is 0 calls a second, must be 0.01 to 20; `refresh_window: 0` turns refreshing off",
		},
		{
			name: "no number as refresh_rate", conf: map[string]any{"endpoint": "http://x", "refresh_rate": math.NaN()},
			err: "`refresh_rate` is NaN",
		},
		{
			name: "refresh_window", conf: map[string]any{"endpoint": "http://x", "refresh_window": "-1s"},
			err: "`refresh_window` is -1s, must be 0 (off) or positive",
		},
		{
			name: "an empty rule", conf: map[string]any{"endpoint": "http://x", "forward": []any{map[string]any{}}},
			err: "a `forward` rule needs at least one of",
		},
		{
			name: "an unknown source",
			conf: map[string]any{
				"endpoint": "http://x", "forward": []any{map[string]any{"sources": []any{"JUDGE"}}},
			},
			err: "`sources`: \"JUDGE\" is none of CODE, LLM_JUDGE, HUMAN",
		},
		{name: "an unknown key", conf: map[string]any{"endpoint": "http://x", "bluk": "off"}, err: "unknown key `bluk`"},
		{
			name: "everything",
			conf: map[string]any{
				"endpoint": "http://x/prefix", "bulk": "off", "max_in_flight": 4, "timeout": "3s",
				"refresh_rate": 0.5, "refresh_window": "1h",
				"keepalive": map[string]any{"max_idle_conns_per_host": 4},
				"forward": []any{
					map[string]any{"names": []any{"compliance_check"}, "passed": false},
					map[string]any{"sources": []any{"LLM_JUDGE", "HUMAN"}},
				},
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			section := struct {
				MLflow configoptional.Optional[MLflowConfig] `mapstructure:"mlflow"`
			}{configoptional.Default(NewDefaultMLflowConfig())}
			err := confmap.NewFromStringMap(map[string]any{"mlflow": tt.conf}).Unmarshal(&section)
			var config MLflowConfig
			if err == nil {
				config = *section.MLflow.Get()
				err = confmap.Validate(&config)
			}
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				assert.NotContains(t, err.Error(), "secret")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, "http://x/prefix", config.HTTP.Endpoint)
			assert.Equal(t, BulkOff, config.Bulk)
			assert.Equal(t, 4, config.MaxInFlight)
			assert.Equal(t, 3*time.Second, config.HTTP.Timeout)
			assert.Len(t, config.Forward, 2)
			assert.InDelta(t, 0.5, config.RefreshRate, 0)
			assert.Equal(t, time.Hour, config.RefreshWindow)
		})
	}
}

func TestMLflowConfigBareOff(t *testing.T) {
	t.Parallel()
	config := NewDefaultMLflowConfig()
	retrieved, err := confmap.NewRetrievedFromYAML([]byte("endpoint: http://x\nbulk: off\n"))
	require.NoError(t, err)
	conf, err := retrieved.AsConf()
	require.NoError(t, err)
	require.NoError(t, conf.Unmarshal(&config))
	assert.Equal(t, BulkOff, config.Bulk)
}

func TestForward(t *testing.T) {
	t.Parallel()
	no := false
	tests := []struct {
		name  string
		rules forward
		a     assessment.Assessment
		takes bool
	}{
		{name: "no rules", takes: true},
		{
			name: "no verdict is not failed", rules: forward{{Passed: &no}},
			a: assessment.Assessment{Verdict: assessment.VerdictNone},
		},
		{
			name: "failed", rules: forward{{Passed: &no}},
			a: assessment.Assessment{Verdict: assessment.VerdictFailed}, takes: true,
		},
		{
			name: "all keys must hold", rules: forward{{Names: []string{"a"}, Passed: &no}},
			a: assessment.Assessment{Name: "a", Verdict: assessment.VerdictPassed},
		},
		{
			name:  "any rule may match",
			rules: forward{{Names: []string{"a"}}, {Sources: []assessment.SourceType{assessment.SourceTypeHuman}}},
			a:     assessment.Assessment{Name: "b", Source: assessment.Source{Type: assessment.SourceTypeHuman}}, takes: true,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.takes, tt.rules.takes(&tt.a))
		})
	}
}
