package check

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

const (
	// maxValue bounds a value that OTTL gives, in bytes of JSON.
	maxValue = 64 << 10
	// maxValueDepth is the depth of an assessment's value.
	maxValueDepth = 64
)

var (
	errNoValue     = errors.New("gives nil, which is no value: leave such spans out with `conditions`")
	errNotFinite   = errors.New("gives a number that is not finite")
	errLargeValue  = fmt.Errorf("gives more than %d bytes of JSON", maxValue)
	errDeepValue   = fmt.Errorf("gives a value nested deeper than %d levels", maxValueDepth)
	errIsADuration = errors.New("gives a duration, which has no unit: use Milliseconds() or Seconds()")
)

// valueOf makes an assessment's value of what an OTTL expression gave. Maps keep their order where they have one.
func valueOf(result any) (assessment.Value, error) {
	text, err := appendResult(nil, result, maxValueDepth)
	if err != nil {
		return "", err
	}
	if len(text) == 0 || string(text) == "null" {
		return "", errNoValue
	}
	if text[0] == '{' || text[0] == '[' {
		return assessment.ParseValue(text) // a pcommon.Map can hold a key twice
	}
	return assessment.Value(text), nil
}

func appendResult(dst []byte, result any, depth int) ([]byte, error) {
	if depth < 0 {
		return nil, errDeepValue
	}
	var err error
	switch v := result.(type) {
	case nil:
		dst = append(dst, "null"...)
	case bool:
		dst = append(dst, assessment.Bool(v)...)
	case int64:
		dst = append(dst, assessment.Int(v)...)
	case float64:
		number := assessment.Float(v)
		if number == "" {
			return nil, errNotFinite
		}
		dst = append(dst, number...)
	case string:
		if len(v) > maxValue {
			return nil, errLargeValue
		}
		dst = append(dst, assessment.String(v)...)
	case []byte:
		if len(v) > maxValue {
			return nil, errLargeValue
		}
		dst = append(append(append(dst, '"'), base64.StdEncoding.EncodeToString(v)...), '"')
	case time.Time:
		dst = append(dst, assessment.String(v.UTC().Format(time.RFC3339Nano))...)
	case time.Duration:
		return nil, errIsADuration
	case pcommon.TraceID:
		dst = append(dst, assessment.String(hex.EncodeToString(v[:]))...)
	case pcommon.SpanID:
		dst = append(dst, assessment.String(hex.EncodeToString(v[:]))...)
	case pcommon.Value:
		return appendAnyValue(dst, v, depth)
	case pcommon.Map:
		dst = append(dst, '{')
		first := true
		for key, member := range v.All() {
			if dst, err = appendMember(dst, first, key, member, depth); err != nil {
				return nil, err
			}
			first = false
		}
		dst = append(dst, '}')
	case map[string]any:
		dst = append(dst, '{')
		for i, key := range slices.Sorted(maps.Keys(v)) {
			if dst, err = appendMember(dst, i == 0, key, v[key], depth); err != nil {
				return nil, err
			}
		}
		dst = append(dst, '}')
	case pcommon.Slice:
		return appendList(dst, v.Len(), func(i int) any { return v.At(i) }, depth)
	case pcommon.StringSlice:
		return appendList(dst, v.Len(), func(i int) any { return v.At(i) }, depth)
	case []any:
		return appendList(dst, len(v), func(i int) any { return v[i] }, depth)
	case []string:
		return appendList(dst, len(v), func(i int) any { return v[i] }, depth)
	case []int64:
		return appendList(dst, len(v), func(i int) any { return v[i] }, depth)
	case []float64:
		return appendList(dst, len(v), func(i int) any { return v[i] }, depth)
	case []bool:
		return appendList(dst, len(v), func(i int) any { return v[i] }, depth)
	default:
		return nil, fmt.Errorf("gives a %T, which is no value", result)
	}
	if len(dst) > maxValue {
		return nil, errLargeValue
	}
	return dst, nil
}

func appendAnyValue(dst []byte, v pcommon.Value, depth int) ([]byte, error) {
	switch v.Type() {
	case pcommon.ValueTypeMap:
		return appendResult(dst, v.Map(), depth)
	case pcommon.ValueTypeSlice:
		return appendResult(dst, v.Slice(), depth)
	default:
		return appendResult(dst, v.AsRaw(), depth)
	}
}

func appendMember(dst []byte, first bool, key string, member any, depth int) ([]byte, error) {
	if !first {
		dst = append(dst, ',')
	}
	if len(dst)+len(key) > maxValue {
		return nil, errLargeValue
	}
	dst = append(append(dst, assessment.String(key)...), ':')
	return appendResult(dst, member, depth-1)
}

func appendList(dst []byte, n int, at func(int) any, depth int) ([]byte, error) {
	dst = append(dst, '[')
	var err error
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = appendResult(dst, at(i), depth-1); err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}
