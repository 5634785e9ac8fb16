package genai

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMarksAreDisjoint: recognition stops at the first mark that fits, so none may begin with another.
func TestMarksAreDisjoint(t *testing.T) {
	t.Parallel()
	for _, bucket := range known.marks {
		for i, one := range bucket {
			require.GreaterOrEqual(t, len(one.key), 3, one.key)
			for j, other := range bucket {
				assert.False(t, i != j && strings.HasPrefix(one.key, other.key), "%s begins with %s", one.key, other.key)
			}
		}
	}
}

func TestConventionsFitTheSet(t *testing.T) {
	t.Parallel()
	require.LessOrEqual(t, len(conventions), 64, "found is a set of 64")
	for place, name := range known.names {
		assert.NotEmpty(t, name, place)
	}
}
