package genai

import (
	"cmp"
	"iter"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// maxEvents bounds what is looked at of a span's events, and of its log records.
const maxEvents = 1000

// event is a span event, or a log record that belongs to the span. Only records have a body.
type event struct {
	name       string
	at         pcommon.Timestamp
	attributes pcommon.Map
	body       pcommon.Value
	record     bool
}

// events yields the span's events, then its log records, each in their order.
func (s source) events() iter.Seq[event] {
	return func(yield func(event) bool) {
		events := s.span.Events()
		for n := range min(events.Len(), maxEvents) {
			one := events.At(n)
			if !yield(event{name: one.Name(), at: one.Timestamp(), attributes: one.Attributes(), body: noBody}) {
				return
			}
		}
		for _, one := range s.records {
			if !yield(event{one.name, timeOf(one.record), one.record.Attributes(), one.record.Body(), true}) {
				return
			}
		}
	}
}

var noBody = pcommon.NewValueEmpty()

// Record is a log record that carries content of a span.
type Record struct {
	name   string
	record plog.LogRecord
}

// inOrder sorts records by time. Their clock may be coarse, so that those of one time stay as they came.
func inOrder(records []Record) []Record {
	sorted := slices.Clone(records[:min(len(records), maxEvents)])
	slices.SortStableFunc(sorted, func(a, b Record) int { return cmp.Compare(timeOf(a.record), timeOf(b.record)) })
	return sorted
}

// timeOf is when a record was made; many instrumentations leave the time to whoever observes it.
func timeOf(record plog.LogRecord) pcommon.Timestamp {
	return cmp.Or(record.Timestamp(), record.ObservedTimestamp())
}

// ReadRecord tells whether a log record, which its scope's name belongs to, carries content of a GenAI span, and
// names the span: records without trace and span id do not. The record must not change while it is in use.
func ReadRecord(scope string, record plog.LogRecord) (Record, bool) {
	if record.TraceID().IsEmpty() || record.SpanID().IsEmpty() {
		return Record{}, false
	}
	name := nameOf(record)
	switch {
	case name == detailsEvent, isMessageEvent(name), isContentEvent(name):
	case isAgentCore(scope, name, record.Body()):
		name = agentCoreEvent
	case isClaudeCode(scope, name):
		name = claudeCodeEvent + name
	default:
		return Record{}, false
	}
	return Record{name, record}, true
}

// nameOf returns an event's name, which older instrumentations wrote in an attribute or in the body.
func nameOf(record plog.LogRecord) string {
	if name := record.EventName(); name != "" {
		return name
	}
	for _, key := range [...]string{"event.name", "event_name"} {
		if name, ok := record.Attributes().Get(key); ok && name.Str() != "" {
			return name.Str()
		}
	}
	return record.Body().Str()
}

// Clone returns a record with content of its own.
func (r Record) Clone() Record {
	own := plog.NewLogRecord()
	r.record.CopyTo(own)
	return Record{r.name, own}
}

// Size is the number of bytes that the record has on the wire.
func (r Record) Size() int { return (&plog.ProtoMarshaler{}).LogRecordSize(r.record) }

// Complete reports whether the record holds all that will be said of its span: the answer with what led to it.
func (r Record) Complete() bool {
	switch r.name {
	case agentCoreEvent:
		return true
	case detailsEvent:
		_, ok := r.record.Attributes().Get("gen_ai.output.messages")
		return ok
	}
	return false
}
