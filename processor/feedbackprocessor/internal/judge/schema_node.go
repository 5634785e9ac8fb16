package judge

import (
	"encoding/json"
	"strconv"
	"strings"
)

// schemaNode is the place in a schema that a value is of; its node is nil where that is unknown.
type schemaNode struct {
	root, node map[string]any
}

// resolved follows references, and takes of alternatives the first that has numbers.
func (s schemaNode) resolved() map[string]any {
	node := s.node
	for range 16 { // references may go in circles
		reference, ok := node["$ref"].(string)
		if !ok {
			break
		}
		node = definition(s.root, reference)
	}
	for _, key := range []string{"anyOf", "oneOf"} {
		alternatives, _ := node[key].([]any)
		for _, alternative := range alternatives {
			if child, ok := alternative.(map[string]any); ok && (isType(child, "number") || isType(child, "integer")) {
				return child
			}
		}
	}
	return node
}

func definition(root map[string]any, reference string) map[string]any {
	for _, section := range []string{"$defs", "definitions"} {
		if name, ok := strings.CutPrefix(reference, "#/"+section+"/"); ok {
			definitions, _ := root[section].(map[string]any)
			target, _ := definitions[name].(map[string]any)
			return target
		}
	}
	return nil
}

func (s schemaNode) property(name string) schemaNode {
	named, _ := s.resolved()["properties"].(map[string]any)
	child, _ := named[name].(map[string]any)
	return schemaNode{root: s.root, node: child}
}

// certain reports whether a number between two that the schema takes may be none.
func (s schemaNode) certain() bool {
	node := s.resolved()
	return node["enum"] != nil || node["multipleOf"] != nil || isType(node, "integer")
}

// scale is the range of numbers that the schema takes; ok is false where it has not two ends.
func (s schemaNode) scale() (low, high float64, ok bool) {
	node := s.resolved()
	low, lower := bound(node, "minimum", "exclusiveMinimum")
	high, upper := bound(node, "maximum", "exclusiveMaximum")
	return low, high, lower && upper && high > low
}

func bound(node map[string]any, keys ...string) (float64, bool) {
	for _, key := range keys {
		if text, ok := node[key].(json.Number); ok {
			f, err := strconv.ParseFloat(text.String(), 64)
			return f, err == nil
		}
	}
	return 0, false
}
