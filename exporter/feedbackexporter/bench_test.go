package feedbackexporter

import (
	"context"
	"testing"

	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackexporter/internal/metadata"
)

// A batch of 100 spans that carry no results is what this exporter sees most of the time.
func BenchmarkTracesWithoutResults(b *testing.B) {
	fake := &fakeStore{}
	exp, err := newFactory(fake.open).CreateTraces(b.Context(), exportertest.NewNopSettings(metadata.Type), quickConfig())
	if err != nil {
		b.Fatal(err)
	}
	td := ptrace.NewTraces()
	for i := range 100 {
		newSpan(td, byte(i+1), 1)
	}
	b.ReportAllocs()
	for b.Loop() {
		_ = exp.ConsumeTraces(context.Background(), td)
	}
	if err := exp.Shutdown(context.Background()); err != nil {
		b.Fatal(err)
	}
}

// With index, each GenAI span is read; one that is none still costs next to nothing.
func BenchmarkReduceForIndex(b *testing.B) {
	r := reducer{keeper: keeper{index: true, attributes: []string{"app.message_id"}}}
	for name, change := range map[string]func(ptrace.Span){
		"genai": func(span ptrace.Span) {
			span.Attributes().PutStr("gen_ai.operation.name", "chat")
			span.Attributes().PutStr("gen_ai.response.id", "chatcmpl-1")
			span.Attributes().PutStr("gen_ai.conversation.id", "c-1")
		},
		"other": func(span ptrace.Span) {
			span.Attributes().Clear()
			span.Attributes().PutStr("http.request.method", "GET")
			span.Attributes().PutStr("url.path", "/users/42")
		},
	} {
		td := ptrace.NewTraces()
		for i := range 100 {
			change(newSpan(td, byte(i+1), 1))
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.traces(td)
			}
		})
	}
}

func BenchmarkReduceTraces(b *testing.B) {
	td, _ := tracesOf(100)
	r := reducer{}
	b.ReportAllocs()
	for b.Loop() {
		r.traces(td)
	}
}
