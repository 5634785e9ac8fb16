package check

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

func TestRepetition(t *testing.T) {
	t.Parallel()
	var records, numbers strings.Builder
	for i := range 100 {
		fmt.Fprintf(&records, "{\"id\": %d, \"state\": \"active\", \"country\": \"France\"},\n", i)
		fmt.Fprintf(&numbers, "w%d ", i)
	}
	random := rand.New(rand.NewPCG(1, 2))
	var vocabulary strings.Builder
	for range 2000 {
		fmt.Fprintf(&vocabulary, "w%d ", random.IntN(300))
	}
	for _, test := range []struct {
		name, answer string
		holds        bool
		share        string
	}{
		{"no repetition", numbers.String(), true, "0"},
		{"a small vocabulary", vocabulary.String(), true, "0"},
		{"short", strings.Repeat("again ", 49), true, "0"},
		{"empty", "", true, "0"},
		{"one word", strings.Repeat("again ", 50), false, "0.98"},
		{"a sentence", strings.Repeat("I will say this once more. ", 20), false, "0.95"},
		{"lines", numbers.String() + strings.Repeat("\n- the same line\n", 100), false, "0.74"},
		{"once more", numbers.String() + numbers.String(), true, "0.49"},
		{"twice more", strings.Repeat(numbers.String(), 3), false, "0.66"},
		{"case and marks", strings.Repeat("Say IT, again! say it... AGAIN? ", 20), false, "0.97"},
		{"letters without end", strings.Repeat("ha", 1000), false, "0.99"},
		{"Chinese", strings.Repeat("我们再说一次", 20), false, "0.95"},
		{"emoji", strings.Repeat("😀", 60), false, "0.98"},
		{"records", records.String(), true, "0.33"},
		{"blanks", strings.Repeat(" \n\t.", 1000), true, "0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCheck(t, `{repetition: {}, explain: "{{.Share}}", explain_passed: "{{.Share}}"}`)
			want := Result{Value: assessment.Bool(test.holds), Verdict: assessment.VerdictOf(test.holds), Rationale: test.share}
			assert.Equal(t, want, evaluate(t, c, answer(test.answer)))
		})
	}
}

func TestRepetitionKeys(t *testing.T) {
	t.Parallel()
	c := newCheck(t, `{repetition: {max_share: 0.2, words: 1, min_words: 3}, explain: "{{if gt .Share 0.2}}{{.Share}}{{end}}"}`)
	assert.Equal(t, Result{Value: assessment.False, Verdict: assessment.VerdictFailed, Rationale: "0.33"}, evaluate(t, c, answer("a b a")))
	assert.Equal(t, assessment.True, evaluate(t, c, answer("a a")).Value)
	assert.Equal(t, assessment.True, evaluate(t, newCheck(t, `{repetition: {words: 9, min_words: 1}}`), answer("a a")).Value, "fewer words than a run has")
}
