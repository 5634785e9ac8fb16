package check

import (
	"bytes"
	"math"
	"strings"

	"github.com/valyala/fastjson"
)

const (
	// maxSteps bounds the work on one call: definitions come with the span, and with $ref and allOf a small one can make
	// work without end.
	maxSteps = 100_000
	// maxHoldingDepth bounds how deep it goes, through references and through the value.
	maxHoldingDepth = 1000
	// maxPointer bounds what is told of a definition, in bytes.
	maxPointer = 200
)

// keywords are those of JSON Schema that are looked at, in the order in which they are.
var keywords = []string{
	"$ref", "type", "enum", "const", "required", "properties", "additionalProperties", "items", "allOf", "anyOf", "oneOf",
}

// holding holds a value against a JSON Schema. General validators have no bound on their work.
type holding struct {
	root         *fastjson.Value
	steps, depth int
}

// spent reports whether the work has reached its bound.
func (h *holding) spent() bool { return h.steps > maxSteps }

// against returns a pointer to the first keyword that the value does not follow, as /properties/a/type. Once the
// steps are spent, all is taken to follow.
func (h *holding) against(schema, value *fastjson.Value) (pointer string, ok bool) {
	if schema.Type() != fastjson.TypeObject { // false allows nothing, anything else all
		return "", schema.Type() != fastjson.TypeFalse
	}
	if h.depth++; h.depth > maxHoldingDepth {
		h.steps = maxSteps + 1
	}
	defer func() { h.depth-- }()
	if value.Type() == fastjson.TypeNull && isTrue(h.member(schema, "nullable")) {
		return "", true
	}
	for _, name := range keywords {
		keyword := h.member(schema, name)
		if h.spent() {
			return "", true
		}
		if keyword == nil {
			continue
		}
		if rest, ok := h.follows(name, schema, keyword, value); !ok {
			pointer = "/" + name + rest
			return pointer[:min(len(pointer), maxPointer)], false
		}
	}
	return "", true
}

// follows reports whether a value follows one keyword, and if not, what lies below the keyword in the pointer.
func (h *holding) follows(name string, schema, keyword, value *fastjson.Value) (rest string, ok bool) {
	switch name {
	case "$ref":
		if target := h.resolve(keyword); target != nil {
			return h.against(target, value)
		}
	case "type":
		return "", h.any(keyword, func(one *fastjson.Value) bool { return isOfType(value, string(one.GetStringBytes())) })
	case "enum":
		return "", h.any(keyword, func(one *fastjson.Value) bool { return h.equal(one, value) })
	case "const":
		return "", h.equal(keyword, value)
	case "required":
		if value.Type() == fastjson.TypeObject {
			for _, key := range keyword.GetArray() {
				if h.member(value, string(key.GetStringBytes())) == nil {
					return "", false
				}
			}
		}
	case "properties":
		return h.properties(keyword, value)
	case "additionalProperties":
		if h.member(schema, "patternProperties") == nil {
			return h.additional(h.member(schema, "properties"), keyword, value)
		}
	case "items":
		for _, element := range value.GetArray() {
			if rest, ok := h.against(keyword, element); !ok {
				return rest, false
			}
		}
	case "allOf":
		for _, one := range keyword.GetArray() {
			if rest, ok := h.against(one, value); !ok {
				return rest, false
			}
		}
	case "anyOf", "oneOf":
		return "", h.any(keyword, func(one *fastjson.Value) bool {
			_, ok := h.against(one, value)
			return ok
		})
	}
	return "", true
}

// any reports whether one element of a keyword's list, or the keyword itself where it is no list, is as it must be.
func (h *holding) any(keyword *fastjson.Value, is func(*fastjson.Value) bool) bool {
	if keyword.Type() != fastjson.TypeArray {
		return is(keyword)
	}
	for _, one := range keyword.GetArray() {
		if h.steps++; h.spent() || is(one) {
			return true
		}
	}
	return false
}

func (h *holding) properties(keyword, value *fastjson.Value) (rest string, ok bool) {
	if keyword.Type() != fastjson.TypeObject || value.Type() != fastjson.TypeObject {
		return "", true
	}
	ok = true
	keyword.GetObject().Visit(func(key []byte, schema *fastjson.Value) {
		if !ok {
			return
		}
		if member := h.member(value, string(key)); member != nil {
			if rest, ok = h.against(schema, member); !ok {
				rest = "/" + string(key[:min(len(key), maxPointer)]) + rest
			}
		}
	})
	return rest, ok
}

// additional holds the members that properties do not name against a schema.
func (h *holding) additional(properties, schema, value *fastjson.Value) (rest string, ok bool) {
	if value.Type() != fastjson.TypeObject {
		return "", true
	}
	ok = true
	value.GetObject().Visit(func(key []byte, member *fastjson.Value) {
		if ok && (properties == nil || h.member(properties, string(key)) == nil) {
			rest, ok = h.against(schema, member)
		}
	})
	return rest, ok
}

// member is the member of an object, nil where it is not there. Once the steps are used up nothing is: what asks for it
// then goes on to its end without work.
func (h *holding) member(object *fastjson.Value, key string) *fastjson.Value {
	if object.Type() != fastjson.TypeObject || h.spent() {
		return nil
	}
	members := object.GetObject()
	h.steps += 1 + members.Len()
	return members.Get(key)
}

// resolve finds what a reference into the same definition refers to; nil where there is nothing.
func (h *holding) resolve(reference *fastjson.Value) *fastjson.Value {
	path, ok := strings.CutPrefix(string(reference.GetStringBytes()), "#")
	if !ok {
		return nil
	}
	target := h.root
	for step := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if step != "" {
			target = h.member(target, strings.NewReplacer("~1", "/", "~0", "~").Replace(step))
		}
		if target == nil {
			return nil
		}
	}
	return target
}

// isOfType knows the types' names in the small letters of JSON Schema and in the capitals of Gemini.
func isOfType(value *fastjson.Value, name string) bool {
	switch strings.ToLower(name) {
	case "object":
		return value.Type() == fastjson.TypeObject
	case "array":
		return value.Type() == fastjson.TypeArray
	case "string":
		return value.Type() == fastjson.TypeString
	case "number":
		return value.Type() == fastjson.TypeNumber
	case "integer":
		return value.Type() == fastjson.TypeNumber && value.GetFloat64() == math.Trunc(value.GetFloat64())
	case "boolean":
		return value.Type() == fastjson.TypeTrue || value.Type() == fastjson.TypeFalse
	case "null":
		return value.Type() == fastjson.TypeNull
	}
	return true
}

func isTrue(value *fastjson.Value) bool { return value != nil && value.Type() == fastjson.TypeTrue }

func (h *holding) equal(a, b *fastjson.Value) bool {
	if a.Type() != b.Type() {
		return false
	}
	switch a.Type() {
	case fastjson.TypeString:
		return bytes.Equal(a.GetStringBytes(), b.GetStringBytes())
	case fastjson.TypeNumber:
		return a.GetFloat64() == b.GetFloat64()
	case fastjson.TypeObject, fastjson.TypeArray:
		one, other := a.MarshalTo(nil), b.MarshalTo(nil)
		h.steps += len(one) + len(other)
		return bytes.Equal(one, other)
	}
	return true
}
