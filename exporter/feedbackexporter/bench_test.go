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

func BenchmarkReduceTraces(b *testing.B) {
	td, _ := tracesOf(100)
	r := reducer{}
	b.ReportAllocs()
	for b.Loop() {
		r.traces(td)
	}
}
