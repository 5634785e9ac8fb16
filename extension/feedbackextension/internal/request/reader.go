package request

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/records"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

// reader reads fields by their type. After its first error everything reads as nothing.
type reader struct{ err error }

// refuse notes a field of the wrong type. The message says which, never what it holds.
func (r *reader) refuse(path, must string) {
	if r.err == nil {
		r.err = answer.Invalid("Invalid value for field '" + path + "': it must be " + must + ".")
	}
}

// object is nil where the field is not there, or wrong.
func (r *reader) object(o object, name, path string, fields message) object {
	if !o.has(name) {
		return nil
	}
	if kindOf(o[name]) != '{' {
		r.refuse(path, "an object")
		return nil
	}
	inner, err := parse(o[name], fields)
	if err != nil {
		if r.err == nil {
			r.err = err
		}
		return nil
	}
	return inner.fold(fields)
}

func (r *reader) text(o object, name, path string) string {
	if !o.has(name) {
		return ""
	}
	var text string
	if kindOf(o[name]) != '"' || json.Unmarshal(o[name], &text) != nil {
		r.refuse(path, "a string")
	}
	return text
}

// time is zero for no time, and for the epoch in milliseconds, as MLflow's servers take it.
func (r *reader) time(o object, name, path string) time.Time {
	text := r.text(o, name, path)
	if text == "" && !o.has(name) {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	t = t.UTC()
	if err != nil || t.Year() < 1 || t.Year() > 9999 {
		r.refuse(path, "a time in RFC 3339, between the years 1 and 9999")
		return time.Time{}
	}
	if t = t.Truncate(time.Millisecond); t.UnixMilli() == 0 {
		return time.Time{}
	}
	return t
}

// value is any JSON.
func (r *reader) value(raw json.RawMessage, path string) assessment.Value {
	value := r.parsed(raw, path)
	if records.TooDeep(value) {
		r.refuse(path, "nested less deeply, or MLflow cannot read it back")
	}
	return value
}

// parsed is a value that MLflow keeps as text, so that its depth is ours to bound alone.
func (r *reader) parsed(raw json.RawMessage, path string) assessment.Value {
	value, err := assessment.ParseValue(raw)
	if err != nil {
		r.refuse(path, "JSON of at most 64 levels, its numbers within a double")
	}
	return value
}

// sourceTypes are by the numbers that MLflow's protocol gives them.
var sourceTypes = []assessment.SourceType{
	assessment.SourceTypeUnspecified, assessment.SourceTypeHuman, assessment.SourceTypeLLMJudge, assessment.SourceTypeCode,
}

// sourceType takes a name or a number. A name that MLflow does not know is unspecified to it.
func (r *reader) sourceType(o object, path string) assessment.SourceType {
	if !o.has("source_type") {
		return assessment.SourceTypeUnspecified
	}
	text := string(o["source_type"])
	switch kindOf(o["source_type"]) {
	case '"':
		text = r.text(o, "source_type", path)
		for _, known := range sourceTypes {
			if text == string(known) {
				return known
			}
		}
		if _, err := strconv.Atoi(text); err != nil {
			return assessment.SourceTypeUnspecified
		}
	case '{', '[', 't', 'f':
		text = ""
	}
	number, err := strconv.ParseFloat(text, 64)
	if err == nil {
		for i, known := range sourceTypes {
			if number == float64(i) {
				return known
			}
		}
	}
	r.refuse(path, "HUMAN, LLM_JUDGE or CODE")
	return ""
}

// metadata takes what is no text but has an obvious one, numbers and booleans, in the spelling of the request.
func (r *reader) metadata(o object, path string) map[string]string {
	values := r.object(o, "metadata", path, nil)
	if len(values) == 0 {
		return nil
	}
	metadata := make(map[string]string, len(values))
	for key, raw := range values {
		switch kindOf(raw) {
		case '"':
			metadata[key] = r.text(values, key, path)
		case '{', '[', 'n':
			r.refuse(path, "an object of strings, numbers and booleans")
		default:
			metadata[key] = string(raw)
		}
	}
	return metadata
}
