package assessment

import (
	"errors"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// DefaultMaxSize is the default of DecodeOptions.MaxSize.
const DefaultMaxSize = 256 << 10

// maxNameLength bounds an assessment's name and source id, in bytes; MLflow's columns hold no more.
const maxNameLength = 250

// sourceUnknown stands for an evaluator that says neither who nor from which instrumentation it is.
const sourceUnknown = "unknown"

// The reasons to refuse what came as an assessment.
var (
	// ErrHuman refuses a result that says it is a person's where telemetry is not trusted to say so.
	ErrHuman = errors.New("a person's assessment is not taken from telemetry without trust_human_events")
	// ErrTooLarge refuses an assessment above DecodeOptions.MaxSize.
	ErrTooLarge = errors.New("assessment is larger than max_assessment_size")
	// ErrNoSubject refuses a result without trace id, or an evaluator span without exactly one link.
	ErrNoSubject = errors.New("evaluation does not say which trace it is about")
	// ErrName refuses a name or source id that is empty or longer than 250 bytes.
	ErrName = errors.New("evaluation has no name, or its name or evaluator id is longer than 250 bytes")
	// ErrNoResult refuses an event with neither score, label, value nor error.
	ErrNoResult = errors.New("evaluation has neither value nor error")
	// ErrValue refuses a value that is too deep, too large or not valid JSON.
	ErrValue = errors.New("evaluation has a value that cannot be held")
)

// DecodeOptions says what is taken from telemetry.
type DecodeOptions struct {
	// Scope is the instrumentation scope's name, the source id of an evaluator that does not name itself.
	Scope string
	// TrustHuman takes a person's assessments from telemetry; default: ErrHuman.
	TrustHuman bool
	// MaxSize bounds an assessment, in bytes of all its texts. 0 is DefaultMaxSize.
	MaxSize int
}

func (o DecodeOptions) maxSize() int {
	if o.MaxSize <= 0 {
		return DefaultMaxSize
	}
	return o.MaxSize
}

// IsResult reports whether ev carries an assessment.
func IsResult(ev ptrace.SpanEvent) bool { return ev.Name() == EventName }

// IsResultRecord reports whether lr carries an assessment. Some SDKs name the event only in an attribute.
func IsResultRecord(lr plog.LogRecord) bool {
	if name := lr.EventName(); name != "" {
		return name == EventName
	}
	name, ok := lr.Attributes().Get(attributeEventName)
	return ok && name.Type() == pcommon.ValueTypeStr && name.Str() == EventName
}

// DecodeSpanEvent reads the assessment that ev, an event of span, carries: one that EncodeSpanEvent wrote, or a
// foreign one that has only the attributes of the semantic conventions. The id is computed anew. With an error, the
// assessment holds at least the source's type.
func DecodeSpanEvent(span ptrace.Span, ev ptrace.SpanEvent, opts DecodeOptions) (Assessment, error) {
	return decodeAttributes(ev.Attributes(), subjectOf(span), ev.Timestamp(), opts)
}

// DecodeLogRecord is DecodeSpanEvent for a log record, whose trace and span id are the subject's. Without a span id
// the assessment is about the trace.
func DecodeLogRecord(lr plog.LogRecord, opts DecodeOptions) (Assessment, error) {
	timestamp := lr.Timestamp()
	if timestamp == 0 {
		timestamp = lr.ObservedTimestamp()
	}
	return decodeAttributes(lr.Attributes(), subject{lr.TraceID(), lr.SpanID()}, timestamp, opts)
}

// Identity reads only the name and source that the attributes of an event claim; the source's id is empty where the
// event does not name its evaluator.
func Identity(attributes pcommon.Map) (name string, source Source) {
	source.Type = SourceTypeCode
	for key, value := range attributes.All() {
		switch key {
		case AttributeName:
			name = text(value)
		case AttributeEvaluatorID:
			source.ID = text(value)
		case AttributeEvaluatorType:
			source.Type = sourceType(text(value))
		}
	}
	return name, source
}

// subject is what an assessment is about.
type subject struct {
	trace pcommon.TraceID
	span  pcommon.SpanID
}

func decodeAttributes(m pcommon.Map, about subject, timestamp pcommon.Timestamp, opts DecodeOptions) (Assessment, error) {
	e := newEvent()
	e.read(m)
	return e.conclude(about, timestamp, opts)
}

// identify gives a its subject and id, and has the last word on whether it is one.
func (a *Assessment) identify(about subject, scope string, trustHuman bool) error {
	switch {
	case a.Source.Type == SourceTypeHuman && !trustHuman:
		return ErrHuman
	case about.trace.IsEmpty():
		return ErrNoSubject
	case strings.TrimSpace(a.Name) == "" || len(a.Name) > maxNameLength || len(a.Source.ID) > maxNameLength:
		return ErrName
	case a.Value == "" && a.Error == nil:
		return ErrNoResult
	}
	a.TraceID = about.trace.String()
	if scope != string(ScopeTrace) {
		a.SpanID = about.span.String()
	}
	a.ID = NewID(a.TraceID, a.SpanID, a.Name, a.Source)
	return nil
}

func subjectOf(span ptrace.Span) subject { return subject{span.TraceID(), span.SpanID()} }
