package check

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func TestPartOrder(t *testing.T) {
	t.Parallel()
	const parts = `parts: {
		z: {contains: {any: [z]}, explain: z}, a: {contains: {any: [z]}, explain: a}, l: {length: {min: 9}, explain: l},
		j: {json: {}, explain: j}, m: {matches: {pattern: z}, explain: m},
		o: {ottl: {condition: 'false'}, explain: o},
		c: {cost: {max_usd: 1}, explain: c}, i: {finds: {any: [email]}, explain: i},
		n: {contains: {any: [x]}, expect: false, explain: n}, k: {length: {max: 9}, expect: false, explain: k}}`
	subject := withSpan(nil)
	subject.Interaction = metered{captured: captured{genai.PartAnswer: "x"}, usd: 2, hasCost: true}
	for _, test := range []struct{ name, order, want string }{
		{"by rule", "", "a; z; m; l; j; o; i; c; n; k"},
		{"all named", ", order: [k, n, o, j, l, m, z, a, c, i]", "k; n; o; j; l; m; z; a; c; i"},
		{"some named", ", order: [n, l]", "n; l; a; z; m; j; o; i; c; k"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, test.want, evaluate(t, newCheck(t, "{"+parts+test.order+"}"), subject).Rationale)
		})
	}
}

func TestCompositeScores(t *testing.T) {
	t.Parallel()
	c := newCheck(t, `{parts: {a: {contains: {any: [a]}, explain: no a}, b: {contains: {any: [b]}}, "c \"c\"": {contains: {any: [c]}, explain: no c}}}`)
	for _, test := range []struct{ name, answer, want, rationale string }{
		{"all pass, nothing to say", "abc", `{"overall_score":1.0,"details":{"a":true,"b":true,"c \"c\"":true,"rationale":[]}}`, ""},
		{"without explanation", "ac", `{"overall_score":0.6666666666666666,"details":{"a":true,"b":false,"c \"c\"":true,"rationale":[]}}`, ""},
		{"one explains", "b", `{"overall_score":0.3333333333333333,"details":{"a":false,"b":true,"c \"c\"":false,"rationale":["no a","no c"]}}`, "no a; no c"},
		{"none passes", "", `{"overall_score":0.0,"details":{"a":false,"b":false,"c \"c\"":false,"rationale":["no a","no c"]}}`, "no a; no c"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			result := evaluate(t, c, answer(test.answer))
			assert.Equal(t, test.want, string(result.Value))
			assert.Equal(t, test.rationale, result.Rationale)
			assert.Equal(t, assessment.VerdictOf(test.answer == "abc"), result.Verdict)
		})
	}
}
