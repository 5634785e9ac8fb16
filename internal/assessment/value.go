package assessment

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/valyala/fastjson"
)

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

// Float returns f as a value that stays a float: 1 is spelled `1.0`, and exponents appear where encoding/json has
// them. NaN and infinities have no JSON form and give the empty value.
func Float(f float64) Value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return ""
	}
	return Value(appendFloat(nil, f))
}

// String returns s as a value; what is not valid UTF-8 in it becomes U+FFFD.
func String(s string) Value {
	return Value(appendJSONString(nil, s))
}

// ParseValue checks that text is one JSON value, no deeper than 64 levels, and brings it to the one spelling that a
// Value has: no white space, strings without needless escapes and in valid UTF-8, numbers as Int and Float spell
// them, an object's keys in their order with the last of equal ones kept. JSON null gives the empty value. An integer
// beyond 64 bits becomes a float; a number beyond a float64 is an error. Errors never quote the text.
func ParseValue(text []byte) (Value, error) {
	if !depthWithin(text, maxValueDepth) {
		return "", errValueDepth
	}
	if !json.Valid(text) { // fastjson's own check lets some syntax errors through
		return "", errValueSyntax
	}
	parser := parsers.Get()
	defer parsers.Put(parser)
	parsed, err := parser.ParseBytes(mendSurrogates(text))
	if err != nil {
		return "", errValueSyntax
	}
	if parsed.Type() == fastjson.TypeNull {
		return "", nil
	}
	canonical, err := appendJSON(make([]byte, 0, len(text)), parsed, false)
	if err != nil {
		return "", err
	}
	return Value(canonical), nil
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
	if strings.IndexByte(string(v), '\\') < 0 {
		return string(v[1 : len(v)-1])
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
