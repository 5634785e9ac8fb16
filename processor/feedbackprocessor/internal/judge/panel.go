package judge

import (
	"strings"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

// maxJoinedRationale bounds the rationales of a panel that are put together.
const maxJoinedRationale = 16 << 10

// aggregate makes one answer of valid votes, which are at least one, and says how far they agree on its value. It fits
// the schema as each vote does: where what is put together of the votes would not, the value that most vote for is taken
// as it is. Its rationale is that of the first vote that says the same, else all of them with their models' names.
func (f *outputForm) aggregate(votes []vote) (taken answer, agreement float64) {
	values := make([]assessment.Value, len(votes))
	for i := range votes {
		values[i] = f.withoutRationale(votes[i].answer.value)
	}
	combined := combine(values, schemaNode{f.value, f.value})
	for i, value := range values {
		if sameness(value) == sameness(combined.value) {
			return votes[i].answer, combined.agreement
		}
	}
	rationale := joinRationales(votes)
	if taken, ok := f.answerOf(combined.value, rationale); ok {
		return taken, combined.agreement
	}
	first, count := mostEqual(values)
	return votes[first].answer, share(count, values)
}

// withoutRationale is the value that is voted on: where the rationale is a part of it, the rest.
func (f *outputForm) withoutRationale(value assessment.Value) assessment.Value {
	if !f.flat {
		return value
	}
	all := properties(value)
	rest := all[:0]
	for _, property := range all {
		if property.name != rationaleKey {
			rest = append(rest, property)
		}
	}
	return object(rest)
}

// answerOf makes the answer of a value and a rationale; ok is false where it is none that a model could have given.
func (f *outputForm) answerOf(value assessment.Value, rationale string) (made answer, ok bool) {
	whole := object([]property{{rationaleKey, assessment.String(rationale)}, {valueKey, value}})
	if f.flat {
		whole = object(append(properties(value), property{rationaleKey, assessment.String(rationale)}))
	}
	made, err := parseAnswer(string(whole), f)
	return made, err == nil
}

// joinRationales puts the rationales of all votes one after the other.
func joinRationales(votes []vote) string {
	var all []string
	for i := range votes {
		if text := votes[i].answer.rationale; text != "" {
			if limit := maxJoinedRationale / len(votes); len(text) > limit {
				text = cut(text, limit)
			}
			all = append(all, votes[i].model.key+": "+text)
		}
	}
	return strings.Join(all, "\n\n")
}
