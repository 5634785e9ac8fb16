package genai

import (
	"strings"
	"unicode/utf8"

	"github.com/valyala/fastjson"
)

// Spans come from strangers. What is read of one value, and what parsing it may cost, is bounded: a parsed value takes
// some 80 bytes, and the parser itself refuses more than fastjson.MaxDepth levels.
const (
	maxText   = 1 << 20 // bytes of one value that are looked at
	maxPooled = 64 << 10
	maxValues = 50_000
)

var parsers fastjson.ParserPool

// outcome says what became of an attempt to read JSON.
type outcome uint8

const (
	plain  outcome = iota // not JSON at all
	parsed                // read
	cut                   // begins as JSON and does not end as such, or is more than we look at
)

// parse hands the JSON value in a text to visit, which must keep nothing of it. A text in quotes that holds a list or
// an object is opened, twice at most: MLflow quotes what is JSON already.
func parse(text string, visit func(*fastjson.Value)) outcome {
	const quotes = 2
	return parseQuoted(text, quotes, visit)
}

func parseQuoted(text string, quotes int, visit func(*fastjson.Value)) outcome {
	text = strings.TrimSpace(text)
	if text == "" || (text[0] != '{' && text[0] != '[' && text[0] != '"') {
		return plain
	}
	if !worthParsing(text) {
		return cut
	}
	parser := parsers.Get()
	if len(text) <= maxPooled { // a parser keeps the memory of the largest text it has seen
		defer parsers.Put(parser)
	}
	value, err := parser.Parse(text)
	if err != nil {
		if text[0] == '"' {
			return plain
		}
		return cut
	}
	if inner := value.GetStringBytes(); quotes > 0 && len(inner) > 0 &&
		(inner[0] == '{' || inner[0] == '[' || inner[0] == '"') {
		if parseQuoted(string(inner), quotes-1, visit) == parsed {
			return parsed
		}
	}
	visit(value)
	return parsed
}

// parseCut is parse, but reads a value that lost its tail as far as it goes.
func parseCut(text string, visit func(*fastjson.Value)) outcome {
	result := parse(text, visit)
	if result != cut {
		return result
	}
	if rest, ok := salvage(text); ok {
		parse(rest, visit)
	}
	return cut
}

// worthParsing refuses what would cost too much. Short texts cannot.
func worthParsing(text string) bool {
	if len(text) <= maxPooled {
		return true
	}
	if len(text) > maxText {
		return false
	}
	depth, values, quoted := 0, 0, false
	for n := 0; n < len(text); n++ {
		switch c := text[n]; {
		case quoted && c == '\\':
			n++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			values++
		case c == '}' || c == ']':
			depth--
		case c == ',':
			values++
		}
		if depth > fastjson.MaxDepth || values > maxValues {
			return false
		}
	}
	return true
}

// jsonText returns the text of a JSON string, copied, or "" for any other value.
func jsonText(value *fastjson.Value) string {
	if value == nil || value.Type() != fastjson.TypeString {
		return ""
	}
	return valid(string(value.GetStringBytes()))
}

// valid replaces what is not UTF-8.
func valid(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// jsonAny returns a JSON string's text, or any other value as compact JSON; null and nothing are "".
func jsonAny(value *fastjson.Value) string {
	if value == nil {
		return ""
	}
	switch value.Type() {
	case fastjson.TypeNull:
		return ""
	case fastjson.TypeString:
		return jsonText(value)
	}
	return valid(string(value.MarshalTo(nil)))
}

// first returns the first of the members that is there and not null.
func first(object *fastjson.Value, keys ...string) *fastjson.Value {
	for _, key := range keys {
		if value := object.Get(key); value != nil && value.Type() != fastjson.TypeNull {
			return value
		}
	}
	return nil
}

// member returns the first of the members, as text, of an attribute that holds a JSON object.
func (s source) member(key string, names ...string) (text string) {
	value, ok := s.get(key)
	if !ok {
		return ""
	}
	parse(stringOf(value), func(object *fastjson.Value) {
		text = textOrNumber(first(object, names...))
	})
	return text
}

// textOrNumber renders a value that is a text or a number; any other is "".
func textOrNumber(value *fastjson.Value) string {
	if value != nil && value.Type() == fastjson.TypeNumber {
		return string(value.MarshalTo(nil))
	}
	return jsonText(value)
}
