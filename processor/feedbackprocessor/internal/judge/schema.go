package judge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const rationaleKey, valueKey = "rationale", "value"

// outputForm is the form of a judge's answer: what is asked for, and what an answer must be.
type outputForm struct {
	// name is the schema's name in requests, of the characters that providers take.
	name string
	// flat says that the answer itself is the value; else it is {rationale, value}.
	flat bool
	// schema is what answers are validated against and what the prompt shows.
	schema    json.RawMessage
	validator *jsonschema.Schema
	// sent is the schema in OpenAI's requests; strict says that it fits the strict mode.
	sent   json.RawMessage
	strict bool
	// closed is the schema in Anthropic's requests; nil where its structured outputs cannot say it.
	closed json.RawMessage
	// value is the schema of the value, with the definitions that it refers to.
	value map[string]any
	// names are those of all properties in schema.
	names map[string]bool
	// keys are those of a value that is a closed object; nil when they are open.
	keys []string
	// boolean says that the value is a boolean.
	boolean bool
}

// newOutputForm makes the form of the value schema of a judge.
func newOutputForm(name string, output map[string]any) (*outputForm, error) {
	if len(output) == 0 {
		return nil, errors.New("it is missing: give the JSON Schema of the value, such as {type: boolean}")
	}
	user, err := plainJSON(output)
	if err != nil {
		return nil, err
	}
	if err := checkReferences(user); err != nil {
		return nil, err
	}
	if _, err := compileSchema(user); err != nil {
		return nil, err
	}
	value := closeObjects(user).(map[string]any)
	form := &outputForm{name: schemaName(name), boolean: value["type"] == "boolean", value: value}
	properties, _ := value["properties"].(map[string]any)
	if value["type"] == "object" && properties != nil && value["additionalProperties"] == false {
		form.keys = slices.Sorted(maps.Keys(properties))
	}
	answer := value
	if _, form.flat = properties[rationaleKey]; !form.flat {
		answer = wrap(value)
	}
	form.names = map[string]bool{}
	mapSchema(answer, func(node map[string]any) {
		properties, _ := node["properties"].(map[string]any)
		for name := range properties {
			form.names[name] = true
		}
	})
	if form.validator, err = compileSchema(answer); err != nil {
		return nil, err
	}
	if form.schema, err = json.Marshal(answer); err != nil {
		return nil, err
	}
	form.sent = form.schema
	if strict, ok := strictSchema(answer, openAIDialect); ok {
		form.strict = true
		if form.sent, err = json.Marshal(strict); err != nil {
			return nil, err
		}
	}
	if closed, ok := strictSchema(answer, anthropicDialect); ok {
		if form.closed, err = json.Marshal(closed); err != nil {
			return nil, err
		}
	}
	return form, nil
}

// wrap asks for the rationale beside the value, and first: a model that has given its reasons scores better. What
// references point to moves to the root with them.
func wrap(value map[string]any) map[string]any {
	inner := maps.Clone(value)
	outer := map[string]any{
		"type": "object",
		"properties": map[string]any{
			rationaleKey: map[string]any{"type": "string", "description": "The reasons for the value, in a few sentences."},
			valueKey:     inner,
		},
		"required":             []any{rationaleKey, valueKey},
		"additionalProperties": false,
	}
	for _, key := range []string{"$schema", "$defs", "definitions"} {
		if moved, ok := inner[key]; ok {
			outer[key] = moved
			delete(inner, key)
		}
	}
	return outer
}

// plainJSON turns what YAML made of a schema into what JSON would have made of it.
func plainJSON(output map[string]any) (map[string]any, error) {
	text, err := json.Marshal(output)
	if err != nil {
		return nil, errors.New("it cannot be written as JSON")
	}
	plain, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	return plain.(map[string]any), nil
}

// checkReferences allows references to definitions only: those stay right wherever the schema is put.
func checkReferences(schema any) error {
	switch node := schema.(type) {
	case map[string]any:
		for key, child := range node {
			text, isText := child.(string)
			switch {
			case isText && key == "$ref" && !strings.HasPrefix(text, "#/$defs/") && !strings.HasPrefix(text, "#/definitions/"):
				return fmt.Errorf("it refers to %q: only #/$defs/… can be referred to", text)
			case isText && slices.Contains([]string{"$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef"}, key):
				return fmt.Errorf("it uses %s: only $ref to #/$defs/… is taken", key)
			}
			if err := checkReferences(child); err != nil {
				return err
			}
		}
	case []any:
		for _, child := range node {
			if err := checkReferences(child); err != nil {
				return err
			}
		}
	}
	return nil
}

// noLoader keeps schemas from reaching for files and the network.
type noLoader struct{}

// Load implements jsonschema.URLLoader.
func (noLoader) Load(location string) (any, error) {
	return nil, fmt.Errorf("remote schema %q is not loaded", location)
}

func compileSchema(schema any) (*jsonschema.Schema, error) {
	const location = "judge:///output.json" // not a path, which would be resolved against the working directory
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(noLoader{})
	compiler.AssertFormat()
	if err := compiler.AddResource(location, schema); err != nil {
		return nil, err
	}
	compiled, err := compiler.Compile(location)
	if err != nil {
		return nil, fmt.Errorf("it is not a JSON Schema: %w", err)
	}
	return compiled, nil
}

// schemaName keeps the characters that a schema's name may have.
func schemaName(name string) string {
	mapped := strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '_'
	}, name)
	return mapped[:min(len(mapped), 64)]
}
