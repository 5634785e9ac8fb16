package feedbackexporter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackexporter/internal/metadata"
	"github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackexporter/internal/metadatatest"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

var errDown = errors.New("connection refused")

// answerError is one that the server itself gave.
type answerError string

func (e answerError) Error() string { return string(e) }
func (answerError) RedisError()     {}

func TestStartRefusesMismatch(t *testing.T) {
	fake := &fakeStore{checkErr: fmt.Errorf("fb:meta: %w", store.ErrMismatch)}
	exp, err := newFactory(fake.open).CreateTraces(t.Context(), exportertest.NewNopSettings(metadata.Type), quickConfig())
	require.NoError(t, err)
	require.ErrorIs(t, exp.Start(t.Context(), host{}), store.ErrMismatch)
	assert.Equal(t, 1, fake.closed, "nothing stays open")
	require.NoError(t, exp.Shutdown(t.Context()))
}

func TestStartRefusesWhatTheStoreRefuses(t *testing.T) {
	config := quickConfig()
	config.Redis.TLS.CAFile = "missing.pem"
	exp, err := NewFactory().CreateTraces(t.Context(), exportertest.NewNopSettings(metadata.Type), config)
	require.NoError(t, err)
	require.ErrorContains(t, exp.Start(t.Context(), host{}), "tls")
	require.NoError(t, exp.Shutdown(t.Context()))
}

func TestStartRefusesABrokenClient(t *testing.T) {
	fake := &fakeStore{}
	config := loadConfig(t, "feedback/full")
	config.MLflow.Get().HTTP.TLS.CAFile = "missing.pem"
	exp, err := newFactory(fake.open).CreateTraces(t.Context(), exportertest.NewNopSettings(metadata.Type), config)
	require.NoError(t, err)
	require.ErrorContains(t, exp.Start(t.Context(), host{}), "mlflow")
	assert.Equal(t, 1, fake.closed)
	require.NoError(t, exp.Shutdown(t.Context()))
}

// Both nodes are one exporter, which lives until the last of them has stopped.
func TestNodesShareOneExporter(t *testing.T) {
	fake := &fakeStore{}
	factory := newFactory(fake.open)
	config := quickConfig()
	traces, err := factory.CreateTraces(t.Context(), exportertest.NewNopSettings(metadata.Type), config)
	require.NoError(t, err)
	logs, err := factory.CreateLogs(t.Context(), exportertest.NewNopSettings(metadata.Type), config)
	require.NoError(t, err)
	require.NoError(t, traces.Start(t.Context(), host{}))
	require.NoError(t, logs.Start(t.Context(), host{}))

	require.NoError(t, traces.Shutdown(t.Context()))
	require.NoError(t, traces.Shutdown(t.Context()), "a second time changes nothing")
	assert.Zero(t, fake.closed)
	require.NoError(t, logs.ConsumeLogs(t.Context(), logsOf(check(1, 1))))
	require.NoError(t, logs.Shutdown(t.Context()))
	assert.Equal(t, 1, fake.closed)
	assert.Equal(t, []assessment.Assessment{check(1, 1)}, fake.stored(), "the queue is drained")

	again, err := factory.CreateLogs(t.Context(), exportertest.NewNopSettings(metadata.Type), config)
	require.NoError(t, err)
	require.NoError(t, again.Shutdown(t.Context()), "without Start")
}

func TestResultsOfTraces(t *testing.T) {
	fake := &fakeStore{}
	exp, err := newFactory(fake.open).CreateTraces(t.Context(), exportertest.NewNopSettings(metadata.Type), quickConfig())
	require.NoError(t, err)
	start(t, exp)

	td, want := tracesOf(10)
	require.NoError(t, exp.ConsumeTraces(t.Context(), td))
	require.NoError(t, exp.ConsumeTraces(t.Context(), td), "a batch may come twice")
	require.Eventually(t, func() bool { return len(fake.stored()) == 20 }, 10*time.Second, time.Millisecond)
	got := fake.stored()
	for _, a := range want {
		assert.Contains(t, got, a)
	}
	assert.Equal(t, 720*time.Hour, fake.settings.Retention)
	assert.Empty(t, fake.settings.Backends, "Redis only: nothing is queued")
}

func TestForeignResults(t *testing.T) {
	fake := &fakeStore{}
	exp, err := newFactory(fake.open).CreateTraces(t.Context(), exportertest.NewNopSettings(metadata.Type), quickConfig())
	require.NoError(t, err)
	start(t, exp)

	td := ptrace.NewTraces()
	ev := newSpan(td, 1, 1).Events().AppendEmpty()
	ev.SetName("gen_ai.evaluation.result")
	ev.Attributes().PutStr("gen_ai.evaluation.name", "relevance")
	ev.Attributes().PutDouble("gen_ai.evaluation.score.value", 1)
	ev.Attributes().PutStr("gen_ai.evaluation.score.label", "pass")
	carrier := newSpan(td, 9, 9)
	carrier.Attributes().PutStr("openinference.span.kind", "EVALUATOR")
	carrier.Attributes().PutStr("annotations.0.annotation.name", "tone")
	carrier.Attributes().PutDouble("annotations.0.annotation.score", 0.5)
	link := carrier.Links().AppendEmpty()
	link.SetTraceID([16]byte{2})
	link.SetSpanID([8]byte{2})
	require.NoError(t, exp.ConsumeTraces(t.Context(), td))

	require.Eventually(t, func() bool { return len(fake.stored()) == 2 }, 10*time.Second, time.Millisecond)
	got := fake.stored()
	slices.SortFunc(got, func(a, b assessment.Assessment) int { return strings.Compare(a.TraceID, b.TraceID) })
	source := assessment.Source{Type: assessment.SourceTypeCode, ID: "my.evals"}
	assert.Equal(t, assessment.True, got[0].Value)
	assert.Equal(t, source, got[0].Source)
	assert.Equal(t, assessment.Float(0.5), got[1].Value)
	assert.Equal(t, check(2, 2).SpanID, got[1].SpanID, "the linked span, not the evaluator's own")
}

func TestMetricsOfAssessments(t *testing.T) {
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
	fake := &fakeStore{put: func(batch []assessment.Assessment) ([]store.Outcome, error) {
		return []store.Outcome{store.OutcomeStored, store.OutcomeUpdated, store.OutcomeUnchanged, store.OutcomeRefused}[:len(batch)], nil
	}}
	exp, err := newFactory(fake.open).CreateLogs(t.Context(), metadatatest.NewSettings(tel), quickConfig())
	require.NoError(t, err)
	start(t, exp)

	human, nameless := check(1, 5), check(1, 6)
	human.Source.Type, nameless.Name = assessment.SourceTypeHuman, ""
	ld := logsOf(check(1, 1), check(1, 2), check(1, 3), check(1, 4), human, nameless)
	ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().AppendEmpty().Body().SetStr("some log line")
	require.NoError(t, exp.ConsumeLogs(t.Context(), ld))
	require.Eventually(t, func() bool { return fake.tries() == 1 }, 10*time.Second, time.Millisecond)
	require.Eventually(t, func() bool {
		m, err := tel.GetMetric("otelcol_exporter_feedback_assessments")
		return err == nil && len(m.Data.(metricdata.Sum[int64]).DataPoints) == 5
	}, 10*time.Second, time.Millisecond)

	point := func(source, outcome string, n int64) metricdata.DataPoint[int64] {
		return metricdata.DataPoint[int64]{Value: n, Attributes: attribute.NewSet(
			attribute.String("source_type", source), attribute.String("outcome", outcome))}
	}
	metadatatest.AssertEqualExporterFeedbackAssessments(t, tel, []metricdata.DataPoint[int64]{
		point("CODE", "stored", 1), point("CODE", "updated", 1), point("CODE", "unchanged", 1),
		point("CODE", "refused", 2), point("HUMAN", "refused", 1),
	}, metricdatatest.IgnoreTimestamp(), metricdatatest.IgnoreExemplars())
}

func TestTrustHumanEvents(t *testing.T) {
	fake := &fakeStore{}
	config := quickConfig()
	config.TrustHumanEvents = true
	exp, err := newFactory(fake.open).CreateLogs(t.Context(), exportertest.NewNopSettings(metadata.Type), config)
	require.NoError(t, err)
	start(t, exp)
	human := check(1, 1)
	human.Source = assessment.Source{Type: assessment.SourceTypeHuman, ID: "expert@company.com"}
	require.NoError(t, exp.ConsumeLogs(t.Context(), logsOf(human)))
	require.Eventually(t, func() bool { return len(fake.stored()) == 1 }, 10*time.Second, time.Millisecond)
	assert.Equal(t, human.Source, fake.stored()[0].Source)
}

// A batch without results reaches neither the queue nor the store.
func TestNothingToStore(t *testing.T) {
	fake := &fakeStore{}
	config := quickConfig()
	config.Queue = configoptional.None[exporterhelper.QueueBatchConfig]()
	factory := newFactory(fake.open)
	traces, err := factory.CreateTraces(t.Context(), exportertest.NewNopSettings(metadata.Type), config)
	require.NoError(t, err)
	logs, err := factory.CreateLogs(t.Context(), exportertest.NewNopSettings(metadata.Type), config)
	require.NoError(t, err)
	start(t, traces)
	start(t, logs)
	td := ptrace.NewTraces()
	newSpan(td, 1, 1)
	require.NoError(t, traces.ConsumeTraces(t.Context(), td))
	ld := plog.NewLogs()
	ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr("line")
	require.NoError(t, logs.ConsumeLogs(t.Context(), ld))
	assert.Zero(t, fake.tries())
	assert.False(t, traces.Capabilities().MutatesData)
}

// Start returns although Redis is down; what is accepted meanwhile is stored when it is back, and the log says each
// change once.
func TestRedisDownAtStart(t *testing.T) {
	core, lines := observer.New(zap.DebugLevel)
	set := exportertest.NewNopSettings(metadata.Type)
	set.Logger = zap.New(core)
	fake := &fakeStore{checkErr: answerError("WRONGPASS")}
	exp, err := newFactory(fake.open).CreateTraces(t.Context(), set, quickConfig())
	require.NoError(t, err)
	start(t, exp)
	td, want := tracesOf(50)
	require.NoError(t, exp.ConsumeTraces(t.Context(), td))
	assert.Zero(t, fake.tries(), "nothing is written unchecked")

	fake.fail(nil, func([]assessment.Assessment) ([]store.Outcome, error) { return nil, answerError("OOM") })
	require.Eventually(t, func() bool { return fake.tries() > 20 }, 10*time.Second, time.Millisecond)
	fake.fail(nil, nil)
	require.Eventually(t, func() bool { return len(fake.stored()) == len(want) }, 10*time.Second, time.Millisecond)

	var messages []string
	for _, line := range lines.All() {
		if line.Level >= zap.InfoLevel {
			messages = append(messages, line.Message)
		}
	}
	assert.Equal(t, []string{
		"redis refuses assessments; they are held in the queue", "redis takes assessments again",
		"redis refuses assessments; they are held in the queue", "redis takes assessments again",
	}, messages)
}

func TestMismatchFoundLater(t *testing.T) {
	core, lines := observer.New(zap.ErrorLevel)
	set := exportertest.NewNopSettings(metadata.Type)
	set.Logger = zap.New(core)
	fake := &fakeStore{checkErr: errDown}
	exp, err := newFactory(fake.open).CreateTraces(t.Context(), set, quickConfig())
	require.NoError(t, err)
	reported := &statusHost{events: make(chan componentstatus.Status, 10)}
	require.NoError(t, exp.Start(t.Context(), reported))
	assert.Equal(t, componentstatus.StatusRecoverableError, <-reported.events)
	fake.fail(store.ErrMismatch, nil)
	assert.Equal(t, componentstatus.StatusPermanentError, <-reported.events)
	assert.Equal(t, 1, lines.Len())
	td, _ := tracesOf(1)
	require.NoError(t, exp.ConsumeTraces(t.Context(), td))
	require.NoError(t, exp.Shutdown(t.Context()))
	assert.Zero(t, fake.tries())
}

type statusHost struct{ events chan componentstatus.Status }

func (*statusHost) GetExtensions() map[component.ID]component.Component { return nil }

func (h *statusHost) Report(event *componentstatus.Event) { h.events <- event.Status() }

// With Redis gone, Shutdown does not wait a timeout for each batch that the queue holds.
func TestShutdownWhileRedisIsDown(t *testing.T) {
	fake := &fakeStore{}
	fake.fail(nil, func([]assessment.Assessment) ([]store.Outcome, error) { return nil, errDown })
	config := quickConfig()
	config.Retry.InitialInterval, config.Retry.MaxInterval = time.Hour, time.Hour
	config.Queue.Get().Batch.Get().MinSize = 1
	exp, err := newFactory(fake.open).CreateTraces(t.Context(), exportertest.NewNopSettings(metadata.Type), config)
	require.NoError(t, err)
	require.NoError(t, exp.Start(t.Context(), host{}))
	td, _ := tracesOf(1)
	for range 100 {
		require.NoError(t, exp.ConsumeTraces(t.Context(), td))
	}
	require.Eventually(t, func() bool { return fake.tries() >= 10 }, 10*time.Second, time.Millisecond)
	require.NoError(t, exp.Shutdown(t.Context()))
	assert.LessOrEqual(t, fake.tries(), 20, "one try for each consumer, not for each batch")
}

// A batch that cannot be queued is the sender's again.
func TestQueueFull(t *testing.T) {
	fake := &fakeStore{checkErr: errDown}
	config := quickConfig()
	config.Queue.Get().Sizer, config.Queue.Get().QueueSize = exporterhelper.RequestSizerTypeItems, 5
	exp, err := newFactory(fake.open).CreateTraces(t.Context(), exportertest.NewNopSettings(metadata.Type), config)
	require.NoError(t, err)
	require.NoError(t, exp.Start(t.Context(), host{}))
	td, _ := tracesOf(4)
	require.NoError(t, exp.ConsumeTraces(t.Context(), td))
	require.ErrorIs(t, exp.ConsumeTraces(t.Context(), td), exporterhelper.ErrQueueIsFull)
	require.NoError(t, exp.Shutdown(t.Context()))
}

func TestPermanentErrorsAreNotRepeated(t *testing.T) {
	fake := &fakeStore{}
	fake.fail(nil, func([]assessment.Assessment) ([]store.Outcome, error) {
		return nil, consumererror.NewPermanent(errDown)
	})
	config := quickConfig()
	config.Queue = configoptional.None[exporterhelper.QueueBatchConfig]()
	exp, err := newFactory(fake.open).CreateTraces(t.Context(), exportertest.NewNopSettings(metadata.Type), config)
	require.NoError(t, err)
	start(t, exp)
	td, _ := tracesOf(1)
	require.Error(t, exp.ConsumeTraces(t.Context(), td))
	assert.Equal(t, 1, fake.tries())
}
