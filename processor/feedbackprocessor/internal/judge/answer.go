package judge

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"github.com/valyala/fastjson"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

// maxAnswer bounds the text of an answer, so that a record that holds it, its rationale twice, can be stored.
const maxAnswer = 64 << 10

// answer is what a model's text was found to say.
type answer struct {
	value     assessment.Value
	rationale string
	// decoded is the value as encoding/json decodes it.
	decoded any
}

var (
	errNotJSON    = errors.New("the answer is not a JSON object")
	errAnswerSize = errors.New("the answer is larger than 64 KiB")
)

// parseAnswer takes a model's text apart. An error says what is wrong with the answer by where and by which rule,
// never with its words: they may repeat what was judged.
func parseAnswer(text string, form *outputForm) (answer, error) {
	if len(text) > maxAnswer {
		return answer{}, errAnswerSize
	}
	object, ok := findObject(text)
	if !ok {
		return answer{}, errNotJSON
	}
	// ParseValue bounds the depth, keeps the order of keys and leaves one of equal ones, so that what is validated from
	// here on is what will be stored.
	whole, err := assessment.ParseValue([]byte(object))
	if err != nil {
		return answer{}, fmt.Errorf("the answer cannot be read: %w", err)
	}
	var parser fastjson.Parser
	parsed, err := parser.Parse(string(whole))
	if err != nil {
		return answer{}, errNotJSON
	}
	var decoded map[string]any
	if err := json.Unmarshal([]byte(whole), &decoded); err != nil {
		return answer{}, errNotJSON
	}
	if err := form.validator.Validate(decoded); err != nil {
		return answer{}, schemaError(err, form)
	}
	rationale := ""
	if given := parsed.Get(rationaleKey); given != nil {
		switch given.Type() {
		case fastjson.TypeNull:
		case fastjson.TypeString: // what fastjson marshals of one that it has read need not be JSON
			rationale = string(given.GetStringBytes())
		default:
			rationale = string(given.MarshalTo(nil))
		}
	}
	if form.flat {
		return answer{value: whole, rationale: rationale, decoded: decoded}, nil
	}
	value, err := assessment.ParseValue(parsed.Get(valueKey).MarshalTo(nil))
	if err != nil {
		return answer{}, fmt.Errorf("the answer cannot be read: %w", err)
	}
	if value == "" {
		return answer{}, errors.New("the answer's value is null")
	}
	return answer{value: value, rationale: rationale, decoded: decoded[valueKey]}, nil
}

// findObject returns the JSON object of an answer: the whole text, else the first balanced object in it, for models
// that put a Markdown fence, a chain of thought or friendly words around it.
func findObject(text string) (string, bool) {
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	if strings.HasPrefix(text, "{") && json.Valid([]byte(text)) {
		return text, true
	}
	if rest, ok := strings.CutPrefix(text, "<think>"); ok {
		if _, after, ok := strings.Cut(rest, "</think>"); ok {
			text = after
		}
	}
	// Each candidate is scanned to its end once, so braces in prose may not make this quadratic.
	for range 64 {
		start := strings.IndexByte(text, '{')
		if start < 0 {
			return "", false
		}
		text = text[start:]
		if end, ok := balanced(text); ok && json.Valid([]byte(text[:end])) {
			return text[:end], true
		}
		text = text[1:]
	}
	return "", false
}

// balanced returns the length of the object that text begins with.
func balanced(text string) (end int, ok bool) {
	open, inString := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{':
			open++
		case c == '}':
			if open--; open == 0 {
				return i + 1, true
			}
		}
	}
	return 0, false
}

// schemaError says where an answer breaks which rule of the schema. Names come from the schema, not from the answer.
func schemaError(err error, form *outputForm) error {
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return errors.New("the answer does not fit `output`")
	}
	for len(invalid.Causes) > 0 {
		invalid = invalid.Causes[0]
	}
	where := "the answer"
	if len(invalid.InstanceLocation) > 0 {
		where = "the answer's " + location(invalid.InstanceLocation, form)
	}
	switch rule := invalid.ErrorKind.(type) {
	case *kind.Type:
		return fmt.Errorf("%s is of type %s, not %s", where, rule.Got, strings.Join(rule.Want, " or "))
	case *kind.Required:
		return fmt.Errorf("%s lacks %s", where, strings.Join(rule.Missing, ", "))
	case *kind.AdditionalProperties:
		return fmt.Errorf("%s has %d key(s) that `output` does not know", where, len(rule.Properties))
	case *kind.Minimum:
		return fmt.Errorf("%s is below the minimum of %s", where, rule.Want.RatString())
	case *kind.Maximum:
		return fmt.Errorf("%s is above the maximum of %s", where, rule.Want.RatString())
	case *kind.Enum:
		return fmt.Errorf("%s is none of the allowed values", where)
	default:
		if path := invalid.ErrorKind.KeywordPath(); len(path) > 0 {
			return fmt.Errorf("%s breaks the rule %q of `output`", where, path[0])
		}
		return fmt.Errorf("%s does not fit `output`", where)
	}
}

// location writes a path into the answer. Keys that the schema does not name were chosen by the model: left out.
func location(path []string, form *outputForm) string {
	for i, step := range path {
		if _, err := strconv.ParseUint(step, 10, 32); err != nil && !form.names[step] {
			return strconv.Quote(strings.Join(append(path[:i:i], "…"), "/"))
		}
	}
	return strconv.Quote(strings.Join(path, "/"))
}
