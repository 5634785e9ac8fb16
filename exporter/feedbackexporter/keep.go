package feedbackexporter

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// The event names of what the queue holds beside results. Only this exporter writes and reads them: what others send
// under these names is no result, and so never queued.
const (
	eventIndex   = "feedback.index"
	eventContent = "feedback.content"
)

// keeper takes from the GenAI spans that pass what `index` and `store_content` ask for.
type keeper struct {
	index      bool
	attributes []string
	content    bool
}

func newKeeper(config *Config) keeper {
	k := keeper{content: config.StoreContent}
	if index := config.Index.Get(); index != nil {
		k.index, k.attributes = true, index.Attributes
	}
	return k
}

// keeps reports whether spans need be looked at.
func (k *keeper) keeps() bool { return k.index || k.content }

// span looks at one span; judged says that it carries results.
func (k *keeper) span(
	resource pcommon.Resource, scope pcommon.InstrumentationScope, span ptrace.Span, judged bool, out *reduced,
) {
	if span.TraceID().IsEmpty() || span.SpanID().IsEmpty() {
		return
	}
	i := genai.Read(resource, scope, span)
	if kind := i.Kind(); kind == genai.KindOther || kind == genai.KindEvaluator {
		return
	}
	if k.index {
		k.enter(&i, resource, span, out)
	}
	if k.content && (judged || k.isSubject(&i, span)) {
		keepContent(&i, span, out)
	}
}

// isSubject says of which spans content is kept although nothing has been said of them yet: of those that people and
// judges usually speak of, which they do later.
func (*keeper) isSubject(i *genai.Interaction, span ptrace.Span) bool {
	return i.Kind() == genai.KindLLM || i.Kind() == genai.KindAgent || span.ParentSpanID().IsEmpty()
}

// enter notes by which values a span is found. Response and span ids mean the span; a conversation's id and an
// attribute, which stand on many spans, mean the trace.
func (k *keeper) enter(i *genai.Interaction, resource pcommon.Resource, span ptrace.Span, out *reduced) {
	digest := store.NewDigest(store.KindSpanID, span.SpanID().String())
	body := newIndexRecord(out, span, span.SpanID()).Body().SetEmptyBytes()
	body.Append(digest[:]...)
	if id := i.ResponseID(); id != "" {
		digest = store.NewDigest(store.KindResponseID, id)
		body.Append(digest[:]...)
	}
	if id := i.ConversationID(); id != "" {
		out.enterWhole(store.NewDigest(store.KindConversationID, id), span)
	}
	for _, name := range k.attributes {
		value, ok := span.Attributes().Get(name)
		if !ok {
			value, ok = resource.Attributes().Get(name)
		}
		if text := indexable(value, ok); text != "" {
			out.enterWhole(store.NewDigest(store.KindAttribute(name), text), span)
		}
	}
}

// maxIndexedValue is in bytes; what is longer is no id.
const maxIndexedValue = 1024

// indexable is an attribute as text, or "" if it is none that an app would look for.
func indexable(value pcommon.Value, ok bool) string {
	if !ok {
		return ""
	}
	switch value.Type() {
	case pcommon.ValueTypeStr, pcommon.ValueTypeInt, pcommon.ValueTypeBool, pcommon.ValueTypeDouble:
		if text := value.AsString(); len(text) <= maxIndexedValue {
			return text
		}
	}
	return ""
}

// whole is a value of a trace.
type whole struct {
	trace  pcommon.TraceID
	digest store.Digest
}

// enterWhole notes once a batch that a trace has a value, with the time of the last span that says so.
func (r *reduced) enterWhole(digest store.Digest, span ptrace.Span) {
	key := whole{span.TraceID(), digest}
	if lr, known := r.wholes[key]; known {
		lr.SetTimestamp(max(lr.Timestamp(), span.EndTimestamp()))
		return
	}
	lr := newIndexRecord(r, span, pcommon.SpanID{})
	lr.Body().SetEmptyBytes().FromRaw(digest[:])
	if r.wholes == nil {
		r.wholes = make(map[whole]plog.LogRecord)
	}
	r.wholes[key] = lr
}

// newIndexRecord is a record whose body is digests, one behind the other.
func newIndexRecord(out *reduced, span ptrace.Span, about pcommon.SpanID) plog.LogRecord {
	lr := out.append()
	lr.SetEventName(eventIndex)
	lr.SetTimestamp(span.EndTimestamp())
	lr.SetTraceID(span.TraceID())
	lr.SetSpanID(about)
	return lr
}

func appendEntries(entries []store.IndexEntry, lr plog.LogRecord) []store.IndexEntry {
	if lr.Body().Type() != pcommon.ValueTypeBytes {
		return entries
	}
	match := store.Match{TraceID: lr.TraceID().String(), Time: lr.Timestamp().AsTime()}
	if !lr.SpanID().IsEmpty() {
		match.SpanID = lr.SpanID().String()
	}
	var digest store.Digest
	for body := lr.Body().Bytes().AsRaw(); len(body) >= len(digest); body = body[len(digest):] {
		copy(digest[:], body)
		entries = append(entries, store.IndexEntry{Digest: digest, Match: match})
	}
	return entries
}

// The attributes of a content record.
const (
	contentQuestion = "question"
	contentAnswer   = "answer"
	contentCut      = "cut"
	contentRoot     = "root"
)

func keepContent(i *genai.Interaction, span ptrace.Span, out *reduced) {
	question, questionState := i.Text(genai.PartQuestion)
	answer, answerState := i.Text(genai.PartAnswer)
	if question == "" && answer == "" {
		return
	}
	content := store.Content{
		Question: question, Answer: answer,
		Cut:  questionState == genai.StateTruncated || answerState == genai.StateTruncated,
		Root: span.ParentSpanID().IsEmpty(),
	}.Bounded()
	lr := out.append()
	lr.SetEventName(eventContent)
	lr.SetTraceID(span.TraceID())
	lr.SetSpanID(span.SpanID())
	attributes := lr.Attributes()
	attributes.PutStr(contentQuestion, content.Question)
	attributes.PutStr(contentAnswer, content.Answer)
	attributes.PutBool(contentCut, content.Cut)
	attributes.PutBool(contentRoot, content.Root)
}

func decodeContent(lr plog.LogRecord) store.SpanContent {
	one := store.SpanContent{TraceID: lr.TraceID().String(), SpanID: lr.SpanID().String()}
	for key, value := range lr.Attributes().All() {
		switch key {
		case contentQuestion:
			one.Content.Question = value.Str()
		case contentAnswer:
			one.Content.Answer = value.Str()
		case contentCut:
			one.Content.Cut = value.Bool()
		case contentRoot:
			one.Content.Root = value.Bool()
		}
	}
	return one
}
