package limits

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"
	"gopkg.in/yaml.v3"

	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

func TestDefaultGlobalConfig(t *testing.T) {
	t.Parallel()
	config := NewDefaultGlobalConfig()
	require.NoError(t, componenttest.CheckConfigStruct(&config))
	require.NoError(t, confmap.Validate(&config))
	assert.Equal(t, Config{CallsPerMinute: 600}, config.Limits)
	assert.Equal(t, "UTC", config.DayZone)
	assert.InDelta(t, 0.3, config.ReserveRandom, 0)
	assert.False(t, config.Burst)
	assert.False(t, config.Redis.HasValue())
	assert.Equal(t, OnUnavailableStop, config.OnUnavailable)
}

func load(t *testing.T, text string) (GlobalConfig, error) {
	t.Helper()
	var raw map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(text), &raw))
	config := NewDefaultGlobalConfig()
	err := confmap.NewFromStringMap(raw).Unmarshal(&config)
	return config, err
}

func TestUnmarshal(t *testing.T) {
	t.Parallel()
	config, err := load(t, `
calls_per_minute: 0
tokens_per_day: 2000000
usd_per_day: 5.5
day_zone: Europe/Berlin
reserve_random: 0
burst: true
redis: {endpoints: ["redis:6379"], key_prefix: eval}
on_unavailable: local
replicas: 4
`)
	require.NoError(t, err)
	require.NoError(t, confmap.Validate(&config))
	redis := store.NewDefaultConfig()
	redis.Endpoints, redis.KeyPrefix = []string{"redis:6379"}, "eval"
	assert.Equal(t, GlobalConfig{
		Limits:  Config{TokensPerDay: 2_000_000, USDPerDay: 5.5},
		DayZone: "Europe/Berlin", Burst: true, Redis: configoptional.Some(redis),
		OnUnavailable: OnUnavailableLocal, Replicas: 4,
	}, config)
}

func TestUnmarshalNulls(t *testing.T) {
	t.Parallel()
	config, err := load(t, "{calls_per_minute: null, day_zone: null, reserve_random: null, redis: null, on_unavailable: null}")
	require.NoError(t, err)
	assert.Equal(t, NewDefaultGlobalConfig(), config)
	config, err = load(t, "redis: {}")
	require.NoError(t, err)
	assert.Equal(t, configoptional.Some(store.NewDefaultConfig()), config.Redis)
	_, err = load(t, "calls_per_hour: 3")
	assert.ErrorContains(t, err, "calls_per_hour")
	_, err = load(t, "redis: {endpoint: localhost:6379}")
	assert.ErrorContains(t, err, "endpoint")
}

func TestConfigValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		config Config
		want   string
	}{
		{name: "none"},
		{name: "all", config: Config{CallsPerMinute: 1, TokensPerDay: maxTokens, USDPerDay: 0.01}},
		{name: "negative calls", config: Config{CallsPerMinute: -1}, want: "`calls_per_minute` is -1"},
		{name: "too many calls", config: Config{CallsPerMinute: maxCalls + 1}, want: "`calls_per_minute` is 1000000001"},
		{name: "negative tokens", config: Config{TokensPerDay: -1}, want: "`tokens_per_day` is -1"},
		{name: "too many tokens", config: Config{TokensPerDay: math.MaxInt64}, want: "`tokens_per_day` is 9223372036854775807"},
		{name: "negative dollars", config: Config{USDPerDay: -0.5}, want: "`usd_per_day` is -0.5"},
		{name: "no number", config: Config{USDPerDay: math.NaN()}, want: "`usd_per_day` is NaN"},
		{name: "endless", config: Config{USDPerDay: math.Inf(1)}, want: "`usd_per_day` is +Inf"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := tt.config.Validate()
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.want)
			global := NewDefaultGlobalConfig()
			global.Limits = tt.config
			assert.ErrorContains(t, confmap.Validate(&global), tt.want)
		})
	}
}

func TestGlobalConfigValidate(t *testing.T) {
	t.Parallel()
	withRedis := func(c *GlobalConfig) { c.Redis = configoptional.Some(store.NewDefaultConfig()) }
	tests := []struct {
		name   string
		change func(*GlobalConfig)
		want   string
	}{
		{name: "redis", change: withRedis},
		{name: "local", change: func(c *GlobalConfig) { withRedis(c); c.OnUnavailable, c.Replicas = OnUnavailableLocal, 1 }},
		{name: "nothing reserved", change: func(c *GlobalConfig) { c.ReserveRandom = 0 }},
		{name: "zone of the machine", change: func(c *GlobalConfig) { c.DayZone = "Local" }, want: "`day_zone` is \"Local\""},
		{name: "no zone", change: func(c *GlobalConfig) { c.DayZone = "" }, want: "`day_zone` is \"\""},
		{name: "unknown zone", change: func(c *GlobalConfig) { c.DayZone = "Europe/Atlantis" }, want: "`day_zone` is \"Europe/Atlantis\""},
		{name: "not a zone's name", change: func(c *GlobalConfig) { c.DayZone = "../etc/passwd" }, want: "`day_zone`"},
		{name: "all reserved", change: func(c *GlobalConfig) { c.ReserveRandom = 1 }, want: "`reserve_random` is 1"},
		{name: "negative share", change: func(c *GlobalConfig) { c.ReserveRandom = -0.1 }, want: "`reserve_random` is -0.1"},
		{name: "share is no number", change: func(c *GlobalConfig) { c.ReserveRandom = math.NaN() }, want: "`reserve_random` is NaN"},
		{name: "unknown way out", change: func(c *GlobalConfig) { c.OnUnavailable = "ignore" }, want: "`on_unavailable` is \"ignore\""},
		{name: "replicas without local", change: func(c *GlobalConfig) { withRedis(c); c.Replicas = 2 }, want: "`replicas` is 2, which only `on_unavailable: local` uses"},
		{name: "local without replicas", change: func(c *GlobalConfig) { withRedis(c); c.OnUnavailable = OnUnavailableLocal }, want: "`replicas` is 0"},
		{
			name: "negative replicas", want: "`replicas` is -2",
			change: func(c *GlobalConfig) { withRedis(c); c.OnUnavailable, c.Replicas = OnUnavailableLocal, -2 },
		},
		{name: "local without redis", change: func(c *GlobalConfig) { c.OnUnavailable, c.Replicas = OnUnavailableLocal, 2 }, want: "there is no `redis`"},
		{
			name: "waits for replicas", want: "`redis`: `wait_replicas` is 1",
			change: func(c *GlobalConfig) { withRedis(c); c.Redis.Get().WaitReplicas = 1 },
		},
		{
			name: "bad redis", want: "redis: `mode` is \"cloud\"",
			change: func(c *GlobalConfig) { withRedis(c); c.Redis.Get().Mode = "cloud" },
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config := NewDefaultGlobalConfig()
			tt.change(&config)
			err := confmap.Validate(&config)
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, tt.want)
		})
	}
}
