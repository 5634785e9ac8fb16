package assessment

import (
	"encoding/base64"
	"errors"
	"math"
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

var (
	errValueLarge = errors.New("value is larger than max_assessment_size")
	errValueType  = errors.New("value is of no type that JSON has")
)

// valueOf reads an attribute as a Value, its text not much longer than maxSize bytes.
func valueOf(src pcommon.Value, maxSize int) (Value, error) {
	switch src.Type() {
	case pcommon.ValueTypeEmpty:
		return "", nil
	case pcommon.ValueTypeBool:
		return Bool(src.Bool()), nil
	case pcommon.ValueTypeInt:
		return Int(src.Int()), nil
	case pcommon.ValueTypeDouble:
		return Float(src.Double()), nil
	case pcommon.ValueTypeBytes:
		if src.Bytes().Len() > maxSize {
			return "", errValueLarge
		}
		return ParseValue(src.Bytes().AsRaw())
	default:
		text, err := appendAnyValue(nil, src, maxSize, maxValueDepth)
		return Value(text), err
	}
}

// appendAnyValue appends src as JSON. The size is looked at before each step, so that what a stranger sends costs no
// more than it is long.
func appendAnyValue(dst []byte, src pcommon.Value, maxSize, depth int) ([]byte, error) {
	if len(dst) > maxSize {
		return nil, errValueLarge
	}
	switch src.Type() {
	case pcommon.ValueTypeEmpty:
		return append(dst, "null"...), nil
	case pcommon.ValueTypeBool:
		return strconv.AppendBool(dst, src.Bool()), nil
	case pcommon.ValueTypeInt:
		return strconv.AppendInt(dst, src.Int(), 10), nil
	case pcommon.ValueTypeDouble:
		if f := src.Double(); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return appendFloat(dst, f), nil
		}
		return append(dst, "null"...), nil
	case pcommon.ValueTypeStr:
		if len(src.Str()) > maxSize {
			return nil, errValueLarge
		}
		return appendJSONString(dst, src.Str()), nil
	case pcommon.ValueTypeBytes:
		if src.Bytes().Len() > maxSize {
			return nil, errValueLarge
		}
		return appendJSONString(dst, base64.StdEncoding.EncodeToString(src.Bytes().AsRaw())), nil
	case pcommon.ValueTypeSlice:
		if depth == 0 {
			return nil, errValueDepth
		}
		return appendAnySlice(dst, src.Slice(), maxSize, depth-1)
	case pcommon.ValueTypeMap:
		if depth == 0 {
			return nil, errValueDepth
		}
		return appendAnyMap(dst, src.Map(), maxSize, depth-1)
	default:
		return nil, errValueType
	}
}

func appendAnySlice(dst []byte, src pcommon.Slice, maxSize, depth int) ([]byte, error) {
	var err error
	dst = append(dst, '[')
	for i := range src.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = appendAnyValue(dst, src.At(i), maxSize, depth); err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}

func appendAnyMap(dst []byte, src pcommon.Map, maxSize, depth int) ([]byte, error) {
	if src.Len() > maxSize {
		return nil, errValueLarge
	}
	keys := make([]string, 0, src.Len())
	for key := range src.All() {
		keys = append(keys, validUTF8(key))
	}
	keep := lastOfEqual(len(keys), func(i int) string { return keys[i] })
	i, first := -1, true
	var err error
	dst = append(dst, '{')
	for _, value := range src.All() {
		if i++; keep != nil && !keep[i] {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		if len(keys[i]) > maxSize {
			return nil, errValueLarge
		}
		dst = append(appendJSONString(dst, keys[i]), ':')
		if dst, err = appendAnyValue(dst, value, maxSize, depth); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}
