package assessment

import (
	"encoding/json"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

const (
	// maxStructuredKeys bounds the keys of one object that is written as a structured attribute: pcommon.Map looks
	// through all keys at each put. A larger object travels as its JSON text, in bytes.
	maxStructuredKeys = 256
	// fewElements is the capacity that most objects and lists need no more than.
	fewElements = 4
)

// putValue writes v as a structured attribute value, an object's keys in their order. What that form cannot hold
// exactly travels as JSON text in bytes.
func putValue(dst pcommon.Value, v Value) {
	w := structuredWriter{text: string(v)}
	if !w.put(dst, maxValueDepth) || w.at != len(w.text) {
		dst.SetEmptyBytes().FromRaw([]byte(v))
	}
}

// structuredWriter walks a Value's text once. That text has one spelling, without white space, so keys and most
// strings are parts of it and need no copy: this is on the way of every span with a composite check.
type structuredWriter struct {
	text string
	at   int
}

// put writes the value that begins here; it reports false where the text is not what a Value holds.
func (w *structuredWriter) put(dst pcommon.Value, depth int) bool {
	switch w.peek() {
	case '{':
		return depth > 0 && w.object(dst.SetEmptyMap(), depth-1)
	case '[':
		return depth > 0 && w.list(dst.SetEmptySlice(), depth-1)
	case '"':
		text, ok := w.string()
		dst.SetStr(text)
		return ok
	case 't':
		dst.SetBool(true)
		return w.skip("true")
	case 'f':
		dst.SetBool(false)
		return w.skip("false")
	case 'n':
		return w.skip("null")
	default:
		return w.number(dst)
	}
}

func (w *structuredWriter) object(dst pcommon.Map, depth int) bool {
	w.at++
	if w.skip("}") {
		return true
	}
	dst.EnsureCapacity(fewElements)
	for range maxStructuredKeys {
		key, ok := w.string()
		if !ok || !w.skip(":") || !w.put(dst.PutEmpty(key), depth) {
			return false
		}
		if !w.skip(",") {
			return w.skip("}")
		}
	}
	return false
}

func (w *structuredWriter) list(dst pcommon.Slice, depth int) bool {
	w.at++
	if w.skip("]") {
		return true
	}
	dst.EnsureCapacity(fewElements)
	for {
		if !w.put(dst.AppendEmpty(), depth) {
			return false
		}
		if !w.skip(",") {
			return w.skip("]")
		}
	}
}

// string reads a string; only one with escapes is copied.
func (w *structuredWriter) string() (text string, ok bool) {
	if !w.skip(`"`) {
		return "", false
	}
	for i := w.at; i < len(w.text); i++ {
		switch w.text[i] {
		case '"':
			text, w.at = w.text[w.at:i], i+1
			return text, true
		case '\\':
			return w.escaped(i)
		}
	}
	return "", false
}

// escaped reads on from the first escape of a string.
func (w *structuredWriter) escaped(i int) (text string, ok bool) {
	for ; i < len(w.text); i++ {
		switch w.text[i] {
		case '\\':
			i++
		case '"':
			quoted := w.text[w.at-1 : i+1]
			w.at = i + 1
			err := json.Unmarshal([]byte(quoted), &text)
			return text, err == nil
		}
	}
	return "", false
}

func (w *structuredWriter) number(dst pcommon.Value) bool {
	end := len(w.text)
	if i := strings.IndexAny(w.text[w.at:], ",]}"); i >= 0 {
		end = w.at + i
	}
	spelled := Value(w.text[w.at:end])
	w.at = end
	if spelled.Type() == ValueTypeInt {
		if n, err := strconv.ParseInt(string(spelled), 10, 64); err == nil {
			dst.SetInt(n)
			return true
		}
	}
	f, ok := spelled.Number()
	dst.SetDouble(f)
	return ok
}

func (w *structuredWriter) peek() byte {
	if w.at < len(w.text) {
		return w.text[w.at]
	}
	return 0
}

// skip goes past token if it stands here.
func (w *structuredWriter) skip(token string) bool {
	if !strings.HasPrefix(w.text[w.at:], token) {
		return false
	}
	w.at += len(token)
	return true
}
