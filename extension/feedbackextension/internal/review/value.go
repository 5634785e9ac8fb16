package review

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// maxVotes bounds the text of the votes that is read: metadata is anybody's to write.
const maxVotes = 256 << 10

// verdict is the record's, or what its value alone says.
func verdict(record *store.Record) assessment.Verdict {
	switch {
	case record.Verdict != assessment.VerdictNone:
		return record.Verdict
	case record.Value == assessment.True, record.Value == assessment.False:
		return assessment.VerdictOf(record.Value == assessment.True)
	default:
		return assessment.VerdictNone
	}
}

// no is what people say instead of false.
var no = []string{"down", "thumbs_down", "thumbs-down", "thumbs down", "no", "false", "fail", "failed", "bad", "negative", "👎"}

// thumbsDown says whether the record's author did not like it.
func thumbsDown(record *store.Record) bool {
	if number, ok := record.Value.Number(); ok {
		return number <= 0
	}
	if record.Value.Type() == assessment.ValueTypeString {
		return slices.Contains(no, strings.ToLower(strings.TrimSpace(record.Value.Text())))
	}
	return verdict(record) == assessment.VerdictFailed
}

// differ says whether two records of one name say different things: by their verdicts where both have one, else by their
// values. One without a value says nothing.
func differ(a, b *store.Record) bool {
	if a.Value == "" || b.Value == "" {
		return false
	}
	if va, vb := verdict(a), verdict(b); va != assessment.VerdictNone && vb != assessment.VerdictNone {
		return va != vb
	}
	va, okA := decode([]byte(a.Value))
	vb, okB := decode([]byte(b.Value))
	return okA && okB && !reflect.DeepEqual(va, vb)
}

// divided says whether the votes of a panel differ. Those without a value did not vote.
func divided(votes string) bool {
	if votes == "" || len(votes) > maxVotes {
		return false
	}
	var read []struct {
		Value json.RawMessage `json:"value"`
	}
	if json.Unmarshal([]byte(votes), &read) != nil {
		return false
	}
	var first any
	voted := false
	for i := range read {
		value, ok := decode(read[i].Value)
		switch {
		case !ok:
		case !voted:
			first, voted = value, true
		case !reflect.DeepEqual(first, value):
			return true
		}
	}
	return false
}

// decode reads JSON so that equal values are equal, whatever the order of keys and the spelling of numbers.
func decode(text []byte) (value any, ok bool) {
	if len(text) == 0 || json.Unmarshal(text, &value) != nil {
		return nil, false
	}
	return value, value != nil
}
