package feedbackprocessor

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/metadata"
)

// complianceYAML is the compliance check of MLflow's guide.
const complianceYAML = `
checks:
  compliance_check:
    source_id: compliance_validator_v2.1
    parts:
      has_disclaimer:
        contains: {any: ["This is not financial advice"]}
        explain: Missing required disclaimer
      appropriate_length:
        length: {min: 50, max: 500}
        explain: "Response length {{.Length}} outside acceptable range"
      contains_prohibited_terms:
        contains: {any: [guaranteed returns, risk-free, get rich quick], ignore_case: true}
        expect: false
        explain: "Contains prohibited terms: {{.Found}}"
    explain_passed: All compliance checks passed
`

func startTraces(tb testing.TB, config *Config, next consumer.Traces) consumer.Traces {
	tb.Helper()
	set := processortest.NewNopSettings(metadata.Type)
	traces, err := NewFactory().CreateTraces(tb.Context(), set, config, next)
	require.NoError(tb, err)
	logs, err := NewFactory().CreateLogs(tb.Context(), set, config, consumertest.NewNop())
	require.NoError(tb, err)
	for _, node := range []component.Component{logs, traces} {
		require.NoError(tb, node.Start(tb.Context(), componenttest.NewNopHost()))
		tb.Cleanup(func() { require.NoError(tb, node.Shutdown(context.Background())) })
	}
	return traces
}

// httpBatch has spans such as an HTTP instrumentation writes.
func httpBatch(n int) ptrace.Traces {
	td := ptrace.NewTraces()
	resource := td.ResourceSpans().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", "shop")
	spans := resource.ScopeSpans().AppendEmpty().Spans()
	for i := range n {
		span := newSpan(spans, i, "", "")
		span.Attributes().Clear()
		span.SetName("GET /products")
		for key, value := range map[string]string{
			"http.request.method": "GET", "url.path": "/products", "url.scheme": "https", "server.address": "shop.example.com",
			"user_agent.original": strings.Repeat("Mozilla ", 10), "network.protocol.version": "1.1", "client.address": "10.0.0.1",
			"http.route": "/products", "http.response.status_code": "200",
		} {
			span.Attributes().PutStr(key, value)
		}
	}
	return td
}

// BenchmarkWithoutGenAI is the price of the processor for batches that are none of its business; compare it with the
// 3.9 µs a span that a bare collector takes to receive and send one.
func BenchmarkWithoutGenAI(b *testing.B) {
	const n = 100
	td := httpBatch(n)
	for _, with := range []bool{false, true} {
		b.Run(fmt.Sprintf("processor=%v", with), func(b *testing.B) {
			next := consumer.Traces(consumertest.NewNop())
			if with {
				model := newModel(b)
				next = startTraces(b, loadConfig(b, complianceYAML, fmt.Sprintf(judgeYAML, model.URL)), next)
			}
			b.ReportAllocs()
			for b.Loop() {
				_ = next.ConsumeTraces(b.Context(), td)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/span")
		})
	}
}

// BenchmarkWithoutGenAIOnTheWire is the same with what every collector does: read and write the batch as protobuf.
func BenchmarkWithoutGenAIOnTheWire(b *testing.B) {
	const n = 100
	wire, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(httpBatch(n))
	require.NoError(b, err)
	for _, with := range []bool{false, true} {
		b.Run(fmt.Sprintf("processor=%v", with), func(b *testing.B) {
			out, err := consumer.NewTraces(func(_ context.Context, td ptrace.Traces) error {
				_, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(td)
				return err
			})
			require.NoError(b, err)
			next := out
			if with {
				next = startTraces(b, loadConfig(b, complianceYAML), next)
			}
			b.ReportAllocs()
			for b.Loop() {
				td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(wire)
				require.NoError(b, err)
				_ = next.ConsumeTraces(b.Context(), td)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/span")
		})
	}
}

// answer2KB makes a span of about 2 KB, most of it question and answer.
var answer2KB = strings.Repeat("Bonds are loans to a state or a company. ", 22)

// BenchmarkComplianceCheck is a GenAI span of 2 KB with the compliance check, its event included.
func BenchmarkComplianceCheck(b *testing.B) {
	const n = 100
	for _, passes := range []bool{true, false} {
		b.Run(fmt.Sprintf("passes=%v", passes), func(b *testing.B) {
			td := ptrace.NewTraces()
			spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
			question, answer := answer2KB, answer2KB
			if passes {
				answer = answer[:450] + "This is not financial advice"
				question += answer[:400]
			}
			for i := range n {
				newSpan(spans, i, question, answer)
			}
			none := func(ptrace.SpanEvent) bool { return true }
			clean, err := consumer.NewTraces(func(_ context.Context, td ptrace.Traces) error {
				for _, span := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
					span.Events().RemoveIf(none)
				}
				return nil
			})
			require.NoError(b, err)
			next := startTraces(b, loadConfig(b, complianceYAML), clean)
			b.ReportAllocs()
			for b.Loop() {
				_ = next.ConsumeTraces(b.Context(), td)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/span")
		})
	}
}

// BenchmarkJudgesHang is the way of a batch of ten GenAI spans without judges, and while every judge hangs.
func BenchmarkJudgesHang(b *testing.B) {
	for _, judges := range []bool{false, true} {
		b.Run(fmt.Sprintf("judges=%v", judges), func(b *testing.B) {
			model := newModel(b)
			model.answers(hangs)
			config := loadConfig(b, fmt.Sprintf(judgeYAML, model.URL), "shutdown_timeout: 0s", fmt.Sprintf("judges: {quality: {enabled: %v}}", judges))
			benchmarkBatches(b, startTraces(b, config, consumertest.NewNop()))
		})
	}
}

// benchmarkBatches sends batches of ten spans, each with an id of its own.
func benchmarkBatches(b *testing.B, next consumer.Traces) {
	b.Helper()
	td, number := ptrace.NewTraces(), uint32(0)
	spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for i := range 10 {
		newSpan(spans, i, "q", strings.Repeat("x", 4096))
	}
	var took []time.Duration
	b.ReportAllocs()
	for b.Loop() {
		for _, span := range spans.All() {
			number++
			id := span.SpanID()
			binary.BigEndian.PutUint32(id[4:], number)
			span.SetSpanID(id)
		}
		start := time.Now()
		_ = next.ConsumeTraces(b.Context(), td)
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// TestMemoryOfAFullQueue: 10,000 waiting judgements of 4 KB hold at most 100 MiB.
func TestMemoryOfAFullQueue(t *testing.T) {
	model := newModel(t)
	model.answers(hangs)
	next := startTraces(t, loadConfig(t, fmt.Sprintf(judgeYAML, model.URL), "shutdown_timeout: 0s"), consumertest.NewNop())
	require.NoError(t, next.ConsumeTraces(t.Context(), newBatch(0, 1)))
	before := heap()
	for n := range 1000 {
		td := ptrace.NewTraces()
		spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
		for i := range 10 {
			newSpan(spans, n*10+i+1, "q", strings.Repeat("x", 4096)).Attributes().PutStr("large", strings.Repeat("y", 1<<14))
		}
		require.NoError(t, next.ConsumeTraces(t.Context(), td))
	}
	assert.Less(t, heap()-before, int64(100<<20))
	assert.EqualValues(t, 10_000, next.(*tracesNode).instance.judges[0].queue.Pending())
}

func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
