package mlflow

import (
	"encoding/json"
	"maps"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

// FromAssessment is a on the wire, with the fingerprint among the metadata. Overrides and Valid are left to the
// caller, who knows what stands in MLflow.
func FromAssessment(a *assessment.Assessment) Assessment {
	row := Assessment{
		ID:             a.ID,
		Name:           a.Name,
		TraceID:        TraceID(a.TraceID),
		SpanID:         a.SpanID,
		Source:         &Source{Type: string(a.Source.Type), ID: a.Source.ID},
		CreateTime:     NewTime(a.CreateTime),
		LastUpdateTime: NewTime(a.UpdateTime),
		Rationale:      a.Rationale,
	}
	if len(a.Metadata) > 0 || a.Fingerprint != "" {
		row.Metadata = make(Metadata, len(a.Metadata)+1)
		maps.Copy(row.Metadata, a.Metadata)
		if a.Fingerprint != "" {
			row.Metadata[assessment.MetadataFingerprint] = a.Fingerprint
		}
	}
	switch a.Kind {
	case assessment.KindExpectation:
		row.Expectation = expectationOf(a.Value)
		return row
	case assessment.KindIssue:
		row.Issue = &Issue{Name: a.Value.Text()}
		return row
	}
	row.Feedback = &Feedback{}
	if a.Value != "" {
		row.Feedback.Value = json.RawMessage(a.Value)
	}
	if a.Error != nil {
		row.Feedback.Error = &FeedbackError{
			Code: a.Error.Code, Message: a.Error.Message, StackTrace: a.Error.StackTrace,
		}
	}
	return row
}

func expectationOf(value assessment.Value) *Expectation {
	switch value.Type() {
	case assessment.ValueTypeNone:
		return &Expectation{Value: json.RawMessage("null")}
	case assessment.ValueTypeList, assessment.ValueTypeMap:
		return &Expectation{Serialized: &SerializedValue{Format: FormatJSON, Value: string(value)}}
	default:
		return &Expectation{Value: json.RawMessage(value)}
	}
}

// ToAssessment is the row as a record's content; ok is false for rows that are of no kind, or whose value cannot
// be read. The result's TraceID is the given one, because MLflow ids may hide it.
func (row *Assessment) ToAssessment(traceID string) (a assessment.Assessment, ok bool) {
	a = assessment.Assessment{
		ID:         row.ID,
		TraceID:    traceID,
		SpanID:     row.SpanID,
		Name:       row.Name,
		Rationale:  row.Rationale,
		Overrides:  row.Overrides,
		Invalid:    row.Valid != nil && !*row.Valid,
		CreateTime: row.CreateTime.Time,
		UpdateTime: row.LastUpdateTime.Time,
	}
	if row.Source != nil {
		a.Source = assessment.Source{Type: assessment.SourceType(row.Source.Type), ID: row.Source.ID}
	}
	var raw []byte
	switch {
	case row.Feedback != nil:
		a.Kind = assessment.KindFeedback
		raw = row.Feedback.Value
		if e := row.Feedback.Error; e != nil {
			a.Error = &assessment.Error{Code: e.Code, Message: e.Message, StackTrace: e.StackTrace}
		}
	case row.Expectation != nil:
		a.Kind = assessment.KindExpectation
		raw = row.Expectation.Value
		if s := row.Expectation.Serialized; s != nil {
			raw = []byte(s.Value)
		}
	case row.Issue != nil:
		a.Kind = assessment.KindIssue
		a.Value = assessment.String(row.Issue.Name)
	default:
		return a, false
	}
	if len(raw) > 0 {
		value, err := assessment.ParseValue(raw)
		if err != nil {
			return a, false
		}
		a.Value = value
	}
	if len(row.Metadata) > 0 {
		a.Metadata = make(map[string]string, len(row.Metadata))
		maps.Copy(a.Metadata, row.Metadata)
		if a.Fingerprint = a.Metadata[assessment.MetadataFingerprint]; a.Fingerprint != "" {
			delete(a.Metadata, assessment.MetadataFingerprint)
		}
	}
	return a, true
}
