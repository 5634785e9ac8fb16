package assessment

import (
	"encoding/hex"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// EncodeSpanEvent fills ev with a, for the span that a is about (for trace scope: any span of the trace, usually the
// root). The ids are the span's own; a's are not written. Only feedback has a form on the wire: kind, overrides,
// validity and an error's stack trace stay behind.
func EncodeSpanEvent(ev ptrace.SpanEvent, a *Assessment) {
	ev.SetName(EventName)
	if !a.CreateTime.IsZero() {
		ev.SetTimestamp(pcommon.NewTimestampFromTime(a.CreateTime))
	}
	encodeAttributes(ev.Attributes(), a, 0)
}

// EncodeLogRecord fills lr with a: a log record of severity INFO, or WARN for a failed evaluation, with the trace and
// span id of the subject. The body names the evaluation, never its value: bodies end in log lists that more people
// read than the traces' content.
func EncodeLogRecord(lr plog.LogRecord, a *Assessment) {
	lr.SetEventName(EventName)
	if !a.CreateTime.IsZero() {
		timestamp := pcommon.NewTimestampFromTime(a.CreateTime)
		lr.SetTimestamp(timestamp)
		lr.SetObservedTimestamp(timestamp)
	}
	lr.SetSeverityNumber(plog.SeverityNumberInfo)
	if a.Error != nil {
		lr.SetSeverityNumber(plog.SeverityNumberWarn)
	}
	var traceID pcommon.TraceID
	if decodeHex(traceID[:], a.TraceID) {
		lr.SetTraceID(traceID)
	}
	var spanID pcommon.SpanID
	if decodeHex(spanID[:], a.SpanID) {
		lr.SetSpanID(spanID)
	}
	lr.Body().SetStr("evaluation: " + a.Name)
	attributes := lr.Attributes()
	encodeAttributes(attributes, a, 1)
	attributes.PutStr(attributeEventName, EventName)
}

// encodeAttributes writes a's attributes in a stable order and leaves room for extra more.
func encodeAttributes(m pcommon.Map, a *Assessment, extra int) {
	m.EnsureCapacity(m.Len() + attributeCount(a) + extra)
	m.PutStr(AttributeName, a.Name)
	encodeValue(m, a.Value)
	if a.Rationale != "" {
		m.PutStr(AttributeExplanation, a.Rationale)
	}
	if a.ResponseID != "" {
		m.PutStr(AttributeResponseID, a.ResponseID)
	}
	if a.Source.ID != "" {
		m.PutStr(AttributeEvaluatorID, a.Source.ID)
	}
	if a.Fingerprint != "" {
		m.PutStr(AttributeEvaluatorVersion, a.Fingerprint)
	}
	m.PutStr(AttributeEvaluatorType, evaluatorType(a.Source.Type))
	if a.Verdict != VerdictNone {
		m.PutBool(AttributePassed, a.Verdict == VerdictPassed)
	}
	if a.Error != nil {
		encodeError(m, a.Error)
	}
	scope := ScopeSpan
	if a.SpanID == "" {
		scope = ScopeTrace
	}
	m.PutStr(AttributeScope, string(scope))
	encodeMetadata(m, a.Metadata)
}

// attributeCount is an upper bound: growing the map copies it, a slot too many costs nothing.
func attributeCount(a *Assessment) int {
	n := 9 + len(a.Metadata) // name, score, label or value, explanation, evaluator's three, passed, scope
	if a.Error != nil {
		n += 3
	}
	if a.ResponseID != "" {
		n++
	}
	return n
}

// encodeValue writes score and label, and the exact value only where those cannot carry it.
func encodeValue(m pcommon.Map, v Value) {
	switch v.Type() {
	case ValueTypeNone:
	case ValueTypeBool:
		score, label := 0.0, labelFail
		if v == True {
			score, label = 1, labelPass
		}
		m.PutDouble(AttributeScoreValue, score)
		m.PutStr(AttributeScoreLabel, label)
	case ValueTypeString:
		m.PutStr(AttributeScoreLabel, v.Text())
	case ValueTypeFloat:
		if f, ok := v.Number(); ok {
			m.PutDouble(AttributeScoreValue, f)
		}
	default:
		if f, ok := v.Number(); ok {
			m.PutDouble(AttributeScoreValue, f)
		}
		putValue(m.PutEmpty(AttributeValue), v)
	}
}

func encodeError(m pcommon.Map, e *Error) {
	m.PutStr(AttributeErrorType, orDefault(e.Type, errorTypeOther))
	m.PutStr(AttributeErrorCode, orDefault(e.Code, ErrorCodeEvaluationFailed))
	if e.Message != "" {
		m.PutStr(AttributeErrorMessage, e.Message)
	}
}

func encodeMetadata(m pcommon.Map, metadata map[string]string) {
	if len(metadata) == 0 {
		return
	}
	var stack [16]string
	keys := stack[:0]
	for key := range metadata {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		m.PutStr(metadataAttribute(key), metadata[key])
	}
}

func orDefault(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// decodeHex fills dst from text and reports whether text was exactly that many bytes of hex.
func decodeHex(dst []byte, text string) bool {
	if len(text) != hex.EncodedLen(len(dst)) {
		return false
	}
	_, err := hex.Decode(dst, []byte(text))
	return err == nil
}
