package intake

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/request"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// body is a request: MLflow's JSON of an assessment, and what it is about.
type body struct {
	assessment json.RawMessage
	// anonymous says that the assessment names no source.
	anonymous bool
	// traceID is 32 hex digits, or empty where by says what the trace is found by.
	traceID string
	by      reference
	// spanID is the span that is meant; empty where nothing beside the assessment says it.
	spanID string
}

// reference is a value that spans are found by.
type reference struct{ kind, value string }

func (r reference) digest() store.Digest { return store.NewDigest(r.kind, r.value) }

// The members of a request.
const (
	memberAssessment     = "assessment"
	memberTraceID        = "trace_id"
	memberResponseID     = "response_id"
	memberConversationID = "conversation_id"
	memberSpanID         = "span_id"
	memberAttribute      = "attribute"
)

const (
	maxValue  = 1024 // a span with a longer one is not indexed by it
	maxQuoted = 64
)

var (
	errNoObject     = answer.Invalid("The body must be a JSON object with 'assessment', and with what it is about")
	errNoAssessment = answer.Invalid("Missing value for required parameter 'assessment', which must be an object")
	errAbout        = answer.Invalid("The body must hold exactly one of 'trace_id', 'response_id', 'conversation_id', 'span_id' and " +
		"'attribute'; 'span_id' may also stand beside 'trace_id'")
	errAttribute = answer.Invalid("'attribute' must be an object with a 'name' and a 'value', which may be a string, a number or a boolean")
	errNumber    = answer.Invalid("The 'value' of 'attribute' is neither a 64-bit integer nor a double")
	errSpanID    = answer.Invalid("'span_id' must be 16 hexadecimal digits")
)

// parseBody reads a request. What it does not know it passes over, as MLflow does. The error is an *answer.Error.
func parseBody(text []byte) (*body, error) {
	top, ok := members(text)
	if !ok {
		return nil, errNoObject
	}
	b := &body{assessment: top[memberAssessment]}
	inner, ok := members(b.assessment)
	if !ok {
		return nil, errNoAssessment
	}
	_, named := inner["source"]
	b.anonymous = !named
	traceID, err := identifier(top, memberTraceID)
	if err != nil {
		return nil, err
	}
	if b.by, err = referenceIn(top, traceID != ""); err != nil {
		return nil, err
	}
	if traceID == "" && b.by == (reference{}) { // where MLflow's own body has it
		if traceID, err = identifier(inner, memberTraceID); err != nil {
			return nil, err
		}
	}
	switch {
	case traceID == "" && b.by == (reference{}):
		return nil, errAbout
	case traceID != "":
		if b.traceID, ok = otlpTraceID(traceID); !ok {
			return nil, answer.NotFound("Trace with ID '" + traceID[:min(len(traceID), maxQuoted)] + "' not found.")
		}
	}
	if b.spanID, err = identifier(top, memberSpanID); err != nil {
		return nil, err
	}
	if b.spanID = strings.ToLower(b.spanID); b.spanID != "" && !isSpanID(b.spanID) {
		return nil, errSpanID
	}
	if b.by.kind == store.KindSpanID {
		b.by.value = b.spanID
	}
	return b, nil
}

// kinds are what the values of members are, apart from attributes.
var kinds = []struct{ member, kind string }{
	{memberResponseID, store.KindResponseID},
	{memberConversationID, store.KindConversationID},
	{memberSpanID, store.KindSpanID},
}

var (
	errNoName   = answer.Invalid("Invalid value for field 'assessment.assessment_name': it must not be empty.")
	errSpanIDIn = answer.Invalid("Invalid value for field 'assessment.span_id': it must be 16 lower-case hexadecimal digits.")
)

// parse is the assessment, with what a thumbs button leaves out: who gives feedback without saying so is a person. What
// would be refused later is refused now, because it may have to wait. The error is an *answer.Error.
func (b *body) parse() (assessment.Assessment, error) {
	a, err := request.Assessment(b.assessment)
	if err != nil {
		return a, err
	}
	if b.anonymous {
		a.Source = assessment.Source{Type: assessment.SourceTypeHuman, ID: mlflow.SourceDefault}
	}
	if b.spanID != "" {
		a.SpanID = b.spanID
	}
	if b.by.kind == store.KindResponseID {
		a.ResponseID = b.by.value
	}
	switch {
	case a.Name == "":
		return a, errNoName
	case a.SpanID != "" && !isSpanID(a.SpanID):
		return a, errSpanIDIn
	}
	return a, nil
}

// referenceIn is the one value that a request names, or none where it names a trace.
func referenceIn(top map[string]json.RawMessage, traced bool) (reference, error) {
	found, err := attributeIn(top)
	if err != nil {
		return reference{}, err
	}
	for _, one := range kinds {
		value, err := identifier(top, one.member)
		switch {
		case err != nil:
			return reference{}, err
		case value == "", traced && one.member == memberSpanID:
		case found != (reference{}):
			return reference{}, errAbout
		default:
			found = reference{one.kind, value}
		}
	}
	if traced && found != (reference{}) {
		return reference{}, errAbout
	}
	return found, nil
}

func attributeIn(top map[string]json.RawMessage) (reference, error) {
	text, found := top[memberAttribute]
	if !found {
		return reference{}, nil
	}
	attribute, ok := members(text)
	if !ok {
		return reference{}, errAttribute
	}
	name, err := identifier(attribute, "name")
	if err != nil || name == "" {
		return reference{}, errAttribute
	}
	value, err := attributeValue(attribute)
	if err != nil {
		return reference{}, err
	}
	return reference{store.KindAttribute(name), value}, nil
}

// attributeValue is the value as the exporter spells that of a span, which it indexes as text.
func attributeValue(attribute map[string]json.RawMessage) (string, error) {
	text := string(attribute["value"])
	switch {
	case text == "true", text == "false":
		return pcommon.NewValueBool(text == "true").AsString(), nil
	case text != "" && (text[0] == '-' || text[0] >= '0' && text[0] <= '9'):
		return number(text)
	}
	plain, err := identifier(attribute, "value")
	if err != nil || plain == "" {
		return "", errAttribute
	}
	return plain, nil
}

// number spells a JSON number. An integer beyond 64 bits can only have been a double.
func number(text string) (string, error) {
	if len(text) > maxValue {
		return "", errNumber
	}
	if integer, err := strconv.ParseInt(text, 10, 64); err == nil {
		return pcommon.NewValueInt(integer).AsString(), nil
	}
	double, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return "", errNumber
	}
	return pcommon.NewValueDouble(double).AsString(), nil
}

// members are those of a JSON object, less the ones that are null.
func members(text json.RawMessage) (map[string]json.RawMessage, bool) {
	if text = bytes.TrimSpace(text); len(text) == 0 || text[0] != '{' {
		return nil, false
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(text, &object) != nil {
		return nil, false
	}
	for name, value := range object {
		if string(value) == "null" {
			delete(object, name)
		}
	}
	return object, true
}

// identifier is a member that must be a text; "" if it is not there.
func identifier(object map[string]json.RawMessage, member string) (string, error) {
	text, found := object[member]
	if !found {
		return "", nil
	}
	var id string
	if json.Unmarshal(text, &id) != nil || id == "" || len(id) > maxValue {
		return "", answer.Invalid("'" + member + "' must be a string of 1 to 1024 bytes")
	}
	return id, nil
}

// otlpTraceID takes a trace's id in MLflow's or in OTLP's spelling.
func otlpTraceID(text string) (string, bool) {
	text = strings.ToLower(text)
	if id, ok := mlflow.OTLPTraceID(text); ok {
		return id, true
	}
	return mlflow.OTLPTraceID(mlflow.TraceID(text))
}

func isSpanID(id string) bool {
	return len(id) == 16 && strings.Trim(id, "0123456789abcdef") == ""
}
