package feedbackexporter

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// fakeStore is a store without Redis. Its errors may be changed while it is in use.
type fakeStore struct {
	assessmentStore // what is not needed panics

	mu       sync.Mutex
	checkErr error
	put      func(batch []assessment.Assessment) ([]store.Outcome, error)
	puts     int
	kept     []assessment.Assessment
	entries  []store.IndexEntry
	contents []store.SpanContent
	closed   int
	settings store.Settings
}

func (f *fakeStore) open(_ context.Context, _ store.Config, set store.Settings, _ *zap.Logger) (assessmentStore, error) {
	f.settings = set
	return f, nil
}

func (f *fakeStore) fail(check error, put func([]assessment.Assessment) ([]store.Outcome, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.checkErr, f.put = check, put
}

func (f *fakeStore) Check(context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.checkErr
}

func (f *fakeStore) Put(_ context.Context, batch []assessment.Assessment) ([]store.Outcome, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.puts++
	if f.put != nil {
		return f.put(batch)
	}
	f.kept = append(f.kept, batch...)
	outcomes := make([]store.Outcome, len(batch))
	for i := range outcomes {
		outcomes[i] = store.OutcomeStored
	}
	return outcomes, nil
}

func (f *fakeStore) Index(_ context.Context, entries []store.IndexEntry) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.entries = append(f.entries, entries...)
	return 1, nil
}

func (f *fakeStore) KeepContent(_ context.Context, contents []store.SpanContent) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.contents = append(f.contents, contents...)
	return 1, nil
}

func (f *fakeStore) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed++
	return nil
}

func (f *fakeStore) stored() []assessment.Assessment {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]assessment.Assessment(nil), f.kept...)
}

func (f *fakeStore) tries() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.puts
}

// host has extensions, such as a storage.
type host struct {
	extensions map[component.ID]component.Component
}

func (h host) GetExtensions() map[component.ID]component.Component { return h.extensions }

// quickConfig retries at once.
func quickConfig() *Config {
	config := createDefaultConfig().(*Config)
	config.Retry.InitialInterval, config.Retry.MaxInterval = time.Millisecond, 10*time.Millisecond
	config.Retry.RandomizationFactor = 0
	return config
}

const secret = "my prompt with a password"

func newSpan(td ptrace.Traces, trace, id byte) ptrace.Span {
	ss := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty()
	ss.Scope().SetName("my.evals")
	span := ss.Spans().AppendEmpty()
	span.SetName("chat")
	span.SetTraceID([16]byte{trace})
	span.SetSpanID([8]byte{id})
	span.Attributes().PutStr("gen_ai.input.messages", secret)
	span.Events().AppendEmpty().SetName("gen_ai.user.message")
	span.Events().At(0).Attributes().PutStr("content", secret)
	return span
}

// check is what our processor says of the span trace/id.
func check(trace, id byte) assessment.Assessment {
	a := assessment.Assessment{
		Name: "compliance_check", Kind: assessment.KindFeedback, Value: `{"score":0.5,"parts":["a"]}`,
		Source:     assessment.Source{Type: assessment.SourceTypeCode, ID: "validator_v1"},
		Metadata:   map[string]string{"own": "x"},
		CreateTime: time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC),
	}
	a.UpdateTime = a.CreateTime
	span := ptrace.NewSpan()
	span.SetTraceID([16]byte{trace})
	span.SetSpanID([8]byte{id})
	a.TraceID, a.SpanID = span.TraceID().String(), span.SpanID().String()
	a.ID = assessment.NewID(a.TraceID, a.SpanID, a.Name, a.Source)
	return a
}

// tracesOf is n spans, each with content and one result.
func tracesOf(n int) (ptrace.Traces, []assessment.Assessment) {
	td := ptrace.NewTraces()
	var want []assessment.Assessment
	for i := range n {
		a := check(byte(i/4+1), byte(i%4+1))
		assessment.EncodeSpanEvent(newSpan(td, byte(i/4+1), byte(i%4+1)).Events().AppendEmpty(), &a)
		want = append(want, a)
	}
	return td, want
}

func logsOf(results ...assessment.Assessment) plog.Logs {
	ld := plog.NewLogs()
	records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for i := range results {
		assessment.EncodeLogRecord(records.AppendEmpty(), &results[i])
	}
	return ld
}

func start(t *testing.T, c component.Component) {
	t.Helper()
	require.NoError(t, c.Start(t.Context(), host{}))
	t.Cleanup(func() { require.NoError(t, c.Shutdown(context.Background())) })
}
