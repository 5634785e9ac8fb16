package judge

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

func TestCombine(t *testing.T) {
	number := func(more ...string) string { return `{"type":"number"` + strings.Join(more, "") + `}` }
	const unit = `,"minimum":0,"maximum":1`
	for _, tt := range []struct {
		name, schema string
		// votes are JSON values, separated by spaces.
		votes     string
		want      string
		agreement float64
	}{
		{"one vote", `{"type":"boolean"}`, `true`, `true`, 1},
		{"majority for", `{"type":"boolean"}`, `true false true`, `true`, 2. / 3},
		{"majority against", `{"type":"boolean"}`, `false false true`, `false`, 2. / 3},
		{"tie is false", `{"type":"boolean"}`, `true false`, `false`, 0.5},
		{"labels", `{"type":"string"}`, `"bad" "good" "good"`, `"good"`, 2. / 3},
		{"all labels differ: the first model's", `{"type":"string"}`, `"b" "a" "c"`, `"b"`, 1. / 3},
		{"tie of labels: the first model's of them", `{"type":"string"}`, `"c" "b" "a" "a" "b"`, `"b"`, 0.4},
		{"escapes are no difference", `{"type":"string"}`, `"\u0061" "b" "a"`, `"\u0061"`, 2. / 3},
		{"median of three", number(unit), `0.9 0.1 0.5`, `0.5`, 1 - 0.8/3},
		{"equal, however they are spelled", number(unit), `1.0 1 1.00`, `1`, 1},
		{"mean of the middle two", number(unit), `0.2 0.8 0.4 0.9`, `0.6`, 1 - 1.1/4},
		{"integer and fraction", number(unit), `0 1.0`, `0.5`, 0.5},
		{"integers stay integers", number(unit), `0 1`, `0`, 0.5},
		{"integers of a wide range", `{"type":"integer","minimum":1,"maximum":5}`, `1 5 4 4`, `4`, 0.75},
		{"no range: the largest share of equals", number(), `1 2 7 2`, `2`, 0.5},
		{"one end is no range", number(`,"minimum":0`), `0.25 0.75`, `0.5`, 0.5},
		{"exclusive ends", number(`,"exclusiveMinimum":0,"exclusiveMaximum":2`), `0.5 1.5 1`, `1`, 1 - 1./6},
		{"certain numbers only", `{"enum":[0.5,1.5,2.5]}`, `1.5 0.5`, `0.5`, 0.5},
		{"multiples only", number(`,"multipleOf":0.5`), `1.5 2.0`, `1.5`, 0.5},
		{"far out", number(), `-1.7e308 1.7e308`, `0.0`, 0.5},
		{
			"object, property by property", `{"properties":{"a":{"type":"number","minimum":0,"maximum":1},"b":{"type":"boolean"}}}`,
			`{"a":0,"b":true} {"b":false,"a":0.5} {"a":1,"b":true}`, `{"a":0.5,"b":true}`, (1 - 1./3 + 2./3) / 2,
		},
		{"properties of all", `{"type":"object"}`, `{"a":1} {"b":2,"a":1}`, `{"a":1,"b":2}`, (1 + 0.5) / 2},
		{"no properties", `{"type":"object"}`, `{} {}`, `{}`, 1},
		{"objects in objects", `{"properties":{"a":{"$ref":"#/$defs/s"}},"$defs":{"s":{"properties":{"x":{"type":"number","minimum":0,"maximum":10}}}}}`, `{"a":{"x":2.0}} {"a":{"x":4.0}}`, `{"a":{"x":3.0}}`, 0.9},
		{"lists as a whole", `{"type":"array"}`, `["a","b"] ["b","a"] ["b","a"]`, `["b","a"]`, 2. / 3},
		{"lists of numbers, however they are spelled", `{"type":"array"}`, `[1.0,{"a":1,"b":2}] [1,{"b":2,"a":1.0}]`, `[1.0,{"a":1,"b":2}]`, 1},
		{"nothing", `{"properties":{"a":{"type":["number","null"]}}}`, `{"a":null} {"a":null} {"a":1}`, `{"a":null}`, 2. / 3},
		{"different types", `{}`, `1 "1" true`, `1`, 1. / 3},
		{"range of an alternative", `{"anyOf":[{"type":"null"},{"type":"number","minimum":0,"maximum":1}]}`, `0.0 1.0`, `0.5`, 0.5},
		{"circle of references", `{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/a"}}}`, `1.0 2.0`, `1.5`, 0.5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			schema, err := plainJSON(map[string]any{"x": json.RawMessage(tt.schema)})
			require.NoError(t, err)
			node, _ := schema["x"].(map[string]any)
			var votes []assessment.Value
			for text := range strings.SplitSeq(tt.votes, " ") {
				votes = append(votes, assessment.Value(text))
			}
			got := combine(votes, schemaNode{node, node})
			assert.Equal(t, tt.want, string(got.value))
			assert.InDelta(t, tt.agreement, got.agreement, 1e-9)
		})
	}
}

// votesOf are valid votes with the texts, of models a, b, c, …
func votesOf(t *testing.T, form *outputForm, texts ...string) []vote {
	t.Helper()
	var votes []vote
	for i, text := range texts {
		parsed, err := parseAnswer(text, form)
		require.NoError(t, err)
		votes = append(votes, vote{model: &Model{key: string(rune('a' + i))}, answer: parsed})
	}
	return votes
}

func TestAggregateRationale(t *testing.T) {
	flat, boolean := form(t, guideConfig().Output), form(t, boolConfig().Output)
	odd := form(t, map[string]any{"oneOf": []any{
		map[string]any{"type": "object", "properties": map[string]any{"good": map[string]any{"type": "boolean"}}},
		map[string]any{"type": "object", "properties": map[string]any{"score": map[string]any{"type": "number"}}},
	}})
	for _, tt := range []struct {
		name  string
		form  *outputForm
		votes []string
		value assessment.Value
		// rationale is that of the first vote with the value.
		rationale string
	}{
		{
			"of the first that says the same", boolean,
			[]string{`{"rationale":"no","value":false}`, `{"rationale":"yes","value":true}`, `{"rationale":"sure","value":true}`},
			"true", "yes",
		},
		{
			"of nobody: all", flat,
			[]string{`{"helpfulness":0.0,"accuracy":1.0,"rationale":"r1"}`, `{"helpfulness":1.0,"accuracy":0.0,"rationale":"r2"}`},
			`{"helpfulness":0.5,"accuracy":0.5,"rationale":"a: r1\n\nb: r2"}`, "a: r1\n\nb: r2",
		},
		{
			"it is not voted on", flat,
			[]string{`{"helpfulness":1,"accuracy":1,"rationale":"r1"}`, `{"helpfulness":1,"accuracy":1,"rationale":"r2"}`},
			`{"helpfulness":1,"accuracy":1,"rationale":"r1"}`, "r1",
		},
		{
			"what is put together and fits no schema: as most say", odd,
			[]string{`{"rationale":"r1","value":{"good":true}}`, `{"rationale":"r2","value":{"score":1.0}}`, `{"rationale":"r3","value":{"score":1}}`},
			`{"score":1.0}`, "r2",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, _ := tt.form.aggregate(votesOf(t, tt.form, tt.votes...))
			assert.Equal(t, tt.value, got.value)
			assert.Equal(t, tt.rationale, got.rationale)
		})
	}
}

func TestAggregateBoundsJoinedRationales(t *testing.T) {
	flat := form(t, guideConfig().Output)
	long := strings.Repeat("w", 60<<10)
	got, _ := flat.aggregate(votesOf(t, flat,
		`{"helpfulness":0.0,"accuracy":1.0,"rationale":"`+long+`"}`, `{"helpfulness":1.0,"accuracy":0.0,"rationale":"short"}`))
	assert.LessOrEqual(t, len(got.rationale), maxJoinedRationale)
	assert.Contains(t, got.rationale, cutMark+"\n\nb: short")
}

// FuzzAggregate checks that what is made of any valid votes is what a model could have said, and always the same.
func FuzzAggregate(f *testing.F) {
	forms := []*outputForm{
		form(f, guideConfig().Output), form(f, boolConfig().Output), form(f, map[string]any{"type": "object"}), form(f, map[string]any{"type": "array"}),
		form(f, map[string]any{"type": "integer", "minimum": 1, "maximum": 5}), form(f, map[string]any{"type": "number", "multipleOf": 0.5}),
		form(f, map[string]any{"type": "object", "maxProperties": 2, "properties": map[string]any{
			"label": map[string]any{"enum": []any{"good", "bad"}}, "n": map[string]any{"type": []any{"number", "null"}}, "rationale": map[string]any{"type": "string", "maxLength": 9},
		}, "required": []any{"label"}}),
	}
	f.Add(`{"helpfulness":1,"accuracy":0.5,"rationale":"r"}`, `{"helpfulness":0.25,"accuracy":1e-3,"rationale":""}`, `{"helpfulness":0,"accuracy":1,"rationale":"x"}`)
	f.Add(`{"rationale":"r","value":true}`, `{"rationale":"r","value":false}`, `{"rationale":"r","value":true}`)
	f.Add(`{"rationale":"r","value":{"a":{"b":[1]},"\u0000":null}}`, `{"rationale":"r","value":{"a":{"b":2}}}`, `{"rationale":"r","value":{"c":"x"}}`)
	f.Add(`{"rationale":"r","value":4}`, `{"rationale":"r","value":5}`, `{"rationale":"r","value":1.0}`)
	f.Add(`{"rationale":"r","value":0.5}`, `{"rationale":"r","value":-1.5}`, `{"rationale":"r","value":1e300}`)
	f.Add(`{"label":"good","rationale":"123456789"}`, `{"label":"bad","n":1,"rationale":"1"}`, `{"label":"good","n":null}`)
	f.Fuzz(func(t *testing.T, a, b, c string) {
		for _, form := range forms {
			var votes []vote
			for _, text := range []string{a, b, c} {
				if parsed, err := parseAnswer(text, form); err == nil {
					votes = append(votes, vote{model: &Model{key: "m"}, answer: parsed})
				}
			}
			for n := 1; n <= len(votes); n++ {
				got, agreement := form.aggregate(votes[:n])
				if !(agreement >= 0 && agreement <= 1) {
					t.Errorf("the agreement is %v", agreement)
				}
				checkAnswer(t, form, got)
				if again, _ := form.aggregate(votes[:n]); again.value != got.value || again.rationale != got.rationale {
					t.Errorf("the same votes gave two values")
				}
			}
		}
	})
}
