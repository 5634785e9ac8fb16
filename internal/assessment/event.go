package assessment

import (
	"math"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// event is what one pass over the attributes finds; the rules for what it means come after.
type event struct {
	assessment            Assessment
	scope, label          string
	hasLabel, foreign     bool
	score, value          pcommon.Value
	hasScore, hasValue    bool
	errorType             string
	errorCode, errorText  string
	hasErrorCode, hasType bool
	size                  int
}

func newEvent() *event {
	return &event{assessment: Assessment{Kind: KindFeedback, Source: Source{Type: SourceTypeCode}}, foreign: true}
}

// conclude makes an assessment of what was read. The size comes before all that costs more than a look.
func (e *event) conclude(about subject, timestamp pcommon.Timestamp, opts DecodeOptions) (Assessment, error) {
	a := &e.assessment
	if a.Source.ID == "" {
		a.Source.ID = orDefault(validUTF8(opts.Scope), sourceUnknown)
	}
	if timestamp != 0 {
		a.CreateTime = timestamp.AsTime()
		a.UpdateTime = a.CreateTime
	}
	refused := Assessment{Source: Source{Type: a.Source.Type}}
	if e.size > opts.maxSize() {
		return refused, ErrTooLarge
	}
	if err := e.setValue(opts.maxSize() - e.size); err != nil {
		return refused, err
	}
	e.setError()
	e.setVerdict()
	if e.size+len(a.Value) > opts.maxSize() {
		return refused, ErrTooLarge
	}
	if err := a.identify(about, e.scope, opts.TrustHuman); err != nil {
		return refused, err
	}
	return *a, nil
}

// read looks at each attribute once. What is not known is no part of the record.
func (e *event) read(m pcommon.Map) {
	a := &e.assessment
	for key, value := range m.All() {
		switch key {
		case AttributeName:
			a.Name = e.text(value)
		case AttributeScoreValue:
			e.score, e.hasScore = value, true
		case AttributeScoreLabel:
			e.label, e.hasLabel = e.text(value), true
		case AttributeExplanation:
			a.Rationale = e.text(value)
		case AttributeResponseID:
			a.ResponseID = e.text(value)
		case AttributeErrorType:
			e.errorType = e.text(value)
			e.hasType = e.errorType != ""
		case AttributeEvaluatorID:
			a.Source.ID = e.text(value)
		case AttributeEvaluatorVersion:
			a.Fingerprint = e.text(value)
		case AttributeEvaluatorType:
			a.Source.Type = sourceType(text(value))
		case AttributePassed:
			if value.Type() == pcommon.ValueTypeBool {
				a.Verdict = VerdictOf(value.Bool())
			}
		case AttributeValue:
			e.value, e.hasValue = value, true
		case AttributeErrorCode:
			e.errorCode, e.hasErrorCode = e.text(value), true
		case AttributeErrorMessage:
			e.errorText = e.text(value)
		case AttributeScope:
			e.scope, e.foreign = e.text(value), false
		default:
			e.readMetadata(key, value)
		}
	}
}

func (e *event) readMetadata(key string, value pcommon.Value) {
	name, ok := strings.CutPrefix(key, AttributeMetadataPrefix)
	if !ok || name == "" {
		return
	}
	if e.assessment.Metadata == nil {
		e.assessment.Metadata = make(map[string]string, 8)
	}
	e.size += len(name)
	e.assessment.Metadata[validUTF8(name)] = e.text(value)
}

// setValue takes the exact value where one is given; else what score and label say together.
func (e *event) setValue(maxSize int) error {
	a := &e.assessment
	if e.hasValue {
		value, err := valueOf(e.value, maxSize)
		if err != nil {
			return ErrValue
		}
		a.Value = value
		return nil
	}
	score, exact := 0.0, Value("")
	if e.hasScore {
		score, exact = scoreOf(e.score)
	}
	switch {
	case exact == "" && e.hasLabel:
		a.Value = String(e.label)
	case score == 1 && e.label == labelPass, score == 0 && exact != "" && e.label == labelFail:
		a.Value = Bool(score == 1)
	default:
		a.Value = exact
		if exact != "" && e.hasLabel {
			e.setMetadata(MetadataScoreLabel, e.label)
		}
	}
	return nil
}

// scoreOf reads a score; a foreign one may be an integer or a bool. What is no number gives the empty value.
func scoreOf(v pcommon.Value) (float64, Value) {
	switch v.Type() {
	case pcommon.ValueTypeDouble:
		if f := v.Double(); !math.IsNaN(f) {
			return f, Float(f)
		}
	case pcommon.ValueTypeInt:
		return float64(v.Int()), Int(v.Int())
	case pcommon.ValueTypeBool:
		exact := Bool(v.Bool())
		score, _ := exact.Number()
		return score, exact
	}
	return 0, ""
}

// setError tells a failed evaluation. A foreign one says what went wrong in its explanation.
func (e *event) setError() {
	a := &e.assessment
	if !e.hasType && !e.hasErrorCode {
		return
	}
	a.Error = &Error{
		Code:    orDefault(e.errorCode, ErrorCodeEvaluationFailed),
		Type:    orDefault(e.errorType, errorTypeOther),
		Message: e.errorText,
	}
	if e.foreign && e.errorText == "" && a.Value == "" {
		a.Error.Message, a.Rationale = a.Rationale, ""
	}
}

// setVerdict reads the verdict of a foreign result from its label; ours says it.
func (e *event) setVerdict() {
	a := &e.assessment
	if !e.foreign || a.Verdict != VerdictNone || a.Error != nil {
		return
	}
	switch e.label {
	case labelPass:
		a.Verdict = VerdictPassed
	case labelFail:
		a.Verdict = VerdictFailed
	}
}

func (e *event) setMetadata(key, value string) {
	if e.assessment.Metadata == nil {
		e.assessment.Metadata = map[string]string{}
	}
	e.assessment.Metadata[key] = value
}

// text is the function text, counted.
func (e *event) text(v pcommon.Value) string {
	s := text(v)
	e.size += len(s)
	return s
}

// text reads an attribute that should be a string. A number or bool is spelled out; anything deeper has no place in
// a text and gives the empty one.
func text(v pcommon.Value) string {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return validUTF8(v.Str())
	case pcommon.ValueTypeBool, pcommon.ValueTypeInt, pcommon.ValueTypeDouble:
		return v.AsString()
	default:
		return ""
	}
}

func validUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
