package assessment

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"

	"github.com/valyala/fastjson"
)

// maxValueDepth bounds the nesting of a value that strangers send.
const maxValueDepth = 64

// Value is an assessment's value as compact JSON text, so that the order of an object's keys and the spelling of
// its numbers survive every hop. The empty Value means that there is none; `null` is never stored.
type Value string

// The values of a boolean.
const (
	True  Value = "true"
	False Value = "false"
)

// ValueType is the JSON type of a Value.
type ValueType int8

// The types of a value. An integer is a number spelled without fraction and exponent.
const (
	ValueTypeNone ValueType = iota
	ValueTypeBool
	ValueTypeInt
	ValueTypeFloat
	ValueTypeString
	ValueTypeList
	ValueTypeMap
)

// Bool returns b as a value.
func Bool(b bool) Value {
	if b {
		return True
	}
	return False
}

// Int returns i as a value.
func Int(i int64) Value { return Value(strconv.FormatInt(i, 10)) }

// Float returns f as a value that stays a float: 1 is spelled `1.0`. NaN and infinities have no JSON form and
// give the empty value.
func Float(f float64) Value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return ""
	}
	text := strconv.FormatFloat(f, 'g', -1, 64)
	for i := range len(text) {
		if c := text[i]; c == '.' || c == 'e' {
			return Value(text)
		}
	}
	return Value(text + ".0")
}

// String returns s as a value.
func String(s string) Value {
	return Value(appendJSONString(nil, s))
}

// errValueDepth is returned for values nested deeper than maxValueDepth.
var errValueDepth = errors.New("value is nested deeper than 64 levels")

// ParseValue checks that text is one JSON value, no deeper than 64 levels, and compacts it. JSON null gives the
// empty value.
func ParseValue(text []byte) (Value, error) {
	if !depthWithin(text, maxValueDepth) {
		return "", errValueDepth
	}
	var parser fastjson.Parser
	parsed, err := parser.ParseBytes(text)
	if err != nil {
		return "", errors.New("value is not valid JSON")
	}
	if parsed.Type() == fastjson.TypeNull {
		return "", nil
	}
	if err := fastjson.ValidateBytes(text); err != nil {
		return "", errors.New("value is not valid JSON")
	}
	return Value(parsed.MarshalTo(nil)), nil
}

// Type tells the JSON type from the text's first byte; it trusts that the text is JSON.
func (v Value) Type() ValueType {
	if v == "" {
		return ValueTypeNone
	}
	switch v[0] {
	case 't', 'f':
		return ValueTypeBool
	case '"':
		return ValueTypeString
	case '[':
		return ValueTypeList
	case '{':
		return ValueTypeMap
	}
	for i := range len(v) {
		if c := v[i]; c == '.' || c == 'e' || c == 'E' {
			return ValueTypeFloat
		}
	}
	return ValueTypeInt
}

// Number returns the value as a float64; a bool counts as 1 or 0. ok is false for other types.
func (v Value) Number() (f float64, ok bool) {
	switch v.Type() {
	case ValueTypeBool:
		if v == True {
			return 1, true
		}
		return 0, true
	case ValueTypeInt, ValueTypeFloat:
		f, err := strconv.ParseFloat(string(v), 64)
		return f, err == nil
	default:
		return 0, false
	}
}

// Text returns a string value without its quotes, and any other as its JSON text.
func (v Value) Text() string {
	if v.Type() != ValueTypeString {
		return string(v)
	}
	var text string
	if json.Unmarshal([]byte(v), &text) != nil {
		return string(v)
	}
	return text
}

// MarshalJSON implements json.Marshaler.
func (v Value) MarshalJSON() ([]byte, error) {
	if v == "" {
		return []byte("null"), nil
	}
	return []byte(v), nil
}

// UnmarshalJSON implements json.Unmarshaler with ParseValue's checks.
func (v *Value) UnmarshalJSON(text []byte) error {
	parsed, err := ParseValue(text)
	if err != nil {
		return err
	}
	*v = parsed
	return nil
}

// appendJSONString appends s as a JSON string without escaping HTML characters.
func appendJSONString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= 0x7f {
			quoted, _ := json.Marshal(s)
			return append(dst, quoted...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

// depthWithin reports whether text opens at most depth brackets at a time outside strings.
func depthWithin(text []byte, depth int) bool {
	open, inString := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if open++; open > depth {
				return false
			}
		case c == '}' || c == ']':
			open--
		}
	}
	return true
}
