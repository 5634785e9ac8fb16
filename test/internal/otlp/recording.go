package otlp

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// ReadRecording reads a file of testdata/spans: the OTLP requests that an instrumented app sent, in order.
func ReadRecording(path string) (ptrace.Traces, error) {
	all := ptrace.NewTraces()
	text, err := os.ReadFile(path)
	if err != nil {
		return all, err
	}
	var file struct {
		Traces []json.RawMessage `json:"traces"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return all, fmt.Errorf("%s: %w", path, err)
	}
	var unmarshaler ptrace.JSONUnmarshaler
	for i, request := range file.Traces {
		batch, err := unmarshaler.UnmarshalTraces(request)
		if err != nil {
			return all, fmt.Errorf("%s: request %d: %w", path, i, err)
		}
		batch.ResourceSpans().MoveAndAppendTo(all.ResourceSpans())
	}
	return all, nil
}

// Spans calls visit for each span.
func Spans(traces ptrace.Traces, visit func(ptrace.Span)) {
	for _, rs := range traces.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				visit(span)
			}
		}
	}
}

// KeepTraces removes all spans but those of the traces whose place in the order of their first span keep takes.
func KeepTraces(traces ptrace.Traces, keep func(place int) bool) {
	places := make(map[pcommon.TraceID]int)
	Spans(traces, func(span ptrace.Span) {
		if _, ok := places[span.TraceID()]; !ok {
			places[span.TraceID()] = len(places)
		}
	})
	traces.ResourceSpans().RemoveIf(func(rs ptrace.ResourceSpans) bool {
		rs.ScopeSpans().RemoveIf(func(ss ptrace.ScopeSpans) bool {
			ss.Spans().RemoveIf(func(span ptrace.Span) bool { return !keep(places[span.TraceID()]) })
			return ss.Spans().Len() == 0
		})
		return rs.ScopeSpans().Len() == 0
	})
}

// Restamp turns recorded spans into new ones: each trace gets an id of newID, and the last span ends at end. Order,
// durations, span ids and links between the spans stay. It returns the new trace ids in the order of their first span.
func Restamp(traces ptrace.Traces, end time.Time, newID func() pcommon.TraceID) []pcommon.TraceID {
	var last pcommon.Timestamp
	renamed := make(map[pcommon.TraceID]pcommon.TraceID)
	var order []pcommon.TraceID
	Spans(traces, func(span ptrace.Span) {
		last = max(last, span.EndTimestamp())
		if _, ok := renamed[span.TraceID()]; !ok {
			id := newID()
			renamed[span.TraceID()] = id
			order = append(order, id)
		}
	})
	shift := pcommon.NewTimestampFromTime(end) - last // unsigned arithmetic wraps around and back
	Spans(traces, func(span ptrace.Span) {
		span.SetTraceID(renamed[span.TraceID()])
		span.SetStartTimestamp(span.StartTimestamp() + shift)
		span.SetEndTimestamp(span.EndTimestamp() + shift)
		for _, event := range span.Events().All() {
			event.SetTimestamp(event.Timestamp() + shift)
		}
		for _, link := range span.Links().All() {
			if id, ok := renamed[link.TraceID()]; ok {
				link.SetTraceID(id)
			}
		}
	})
	return order
}
