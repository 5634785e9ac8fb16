package request

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
)

// object is a JSON object's members as they stand in the body; of equal keys the last one counts.
type object map[string]json.RawMessage

// message names the fields of an object that have two spellings, snake_case and camelCase.
type message []string

// The objects of an assessment call. The call itself is looked at by its snake_case names alone, as MLflow does.
var (
	callMessage       = message{"update_mask"}
	assessmentMessage = message{"assessment_id", "assessment_name", "trace_id", "span_id", "create_time", "last_update_time"}
	sourceMessage     = message{"source_type", "source_id"}
	expectationFields = message{"serialized_value"}
	serializedMessage = message{"serialization_format"}
	errorMessage      = message{"error_code", "error_message", "stack_trace"}
	issueMessage      = message{"issue_name"}
)

// parse reads an object that is known to be one, and refuses a field that is there in both spellings.
func parse(raw json.RawMessage, fields message) (object, error) {
	var o object
	if json.Unmarshal(raw, &o) != nil {
		return nil, errNoObject
	}
	for _, name := range fields {
		camel := camelCase(name)
		_, snake := o[name]
		if _, both := o[camel]; both && snake {
			return nil, answer.Invalid("Request specifies both '" + name + "' and '" + camel + "'; provide only one of them.")
		}
	}
	return o, nil
}

// fold gives each field its snake_case name.
func (o object) fold(fields message) object {
	for _, name := range fields {
		if raw, found := o[camelCase(name)]; found {
			o[name] = raw
		}
	}
	return o
}

func camelCase(name string) string {
	before, after, found := strings.Cut(name, "_")
	if !found {
		return name
	}
	for {
		next, rest, more := strings.Cut(after, "_")
		before += strings.ToUpper(next[:1]) + next[1:]
		if !more {
			return before
		}
		after = rest
	}
}

// has reports whether a field is there; null is as if it were not.
func (o object) has(name string) bool {
	raw, found := o[name]
	return found && kindOf(raw) != 'n'
}

// kindOf is the first character of a value, which tells its type: { [ " t f n, or that of a number; 0 for none.
func kindOf(raw json.RawMessage) byte {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	if len(raw) == 0 {
		return 0
	}
	return raw[0]
}
