package assessment

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHalvesOfCharacters(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Value{
		`"\ud800"`:                 "\"\uFFFD\"",
		`"\udc00\ud800"`:           "\"\uFFFD\uFFFD\"",
		`"a\uD800b"`:               "\"a\uFFFDb\"",
		`"\ud83d\ude00"`:           `"😀"`,
		`"\ud83d\ud83d\ude00"`:     "\"\uFFFD😀\"",
		`"\\ud800"`:                `"\\ud800"`,
		`{"\ud800":["\\","\ud8"]}`: "",
		`["\u00e4\ud800\""]`:       "[\"ä\uFFFD\\\"\"]",
	} {
		value, err := ParseValue([]byte(text))
		if want == "" {
			require.Error(t, err, text)
			continue
		}
		require.NoError(t, err, text)
		assert.Equal(t, want, value, text)
	}
}
