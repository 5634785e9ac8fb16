package records

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// Render is one assessment as MLflow answers it to the caller, in compact JSON. MLflow's web page, which takes only
// "User" for whoever looks at it, finds that name at the caller's own, and its review page the one that it takes.
func Render(record *store.Record, caller access.Caller) json.RawMessage {
	dst := make([]byte, 0, 512)
	dst = appendText(append(dst, `{"assessment_id":`...), record.ID)
	dst = appendText(append(dst, `,"assessment_name":`...), record.Name)
	dst = appendText(append(dst, `,"trace_id":`...), mlflow.TraceID(record.TraceID))
	dst = appendOptional(dst, `,"span_id":`, record.SpanID)
	dst = appendSource(dst, record.Source, caller)
	dst = appendTime(append(dst, `,"create_time":`...), record.CreateTime)
	dst = appendTime(append(dst, `,"last_update_time":`...), record.UpdateTime)
	switch record.Kind {
	case assessment.KindExpectation:
		dst = appendExpectation(dst, record.Value)
	case assessment.KindIssue:
		dst = appendText(append(dst, `,"issue":{"issue_name":`...), record.Value.Text())
		dst = append(dst, '}')
	default:
		dst = appendFeedback(dst, record.Value, record.Error)
	}
	dst = appendOptional(dst, `,"rationale":`, record.Rationale)
	dst = appendMetadata(dst, &record.Assessment)
	dst = appendOptional(dst, `,"overrides":`, record.Overrides)
	if record.Invalid {
		return append(dst, `,"valid":false}`...)
	}
	return append(dst, `,"valid":true}`...)
}

func appendSource(dst []byte, source assessment.Source, caller access.Caller) []byte {
	sourceType := source.Type
	switch sourceType {
	case assessment.SourceTypeCode, assessment.SourceTypeLLMJudge, assessment.SourceTypeHuman:
	default:
		sourceType = assessment.SourceTypeUnspecified
	}
	id := source.ID
	if caller.Name != "" && id == caller.Name && sourceType == assessment.SourceTypeHuman {
		switch caller.Door {
		case access.DoorUI:
			id = sourceUser
		case access.DoorReview:
			id = mlflow.SourceDefault
		}
	}
	dst = appendText(append(dst, `,"source":{"source_type":`...), string(sourceType))
	return append(appendOptional(dst, `,"source_id":`, id), '}')
}

func appendFeedback(dst []byte, value assessment.Value, e *assessment.Error) []byte {
	dst = append(dst, `,"feedback":{"value":`...)
	dst = appendValue(dst, value)
	if e != nil {
		dst = appendText(append(dst, `,"error":{"error_code":`...), e.Code)
		dst = appendOptional(dst, `,"error_message":`, e.Message)
		dst = append(appendOptional(dst, `,"stack_trace":`, e.StackTrace), '}')
	}
	return append(dst, '}')
}

func appendExpectation(dst []byte, value assessment.Value) []byte {
	switch value.Type() {
	case assessment.ValueTypeList, assessment.ValueTypeMap:
		dst = append(dst, `,"expectation":{"serialized_value":{"serialization_format":"JSON_FORMAT","value":`...)
		return append(appendText(dst, pythonSpelling(value)), '}', '}')
	default:
		return append(appendValue(append(dst, `,"expectation":{"value":`...), value), '}')
	}
}

func appendValue(dst []byte, value assessment.Value) []byte {
	if value == "" {
		return append(dst, "null"...)
	}
	return append(dst, Doubles(value)...)
}

func appendMetadata(dst []byte, a *assessment.Assessment) []byte {
	if len(a.Metadata) == 0 && a.Fingerprint == "" {
		return dst
	}
	metadata := a.Metadata
	if a.Fingerprint != "" {
		metadata = make(map[string]string, len(a.Metadata)+1)
		maps.Copy(metadata, a.Metadata)
		metadata[assessment.MetadataFingerprint] = a.Fingerprint
	}
	dst = append(dst, `,"metadata":{`...)
	for i, key := range slices.Sorted(maps.Keys(metadata)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendText(append(appendText(dst, key), ':'), metadata[key])
	}
	return append(dst, '}')
}

func appendText(dst []byte, text string) []byte { return append(dst, assessment.String(text)...) }

// appendOptional appends a member unless it is empty.
func appendOptional(dst []byte, member, text string) []byte {
	if text == "" {
		return dst
	}
	return appendText(append(dst, member...), text)
}

// appendTime spells a time as protobuf does: in UTC, milliseconds only if there are any.
func appendTime(dst []byte, t time.Time) []byte {
	t = t.UTC().Truncate(time.Millisecond)
	layout := `"2006-01-02T15:04:05Z"`
	if t.Nanosecond() != 0 {
		layout = `"2006-01-02T15:04:05.000Z"`
	}
	return t.AppendFormat(dst, layout)
}

const hexDigits = "0123456789abcdef"

// pythonSpelling is a value as MLflow spells the JSON text inside its answer: a space behind comma and colon, ASCII only.
func pythonSpelling(value assessment.Value) string {
	text := string(value)
	dst := make([]byte, 0, len(text)+len(text)/4)
	for i := 0; i < len(text); {
		switch c := text[i]; c {
		case '"':
			end := endOfString(text, i)
			dst = appendASCII(dst, text[i:end])
			i = end
		case ',', ':':
			dst = append(dst, c, ' ')
			i++
		default:
			dst = append(dst, c)
			i++
		}
	}
	return string(dst)
}

func appendASCII(dst []byte, text string) []byte {
	for _, r := range text {
		switch {
		case r < utf8.RuneSelf:
			dst = append(dst, byte(r))
		case r > 0xffff:
			r -= 0x10000
			dst = appendEscape(appendEscape(dst, 0xd800+r>>10), 0xdc00+r&0x3ff)
		default:
			dst = appendEscape(dst, r)
		}
	}
	return dst
}

func appendEscape(dst []byte, unit rune) []byte {
	return append(dst, '\\', 'u', hexDigits[unit>>12&0xf], hexDigits[unit>>8&0xf], hexDigits[unit>>4&0xf], hexDigits[unit&0xf])
}
