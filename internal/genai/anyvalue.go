package genai

import (
	"math"
	"strconv"

	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// stringOf returns the text of a value that is one. Content may come as bytes, too.
func stringOf(value pcommon.Value) string {
	switch value.Type() {
	case pcommon.ValueTypeStr:
		return value.Str()
	case pcommon.ValueTypeBytes:
		bytes := value.Bytes()
		if bytes.Len() > maxText {
			return ""
		}
		return string(bytes.AsRaw())
	}
	return ""
}

// jsonOf returns what stringOf does, and a list or map as JSON, which is how most producers write it.
func jsonOf(value pcommon.Value) string {
	switch value.Type() {
	case pcommon.ValueTypeSlice, pcommon.ValueTypeMap:
		w := writer{left: maxValues}
		w.value(value, 0)
		return string(w.json)
	}
	return stringOf(value)
}

// writer renders an attribute's value as JSON; beyond its bounds it writes null.
type writer struct {
	json []byte
	left int // values that may still be written
	keep fastjson.Arena
}

func (w *writer) value(value pcommon.Value, depth int) {
	const maxDepth = 64
	w.left--
	if depth > maxDepth || w.left < 0 || len(w.json) > maxText {
		w.json = append(w.json, "null"...)
		return
	}
	switch value.Type() {
	case pcommon.ValueTypeStr:
		w.string(value.Str())
	case pcommon.ValueTypeInt:
		w.json = strconv.AppendInt(w.json, value.Int(), 10)
	case pcommon.ValueTypeDouble:
		if number := value.Double(); !math.IsNaN(number) && !math.IsInf(number, 0) {
			w.json = strconv.AppendFloat(w.json, number, 'g', -1, 64)
		} else {
			w.json = append(w.json, "null"...)
		}
	case pcommon.ValueTypeBool:
		w.json = strconv.AppendBool(w.json, value.Bool())
	case pcommon.ValueTypeSlice:
		w.list(value.Slice(), depth)
	case pcommon.ValueTypeMap:
		w.object(value.Map(), depth)
	default: // no producer writes bytes inside a message
		w.json = append(w.json, "null"...)
	}
}

func (w *writer) string(text string) {
	if len(text) > maxText-min(len(w.json), maxText) {
		w.json = append(w.json, "null"...)
		return
	}
	w.json = w.keep.NewString(text).MarshalTo(w.json)
	w.keep.Reset()
}

func (w *writer) list(list pcommon.Slice, depth int) {
	w.json = append(w.json, '[')
	for n, item := range list.All() {
		if w.left < 0 {
			break
		}
		if n > 0 {
			w.json = append(w.json, ',')
		}
		w.value(item, depth+1)
	}
	w.json = append(w.json, ']')
}

func (w *writer) object(object pcommon.Map, depth int) {
	w.json = append(w.json, '{')
	comma := false
	for key, item := range object.All() {
		if w.left < 0 {
			break
		}
		if comma {
			w.json = append(w.json, ',')
		}
		comma = true
		w.string(key)
		w.json = append(w.json, ':')
		w.value(item, depth+1)
	}
	w.json = append(w.json, '}')
}
