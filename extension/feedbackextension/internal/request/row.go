package request

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/records"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

// row is an assessment in a request, read by types alone.
type row struct {
	id, name, spanID, rationale, overrides string
	source                                 assessment.Source
	created, updated                       time.Time
	metadata                               map[string]string
	feedback                               *records.Feedback
	expectation                            *expectation
	issue                                  *string
}

// expectation is a value, or the reason why it is none.
type expectation struct {
	value assessment.Value
	err   error
}

func (r *reader) row(raw json.RawMessage) row {
	o := r.object(object{"assessment": raw}, "assessment", "assessment", assessmentMessage)
	if o == nil {
		return row{}
	}
	source := r.object(o, "source", "assessment.source", sourceMessage)
	read := row{
		id:        r.text(o, "assessment_id", "assessment.assessment_id"),
		name:      r.text(o, "assessment_name", "assessment.assessment_name"),
		spanID:    r.text(o, "span_id", "assessment.span_id"),
		rationale: r.text(o, "rationale", "assessment.rationale"),
		overrides: r.text(o, "overrides", "assessment.overrides"),
		source: assessment.Source{
			Type: r.sourceType(source, "assessment.source.source_type"),
			ID:   r.text(source, "source_id", "assessment.source.source_id"),
		},
		created:     r.time(o, "create_time", "assessment.create_time"),
		updated:     r.time(o, "last_update_time", "assessment.last_update_time"),
		metadata:    r.metadata(o, "assessment.metadata"),
		feedback:    r.feedback(o),
		expectation: r.expectation(o),
		issue:       r.issue(o),
	}
	r.text(o, "trace_id", "assessment.trace_id") // the path's counts
	if o.has("valid") && kindOf(o["valid"]) != 't' && kindOf(o["valid"]) != 'f' {
		r.refuse("assessment.valid", "a boolean") // and the store decides on it
	}
	kinds := 0
	for _, name := range []string{"feedback", "expectation", "issue"} {
		if o.has(name) {
			kinds++
		}
	}
	if kinds > 1 {
		r.refuse("assessment", "exactly one of feedback, expectation and issue")
	}
	return read
}

func (r *reader) feedback(o object) *records.Feedback {
	inner := r.object(o, "feedback", "assessment.feedback", nil)
	if inner == nil {
		return nil
	}
	read := &records.Feedback{}
	if inner.has("value") {
		read.Value = records.Doubles(r.value(inner["value"], "assessment.feedback.value"))
	}
	const path = "assessment.feedback.error"
	if e := r.object(inner, "error", path, errorMessage); e != nil {
		read.Error = &assessment.Error{
			Code:       r.text(e, "error_code", path+".error_code"),
			Message:    r.text(e, "error_message", path+".error_message"),
			StackTrace: shortened(r.text(e, "stack_trace", path+".stack_trace")),
		}
	}
	return read
}

// What MLflow answers of a stack trace: so many of its last characters, and a note before them.
const (
	maxStackTrace  = 10_000
	stackTraceNote = "[Stack trace is truncated]\n...\n"
)

func shortened(trace string) string {
	if len(trace) <= maxStackTrace {
		return trace
	}
	runes := []rune(trace)
	if len(runes) <= maxStackTrace {
		return trace
	}
	return stackTraceNote + string(runes[len(runes)-(maxStackTrace-len(stackTraceNote)):])
}

func (r *reader) expectation(o object) *expectation {
	const path = "assessment.expectation"
	inner := r.object(o, "expectation", path, expectationFields)
	if inner == nil {
		return nil
	}
	read := &expectation{}
	if serialized := r.object(inner, "serialized_value", path+".serialized_value", serializedMessage); serialized != nil {
		format := r.text(serialized, "serialization_format", path+".serialized_value.serialization_format")
		text := r.text(serialized, "value", path+".serialized_value.value")
		if format != "JSON_FORMAT" {
			read.err = unknownFormat(format)
			return read
		}
		read.value = r.parsed(json.RawMessage(text), path+".serialized_value.value")
		if t := read.value.Type(); t != assessment.ValueTypeList && t != assessment.ValueTypeMap {
			read.value = records.Doubles(read.value)
		}
	} else if inner.has("value") {
		read.value = records.Doubles(r.value(inner["value"], path+".value"))
	}
	if read.value == "" {
		read.err = errNoExpectation
	}
	return read
}

var errNoExpectation = answer.Invalid("The `value` field must be specified.")

// unknownFormat quotes what looks like the name of a format.
func unknownFormat(format string) error {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-."
	if len(format) > 32 || strings.Trim(format, letters) != "" {
		format = ""
	}
	return answer.Invalid("Unknown serialization format: " + format + ". Only JSON_FORMAT is supported.")
}

func (r *reader) issue(o object) *string {
	inner := r.object(o, "issue", "assessment.issue", issueMessage)
	if inner == nil {
		return nil
	}
	name := r.text(inner, "issue_name", "assessment.issue.issue_name")
	return &name
}

// assessment is the row as a create call means it.
func (row *row) assessment() (assessment.Assessment, error) {
	a := assessment.Assessment{
		ID: row.id, Name: row.name, SpanID: row.spanID, Source: row.source, Rationale: row.rationale,
		Metadata: row.metadata, Overrides: row.overrides, CreateTime: row.created, UpdateTime: row.updated,
	}
	records.LiftFingerprint(&a)
	switch {
	case row.feedback != nil:
		a.Kind, a.Value, a.Error = assessment.KindFeedback, row.feedback.Value, row.feedback.Error
	case row.expectation != nil:
		a.Kind, a.Value = assessment.KindExpectation, row.expectation.value
		return a, row.expectation.err
	case row.issue != nil:
		a.Kind, a.Value = assessment.KindIssue, assessment.String(*row.issue)
	default:
		return a, errNoKind
	}
	return a, nil
}

// patch is what an update call changes: the fields that the mask names, in either spelling. Names that MLflow does not
// know, or does not change, are ignored.
func (row *row) patch(mask string) (records.Patch, error) {
	var p records.Patch
	for path := range strings.SplitSeq(mask, ",") {
		switch strings.TrimSpace(path) {
		case "assessmentName", "assessment_name":
			p.Name = &row.name
		case "feedback":
			if p.Feedback = row.feedback; p.Feedback == nil {
				p.Feedback = &records.Feedback{}
			}
		case "expectation":
			if row.expectation == nil {
				return p, errNoExpectation
			}
			if row.expectation.err != nil {
				return p, row.expectation.err
			}
			p.Expectation = &row.expectation.value
		case "rationale":
			p.Rationale = &row.rationale
		case "metadata":
			p.Metadata = row.metadata
		case "valid":
			return p, answer.Invalid("The field `valid` cannot be updated; override the assessment instead.")
		}
	}
	return p, nil
}
