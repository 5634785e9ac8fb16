package judge

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
)

// dialect is what of JSON Schema the constrained decoding of a provider takes; the rest only validates the answer.
type dialect struct {
	keywords []string
	formats  []any
	// minItems is the largest minItems.
	minItems int64
}

var (
	// openAIDialect is OpenAI's strict mode.
	// See https://platform.openai.com/docs/guides/structured-outputs#supported-schemas.
	openAIDialect = dialect{
		keywords: append([]string{"pattern", "multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "maxItems"}, commonKeywords...),
		formats:  commonFormats,
		minItems: math.MaxInt64,
	}
	// anthropicDialect is that of Anthropic's structured outputs.
	// See https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations.
	anthropicDialect = dialect{keywords: commonKeywords, formats: append([]any{"uri"}, commonFormats...), minItems: 1}

	commonKeywords = []string{
		"type", "title", "description", "enum", "const", "properties", "required", "additionalProperties", "items", "anyOf",
		"$ref", "$defs", "definitions", "format", "minItems",
	}
	commonFormats = []any{"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
)

// strictTypes are what makes a schema concrete enough for constrained decoding.
var strictTypes = []string{"type", "enum", "const", "anyOf", "$ref"}

// closeObjects returns a copy of schema in which an object that lists its properties needs all of them and takes no
// others, unless the schema says otherwise. An answer that leaves a score out, or invents one, is then an error.
func closeObjects(schema any) any {
	return mapSchema(schema, func(node map[string]any) {
		properties, ok := node["properties"].(map[string]any)
		if !ok {
			return
		}
		if _, ok := node["required"]; !ok {
			node["required"] = keyList(properties)
		}
		if _, ok := node["additionalProperties"]; !ok {
			node["additionalProperties"] = false
		}
	})
}

// strictSchema returns schema in the form of a dialect: closed objects, all properties required, known keywords only.
// ok is false where that form cannot say what the schema means, such as for a free-form object.
func strictSchema(schema any, d dialect) (strict any, ok bool) {
	ok = true
	strict = mapSchema(schema, func(node map[string]any) {
		if alternatives, is := node["oneOf"]; is {
			node["anyOf"] = alternatives
		}
		if properties, is := node["properties"].(map[string]any); is {
			node["required"] = keyList(properties)
			if additional, is := node["additionalProperties"]; is && additional != false {
				ok = false
			}
		} else if isType(node, "object") {
			ok = false
		}
		if isType(node, "array") && node["items"] == nil {
			ok = false
		}
		if !slices.ContainsFunc(strictTypes, func(key string) bool { return node[key] != nil }) {
			ok = false
		}
		if format, is := node["format"]; is && !slices.Contains(d.formats, format) {
			delete(node, "format")
		}
		if least, is := node["minItems"].(json.Number); is {
			if n, err := least.Int64(); err != nil || n > d.minItems {
				delete(node, "minItems")
			}
		}
		maps.DeleteFunc(node, func(key string, _ any) bool { return !slices.Contains(d.keywords, key) })
	})
	if root, is := strict.(map[string]any); !is || root["anyOf"] != nil {
		ok = false // there must be no alternatives at the root
	}
	return strict, ok
}

// isType reports whether the schema's type is, or includes, name.
func isType(node map[string]any, name string) bool {
	switch t := node["type"].(type) {
	case string:
		return t == name
	case []any:
		return slices.Contains(t, any(name))
	default:
		return false
	}
}

func keyList(properties map[string]any) []any {
	keys := make([]any, 0, len(properties))
	for _, key := range slices.Sorted(maps.Keys(properties)) {
		keys = append(keys, key)
	}
	return keys
}

// mapSchema copies a schema and applies change to each object schema in it, children first.
func mapSchema(schema any, change func(map[string]any)) any {
	node, ok := schema.(map[string]any)
	if !ok {
		return schema // true, false
	}
	node = maps.Clone(node)
	for _, key := range []string{"properties", "$defs", "definitions"} {
		if named, ok := node[key].(map[string]any); ok {
			named = maps.Clone(named)
			for name, child := range named {
				named[name] = mapSchema(child, change)
			}
			node[key] = named
		}
	}
	for _, key := range []string{"anyOf", "oneOf"} {
		if list, ok := node[key].([]any); ok {
			list = slices.Clone(list)
			for i, child := range list {
				list[i] = mapSchema(child, change)
			}
			node[key] = list
		}
	}
	if _, ok := node["items"].(map[string]any); ok {
		node["items"] = mapSchema(node["items"], change)
	}
	change(node)
	return node
}
