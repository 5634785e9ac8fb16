package mlflow

import (
	"encoding/json"
	"time"
)

// SourceDefault is the source id that MLflow's clients and its review page send for a person without a name.
const SourceDefault = "default"

// tracePrefix stands before the OTLP trace id in MLflow's trace ids.
const tracePrefix = "tr-"

// TraceID is MLflow's id of the trace with the given OTLP trace id, 32 hex digits.
func TraceID(traceID string) string { return tracePrefix + traceID }

// OTLPTraceID is the OTLP trace id in MLflow's id; ok is false for ids that do not come from OTLP.
func OTLPTraceID(id string) (traceID string, ok bool) {
	if len(id) != len(tracePrefix)+32 || id[:len(tracePrefix)] != tracePrefix {
		return "", false
	}
	for _, c := range []byte(id[len(tracePrefix):]) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", false
		}
	}
	return id[len(tracePrefix):], true
}

// Assessment is MLflow's JSON of one assessment. Exactly one of Feedback, Expectation and Issue is set.
type Assessment struct {
	ID             string       `json:"assessment_id,omitempty"`
	Name           string       `json:"assessment_name"`
	TraceID        string       `json:"trace_id,omitempty"`
	SpanID         string       `json:"span_id,omitempty"`
	Source         *Source      `json:"source,omitempty"`
	CreateTime     Time         `json:"create_time,omitzero"`
	LastUpdateTime Time         `json:"last_update_time,omitzero"`
	Feedback       *Feedback    `json:"feedback,omitempty"`
	Expectation    *Expectation `json:"expectation,omitempty"`
	// Issue refers to an MLflow issue, whose id is Name.
	Issue     *Issue `json:"issue,omitempty"`
	Rationale string `json:"rationale,omitempty"`
	// Metadata values are strings: MLflow silently drops others, and what stands behind them.
	Metadata  Metadata `json:"metadata,omitempty"`
	Overrides string   `json:"overrides,omitempty"`
	// Valid is false on a row that another one overrides; absent counts as true. MLflow ignores it in requests.
	Valid *bool `json:"valid,omitempty"`
}

// Source is the author of an assessment.
type Source struct {
	// Type is HUMAN, LLM_JUDGE, CODE or SOURCE_TYPE_UNSPECIFIED.
	Type string `json:"source_type"`
	ID   string `json:"source_id,omitempty"`
}

// Feedback says what happened: a value, an error or both.
type Feedback struct {
	// Value is any JSON; nil and null are no value. Numbers pass through a double.
	Value json.RawMessage `json:"value,omitempty"`
	Error *FeedbackError  `json:"error,omitempty"`
}

// FeedbackError says why there is no value.
type FeedbackError struct {
	Code       string `json:"error_code,omitempty"`
	Message    string `json:"error_message,omitempty"`
	StackTrace string `json:"stack_trace,omitempty"`
}

// Expectation says what should have happened: a scalar in Value, or a list or map as JSON text in Serialized.
type Expectation struct {
	Value      json.RawMessage  `json:"value,omitempty"`
	Serialized *SerializedValue `json:"serialized_value,omitempty"`
}

// Issue names the issue that a row refers to.
type Issue struct {
	Name string `json:"issue_name,omitempty"`
}

// SerializedValue is a list or map of an expectation.
type SerializedValue struct {
	// Format is always JSON_FORMAT.
	Format string `json:"serialization_format"`
	Value  string `json:"value"`
}

// FormatJSON is the one serialization format that MLflow knows.
const FormatJSON = "JSON_FORMAT"

// Metadata reads values of any JSON type as text, because older servers answer what they were once sent.
type Metadata map[string]string

// UnmarshalJSON implements json.Unmarshaler.
func (m *Metadata) UnmarshalJSON(text []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return err
	}
	if len(raw) == 0 {
		*m = nil
		return nil
	}
	read := make(Metadata, len(raw))
	for key, value := range raw {
		var s string
		if json.Unmarshal(value, &s) != nil {
			s = string(value)
		}
		read[key] = s
	}
	*m = read
	return nil
}

// Time is RFC 3339 with milliseconds, which is what MLflow keeps. A text that is no time reads as zero.
type Time struct{ time.Time }

// NewTime cuts t to milliseconds in UTC.
func NewTime(t time.Time) Time {
	if t.IsZero() {
		return Time{}
	}
	return Time{t.UTC().Truncate(time.Millisecond)}
}

// MarshalJSON implements json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) {
	return []byte(`"` + t.UTC().Format("2006-01-02T15:04:05.000Z") + `"`), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *Time) UnmarshalJSON(text []byte) error {
	if parsed, err := time.Parse(`"`+time.RFC3339Nano+`"`, string(text)); err == nil {
		t.Time = parsed.UTC()
	}
	return nil
}

// The states of a trace that MLflow no longer changes.
const (
	StateOK    = "OK"
	StateError = "ERROR"
)

// TraceInfo is what MLflow knows of a trace without its spans. The five fields that StartTraceV3 would overwrite are
// kept as they were read, so that they can be sent back unchanged.
type TraceInfo struct {
	TraceID           string          `json:"trace_id"`
	ClientRequestID   string          `json:"client_request_id,omitempty"`
	Location          json.RawMessage `json:"trace_location,omitempty"`
	RequestTime       string          `json:"request_time,omitempty"`
	ExecutionDuration string          `json:"execution_duration,omitempty"`
	State             string          `json:"state,omitempty"`
	Assessments       Assessments     `json:"assessments,omitempty"`
}

// Final reports whether the trace's state is one that later spans do not change.
func (t *TraceInfo) Final() bool { return t.State == StateOK || t.State == StateError }

// End is the trace's end by the backend's own fields; ok is false unless both can be read.
func (t *TraceInfo) End() (end time.Time, ok bool) {
	start, err := time.Parse(time.RFC3339Nano, t.RequestTime)
	if err != nil {
		return time.Time{}, false
	}
	took, err := time.ParseDuration(t.ExecutionDuration)
	if err != nil || took < 0 {
		return time.Time{}, false
	}
	return start.Add(took), true
}

// Assessments reads row by row: of one that cannot be read nothing but its id is kept, and it does not hide its
// neighbours.
type Assessments []Assessment

// UnmarshalJSON implements json.Unmarshaler.
func (a *Assessments) UnmarshalJSON(text []byte) error {
	var raw []json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return err
	}
	read := make(Assessments, 0, len(raw))
	for _, row := range raw {
		var one Assessment
		if json.Unmarshal(row, &one) != nil {
			one = Assessment{ID: rowID(row)}
		}
		if one.ID != "" {
			read = append(read, one)
		}
	}
	*a = read
	return nil
}

// rowID is the id of a row that is not an assessment otherwise, or "".
func rowID(row json.RawMessage) string {
	var only struct {
		ID string `json:"assessment_id"`
	}
	if json.Unmarshal(row, &only) != nil {
		return ""
	}
	return only.ID
}
