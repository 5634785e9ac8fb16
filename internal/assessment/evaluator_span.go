package assessment

import (
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// maxAnnotations bounds the results that are read from one evaluator span.
const maxAnnotations = 256

// What OpenInference and the semantic conventions' proposal call an evaluator's span.
const (
	attributeSpanKind      = "openinference.span.kind"
	attributeOutputValue   = "output.value"
	attributeOperationName = "gen_ai.operation.name"
	spanKindEvaluator      = "EVALUATOR"
	operationEvaluation    = "evaluation"
	scopePrefixTrace       = "trace."
)

// IsEvaluatorSpan reports whether span is an evaluator's own and names its subject: exactly one link. Parents say
// nothing about the subject.
func IsEvaluatorSpan(span ptrace.Span) bool {
	if span.Links().Len() != 1 {
		return false
	}
	for key, value := range span.Attributes().All() {
		switch key {
		case attributeSpanKind:
			if text(value) == spanKindEvaluator {
				return true
			}
		case attributeOperationName:
			if text(value) == operationEvaluation {
				return true
			}
		}
	}
	return false
}

// DecodeEvaluatorSpan reads the assessments that a foreign evaluator's span makes of the span that it links to: its
// result events; else its `annotations.N.annotation.*` and `evaluations.N.evaluation.*` attributes; else
// `gen_ai.evaluation.*` on the span; else `output.value`, a JSON object with score, label and explanation, any other
// JSON, or a text, under the span's name. What is not taken, and results beyond 256, are in refused. A span that has
// none of these gives neither: an evaluator's step without a result is no fault.
func DecodeEvaluatorSpan(span ptrace.Span, opts DecodeOptions) (results []Assessment, refused []Refusal) {
	if !IsEvaluatorSpan(span) {
		return nil, []Refusal{{SourceTypeCode, ErrNoSubject}}
	}
	link := span.Links().At(0)
	d := evaluatorSpan{about: subject{link.TraceID(), link.SpanID()}, timestamp: span.EndTimestamp(), opts: opts}
	for i := range span.Events().Len() {
		if ev := span.Events().At(i); IsResult(ev) {
			d.add(decodeAttributes(ev.Attributes(), d.about, ev.Timestamp(), opts))
		}
	}
	if d.empty() {
		d.readAnnotations(span.Attributes())
	}
	if d.empty() {
		d.readSpan(span)
	}
	return d.results, d.refused
}

// Refusal is one result that was not taken.
type Refusal struct {
	Source SourceType
	Err    error
}

type evaluatorSpan struct {
	about     subject
	timestamp pcommon.Timestamp
	opts      DecodeOptions
	results   []Assessment
	refused   []Refusal
}

func (d *evaluatorSpan) empty() bool { return len(d.results) == 0 && len(d.refused) == 0 }

func (d *evaluatorSpan) add(a Assessment, err error) {
	if err == nil && len(d.results) == maxAnnotations {
		err = ErrTooLarge
	}
	if err != nil {
		d.refused = append(d.refused, Refusal{a.Source.Type, err})
		return
	}
	d.results = append(d.results, a)
}

// annotation is the key of one annotation among the span's flattened attributes.
type annotation struct {
	trace, evaluation bool
	index             int
}

func (d *evaluatorSpan) readAnnotations(m pcommon.Map) {
	found := map[annotation]*event{}
	order := make([]annotation, 0, 4)
	for key, value := range m.All() {
		at, field, ok := cutAnnotation(key)
		if !ok {
			continue
		}
		e := found[at]
		if e == nil {
			e = newEvent()
			if at.trace {
				e.scope = string(ScopeTrace)
			}
			found[at] = e
			order = append(order, at)
		}
		e.readAnnotation(field, value, d.opts.maxSize())
	}
	for _, at := range order {
		d.add(found[at].conclude(d.about, d.timestamp, d.opts))
	}
}

// cutAnnotation takes `trace.annotations.3.annotation.score` apart. Annotations of a session are about no trace.
func cutAnnotation(key string) (at annotation, field string, ok bool) {
	rest, trace := strings.CutPrefix(key, scopePrefixTrace)
	at.trace = trace
	inner := "annotation."
	switch {
	case strings.HasPrefix(rest, "annotations."):
		rest = rest[len("annotations."):]
	case strings.HasPrefix(rest, "evaluations."):
		rest, inner, at.evaluation = rest[len("evaluations."):], "evaluation.", true
	default:
		return at, "", false
	}
	index, rest, ok := strings.Cut(rest, ".")
	if !ok || len(index) > 6 {
		return at, "", false
	}
	n, err := strconv.ParseUint(index, 10, 31)
	if err != nil {
		return at, "", false
	}
	at.index = int(n)
	field, ok = strings.CutPrefix(rest, inner)
	return at, field, ok
}

func (e *event) readAnnotation(field string, value pcommon.Value, maxSize int) {
	a := &e.assessment
	switch field {
	case "name":
		a.Name = e.text(value)
	case "score":
		e.score, e.hasScore = value, true
	case "label":
		e.label, e.hasLabel = e.text(value), true
	case "explanation":
		a.Rationale = e.text(value)
	case "annotator_kind":
		switch text(value) {
		case "LLM":
			a.Source.Type = SourceTypeLLMJudge
		case "HUMAN":
			a.Source.Type = SourceTypeHuman
		}
	case "identifier":
		a.Source.ID = e.text(value)
	case "metadata":
		e.readJSONMetadata(text(value), maxSize)
	}
}

// readJSONMetadata spreads a JSON object over the metadata, each member as text. What is no such object is left out:
// it says nothing about the result.
func (e *event) readJSONMetadata(object string, maxSize int) {
	if len(object) > maxSize {
		e.size += len(object)
		return
	}
	parsed, _ := parseAttribute(object)
	if parsed.Type() != pcommon.ValueTypeMap {
		return
	}
	for key, member := range parsed.Map().All() {
		if value, err := valueOf(member, maxSize); err == nil && value != "" {
			e.setMetadata(key, value.Text())
			e.size += len(key) + len(value)
		}
	}
}

// parseAttribute reads JSON text as a structured value, null as an empty one; ok is false for what is not JSON.
func parseAttribute(text string) (parsed pcommon.Value, ok bool) {
	parsed = pcommon.NewValueEmpty()
	value, err := ParseValue([]byte(text))
	if err == nil && value != "" {
		putValue(parsed, value)
	}
	return parsed, err == nil
}

// readSpan reads a span that is one single result.
func (d *evaluatorSpan) readSpan(span ptrace.Span) {
	if _, ok := span.Attributes().Get(AttributeName); ok {
		d.add(decodeAttributes(span.Attributes(), d.about, d.timestamp, d.opts))
		return
	}
	output, ok := span.Attributes().Get(attributeOutputValue)
	if !ok {
		return // an evaluator that only ran a step says nothing yet
	}
	e := newEvent()
	e.read(span.Attributes())
	e.assessment.Name = validUTF8(span.Name())
	e.size += len(e.assessment.Name)
	e.readOutput(output, d.opts.maxSize())
	d.add(e.conclude(d.about, d.timestamp, d.opts))
}

// readOutput reads what an evaluator returned: an object with score, label and explanation, as Phoenix's evaluators
// do, or else any value.
func (e *event) readOutput(output pcommon.Value, maxSize int) {
	e.value, e.hasValue = output, true
	if output.Type() != pcommon.ValueTypeStr || len(output.Str()) > maxSize {
		return
	}
	parsed, ok := parseAttribute(output.Str())
	if !ok {
		return // a plain text
	}
	e.value = parsed
	if parsed.Type() != pcommon.ValueTypeMap {
		return
	}
	score, hasScore := member(parsed.Map(), "score")
	label, hasLabel := member(parsed.Map(), "label")
	if !hasScore && !hasLabel {
		return
	}
	e.hasValue = false
	if hasScore {
		e.score, e.hasScore = score, true
	}
	if hasLabel {
		e.label, e.hasLabel = e.text(label), true
	}
	if explanation, ok := member(parsed.Map(), "explanation"); ok {
		e.assessment.Rationale = e.text(explanation)
	}
	if name, ok := member(parsed.Map(), "name"); ok && text(name) != "" {
		e.assessment.Name = e.text(name)
	}
}

// member is a member of an object that is there and not null.
func member(object pcommon.Map, key string) (pcommon.Value, bool) {
	value, ok := object.Get(key)
	return value, ok && value.Type() != pcommon.ValueTypeEmpty
}
