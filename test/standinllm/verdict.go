package standinllm

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
)

// badWords make a low score when the answer contains one, whatever its case.
var badWords = []string{"guaranteed returns", "risk-free", "get rich quick", "i cannot help", "as an ai", "error:"}

// fenceLine is the opening line of a fence of ours.
var fenceLine = regexp.MustCompile(`<data-([0-9a-f]{32}) part="([a-z_]+)">\n`)

// content is what a message asks a verdict on.
type content struct {
	parts map[string]string
	// exaggerate makes numbers that no range has.
	exaggerate bool
	// contrary turns the quality round.
	contrary bool
}

// fencedContent takes the fenced parts out of a message; a message without fences is one part.
func fencedContent(text string) content {
	parts := map[string]string{}
	for rest := text; ; {
		open := fenceLine.FindStringSubmatchIndex(rest)
		if open == nil {
			break
		}
		token, part := rest[open[2]:open[3]], rest[open[4]:open[5]]
		body, after, closed := strings.Cut(rest[open[1]:], "\n</data-"+token+">")
		if !closed {
			break
		}
		parts[part], rest = body, after
	}
	if len(parts) == 0 {
		parts["message"] = text
	}
	return content{parts: parts}
}

// hash identifies the content, whichever token fenced it.
func (c content) hash() string { return ContentHash(c.parts) }

// ContentHash is the key of Stats.ByContent for the parts of an interaction, by their names, such as
// {"question": …, "answer": …}.
func ContentHash(parts map[string]string) string {
	hash := sha256.New()
	for _, part := range slices.Sorted(maps.Keys(parts)) {
		for _, field := range []string{part, parts[part]} {
			var length [4]byte
			binary.BigEndian.PutUint32(length[:], uint32(len(field)))
			hash.Write(length[:])
			hash.Write([]byte(field))
		}
	}
	return hex.EncodeToString(hash.Sum(nil)[:8])
}

// judged is the text that the verdict is about.
func (c content) judged() string {
	for _, part := range []string{"answer", "tool_calls", "message"} {
		if text := c.parts[part]; text != "" {
			return text
		}
	}
	return ""
}

// quality is from 0 to 1: low for an answer that is missing or has a bad word, else high by a hash of the text and the
// name of what is scored.
func (c content) quality(name string) (quality float64, reason string) {
	if c.judged() == "" {
		return 0, "there is no answer"
	}
	lower := strings.ToLower(c.judged())
	sum := sha256.Sum256([]byte(name + "\x00" + c.hash()))
	spread := float64(binary.BigEndian.Uint16(sum[:2])) / math.MaxUint16
	quality, reason = 0.6+spread*0.4, "the answer has none of the words that the stand-in knows as bad"
	for _, word := range badWords {
		if strings.Contains(lower, word) {
			quality, reason = spread*0.3, "the answer contains \""+word+"\""
			break
		}
	}
	if c.contrary {
		return 1 - quality, reason + ", but this one begs to differ"
	}
	return quality, reason
}

// verdict is a valid instance of schema as JSON text.
func (c content) verdict(schema map[string]any) string {
	text, _ := json.Marshal(c.instance(schema, schema, ""))
	return string(text)
}

// instance makes a value that fits the schema of the property name. It knows what judges use: types, enum, const,
// ranges, items, anyOf and references to definitions.
func (c content) instance(root, schema map[string]any, name string) any {
	if reference, ok := schema["$ref"].(string); ok {
		if target := resolve(root, reference); target != nil {
			return c.instance(root, target, name)
		}
		return nil
	}
	if fixed, ok := schema["const"]; ok {
		return fixed
	}
	quality, reason := c.quality(name)
	if list, ok := schema["enum"].([]any); ok && len(list) > 0 {
		return list[min(int(quality*float64(len(list))), len(list)-1)]
	}
	if list, ok := schema["anyOf"].([]any); ok && len(list) > 0 {
		first, _ := list[0].(map[string]any)
		return c.instance(root, first, name)
	}
	switch typeOf(schema) {
	case "object":
		properties, _ := schema["properties"].(map[string]any)
		object := make(map[string]any, len(properties))
		for key, child := range properties {
			child, _ := child.(map[string]any)
			object[key] = c.instance(root, child, key)
		}
		return object
	case "array":
		count, _ := schema["minItems"].(float64)
		items, _ := schema["items"].(map[string]any)
		list := make([]any, 0, 1)
		for range max(int(count), 1) {
			list = append(list, c.instance(root, items, name))
		}
		return list
	case "boolean":
		return quality >= 0.5
	case "integer":
		return int64(math.Round(c.number(schema, quality)))
	case "number":
		return math.Round(c.number(schema, quality)*100) / 100
	case "null":
		return nil
	default:
		return "Stand-in verdict: " + reason + "."
	}
}

// number puts a quality into the range of a schema, 0 to 1 where it has none.
func (c content) number(schema map[string]any, quality float64) float64 {
	low, closed := schema["minimum"].(float64)
	if !closed {
		low, _ = schema["exclusiveMinimum"].(float64)
		quality = max(quality, 0.01)
	}
	high, closed := schema["maximum"].(float64)
	if !closed {
		var given bool
		if high, given = schema["exclusiveMaximum"].(float64); !given {
			high = low + 1
		}
		quality = min(quality, 0.99)
	}
	if c.exaggerate {
		return high + 41
	}
	return low + (high-low)*quality
}

func typeOf(schema map[string]any) string {
	switch t := schema["type"].(type) {
	case string:
		return t
	case []any:
		if len(t) > 0 {
			first, _ := t[0].(string)
			return first
		}
	}
	return ""
}

func resolve(root map[string]any, reference string) map[string]any {
	section, name, _ := strings.Cut(strings.TrimPrefix(reference, "#/"), "/")
	definitions, _ := root[section].(map[string]any)
	target, _ := definitions[name].(map[string]any)
	return target
}
