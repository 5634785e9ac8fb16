package genai

import "github.com/valyala/fastjson"

// whole takes a value as it stands: JSON is not written anew, because its spaces and order may matter to a check. Only
// a text in quotes loses these.
func whole(text string, at side) reading {
	switch text {
	case "", "{}", "[]", "null", `""`:
		return reading{}
	}
	if text[0] != '"' {
		return read(text, at)
	}
	for range 2 {
		inner, ok := unquote(text)
		if !ok {
			break
		}
		text = inner
	}
	return read(text, at)
}

// unquote opens a text that is one JSON string.
func unquote(text string) (inner string, ok bool) {
	const shortest = len(`""`)
	if len(text) < shortest || text[0] != '"' || text[len(text)-1] != '"' || !worthParsing(text) {
		return "", false
	}
	parser := parsers.Get()
	if len(text) <= maxPooled {
		defer parsers.Put(parser)
	}
	value, err := parser.Parse(text)
	if err != nil || value.Type() != fastjson.TypeString {
		return "", false
	}
	return jsonText(value), true
}
