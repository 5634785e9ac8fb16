package feedbackprocessor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"gopkg.in/yaml.v3"

	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/metadatatest"
)

const disclaimerYAML = `
checks:
  has_disclaimer:
    source_id: compliance_v1
    contains: {any: ["This is not financial advice"]}
    explain: Missing required disclaimer
`

// judgeYAML has one judge, of everything; %s is the model's endpoint.
const judgeYAML = `
models:
  stand-in: {endpoint: "%s", price: {input: 1, output: 2}}
judges:
  quality:
    source_id: stand-in-v1
    model: stand-in
    prompt: "Is {{.Answer}} an answer to {{.Question}}?"
    output: {type: boolean}
    sampling: [{name: all, rate: 1}]
judge_retry: {enabled: false}
judge_cache: {window: 0s} # most tests judge the same text again
limits: {calls_per_minute: 0}
`

// loadConfig decodes and validates a configuration as the collector does.
func loadConfig(tb testing.TB, text string, more ...string) *Config {
	tb.Helper()
	conf := confmap.New()
	for _, one := range append([]string{text}, more...) {
		var raw map[string]any
		require.NoError(tb, yaml.Unmarshal([]byte(one), &raw))
		require.NoError(tb, conf.Merge(confmap.NewFromStringMap(raw)))
	}
	config := createDefaultConfig().(*Config)
	require.NoError(tb, conf.Unmarshal(config))
	require.NoError(tb, confmap.Validate(config))
	return config
}

// model is a language model over HTTP, whose answer a test can replace.
type model struct {
	*httptest.Server
	calls  atomic.Int64
	answer atomic.Pointer[http.HandlerFunc]
}

func newModel(tb testing.TB) *model {
	tb.Helper()
	m := &model{}
	m.answers(says(`{"value": true, "rationale": "fine"}`))
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.calls.Add(1)
		(*m.answer.Load())(w, r)
	}))
	tb.Cleanup(m.Close)
	return m
}

func (m *model) answers(handler http.HandlerFunc) { m.answer.Store(&handler) }

// keepsPrompt lets the model answer well; what it is asked last can be loaded, as text.
func (m *model) keepsPrompt() *atomic.Value {
	var prompt atomic.Value
	prompt.Store("")
	m.answers(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		prompt.Store(string(body))
		says(`{"value": true, "rationale": "fine"}`)(w, r)
	})
	return &prompt
}

// says answers with a message of the model.
func says(content string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"choices": []any{map[string]any{"finish_reason": "stop", "message": map[string]any{"content": content}}},
			"usage": map[string]any{
				"prompt_tokens": 100, "completion_tokens": 10, "prompt_tokens_details": map[string]any{"cached_tokens": 40},
			},
		})
	}
}

// hangs answers when the caller has gone.
func hangs(_ http.ResponseWriter, r *http.Request) {
	buffer := make([]byte, 1<<16)
	for { // only a body that was read tells that the caller has gone
		if _, err := r.Body.Read(buffer); err != nil {
			break
		}
	}
	<-r.Context().Done()
}

var errNotRunning = errors.New("the exporter is not running")

// exporter takes logs only between its start and its stop, like one that stands behind the processor.
type exporter struct {
	consumertest.LogsSink
	mu      sync.Mutex
	running bool
	refused int
	// refuse, if set, is what it answers.
	refuse error
}

func (e *exporter) set(running bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.running = running
}

func (e *exporter) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.running {
		e.refused++
		return errNotRunning
	}
	if e.refuse != nil {
		e.refused++
		return e.refuse
	}
	return e.LogsSink.ConsumeLogs(ctx, ld)
}

func (e *exporter) refusals() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.refused
}

func (e *exporter) records() []plog.LogRecord {
	var all []plog.LogRecord
	for _, ld := range e.AllLogs() {
		for _, resource := range ld.ResourceLogs().All() {
			for _, scope := range resource.ScopeLogs().All() {
				for _, record := range scope.LogRecords().All() {
					all = append(all, record)
				}
			}
		}
	}
	return all
}

var _ consumer.Logs = (*exporter)(nil)

// host has the extensions that a test gives it.
type host map[component.ID]component.Component

func (h host) GetExtensions() map[component.ID]component.Component { return h }

// pipelines is the processor in one traces and one logs pipeline.
type pipelines struct {
	telemetry *componenttest.Telemetry
	config    *Config
	traces    processor.Traces
	logs      processor.Logs
	spans     consumertest.TracesSink
	exporter  exporter
}

// newPipelines builds both nodes; nothing is started.
func newPipelines(tb testing.TB, config *Config) *pipelines {
	tb.Helper()
	p := &pipelines{telemetry: componenttest.NewTelemetry(), config: config}
	tb.Cleanup(func() { require.NoError(tb, p.telemetry.Shutdown(context.Background())) })
	set := metadatatest.NewSettings(p.telemetry)
	var err error
	p.traces, err = NewFactory().CreateTraces(tb.Context(), set, config, &p.spans)
	require.NoError(tb, err)
	p.logs, err = NewFactory().CreateLogs(tb.Context(), set, config, &p.exporter)
	require.NoError(tb, err)
	return p
}

// startPipelines builds and starts both nodes, and stops them at the test's end.
func startPipelines(tb testing.TB, config *Config, extensions component.Host) *pipelines {
	tb.Helper()
	p := newPipelines(tb, config)
	p.exporter.set(true)
	tb.Cleanup(func() { p.stop(tb) })
	require.NoError(tb, p.logs.Start(tb.Context(), extensions))
	require.NoError(tb, p.traces.Start(tb.Context(), extensions))
	return p
}

func (p *pipelines) stop(tb testing.TB) {
	tb.Helper()
	require.NoError(tb, p.traces.Shutdown(context.Background()))
	require.NoError(tb, p.logs.Shutdown(context.Background()))
}

// awaitRecords waits until n log records have left.
func (p *pipelines) awaitRecords(tb testing.TB, n int) []plog.LogRecord {
	tb.Helper()
	require.Eventually(tb, func() bool { return p.exporter.LogRecordCount() >= n }, time.Minute, time.Millisecond)
	return p.exporter.records()
}

// sums are a metric's values by the attributes named, joined by a space.
func sums(tb testing.TB, telemetry *componenttest.Telemetry, name string, by ...string) map[string]int64 {
	tb.Helper()
	got, err := telemetry.GetMetric("otelcol_processor_feedback_" + name)
	if err != nil {
		return map[string]int64{}
	}
	var points []metricdata.DataPoint[int64]
	switch data := got.Data.(type) {
	case metricdata.Sum[int64]:
		points = data.DataPoints
	case metricdata.Gauge[int64]:
		points = data.DataPoints
	default:
		require.Failf(tb, "unknown data", "%T", data)
	}
	sums := map[string]int64{}
	for _, point := range points {
		key := ""
		for _, name := range by {
			value, _ := point.Attributes.Value(attributeKey(name))
			if key != "" {
				key += " "
			}
			key += value.AsString()
		}
		sums[key] += point.Value
	}
	return sums
}

func total(sums map[string]int64) (n int64) {
	for _, one := range sums {
		n += one
	}
	return n
}

// newSpan appends an LLM span of the semantic conventions, with ids made of n.
func newSpan(spans ptrace.SpanSlice, n int, question, answer string) ptrace.Span {
	span := spans.AppendEmpty()
	span.SetName("chat")
	span.SetTraceID(pcommon.TraceID{1, byte(n >> 16), byte(n >> 8), byte(n), 15: 1})
	span.SetSpanID(pcommon.SpanID{2, byte(n >> 16), byte(n >> 8), byte(n)})
	attributes := span.Attributes()
	attributes.PutStr("gen_ai.operation.name", "chat")
	attributes.PutStr("gen_ai.response.id", fmt.Sprintf("resp-%d", n))
	attributes.PutStr("gen_ai.input.messages", message("user", question))
	attributes.PutStr("gen_ai.output.messages", message("assistant", answer))
	return span
}

func message(role, text string) string {
	content, _ := json.Marshal([]any{map[string]any{
		"role": role, "parts": []any{map[string]any{"type": "text", "content": text}},
	}})
	return string(content)
}

// newBatch has n LLM spans, the first with number from.
func newBatch(from, n int) ptrace.Traces {
	td := ptrace.NewTraces()
	spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for i := range n {
		newSpan(spans, from+i, "What is a bond?", "A loan. This is not financial advice.")
	}
	return td
}

// firstSpan is the first span of a batch.
func firstSpan(td ptrace.Traces) ptrace.Span {
	return td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
}
