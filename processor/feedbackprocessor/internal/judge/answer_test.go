package judge

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

func form(tb testing.TB, output map[string]any) *outputForm {
	tb.Helper()
	f, err := newOutputForm("j", output)
	require.NoError(tb, err)
	return f
}

func TestParseAnswerRefuses(t *testing.T) {
	flat, boolean := form(t, guideConfig().Output), form(t, boolConfig().Output)
	open := form(t, map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "number"}})
	for _, tt := range []struct {
		name, text, want string
		form             *outputForm
	}{
		{"nothing", "", "the answer is not a JSON object", flat},
		{"list", `[1]`, "the answer is not a JSON object", flat},
		{"number", `0.5`, "the answer is not a JSON object", flat},
		{"unfinished", `{"accuracy": 0.5`, "the answer is not a JSON object", flat},
		{"many braces", strings.Repeat("{", 1000), "the answer is not a JSON object", flat},
		{"too large", `{"rationale": "` + strings.Repeat("x", maxAnswer) + `"}`, "larger than 64 KiB", flat},
		{"too deep", strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100), "nested deeper than 64 levels", flat},
		{"number beyond floats", `{"accuracy": 1e999, "helpfulness": 1, "rationale": ""}`, "the answer", flat},
		{"wrong type", `{"accuracy": "high", "helpfulness": 1, "rationale": ""}`, `the answer's "accuracy" is of type string, not number`, flat},
		{"above", `{"accuracy": 1.5, "helpfulness": 1, "rationale": ""}`, `the answer's "accuracy" is above the maximum of 1`, flat},
		{"below", `{"accuracy": -1, "helpfulness": 1, "rationale": ""}`, `the answer's "accuracy" is below the minimum of 0`, flat},
		{"missing", `{"accuracy": 1, "rationale": ""}`, "the answer lacks helpfulness", flat},
		{"invented", `{"accuracy": 1, "helpfulness": 1, "rationale": "", "payload": 1}`, "the answer has 1 key(s) that `output` does not know", flat},
		{"flat for a wrapped one", `{"rationale": ""}`, "the answer lacks value", boolean},
		{"null", `{"rationale": "", "value": null}`, `the answer's "value" is of type null, not boolean`, boolean},
		{"text for a boolean", `{"rationale": "", "value": "payload"}`, `the answer's "value" is of type string, not boolean`, boolean},
		{"key of the model's", `{"rationale": "", "value": {"payload": "x"}}`, `the answer's "value/…" is of type string, not number`, open},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parseAnswer(tt.text, tt.form)
			require.ErrorContains(t, err, tt.want)
			assert.NotContains(t, err.Error(), "payload")
		})
	}
}

func TestParseAnswer(t *testing.T) {
	flat, boolean := form(t, guideConfig().Output), form(t, boolConfig().Output)
	const good, value = ` {"helpfulness": 1, "accuracy": 1.0, "rationale": "Ünd \"so\""}`, assessment.Value(`{"helpfulness":1,"accuracy":1.0,"rationale":"Ünd \"so\""}`)
	for _, tt := range []struct {
		name, text string
		form       *outputForm
		value      assessment.Value
		rationale  string
	}{
		{"flat: order and floats of the answer", good, flat, value, `Ünd "so"`},
		{"key twice: the last, validated, counts", `{"accuracy": 7, "helpfulness": 1, "rationale": "", "\u0061ccuracy": 0.1}`, flat, `{"helpfulness":1,"rationale":"","accuracy":0.1}`, ""},
		{"byte order mark", "\ufeff" + good, flat, value, `Ünd "so"`},
		{"markdown", "Sure!\n```json\n" + good + "\n```\n{}", flat, value, `Ünd "so"`},
		{"braces in prose", "I use {braces} and \"{quotes\" here: " + good + " }", flat, value, `Ünd "so"`},
		{"chain of thought", "<think>{\"accuracy\": 0}</think>" + good, flat, value, `Ünd "so"`},
		{"wrapped", `{"rationale": "r", "value": true}`, boolean, "true", "r"},
		{"wrapped list", `{"value": ["a", 1.0], "rationale": "r"}`, form(t, map[string]any{"type": "array"}), `["a",1.0]`, "r"},
		{"characters that are written as escapes", `{"value": true, "rationale": "\u0007 \udb40\udc67 \u007f \"q\""}`, boolean, "true", "\a \U000e0067 \x7f \"q\""},
		{"rationale that is no text", `{"a": 1, "rationale": ["x", 1.0]}`, form(t, map[string]any{"type": "object", "properties": map[string]any{"a": map[string]any{}, "rationale": map[string]any{}}}), `{"a":1,"rationale":["x",1.0]}`, `["x",1.0]`},
		{"braces in strings", `{"value": true, "rationale": "} \" {"}`, boolean, "true", `} " {`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseAnswer(tt.text, tt.form)
			require.NoError(t, err)
			assert.Equal(t, tt.value, got.value)
			assert.Equal(t, tt.rationale, got.rationale)
		})
	}
}

func FuzzParseAnswer(f *testing.F) {
	nested := map[string]any{
		"type": "object", "properties": map[string]any{
			"label": map[string]any{"enum": []any{"good", "bad"}},
			"list":  map[string]any{"type": "array", "maxItems": 3, "items": map[string]any{"type": []any{"integer", "null"}, "multipleOf": 2}},
		},
	}
	forms := []*outputForm{form(f, guideConfig().Output), form(f, boolConfig().Output), form(f, nested)}
	for _, text := range []string{
		`{"helpfulness": 1, "accuracy": 0.5, "rationale": "r"}`, `{"rationale": "r", "value": true}`,
		"```json\n{\"value\": {\"label\": \"good\", \"list\": [2, null]}, \"rationale\": \"\"}\n```", `<think>{</think>{"value":false,"rationale":"\ud800"}`,
		`{"a":1e999}`, `{"a":{"a":{"a":[[[[]]]]}}}`, `{"value": tru`, "{{{{", `{"\u0061":1,"a":2}`, "",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, form := range forms {
			got, err := parseAnswer(text, form)
			if err != nil {
				if len(err.Error()) > 300 {
					t.Errorf("error of %d bytes", len(err.Error()))
				}
				continue
			}
			checkAnswer(t, form, got)
		}
	})
}

// checkAnswer holds what was taken against the schema once more, by the text that will be stored.
func checkAnswer(t *testing.T, form *outputForm, got answer) {
	t.Helper()
	if again, err := assessment.ParseValue([]byte(got.value)); err != nil || again != got.value {
		t.Errorf("the value is not in its compact form")
	}
	var stored any
	if err := json.Unmarshal([]byte(got.value), &stored); err != nil {
		t.Fatalf("the value is not JSON: %v", err)
	}
	if !form.flat {
		stored = map[string]any{rationaleKey: got.rationale, valueKey: stored}
	}
	if err := form.validator.Validate(stored); err != nil {
		t.Errorf("the stored value does not fit the schema")
	}
	if decoded, ok := got.decoded.(map[string]any); ok && form.flat {
		if reread, ok := stored.(map[string]any); !ok || len(reread) != len(maps.Clone(decoded)) {
			t.Errorf("the stored value is not the one that was validated")
		}
	}
}

func BenchmarkParseAnswer(b *testing.B) {
	flat := form(b, guideConfig().Output)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parseAnswer(`{"helpfulness": 1, "accuracy": 0.5, "rationale": "The answer names the capital."}`, flat); err != nil {
			b.Fatal(err)
		}
	}
}
