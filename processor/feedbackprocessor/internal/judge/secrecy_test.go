package judge

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configretry"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-feedback/otelcol-feedback/test/standinllm"
)

// secrets are in every request of the test below, and in what the stand-in answers when it misbehaves.
var secrets = []string{testKey, "payload", "echo-of-secret", "Paris", "q-secret", "header-secret"}

// TestNothingLeaks makes every kind of server answer every kind of judge, and looks for secrets and content in all that
// is written down of it: errors, metadata, votes, logs. Values and rationales are the model's words, and not looked at.
func TestNothingLeaks(t *testing.T) {
	for _, behaviour := range append(standinllm.Behaviours(), "good") {
		if behaviour == "slow" || behaviour == "hang" {
			continue
		}
		for name, cfg := range map[string]func() *Config{"object": guideConfig, "boolean": boolConfig} {
			for _, provider := range []string{ProviderOpenAI, ProviderAnthropic} {
				t.Run(behaviour+" "+name+" "+provider, func(t *testing.T) {
					t.Parallel()
					core, logs := observer.New(zap.DebugLevel)
					s, _ := standin(t, "standin-"+behaviour, cfg(), func(m *ModelConfig, _ *configretry.BackOffConfig) {
						m.APIKey = testKey
						m.ClientConfig.Headers.Set("X-Secret", "header-secret")
						if provider == ProviderAnthropic {
							ofAnthropic(m)
						}
						m.ClientConfig.Endpoint += "?token=q-secret"
					})
					s.judge.logger, s.model.set.Logger, s.model.breaker.logger = zap.New(core), zap.New(core), zap.New(core)
					for range 2 {
						result, err := s.judge.Judge(t.Context(), guideInput)
						require.NoError(t, err)
						requireDiscreet(t, result)
					}
					for _, entry := range logs.All() {
						requireNoSecret(t, entry.Message)
						for _, field := range entry.ContextMap() {
							if text, ok := field.(string); ok {
								requireNoSecret(t, text)
							}
						}
					}
				})
			}
			t.Run(behaviour+" "+name+" in a panel", func(t *testing.T) {
				t.Parallel()
				p := newPanel(t, cfg(), []string{behaviour, behaviour, "good"})
				result, err := p.judge.Judge(t.Context(), guideInput)
				require.NoError(t, err)
				requireDiscreet(t, result)
			})
		}
	}
}

func requireDiscreet(t *testing.T, result Result) {
	t.Helper()
	if result.Error != nil {
		requireNoSecret(t, result.Error.Message)
		requireNoSecret(t, result.Error.Type)
		assert.Less(t, len(result.Error.Message), 300)
	}
	for key, value := range result.Metadata {
		requireNoSecret(t, key)
		requireNoSecret(t, value)
	}
}

func requireNoSecret(t *testing.T, text string) {
	t.Helper()
	for _, secret := range secrets {
		assert.NotContains(t, strings.ToLower(text), strings.ToLower(secret))
	}
}
