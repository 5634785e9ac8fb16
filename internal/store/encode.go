package store

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

// appendRecord appends the record's content as the JSON document that Redis holds; its ids are the names of key and
// field, and its delivery states stand in fields of their own.
func appendRecord(dst []byte, r *Record) []byte {
	dst = append(dst, `{"version":`...)
	dst = strconv.AppendInt(dst, int64(r.Version), 10)
	dst = append(dst, `,"revision":`...)
	dst = strconv.AppendInt(dst, r.Revision, 10)
	dst = appendContent(dst, &r.Assessment)
	dst = appendText(dst, `,"author":`, r.Author)
	if r.Door != doorTelemetry {
		dst = appendText(dst, `,"door":`, r.Door)
	}
	if r.Touched {
		dst = append(dst, `,"touched":true`...)
	}
	dst = appendTime(dst, `,"written":"`, r.Written)
	dst = appendTime(dst, `,"deleted":"`, r.Deleted)
	if len(r.History) > 0 {
		dst = append(dst, `,"history":[`...)
		for i := range r.History {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendChange(dst, &r.History[i])
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

func appendChange(dst []byte, c *Change) []byte {
	dst = append(dst, `{"reason":`...)
	dst = appendString(dst, c.Reason)
	dst = appendTime(dst, `,"time":"`, c.Time)
	dst = appendText(dst, `,"author":`, c.Author)
	dst = appendText(dst, `,"door":`, c.Door)
	dst = append(dst, `,"old":{"id":`...)
	dst = appendString(dst, c.Old.ID)
	dst = appendText(dst, `,"trace_id":`, c.Old.TraceID)
	dst = appendContent(dst, &c.Old)
	return append(dst, '}', '}')
}

// appendContent appends the members of an assessment, each after a comma, without its ids.
func appendContent(dst []byte, a *assessment.Assessment) []byte {
	dst = append(dst, `,"name":`...)
	dst = appendString(dst, a.Name)
	dst = appendText(dst, `,"kind":`, string(a.Kind))
	dst = appendText(dst, `,"span_id":`, a.SpanID)
	dst = appendText(dst, `,"source_type":`, string(a.Source.Type))
	dst = appendText(dst, `,"source_id":`, a.Source.ID)
	if a.Value != "" {
		dst = append(append(dst, `,"value":`...), a.Value...)
	}
	if a.Error != nil {
		dst = append(dst, `,"error":{"code":`...)
		dst = appendString(dst, a.Error.Code)
		dst = appendText(dst, `,"type":`, a.Error.Type)
		dst = appendText(dst, `,"message":`, a.Error.Message)
		dst = appendText(dst, `,"stack_trace":`, a.Error.StackTrace)
		dst = append(dst, '}')
	}
	dst = appendText(dst, `,"rationale":`, a.Rationale)
	dst = appendMetadata(dst, a.Metadata)
	switch a.Verdict {
	case assessment.VerdictPassed:
		dst = append(dst, `,"passed":true`...)
	case assessment.VerdictFailed:
		dst = append(dst, `,"passed":false`...)
	}
	dst = appendText(dst, `,"fingerprint":`, a.Fingerprint)
	dst = appendText(dst, `,"response_id":`, a.ResponseID)
	dst = appendText(dst, `,"overrides":`, a.Overrides)
	if a.Invalid {
		dst = append(dst, `,"invalid":true`...)
	}
	dst = appendTime(dst, `,"create_time":"`, a.CreateTime)
	if !a.UpdateTime.Equal(a.CreateTime) {
		dst = appendTime(dst, `,"update_time":"`, a.UpdateTime)
	}
	return dst
}

// appendMetadata writes the keys in order, so that the same assessment is the same text.
func appendMetadata(dst []byte, metadata map[string]string) []byte {
	if len(metadata) == 0 {
		return dst
	}
	var stack [16]string
	keys := stack[:0]
	if len(metadata) > len(stack) {
		keys = slices.Collect(maps.Keys(metadata))
	} else {
		for key := range metadata {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	dst = append(dst, `,"metadata":{`...)
	for i, key := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, key), ':')
		dst = appendString(dst, metadata[key])
	}
	return append(dst, '}')
}

// appendText appends a member unless it is empty.
func appendText(dst []byte, member, text string) []byte {
	if text == "" {
		return dst
	}
	return appendString(append(dst, member...), text)
}

// appendTime appends a member that ends in an open quote, unless the time is zero.
func appendTime(dst []byte, member string, t time.Time) []byte {
	if t.IsZero() {
		return dst
	}
	return append(t.UTC().AppendFormat(append(dst, member...), time.RFC3339Nano), '"')
}

// appendString appends a JSON string; what is no UTF-8 is replaced.
func appendString(dst []byte, text string) []byte {
	plain, ascii := true, true
	for i := range len(text) {
		c := text[i]
		plain = plain && c >= 0x20 && c != '"' && c != '\\'
		ascii = ascii && c < utf8.RuneSelf
	}
	if plain && (ascii || utf8.ValidString(text)) {
		dst = append(dst, '"')
		dst = append(dst, text...)
		return append(dst, '"')
	}
	quoted, err := json.Marshal(text)
	if err != nil {
		return append(dst, '"', '"') // a string always marshals
	}
	return append(dst, quoted...)
}

// appendDelivery begins with state and attempts: the requeue script rewrites these two.
func appendDelivery(dst []byte, d *Delivery) []byte {
	dst = append(dst, `{"state":`...)
	dst = appendString(dst, string(d.State))
	dst = append(dst, `,"attempts":`...)
	dst = strconv.AppendInt(dst, int64(max(0, d.Attempts)), 10)
	dst = appendText(dst, `,"form":`, d.Form)
	dst = appendText(dst, `,"id":`, d.ID)
	dst = appendText(dst, `,"reason":`, d.Reason)
	return append(dst, '}')
}
