package queue

import (
	"errors"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// formatVersion is raised whenever an older collector could misread an item. Items of other versions are not judged.
const formatVersion = 1

// The attributes of the one span that an item is on disk.
const (
	keyVersion     = "v"
	keyRun         = "run"
	keyFingerprint = "fingerprint"
	keyRule        = "rule"
	keyStratum     = "stratum"
	keyProbability = "probability"
	keyResponseID  = "response_id"
	keyTruncated   = "truncated"
	keySpansSeen   = "spans_seen"
	keyQueued      = "queued"
	keyParts       = "parts"
)

// Part is one side of the interaction that the judge reads.
type Part struct {
	Name, Text string
}

// Item is one judgement that waits: one subject for one judge, with the decision that let it in. It holds all that the
// judge needs, and nothing that pins or exposes the batch it came from.
type Item struct {
	TraceID pcommon.TraceID
	// SpanID is empty where the subject is the whole trace.
	SpanID pcommon.SpanID
	// Judge is the judge's name.
	Judge string
	// Fingerprint is the judge's version that the decision was made for.
	Fingerprint string
	// Rule, Stratum and Probability are the sampling decision.
	Rule, Stratum string
	Probability   float64
	// ResponseID is the subject's gen_ai.response.id, if it has one.
	ResponseID string
	Parts      []Part
	// Truncated says that the parts are not all of the interaction's text.
	Truncated bool
	// SpansSeen is how many spans of the trace were at hand; 0 where the subject is a span.
	SpansSeen int
	// Queued is when the item was queued; Offer sets it. Zero on items of collectors that did not write it.
	Queued time.Time

	// run tells the items of this process from those that an earlier one left on disk.
	run string
}

// errFormat says that an item was written by another version, or not by us at all.
var errFormat = errors.New("the waiting item is of another format version")

// encode lays the item out as the trace data that exporterhelper queues and stores.
func (i *Item) encode() ptrace.Traces {
	td := ptrace.NewTraces()
	span := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.SetTraceID(i.TraceID)
	span.SetSpanID(i.SpanID)
	span.SetName(i.Judge)
	attrs := span.Attributes()
	attrs.EnsureCapacity(11)
	attrs.PutInt(keyVersion, formatVersion)
	attrs.PutStr(keyRun, i.run)
	attrs.PutStr(keyFingerprint, i.Fingerprint)
	attrs.PutStr(keyRule, i.Rule)
	attrs.PutStr(keyStratum, i.Stratum)
	attrs.PutDouble(keyProbability, i.Probability)
	if i.ResponseID != "" {
		attrs.PutStr(keyResponseID, i.ResponseID)
	}
	if i.Truncated {
		attrs.PutBool(keyTruncated, true)
	}
	if !i.Queued.IsZero() {
		attrs.PutInt(keyQueued, i.Queued.UnixNano())
	}
	if i.SpansSeen > 0 {
		attrs.PutInt(keySpansSeen, int64(i.SpansSeen))
	}
	parts := attrs.PutEmptyMap(keyParts)
	parts.EnsureCapacity(len(i.Parts))
	for _, part := range i.Parts {
		parts.PutStr(part.Name, part.Text)
	}
	return td
}

// decode reads what encode wrote. Ids and run are set even where the rest is of another version.
func decode(td ptrace.Traces) (Item, error) {
	var item Item
	if td.SpanCount() != 1 {
		return item, errFormat
	}
	span, ok := onlySpan(td)
	if !ok {
		return item, errFormat
	}
	attrs := span.Attributes()
	item.TraceID, item.SpanID, item.Judge = span.TraceID(), span.SpanID(), span.Name()
	item.run = text(attrs, keyRun)
	item.Rule = text(attrs, keyRule)
	if version, ok := attrs.Get(keyVersion); !ok || version.Type() != pcommon.ValueTypeInt || version.Int() != formatVersion {
		return item, errFormat
	}
	item.Fingerprint = text(attrs, keyFingerprint)
	item.Stratum = text(attrs, keyStratum)
	item.ResponseID = text(attrs, keyResponseID)
	if probability, ok := attrs.Get(keyProbability); ok {
		item.Probability = probability.Double()
	}
	if truncated, ok := attrs.Get(keyTruncated); ok {
		item.Truncated = truncated.Bool()
	}
	if queued, ok := attrs.Get(keyQueued); ok {
		item.Queued = time.Unix(0, queued.Int())
	}
	if seen, ok := attrs.Get(keySpansSeen); ok {
		item.SpansSeen = int(seen.Int())
	}
	if parts, ok := attrs.Get(keyParts); ok && parts.Type() == pcommon.ValueTypeMap {
		item.Parts = make([]Part, 0, parts.Map().Len())
		for name, value := range parts.Map().All() {
			item.Parts = append(item.Parts, Part{Name: name, Text: value.Str()})
		}
	}
	return item, nil
}

func onlySpan(td ptrace.Traces) (ptrace.Span, bool) {
	for _, resource := range td.ResourceSpans().All() {
		for _, scope := range resource.ScopeSpans().All() {
			for _, span := range scope.Spans().All() {
				return span, true
			}
		}
	}
	return ptrace.Span{}, false
}

func text(attrs pcommon.Map, key string) string {
	if value, ok := attrs.Get(key); ok && value.Type() == pcommon.ValueTypeStr {
		return value.Str()
	}
	return ""
}
