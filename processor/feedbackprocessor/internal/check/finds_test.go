package check

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

func TestFinds(t *testing.T) {
	t.Parallel()
	const all = `{finds: {any: [private_key, api_key, iban, card, phone, email]}, explain: none, explain_passed: "{{.Count}} {{.Found}}"}`
	for _, test := range []struct {
		name, yaml, answer string
		holds              bool
		rationale          string
	}{
		{"nothing", all, "no data 123", false, "none"},
		{"empty", all, "", false, "none"},
		{"one kind", all, "a@example.com, b@example.com", true, "2 ['email']"},
		{"several kinds, in their order", all, "4111 1111 1111 1111 a@example.com +49 30 901820", true, "3 ['email', 'phone', 'card']"},
		{"another kind", `{finds: {any: [card]}}`, "a@example.com", false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCheck(t, test.yaml)
			assert.NotEmpty(t, c.Needs())
			want := Result{Value: assessment.Bool(test.holds), Verdict: assessment.VerdictOf(test.holds), Rationale: test.rationale}
			assert.Equal(t, want, evaluate(t, c, answer(test.answer)))
		})
	}
}

// TestPassingAllocatesNothing holds for the kinds that read every answer.
func TestPassingAllocatesNothing(t *testing.T) {
	subject := answer(strings.Repeat("Funds spread the risk over 40 companies, see page 12; nothing is certain in 2026. ", 20))
	for _, yaml := range []string{
		`{finds: {any: [email, phone, card, iban, api_key, private_key]}, expect: false}`,
		`{refusal: {}, expect: false}`, `{urls: {allow: []}}`, `{repetition: {max_share: 0.99}}`,
	} {
		c := newCheck(t, yaml)
		in := newInput(subject) // the pool would lose one now and then
		assert.Zero(t, testing.AllocsPerRun(100, func() { c.run.run(t.Context(), in) }), yaml)
	}
}

func BenchmarkKinds(b *testing.B) {
	for name, yaml := range map[string]string{
		"finds":      `{finds: {any: [email, phone, card, iban, api_key, private_key]}, expect: false}`,
		"refusal":    `{refusal: {}, expect: false}`,
		"urls":       `{urls: {allow: []}}`,
		"repetition": `{repetition: {}}`,
	} {
		b.Run(name, func(b *testing.B) {
			c := newCheck(b, yaml)
			subject := answer(typical)
			b.SetBytes(int64(len(typical)))
			b.ReportAllocs()
			for b.Loop() {
				c.Evaluate(b.Context(), subject)
			}
		})
	}
}
