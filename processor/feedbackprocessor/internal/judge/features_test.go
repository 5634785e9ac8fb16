package judge

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
)

// asked is what the requests used, one word each.
func asked(t *testing.T, requests []sentRequest) (formats, limits []string) {
	t.Helper()
	for _, request := range requests {
		var format struct{ Type string }
		if raw, ok := request.raw["response_format"]; ok {
			require.NoError(t, json.Unmarshal(raw, &format))
		}
		formats = append(formats, format.Type)
		limit := "max_completion_tokens"
		if _, ok := request.raw[limit]; !ok {
			limit = "max_tokens"
			assert.Contains(t, request.raw, limit)
		}
		limits = append(limits, limit)
	}
	return formats, limits
}

func TestRefusedFeaturesAreRemembered(t *testing.T) {
	const newLimit, oldLimit = "max_completion_tokens", "max_tokens"
	for _, tt := range []struct {
		name, model string
		// formats and limits are those of two judgements, one after the other.
		formats, limits []string
	}{
		{"nothing", "standin", []string{"json_schema", "json_schema"}, []string{newLimit, newLimit}},
		{"schemas", "standin-no-schema", []string{"json_schema", "json_object", "json_object"}, []string{newLimit, newLimit, newLimit}},
		{"formats", "standin-no-json", []string{"json_schema", "json_object", "", ""}, []string{newLimit, newLimit, newLimit, newLimit}},
		{"token limit", "standin-max-tokens", []string{"json_schema", "json_schema", "json_schema"}, []string{newLimit, oldLimit, oldLimit}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, _ := standin(t, tt.model, guideConfig(), nil)
			for range 2 {
				result, err := s.judge.Judge(t.Context(), guideInput)
				require.NoError(t, err)
				require.Nil(t, result.Error)
			}
			formats, limits := asked(t, s.requests())
			assert.Equal(t, tt.formats, formats)
			assert.Equal(t, tt.limits, limits)
			for _, request := range s.requests() {
				assert.Contains(t, request.System, `"helpfulness"`, "the prompt has the schema whatever the format is")
			}
		})
	}
}

func TestRefusedSchemaIsRememberedPerJudge(t *testing.T) {
	s, _ := standin(t, "standin-no-this-schema", guideConfig(), nil)
	other, err := New("other", boolConfig(), only(s.model), retryConfig(), componenttest.NewNopTelemetrySettings(), WithClock(newFakeClock()))
	require.NoError(t, err)
	for _, judge := range []*Judge{s.judge, s.judge, other, other} {
		result, err := judge.Judge(t.Context(), guideInput)
		require.NoError(t, err)
		require.Nil(t, result.Error)
	}
	formats, _ := asked(t, s.requests())
	assert.Equal(t, []string{"json_schema", "json_object", "json_object", "json_schema", "json_object", "json_object"}, formats)
}

func TestAnswersOfTalkativeModels(t *testing.T) {
	for _, model := range []string{"standin-fenced", "standin-thinking"} {
		t.Run(model, func(t *testing.T) {
			s, _ := standin(t, model, guideConfig(), nil)
			result, err := s.judge.Judge(t.Context(), guideInput)
			require.NoError(t, err)
			require.Nil(t, result.Error)
			assert.NotEmpty(t, result.Rationale)
		})
	}
}
