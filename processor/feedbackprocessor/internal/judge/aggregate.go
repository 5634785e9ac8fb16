package judge

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strconv"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

// aggregationVersion is part of a panel's fingerprint; it changes whenever the same votes could give another value.
const aggregationVersion = "1"

// ballot is a value that some members voted for, with how far they agree on it, from 0 to 1.
type ballot struct {
	value     assessment.Value
	agreement float64
}

// combine makes one value of the votes for a value of a schema. The votes are in the order of the configured models, and
// there is at least one.
//   - Booleans: what most say, false where as many say true. The agreement is the share of the votes for it.
//   - Numbers: the median. Of an even number of votes it is the mean of the middle two, or the lower one where all are
//     integers or the schema takes certain numbers only. The agreement is 1 less the mean distance from the median, as a
//     share of the schema's range; where that has not two ends, the largest share of equal votes.
//   - Objects: each property that any vote has, of the votes that have it. The agreement is the mean over the properties;
//     votes that lack one do not agree on it.
//   - All else, and votes of different types: what most say, and where as many say something else, what the first of
//     their models says. The agreement is the share of the votes for it.
func combine(votes []assessment.Value, schema schemaNode) ballot {
	common := kindOf(votes[0])
	for _, vote := range votes[1:] {
		if kindOf(vote) != common {
			return plurality(votes)
		}
	}
	switch common {
	case kindBool:
		return majority(votes)
	case kindNumber:
		return median(votes, schema)
	case kindObject:
		return combineObjects(votes, schema)
	default:
		return plurality(votes)
	}
}

type valueKind int8

const (
	kindOther valueKind = iota
	kindBool
	kindNumber
	kindObject
)

func kindOf(value assessment.Value) valueKind {
	switch value.Type() {
	case assessment.ValueTypeBool:
		return kindBool
	case assessment.ValueTypeInt, assessment.ValueTypeFloat:
		if value == "null" { // in an object or a list, where a value may be one
			return kindOther
		}
		return kindNumber
	case assessment.ValueTypeMap:
		return kindObject
	default:
		return kindOther
	}
}

func majority(votes []assessment.Value) ballot {
	yes := 0
	for _, vote := range votes {
		if vote == assessment.True {
			yes++
		}
	}
	if no := len(votes) - yes; no >= yes {
		return ballot{assessment.False, share(no, votes)}
	}
	return ballot{assessment.True, share(yes, votes)}
}

// plurality is the value that most vote for, the first of those where they are several.
func plurality(votes []assessment.Value) ballot {
	first, count := mostEqual(votes)
	return ballot{votes[first], share(count, votes)}
}

// mostEqual returns the first of the votes that the most are equal to, and their number.
func mostEqual(votes []assessment.Value) (first, count int) {
	counts := make(map[string]int, len(votes))
	for _, vote := range votes {
		counts[sameness(vote)]++
	}
	for i, vote := range votes {
		if n := counts[sameness(vote)]; n > count {
			first, count = i, n
		}
	}
	return first, count
}

// sameness is equal for equal JSON, whatever the order of its keys and the spelling of its numbers.
func sameness(value assessment.Value) string {
	var decoded any
	if json.Unmarshal([]byte(value), &decoded) != nil {
		return string(value)
	}
	sorted, err := json.Marshal(decoded)
	if err != nil {
		return string(value)
	}
	return string(sorted)
}

func median(votes []assessment.Value, schema schemaNode) ballot {
	sorted := slices.Clone(votes)
	slices.SortStableFunc(sorted, func(a, b assessment.Value) int { return cmp.Compare(float(a), float(b)) })
	middle, upper := sorted[(len(sorted)-1)/2], sorted[len(sorted)/2]
	fraction := slices.ContainsFunc(votes, func(vote assessment.Value) bool { return vote.Type() == assessment.ValueTypeFloat })
	if float(upper) > float(middle) && fraction && !schema.certain() {
		middle = assessment.Float(mean(float(middle), float(upper)))
	}
	low, high, ok := schema.scale()
	if !ok {
		_, count := mostEqual(votes)
		return ballot{middle, share(count, votes)}
	}
	distance := 0.0
	for _, vote := range votes {
		distance += math.Abs(float(vote)-float(middle)) / float64(len(votes))
	}
	return ballot{middle, min(max(1-distance/(high-low), 0), 1)}
}

// mean is without the noise in a float's last digit.
func mean(a, b float64) float64 {
	f, err := strconv.ParseFloat(strconv.FormatFloat(a/2+b/2, 'g', 15, 64), 64)
	if err != nil {
		return a // beyond all floats once it is rounded
	}
	return f
}

func float(value assessment.Value) float64 {
	f, _ := value.Number()
	return f
}

func combineObjects(votes []assessment.Value, schema schemaNode) ballot {
	var names []string
	having := map[string][]assessment.Value{}
	for _, vote := range votes {
		for _, property := range properties(vote) {
			if having[property.name] == nil {
				names = append(names, property.name)
			}
			having[property.name] = append(having[property.name], property.value)
		}
	}
	combined, agreement := make([]property, 0, len(names)), 0.0
	for _, name := range names {
		part := combine(having[name], schema.property(name))
		combined = append(combined, property{name, part.value})
		agreement += part.agreement * share(len(having[name]), votes) / float64(len(names))
	}
	if len(names) == 0 {
		agreement = 1
	}
	return ballot{object(combined), min(agreement, 1)}
}

func share(count int, votes []assessment.Value) float64 {
	return float64(count) / float64(len(votes))
}

// property is one of an object's.
type property struct {
	name  string
	value assessment.Value
}

// properties takes an object apart, in its order.
func properties(value assessment.Value) []property {
	decoder := json.NewDecoder(bytes.NewReader([]byte(value)))
	if _, err := decoder.Token(); err != nil {
		return nil
	}
	var all []property
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return all
		}
		var text json.RawMessage
		if err := decoder.Decode(&text); err != nil {
			return all
		}
		all = append(all, property{name.(string), assessment.Value(text)})
	}
	return all
}

// object puts properties together again.
func object(all []property) assessment.Value {
	text := []byte{'{'}
	for i, property := range all {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(append(append(text, assessment.String(property.name)...), ':'), property.value...)
	}
	return assessment.Value(append(text, '}'))
}
