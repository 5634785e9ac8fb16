package records

import (
	"strconv"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

// Doubles spells every number of a value as a float, which is what a value becomes that passes through MLflow.
func Doubles(value assessment.Value) assessment.Value {
	switch value.Type() {
	case assessment.ValueTypeInt, assessment.ValueTypeList, assessment.ValueTypeMap:
		return assessment.Value(appendDoubles(make([]byte, 0, len(value)+8), string(value)))
	default:
		return value
	}
}

// appendDoubles goes once over a value's text, which has one spelling and is known to be JSON.
func appendDoubles(dst []byte, text string) []byte {
	for i := 0; i < len(text); {
		from := i
		switch c := text[i]; {
		case c == '"':
			i = endOfString(text, i)
			dst = append(dst, text[from:i]...)
		case c == '-' || c >= '0' && c <= '9':
			whole := true
			for i < len(text) && !endsNumber(text[i]) {
				whole = whole && text[i] != '.' && text[i] != 'e'
				i++
			}
			dst = appendDouble(dst, text[from:i], whole)
		default:
			dst = append(dst, c)
			i++
		}
	}
	return dst
}

func appendDouble(dst []byte, number string, whole bool) []byte {
	if whole {
		if f, err := strconv.ParseFloat(number, 64); err == nil {
			return append(dst, assessment.Float(f)...)
		}
	}
	return append(dst, number...)
}

func endsNumber(c byte) bool { return c == ',' || c == ']' || c == '}' }

// endOfString is the index behind the string that begins at i.
func endOfString(text string, i int) int {
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// What MLflow can read back. Its messages may nest to a fixed depth, of which an object takes three levels and a list
// two. A row with more is stored, and then no answer of its trace can be made any more.
const (
	levelsOfObject = 3
	levelsOfList   = 2
	maxLevels      = 96
	maxContainers  = 45
)

// TooDeep reports whether a value is nested deeper than MLflow can read back.
func TooDeep(value assessment.Value) bool {
	text := string(value)
	levels, containers := 0, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i = endOfString(text, i) - 1
		case '{':
			levels, containers = levels+levelsOfObject, containers+1
		case '[':
			levels, containers = levels+levelsOfList, containers+1
		case '}':
			levels, containers = levels-levelsOfObject, containers-1
		case ']':
			levels, containers = levels-levelsOfList, containers-1
		}
		if levels > maxLevels || containers > maxContainers {
			return true
		}
	}
	return false
}
