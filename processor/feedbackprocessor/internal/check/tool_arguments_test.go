package check

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

const weather = `{"type": "object", "required": ["city"], "additionalProperties": false, "properties": {
	"city": {"type": "string"}, "days": {"type": "integer"}, "unit": {"enum": ["C", "F", 1, null, {"a": [1]}]}, "v": {"const": 1},
	"where": {"type": "array", "items": {"$ref": "#/$defs/point"}}, "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
	"both": {"allOf": [{"type": "object"}, {"required": ["a"]}]}, "either": {"type": ["string", "boolean"]}, "maybe": {"type": "STRING", "nullable": true},
	"map": {"type": "object", "additionalProperties": {"type": "number"}}, "free": {}, "never": false,
	"pattern": {"patternProperties": {"^x": {}}, "additionalProperties": false}},
	"$defs": {"point": {"type": "object", "required": ["x"], "properties": {"x": {"type": "number"}, "next": {"$ref": "#/$defs/point"}}}}}`

func called(definitions map[string]string, calls ...genai.ToolCall) *Subject {
	return &Subject{Interaction: withTools{captured{genai.PartToolCalls: "[]"}, calls, definitions}}
}

func TestToolArguments(t *testing.T) {
	t.Parallel()
	c := newCheck(t, `{tool_arguments: {}, explain: "{{.Problem}}"}`)
	assert.NotEmpty(t, c.Needs())
	for _, test := range []struct{ name, arguments, problem string }{
		{"as defined", `{"city": "Paris", "days": 2, "unit": "C"}`, ""},
		{"a whole number with a point", `{"city": "x", "days": 2.0}`, ""},
		{"missing", `{"days": 2}`, "/required"},
		{"none", "", "/required"},
		{"unknown", `{"city": "x", "secret": 1}`, "/additionalProperties"},
		{"wrong type", `{"city": 1}`, "/properties/city/type"},
		{"no whole number", `{"city": "x", "days": 2.5}`, "/properties/days/type"},
		{"enum", `{"city": "x", "unit": "K"}`, "/properties/unit/enum"},
		{"enum of other types", `{"city": "x", "unit": 1.0}`, ""},
		{"enum of null", `{"city": "x", "unit": null}`, ""},
		{"enum of objects", `{"city": "x", "unit": {"a":[1]}}`, ""},
		{"const", `{"city": "x", "v": 2}`, "/properties/v/const"},
		{"items", `{"city": "x", "where": [{"x": 1}, {"y": 1}]}`, "/properties/where/items/$ref/required"},
		{"recursive reference", `{"city": "x", "where": [{"x": 1, "next": {"x": 2, "next": {"x": "3"}}}]}`, "/properties/where/items/$ref/properties/next/$ref/properties/next/$ref/properties/x/type"},
		{"any of", `{"city": "x", "note": null}`, ""},
		{"none of any", `{"city": "x", "note": 1}`, "/properties/note/anyOf"},
		{"all of", `{"city": "x", "both": {"a": 1}}`, ""},
		{"not all of", `{"city": "x", "both": {}}`, "/properties/both/allOf/required"},
		{"types", `{"city": "x", "either": true}`, ""},
		{"none of the types", `{"city": "x", "either": {}}`, "/properties/either/type"},
		{"Gemini's types", `{"city": "x", "maybe": "x"}`, ""},
		{"Gemini's null", `{"city": "x", "maybe": null}`, ""},
		{"Gemini's types not followed", `{"city": "x", "maybe": 1}`, "/properties/maybe/type"},
		{"additional with a schema", `{"city": "x", "map": {"a": 1}}`, ""},
		{"additional against its schema", `{"city": "x", "map": {"a": "1"}}`, "/properties/map/additionalProperties/type"},
		{"anything", `{"city": "x", "free": [{"a": null}]}`, ""},
		{"never", `{"city": "x", "never": 1}`, "/properties/never"},
		{"patterns are not looked at", `{"city": "x", "pattern": {"y": 1}}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			result := evaluate(t, c, called(map[string]string{"weather": weather}, genai.ToolCall{Name: "weather", Arguments: test.arguments}))
			want := Result{Value: assessment.True, Verdict: assessment.VerdictPassed}
			if test.problem != "" {
				want = Result{Value: assessment.False, Verdict: assessment.VerdictFailed, Rationale: "call 1 has arguments that do not follow the definition at #" + test.problem}
			}
			assert.Equal(t, want, result)
		})
	}
}

func TestToolCalls(t *testing.T) {
	t.Parallel()
	c := newCheck(t, `{tool_arguments: {}, explain: "{{.Problem}}"}`)
	fine := genai.ToolCall{Name: "f", Arguments: "{}"}
	definitions := map[string]string{"f": "", "g": `{"type": "object"}`, "broken": `{"type"`, "true": "true", "false": "false"}
	for _, test := range []struct {
		name    string
		calls   []genai.ToolCall
		problem string
	}{
		{"without a schema", []genai.ToolCall{fine, {Name: "f"}, {Name: "f", Arguments: " "}}, ""},
		{"any", []genai.ToolCall{{Name: "true", Arguments: `{"a": 1}`}}, ""},
		{"a broken schema asks for nothing", []genai.ToolCall{{Name: "broken", Arguments: `{"a": 1}`}}, ""},
		{"nothing allowed", []genai.ToolCall{{Name: "false"}}, "call 1 has arguments that do not follow the definition at #"},
		{"not defined", []genai.ToolCall{fine, {Name: "secret"}}, "call 2 is of a tool that is not defined"},
		{"no JSON", []genai.ToolCall{{Name: "f", Arguments: "{'a': 1}"}}, "call 1 has arguments that are not valid JSON"},
		{"nearly JSON", []genai.ToolCall{{Name: "f", Arguments: `{"a": nan}`}}, "call 1 has arguments that are not valid JSON"},
		{"two values", []genai.ToolCall{{Name: "f", Arguments: "{} {}"}}, "call 1 has arguments that are not valid JSON"},
		{"no object", []genai.ToolCall{{Name: "f", Arguments: "[1]"}}, "call 1 has arguments that are no JSON object"},
		{"deep", []genai.ToolCall{{Name: "f", Arguments: strings.Repeat(`{"a":`, 301) + "1" + strings.Repeat("}", 301)}}, "call 1 has arguments that are nested too deep"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			result := evaluate(t, c, called(definitions, test.calls...))
			assert.Nil(t, result.Error)
			assert.Equal(t, assessment.Bool(test.problem == ""), result.Value)
			assert.Equal(t, test.problem, result.Rationale)
		})
	}
	lenient := newCheck(t, `{tool_arguments: {allow_undefined: true}}`)
	assert.Equal(t, assessment.True, evaluate(t, lenient, called(definitions, fine, genai.ToolCall{Name: "other", Arguments: "x"})).Value)
}

func TestToolArgumentsStates(t *testing.T) {
	t.Parallel()
	c := newCheck(t, `{tool_arguments: {}}`)
	call := genai.ToolCall{Name: "f"}
	for _, test := range []struct {
		name    string
		subject *Subject
		want    genai.State
	}{
		{"no calls", called(map[string]string{"f": ""}), genai.StateNotCaptured},
		{"no definitions", called(nil, call), genai.StateNotCaptured},
		{"nothing of tools", &Subject{Interaction: captured{genai.PartToolCalls: "[]"}}, genai.StateNotCaptured},
		{"the calls have a state", &Subject{Interaction: withTools{captured{}, []genai.ToolCall{call}, map[string]string{"f": ""}}}, genai.StateNotCaptured},
		{"calls and definitions", called(map[string]string{"f": ""}, call), genai.StateText},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, state := c.Evaluate(t.Context(), test.subject)
			assert.Equal(t, test.want, state)
		})
	}
}

// TestSpan reads calls, definitions and numbers of a span as instrumentations write them.
func TestSpan(t *testing.T) {
	t.Parallel()
	subject := withSpan(func(span ptrace.Span) {
		require.NoError(t, span.Attributes().FromRaw(map[string]any{
			"gen_ai.operation.name":      "chat",
			"gen_ai.usage.input_tokens":  90,
			"gen_ai.usage.output_tokens": 20,
			"gen_ai.tool.definitions":    `[{"type":"function","name":"weather","parameters":{"type":"object","required":["city"]}}]`,
			"gen_ai.output.messages":     `[{"role":"assistant","parts":[{"type":"tool_call","id":"1","name":"weather","arguments":{"town":"Paris"}}],"finish_reason":"tool_call"}]`,
		}))
	})
	interaction := genai.Read(subject.Resource.Resource(), subject.Scope.Scope(), subject.Span)
	subject.Interaction = &interaction
	result := evaluate(t, newCheck(t, `{tool_arguments: {}, explain: "{{.Problem}}"}`), subject)
	assert.Equal(t, Result{
		Value: assessment.False, Verdict: assessment.VerdictFailed,
		Rationale: "call 1 has arguments that do not follow the definition at #/required",
	}, result)
	assert.Equal(t, assessment.Int(110), evaluate(t, newCheck(t, `{tokens: {max_total: 200}}`), subject).Value)
	_, state := newCheck(t, `{cost: {max_usd: 1}}`).Evaluate(t.Context(), subject)
	assert.Equal(t, genai.StateNotCaptured, state)
}

// TestHostileDefinitions has definitions on which validators work without end.
func TestHostileDefinitions(t *testing.T) {
	t.Parallel()
	c := newCheck(t, `{tool_arguments: {}}`)
	var doubling strings.Builder
	for i := range 40 {
		fmt.Fprintf(&doubling, `"d%d": {"allOf": [{"$ref": "#/$defs/d%d"}, {"$ref": "#/$defs/d%d"}]}, `, i, i+1, i+1)
	}
	members := strings.Repeat(`"aaaaaaaa":1,`, 50_000) + `"b":1`
	for _, test := range []struct{ name, definition, arguments string }{
		{"refers to itself", `{"$ref": "#"}`, "{}"},
		{"refers to itself in any", `{"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}`, "{}"},
		{"refers in a circle", `{"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}`, "{}"},
		{"doubles", `{"$ref": "#/$defs/d0", "$defs": {` + doubling.String() + `"d40": {"type": "object"}}}`, "{}"},
		{"many members", `{"properties": {` + members + `}}`, `{` + members + `}`},
		{"many required", `{"required": [` + strings.Repeat(`"b",`, 50_000) + `"b"]}`, `{` + members + `}`},
		{"large enum", `{"enum": [` + strings.Repeat(`{},`, 100_000) + `{}]}`, `{` + members + `}`},
		{"many elements", `{"properties": {"a": {"items": {"allOf": [` + strings.Repeat(`{},`, 1000) + `{}]}}}}`, `{"a": [` + strings.Repeat("1,", 100_000) + `1]}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			result := evaluate(t, c, called(map[string]string{"f": test.definition}, genai.ToolCall{Name: "f", Arguments: test.arguments}))
			require.NotNil(t, result.Error)
			assert.Equal(t, "too_large", result.Error.Type)
			assert.Equal(t, "call 1: the definition takes too many steps to hold arguments against", result.Error.Message)
		})
	}
	result := evaluate(t, c, called(map[string]string{"f": ""}, genai.ToolCall{Name: "f", Arguments: strings.Repeat(" ", maxParsed+1)}))
	require.NotNil(t, result.Error)
	assert.Equal(t, "call 1: arguments or definition have more than 1048576 bytes", result.Error.Message)
}

func FuzzToolArguments(f *testing.F) {
	f.Add(weather, `{"city": "Paris", "where": [{"x": 1, "next": {"x": 2}}]}`)
	f.Add(`{"$ref": "#/a~1b", "a/b": {"type": []}}`, `{"": null}`)
	f.Add(`{"properties": {"a": true, "b": false}, "additionalProperties": {"enum": 1}}`, `{"a": 1e999}`)
	c := newCheck(f, `{tool_arguments: {}, explain: "{{.Problem}}"}`)
	f.Fuzz(func(t *testing.T, definition, arguments string) {
		result := evaluate(t, c, called(map[string]string{"f": definition}, genai.ToolCall{Name: "f", Arguments: arguments}))
		if result.Error == nil {
			assert.Contains(t, []assessment.Value{assessment.True, assessment.False}, result.Value)
			assert.Less(t, len(result.Rationale), maxPointer+100)
		}
	})
}
