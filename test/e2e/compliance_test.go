//go:build e2e

package e2e

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestComplianceCheck sends more traces than a person would read, each twice, and holds every assessment in MLflow
// against the Python function of MLflow's guide.
func TestComplianceCheck(t *testing.T) {
	s := newStack(t)
	exchanges := newExchanges(300, generatedAnswer)
	want := reference(t, exchanges)

	c := s.collector("collector", nil, "config/compliance.yaml")
	s.send(c, 25, exchanges)
	s.eachOnce(exchanges, 2*time.Minute, "compliance_check")
	s.send(c, 25, exchanges)
	// A third lot behind the second: when it has arrived, the second has been dealt with.
	more := newExchanges(5, generatedAnswer)
	s.send(c, 5, more)
	all := s.eachOnce(append(more, exchanges...), time.Minute, "compliance_check")

	for i, e := range exchanges {
		r := all[e.mlflowID()][0]
		require.Equal(t, e.llm.String(), r.SpanID, "the span that called the model")
		require.Equal(t, "CODE", r.Source.Type)
		require.Equal(t, "compliance_validator_v2.1", r.Source.ID)
		require.JSONEq(t, want[i].Value, string(r.Feedback.Value), "answer %q", e.answer)
		require.Equal(t, want[i].Rationale, r.Rationale, "answer %q", e.answer)
	}
}

// generatedAnswer mixes what the check looks for into text of a length at or around the borders; the same i gives the
// same answer.
func generatedAnswer(i int) string {
	random := rand.New(rand.NewPCG(1, uint64(i)))
	switch i {
	case 0:
		return "This is not financial advice"
	case 1:
		return ""
	}
	var b strings.Builder
	if random.IntN(2) == 0 {
		b.WriteString([]string{"This is not financial advice", "this is not financial advice"}[random.IntN(2)])
	}
	for _, term := range []string{"guaranteed returns", "Risk-Free", "GET RICH QUICK", "RİSK-FREE", "riſk-free"} {
		if random.IntN(4) == 0 {
			b.WriteString(" " + term)
		}
	}
	lengths := []int{49, 50, 51, 499, 500, 501, 50 + random.IntN(450), 600}
	alphabet := [][]rune{[]rune("abc def"), []rune("äßİſ "), []rune("日本語 "), []rune("🙂👩‍👩‍👧 "), []rune("\u0301e\n\t\"")}[i%5]
	text := []rune(b.String())
	for length := lengths[i%len(lengths)]; len(text) < length; {
		text = append(text, alphabet[random.IntN(len(alphabet))])
	}
	return string(text)
}
