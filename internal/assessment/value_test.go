package assessment_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

func TestParseValueRefuses(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"nothing", ``, "not valid JSON"},
		{"cut object", `{"a":`, "not valid JSON"},
		{"two values", `1 2`, "not valid JSON"},
		{"control character", "\"\x01\"", "not valid JSON"},
		{"loose number", `01`, "not valid JSON"},
		{"too deep", strings.Repeat("[", 65) + strings.Repeat("]", 65), "deeper than 64"},
		{"far too deep", strings.Repeat(`{"a":`, 1e6), "deeper than 64"},
		{"beyond float64", `[1e999]`, "no float64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := assessment.ParseValue([]byte(tt.text))
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestParseValue(t *testing.T) {
	tests := []struct {
		name, text, want string
		wantType         assessment.ValueType
	}{
		{"null", ` null `, ``, assessment.ValueTypeNone},
		{"bool", ` true`, `true`, assessment.ValueTypeBool},
		{"int", `42`, `42`, assessment.ValueTypeInt},
		{"negative zero", `-0`, `0`, assessment.ValueTypeInt},
		{"largest int", `9223372036854775807`, `9223372036854775807`, assessment.ValueTypeInt},
		{"int beyond 64 bits", `9223372036854775808`, `9223372036854776000.0`, assessment.ValueTypeFloat},
		{"ints beyond 64 bits inside", `{"a":[9223372036854775808,-18446744073709551617]}`, `{"a":[9223372036854775808,-18446744073709551617]}`, assessment.ValueTypeMap},
		{"float without fraction", `1.0`, `1.0`, assessment.ValueTypeFloat},
		{"float spelled at length", `1.50e0`, `1.5`, assessment.ValueTypeFloat},
		{"large float", `1E+21`, `1e+21`, assessment.ValueTypeFloat},
		{"string", `"a<b>&c"`, `"a<b>&c"`, assessment.ValueTypeString},
		{"needless escapes", `"\u00e9\/\u2028"`, "\"é/\u2028\"", assessment.ValueTypeString},
		{"needed escapes", `"\"\\\n\t\u0000"`, `"\"\\\n\t\u0000"`, assessment.ValueTypeString},
		{"pair of surrogates", `"\ud83d\ude00"`, `"😀"`, assessment.ValueTypeString},
		{"invalid UTF-8", "\"a\xffb\"", "\"a\uFFFDb\"", assessment.ValueTypeString},
		{"list", `[ 1, "a" , null ]`, `[1,"a",null]`, assessment.ValueTypeList},
		{"key order stays", `{ "b": 1, "a": {"z": [], "y": {}} }`, `{"b":1,"a":{"z":[],"y":{}}}`, assessment.ValueTypeMap},
		{"last of equal keys", `{"a":1,"b":2,"a":3}`, `{"b":2,"a":3}`, assessment.ValueTypeMap},
		{"brackets in strings", `"` + strings.Repeat("[", 100) + `"`, `"` + strings.Repeat("[", 100) + `"`, assessment.ValueTypeString},
		{"deepest", strings.Repeat("[", 64) + strings.Repeat("]", 64), strings.Repeat("[", 64) + strings.Repeat("]", 64), assessment.ValueTypeList},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := assessment.ParseValue([]byte(tt.text))
			require.NoError(t, err)
			assert.Equal(t, assessment.Value(tt.want), got)
			assert.Equal(t, tt.wantType, got.Type())
		})
	}
}

func TestFloat(t *testing.T) {
	tests := []struct {
		name string
		f    float64
		want assessment.Value
	}{
		{"NaN", math.NaN(), ""},
		{"infinity", math.Inf(-1), ""},
		{"whole", 1, "1.0"},
		{"zero", 0, "0.0"},
		{"negative zero", math.Copysign(0, -1), "-0.0"},
		{"two thirds as Python prints it", 2.0 / 3, "0.6666666666666666"},
		{"milliseconds", 1234567.25, "1234567.25"},
		{"tiny", 1e-7, "1e-07"},
		{"huge", 1e21, "1e+21"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := assessment.Float(tt.f)
			assert.Equal(t, tt.want, got)
			if got != "" {
				f, ok := got.Number()
				assert.True(t, ok)
				assert.InDelta(t, tt.f, f, 0)
				assert.Equal(t, assessment.ValueTypeFloat, got.Type())
			}
		})
	}
}

func TestNumber(t *testing.T) {
	tests := []struct {
		name  string
		value assessment.Value
		want  float64
		ok    bool
	}{
		{"none", "", 0, false},
		{"text", assessment.String("1"), 0, false},
		{"list", "[1]", 0, false},
		{"true", assessment.True, 1, true},
		{"false", assessment.False, 0, true},
		{"int", assessment.Int(-3), -3, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := tt.value.Number()
			assert.Equal(t, tt.ok, ok)
			assert.InDelta(t, tt.want, got, 0)
		})
	}
}

func TestText(t *testing.T) {
	for _, text := range []string{"", "plain", "<a href=\"x\">&</a>", "line\nline\ttab\\", "ä😀\u2028", "\x00\x1f\x7f"} {
		assert.Equal(t, text, assessment.String(text).Text())
		assert.True(t, json.Valid([]byte(assessment.String(text))))
	}
	assert.Equal(t, "a\uFFFDb", assessment.String("a\xffb").Text())
	assert.Equal(t, `{"a":1}`, assessment.Value(`{"a":1}`).Text())
	assert.Equal(t, assessment.Value(`"<&>"`), assessment.String("<&>"))
}

func TestValueAsJSON(t *testing.T) {
	type holder struct{ V assessment.Value }
	for _, value := range []assessment.Value{"", "true", "1.0", `"<b>"`, `{"b":[1,2.0],"a":null}`} {
		text, err := json.Marshal(holder{value})
		require.NoError(t, err)
		var got holder
		require.NoError(t, json.Unmarshal(text, &got))
		assert.Equal(t, value, got.V)
	}
	var got holder
	require.Error(t, json.Unmarshal([]byte(`{"V":`+strings.Repeat("[", 65)+strings.Repeat("]", 65)+`}`), &got))
}

// Many equal keys must not cost the square of their number.
func TestParseValueOfManyKeys(t *testing.T) {
	text := `{` + strings.Repeat(`"a":1,`, 100_000) + `"b":2}`
	got, err := assessment.ParseValue([]byte(text))
	require.NoError(t, err)
	assert.Equal(t, assessment.Value(`{"a":1,"b":2}`), got)
}

func FuzzParseValue(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.50,"x\u00e9\ud800"],"a":null}`, `-0.0`, `"\u0000"`, "\"\xff\"", `1e308`, `[[]]`, `{"a\\\"b":["\\\\",{}, -1, 2e-9],"c":{"d":"\ne"}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		value, err := assessment.ParseValue(text)
		if err != nil || value == "" {
			return
		}
		require.True(t, json.Valid(text), "took what is not JSON")
		require.True(t, json.Valid([]byte(value)), "made what is not JSON")
		require.True(t, utf8.ValidString(string(value)))
		again, err := assessment.ParseValue([]byte(value))
		require.NoError(t, err)
		require.Equal(t, value, again, "one spelling only")
		if len(value) < 64<<10 {
			require.Equal(t, value, overTheWire(t, value))
		}
	})
}

// overTheWire is what comes out of a value that goes through a span event.
func overTheWire(t *testing.T, value assessment.Value) assessment.Value {
	t.Helper()
	span := ptrace.NewSpan()
	span.SetTraceID(pcommon.TraceID{1})
	span.SetSpanID(pcommon.SpanID{1})
	ev := span.Events().AppendEmpty()
	assessment.EncodeSpanEvent(ev, &assessment.Assessment{
		Name: "n", SpanID: span.SpanID().String(), Value: value,
		Source: assessment.Source{Type: assessment.SourceTypeCode, ID: "s"},
	})
	got, err := assessment.DecodeSpanEvent(span, ev, assessment.DecodeOptions{})
	require.NoError(t, err)
	return got.Value
}
