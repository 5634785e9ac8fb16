// Package request reads the bodies of MLflow's assessment calls: as leniently as MLflow's server reads them, except
// that what it would silently drop is refused with the name of the field.
package request

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/records"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

// Create reads the body of a create call, `{"assessment": {…}}`. The error is an *answer.Error.
func Create(body []byte) (assessment.Assessment, error) {
	top, err := document(body)
	if err != nil {
		return assessment.Assessment{}, err
	}
	raw, found := required(top, "assessment")
	if !found {
		return assessment.Assessment{}, missing("assessment")
	}
	return Assessment(raw)
}

// Assessment reads what a create call has in `assessment`.
func Assessment(raw json.RawMessage) (assessment.Assessment, error) {
	if kindOf(raw) != '{' {
		return assessment.Assessment{}, errNoKind
	}
	var r reader
	row := r.row(raw)
	if r.err != nil {
		return assessment.Assessment{}, r.err
	}
	return row.assessment()
}

// Update reads the body of an update call, `{"assessment": {…}, "update_mask": "feedback,rationale"}`. The error is an
// *answer.Error.
func Update(body []byte) (records.Patch, error) {
	top, err := document(body)
	if err != nil {
		return records.Patch{}, err
	}
	for _, name := range []string{"assessment", "update_mask"} {
		if _, found := required(top, name); !found {
			return records.Patch{}, missing(name)
		}
	}
	var r reader
	mask := r.text(top, "update_mask", "update_mask")
	row := r.row(top["assessment"])
	if r.err != nil {
		return records.Patch{}, r.err
	}
	return row.patch(mask)
}

// document is the body's object. MLflow takes what is no JSON, and null, for an empty one, and text for JSON that was
// encoded twice, as older clients do.
func document(body []byte) (object, error) {
	body = bytes.TrimPrefix(body, []byte("\uFEFF"))
	if !utf8.Valid(body) || !json.Valid(body) {
		return object{}, nil
	}
	if kindOf(body) == '"' {
		var inner string
		if json.Unmarshal(body, &inner) != nil || !json.Valid([]byte(inner)) {
			return nil, errNoObject
		}
		body = []byte(inner)
	}
	switch kindOf(body) {
	case 'n':
		return object{}, nil
	case '{':
		return parse(body, callMessage)
	default:
		return nil, errNoObject
	}
}

// required is a parameter as MLflow looks for it: under its snake_case name, and an empty text is none.
func required(top object, name string) (json.RawMessage, bool) {
	raw, found := top[name]
	if !found || kindOf(raw) == 'n' || string(bytes.TrimSpace(raw)) == `""` {
		return nil, false
	}
	return raw, true
}

var (
	errNoObject = answer.Invalid("The request's body must be a JSON object.")
	errNoKind   = answer.Invalid("Unknown assessment type: None")
)

func missing(name string) error {
	return answer.Invalid("Missing value for required parameter '" + name +
		"'. See the API docs for more information about request parameters.")
}
