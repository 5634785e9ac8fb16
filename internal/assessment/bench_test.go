package assessment_test

import (
	"testing"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

// composite is what the compliance check of config/compliance.yaml gives: nine attributes, a nested value.
func composite() assessment.Assessment {
	a := full(`{"overall_score":0.6666666666666666,"details":{"has_disclaimer":false,"appropriate_length":true,"contains_prohibited_terms":false,"rationale":["Missing required disclaimer"]}}`)
	a.Metadata = nil
	return a
}

// bool8 is a check's result with eight attributes.
func bool8() assessment.Assessment {
	a := full(assessment.True)
	a.Metadata, a.ResponseID = nil, ""
	return a
}

func BenchmarkEncodeSpanEvent(b *testing.B) {
	for name, a := range map[string]assessment.Assessment{"bool": bool8(), "composite": composite()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				assessment.EncodeSpanEvent(ptrace.NewSpanEvent(), &a)
			}
		})
	}
}

func BenchmarkDecodeSpanEvent(b *testing.B) {
	for name, a := range map[string]assessment.Assessment{"bool": bool8(), "composite": composite()} {
		span := subject()
		ev := span.Events().AppendEmpty()
		assessment.EncodeSpanEvent(ev, &a)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = assessment.DecodeSpanEvent(span, ev, assessment.DecodeOptions{})
			}
		})
	}
}

func BenchmarkEncodeLogRecord(b *testing.B) {
	a := full(assessment.Float(0.5))
	b.ReportAllocs()
	for b.Loop() {
		assessment.EncodeLogRecord(plog.NewLogRecord(), &a)
	}
}

func BenchmarkIdentity(b *testing.B) {
	a := bool8()
	ev := ptrace.NewSpanEvent()
	assessment.EncodeSpanEvent(ev, &a)
	b.ReportAllocs()
	for b.Loop() {
		assessment.Identity(ev.Attributes())
	}
}

func BenchmarkNewID(b *testing.B) {
	source := assessment.Source{Type: assessment.SourceTypeCode, ID: "compliance_validator_v2.1"}
	b.ReportAllocs()
	for b.Loop() {
		assessment.NewID(traceID, spanID, "compliance_check", source)
	}
}
