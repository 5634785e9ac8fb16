package assessment

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/valyala/fastjson"
)

// maxValueDepth bounds the nesting of a value that strangers send.
const maxValueDepth = 64

var (
	errValueDepth  = errors.New("value is nested deeper than 64 levels")
	errValueSyntax = errors.New("value is not valid JSON")
	errValueNumber = errors.New("value holds a number that no float64 can hold")
)

var parsers fastjson.ParserPool

// appendJSON appends v in a Value's one spelling; inside says that it stands in a list or map. fastjson's own writer is
// of no use: it escapes as Go, not as JSON.
func appendJSON(dst []byte, v *fastjson.Value, inside bool) ([]byte, error) {
	var err error
	switch v.Type() {
	case fastjson.TypeString:
		return appendJSONString(dst, v.GetStringBytes()), nil
	case fastjson.TypeNumber:
		return appendJSONNumber(dst, v, inside)
	case fastjson.TypeArray:
		dst = append(dst, '[')
		for i, element := range v.GetArray() {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = appendJSON(dst, element, true); err != nil {
				return nil, err
			}
		}
		return append(dst, ']'), nil
	case fastjson.TypeObject:
		dst = append(dst, '{')
		for i, member := range members(v) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendJSONString(dst, member.key), ':')
			if dst, err = appendJSON(dst, member.value, true); err != nil {
				return nil, err
			}
		}
		return append(dst, '}'), nil
	default:
		return v.MarshalTo(dst), nil // true, false, null
	}
}

type jsonMember struct {
	key   string
	value *fastjson.Value
}

// members lists an object's members; of equal keys the last one counts, as in other readers of JSON.
func members(v *fastjson.Value) []jsonMember {
	object := v.GetObject()
	list := make([]jsonMember, 0, object.Len())
	object.Visit(func(key []byte, value *fastjson.Value) { list = append(list, jsonMember{string(key), value}) })
	keep := lastOfEqual(len(list), func(i int) string { return list[i].key })
	if keep == nil {
		return list
	}
	unique := list[:0]
	for i, m := range list {
		if keep[i] {
			unique = append(unique, m)
		}
	}
	return unique
}

// fewKeys is how many keys are compared with each other rather than put into a map.
const fewKeys = 12

// lastOfEqual marks which of n keys have no equal key behind them; nil says all of them. It stays linear for the
// thousands of keys that a stranger may send.
func lastOfEqual(n int, key func(i int) string) []bool {
	if n <= fewKeys && !anyEqual(n, key) {
		return nil
	}
	last := make(map[string]int, n)
	for i := range n {
		last[key(i)] = i
	}
	if len(last) == n {
		return nil
	}
	keep := make([]bool, n)
	for _, i := range last {
		keep[i] = true
	}
	return keep
}

func anyEqual(n int, key func(i int) string) bool {
	for i := range n {
		for j := range i {
			if key(i) == key(j) {
				return true
			}
		}
	}
	return false
}

// appendJSONNumber appends a number as Int or Float spells it, by whether its text has a fraction or exponent. Integers
// beyond 64 bits keep their digits where they stand inside: an id among an expectation's is no measurement.
func appendJSONNumber(dst []byte, v *fastjson.Value, inside bool) ([]byte, error) {
	var scratch [32]byte
	text := v.MarshalTo(scratch[:0])
	whole := !slices.ContainsFunc(text, isFloatMark)
	if whole {
		if i, err := strconv.ParseInt(string(text), 10, 64); err == nil {
			return strconv.AppendInt(dst, i, 10), nil
		}
	}
	f, err := strconv.ParseFloat(string(text), 64)
	switch {
	case err != nil:
		return nil, errValueNumber
	case whole && inside:
		return append(dst, text...), nil
	default:
		return appendFloat(dst, f), nil
	}
}

func isFloatMark(c byte) bool { return c == '.' || c == 'e' || c == 'E' }

// appendFloat appends a finite f with the shortest text that reads back as f and is not an integer's.
func appendFloat(dst []byte, f float64) []byte {
	format := byte('f')
	if size := math.Abs(f); size != 0 && (size < 1e-6 || size >= 1e21) {
		format = 'e'
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, format, -1, 64)
	if slices.ContainsFunc(dst[start:], isFloatMark) {
		return dst
	}
	return append(dst, ".0"...)
}

const hexDigits = "0123456789abcdef"

// appendJSONString appends s as a JSON string with only the escapes that JSON demands: encoding/json would escape
// HTML's characters too, and so change the bytes of a value.
func appendJSONString[T string | []byte](dst []byte, s T) []byte {
	dst = append(dst, '"')
	plain := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := decodeRune(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[plain:i]...), "\uFFFD"...)
				plain = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[plain:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, `\b`...)
		case '\f':
			dst = append(dst, `\f`...)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			dst = append(dst, `\u00`...)
			dst = append(dst, hexDigits[c>>4], hexDigits[c&0xf])
		}
		i++
		plain = i
	}
	return append(append(dst, s[plain:]...), '"')
}

func decodeRune[T string | []byte](s T) (rune, int) {
	return utf8.DecodeRuneInString(string(s[:min(len(s), utf8.UTFMax)]))
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
