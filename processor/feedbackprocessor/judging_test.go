package feedbackprocessor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/metadatatest"
)

var storageID = component.MustNewIDWithName("file_storage", "judges")

const storageYAML = "judge_queue: {storage: file_storage/judges}"

// startStorage starts a file storage over a directory; the returned function stops it.
func startStorage(tb testing.TB, dir string) (host, func()) {
	tb.Helper()
	factory := filestorage.NewFactory()
	config := factory.CreateDefaultConfig().(*filestorage.Config)
	config.Directory = dir
	extension, err := factory.Create(tb.Context(), extensiontest.NewNopSettings(factory.Type()), config)
	require.NoError(tb, err)
	require.NoError(tb, extension.Start(tb.Context(), componenttest.NewNopHost()))
	return host{storageID: extension}, func() { require.NoError(tb, extension.Shutdown(context.Background())) }
}

func TestVerdictLeavesAsARecord(t *testing.T) {
	t.Parallel()
	model := newModel(t)
	p := startPipelines(t, loadConfig(t, fmt.Sprintf(judgeYAML, model.URL), "judges: {quality: {sampling: [{name: half, rate: 0.5}]}}"), componenttest.NewNopHost())
	td := newBatch(0, 0)
	for n := range 40 {
		newSpan(td.ResourceSpans().At(0).ScopeSpans().At(0).Spans(), n, "q", "a").TraceState().FromRaw("ot=th:8")
	}
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
	p.stop(t)

	records := p.exporter.records()
	require.NotEmpty(t, records)
	decoded, err := assessment.DecodeLogRecord(records[0], assessment.DecodeOptions{})
	require.NoError(t, err)
	assert.Equal(t, "quality", decoded.Name)
	assert.Equal(t, assessment.Source{Type: assessment.SourceTypeLLMJudge, ID: "stand-in-v1"}, decoded.Source)
	assert.Equal(t, assessment.True, decoded.Value)
	assert.Equal(t, assessment.VerdictPassed, decoded.Verdict)
	assert.Equal(t, "fine", decoded.Rationale)
	assert.Contains(t, decoded.ResponseID, "resp-")
	assert.NotEmpty(t, decoded.Fingerprint)
	assert.Equal(t, "half", decoded.Metadata[assessment.MetadataSamplingRule])
	assert.Equal(t, "random", decoded.Metadata[assessment.MetadataSamplingStratum])
	assert.Equal(t, "0.25", decoded.Metadata[assessment.MetadataSamplingProbability])
	assert.Equal(t, "stand-in", decoded.Metadata[assessment.MetadataModel])
	assert.Zero(t, firstSpan(p.spans.AllTraces()[0]).Events().Len())

	n := int64(len(records))
	assert.Equal(t, map[string]int64{"quality half evaluated": n, "quality half not_sampled": 40 - n},
		sums(t, p.telemetry, "decisions", "evaluator", "rule", "reason"))
	assert.Equal(t, map[string]int64{"quality pass": n}, sums(t, p.telemetry, "results", "evaluator", "outcome"))
	assert.Equal(t, map[string]int64{"stand-in input": 60 * n, "stand-in cached": 40 * n, "stand-in output": 10 * n},
		sums(t, p.telemetry, "judge_tokens", "model", "direction"))
	cost, err := p.telemetry.GetMetric("otelcol_processor_feedback_judge_cost")
	require.NoError(t, err)
	assert.InDelta(t, float64(n)*(100*1+10*2)/1e6, cost.Data.(metricdata.Sum[float64]).DataPoints[0].Value, 1e-9)
	metadatatest.AssertEqualProcessorFeedbackJudgeDuration(t, p.telemetry, []metricdata.HistogramDataPoint[float64]{{
		Attributes: attribute.NewSet(attribute.String("evaluator", "quality"), attribute.String("model", "stand-in")),
	}}, metricdatatest.IgnoreTimestamp(), metricdatatest.IgnoreValue())
}

func TestFailedJudgementIsOneRecordWithAnError(t *testing.T) {
	const retry = "judge_retry: {enabled: true, initial_interval: 1ms, max_interval: 1ms, max_elapsed_time: 6ms}" // fewer calls than open the breaker
	tests := []struct {
		name   string
		answer http.HandlerFunc
		config string
		reason string
		class  string
	}{
		{name: "retries used up", config: retry, reason: "error", class: "server_error", answer: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
		}},
		{name: "not to be cured", config: retry, reason: "error", class: "unauthorized", answer: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
		}},
		{name: "does not fit", reason: "error", class: "invalid_answer", answer: says(`{"value": 3}`)},
		{name: "too slow", config: "models: {stand-in: {timeout: 10ms}}", reason: "timeout", class: "timeout", answer: hangs},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			model := newModel(t)
			model.answers(tt.answer)
			p := startPipelines(t, loadConfig(t, fmt.Sprintf(judgeYAML, model.URL), tt.config), componenttest.NewNopHost())
			require.NoError(t, p.traces.ConsumeTraces(t.Context(), newBatch(0, 1)))
			records := p.awaitRecords(t, 1)
			p.stop(t)
			require.Len(t, records, 1)
			decoded, err := assessment.DecodeLogRecord(records[0], assessment.DecodeOptions{})
			require.NoError(t, err)
			require.NotNil(t, decoded.Error)
			assert.Equal(t, assessment.ErrorCodeEvaluationFailed, decoded.Error.Code)
			assert.Equal(t, tt.class, decoded.Error.Type)
			assert.Empty(t, decoded.Value)
			assert.Equal(t, map[string]int64{"all " + tt.reason: 1}, sums(t, p.telemetry, "decisions", "rule", "reason"))
			assert.Equal(t, map[string]int64{"error": 1}, sums(t, p.telemetry, "results", "outcome"))
		})
	}
}

func TestWhatAJudgeNeeds(t *testing.T) {
	const toolCall = `[{"role":"assistant","parts":[{"type":"tool_call","id":"1","name":"search","arguments":{"q":"x"}}]}]`
	tests := []struct {
		name, prompt string
		question     bool
		answer       string
		reason       string
	}{
		{name: "both there", prompt: "{{.Question}} {{.Answer}}", question: true, answer: message("assistant", "a"), reason: "evaluated"},
		{name: "no answer", prompt: "{{.Question}} {{.Answer}}", question: true, reason: "not_captured no_content"},
		{name: "no question", prompt: "{{.Question}} {{.Answer}}", answer: message("assistant", "a"), reason: "not_captured no_content"},
		{name: "question is not asked for", prompt: "{{.Answer}}", answer: message("assistant", "a"), reason: "evaluated"},
		{name: "no system text", prompt: "{{.System}} {{.Answer}}", answer: message("assistant", "a"), reason: "evaluated"},
		{name: "only the system text, missing", prompt: "{{.System}}", answer: message("assistant", "a"), reason: "not_captured no_content"},
		{name: "no context", prompt: "{{.Context}} {{.Answer}}", answer: message("assistant", "a"), reason: "not_captured no_content"},
		{name: "tool calls instead of an answer", prompt: "{{.Answer}}", answer: toolCall, reason: "tool_call_only no_content"},
		{name: "tool calls are shown", prompt: "{{.Answer}} {{.ToolCalls}}", answer: toolCall, reason: "evaluated"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			model := newModel(t)
			p := startPipelines(t, loadConfig(t, fmt.Sprintf(judgeYAML, model.URL), fmt.Sprintf("judges: {quality: {prompt: %q}}", tt.prompt)), componenttest.NewNopHost())
			td := newBatch(0, 1)
			attributes := firstSpan(td).Attributes()
			if !tt.question {
				attributes.Remove("gen_ai.input.messages")
			}
			attributes.Remove("gen_ai.output.messages")
			if tt.answer != "" {
				attributes.PutStr("gen_ai.output.messages", tt.answer)
			}
			require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
			p.stop(t)
			assert.Equal(t, map[string]int64{tt.reason: 1}, sums(t, p.telemetry, "decisions", "state", "reason"))
		})
	}
}

func TestEachSubjectIsAskedOnce(t *testing.T) {
	t.Parallel()
	model := newModel(t)
	config := loadConfig(t, fmt.Sprintf(judgeYAML, model.URL))
	p := newPipelines(t, config)
	p.exporter.set(true)
	second, err := NewFactory().CreateTraces(t.Context(), metadatatest.NewSettings(p.telemetry), config, &p.spans)
	require.NoError(t, err)
	for _, node := range []component.Component{p.traces, p.logs, second} {
		require.NoError(t, node.Start(t.Context(), componenttest.NewNopHost()))
	}
	for range 2 { // a client that sends again
		require.NoError(t, p.traces.ConsumeTraces(t.Context(), newBatch(0, 10)))
		require.NoError(t, second.ConsumeTraces(t.Context(), newBatch(0, 10)))
	}
	p.stop(t)
	require.NoError(t, second.Shutdown(t.Context()))
	assert.EqualValues(t, 10, model.calls.Load())
	assert.Equal(t, 40, p.spans.SpanCount())
	assert.Equal(t, map[string]int64{"evaluated": 10, "duplicate": 30}, sums(t, p.telemetry, "decisions", "reason"))
}

func TestFullQueue(t *testing.T) {
	t.Parallel()
	model := newModel(t)
	model.answers(hangs)
	p := startPipelines(t, loadConfig(t, fmt.Sprintf(judgeYAML, model.URL), "judge_queue: {num_consumers: 2, queue_size: 5}", "shutdown_timeout: 0s"), componenttest.NewNopHost())
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), newBatch(0, 20)))
	assert.Equal(t, map[string]int64{"queue_full": 15}, sums(t, p.telemetry, "decisions", "reason"))
	metadatatest.AssertEqualProcessorFeedbackPending(t, p.telemetry, []metricdata.DataPoint[int64]{
		{Value: 5, Attributes: attribute.NewSet(attribute.String("model", "stand-in"))},
	}, metricdatatest.IgnoreTimestamp())
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), newBatch(5, 1)), "what was refused is no duplicate")
	assert.Equal(t, map[string]int64{"queue_full": 16}, sums(t, p.telemetry, "decisions", "reason"))
	p.stop(t)
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), newBatch(100, 1)), "spans pass after the stop")
	assert.Equal(t, map[string]int64{"queue_full": 16, "shutdown": 6}, sums(t, p.telemetry, "decisions", "reason"))
	assert.Equal(t, 22, p.spans.SpanCount())
}

// TestAJudgeOfItsOwnQueue: a model that hangs starves its own judge only.
func TestAJudgeOfItsOwnQueue(t *testing.T) {
	t.Parallel()
	dead, alive := newModel(t), newModel(t)
	dead.answers(hangs)
	p := startPipelines(t, loadConfig(t, fmt.Sprintf(judgeYAML, alive.URL), fmt.Sprintf(`
models: {dead: {endpoint: %q}}
judges: {slow: {model: dead, prompt: "{{.Answer}}", output: {type: boolean}, sampling: [{name: all, rate: 1}]}}
judge_queue: {queue_size: 100}
shutdown_timeout: 0s
`, dead.URL)), componenttest.NewNopHost())
	for n := range 5 {
		require.NoError(t, p.traces.ConsumeTraces(t.Context(), newBatch(n*50, 50)))
		p.awaitRecords(t, (n+1)*50)
	}
	p.stop(t)
	assert.Equal(t, map[string]int64{"quality evaluated": 250, "slow queue_full": 150, "slow shutdown": 100},
		sums(t, p.telemetry, "decisions", "evaluator", "reason"))
}

// TestEmissionIsTriedAgain: a verdict in hand is sent again, never judged again.
func TestEmissionIsTriedAgain(t *testing.T) {
	tests := []struct {
		name    string
		refusal error
		tries   int
		lost    int64
	}{
		{name: "taken in the end", refusal: errors.New("busy"), tries: 3},
		{name: "never taken", refusal: errors.New("busy"), tries: 1000, lost: 1},
		{name: "not to be cured", refusal: consumererror.NewPermanent(errors.New("bad")), tries: 1000, lost: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			model := newModel(t)
			p := startPipelines(t, loadConfig(t, fmt.Sprintf(judgeYAML, model.URL)), componenttest.NewNopHost())
			p.exporter.mu.Lock()
			p.exporter.refuse = tt.refusal
			p.exporter.mu.Unlock()
			waits := 0
			p.traces.(*tracesNode).instance.emitter.wait = func(_ context.Context, d time.Duration) error {
				require.LessOrEqual(t, d, lastWait)
				waits++
				if waits == tt.tries {
					p.exporter.mu.Lock()
					p.exporter.refuse = nil
					p.exporter.mu.Unlock()
				}
				if waits == 10 {
					return context.DeadlineExceeded
				}
				return nil
			}
			require.NoError(t, p.traces.ConsumeTraces(t.Context(), newBatch(0, 1)))
			p.stop(t)
			assert.EqualValues(t, 1, model.calls.Load())
			assert.Equal(t, tt.lost, total(sums(t, p.telemetry, "lost_results", "evaluator")))
			assert.Equal(t, 1-int(tt.lost), p.exporter.LogRecordCount())
			assert.Equal(t, map[string]int64{"evaluated": 1}, sums(t, p.telemetry, "decisions", "reason"))
		})
	}
}

// TestPanicBehindThePipeline: whoever takes a verdict cannot end a worker, nor the collector.
func TestPanicBehindThePipeline(t *testing.T) {
	t.Parallel()
	model := newModel(t)
	p := startPipelines(t, loadConfig(t, fmt.Sprintf(judgeYAML, model.URL)), componenttest.NewNopHost())
	shared := p.traces.(*tracesNode).instance
	shared.emitter.open(panickingLogs{&p.exporter})
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), newBatch(0, 20)))
	require.Eventually(t, func() bool { return shared.judges[0].queue.Pending() == 0 }, time.Minute, time.Millisecond)
	p.stop(t)
	assert.Equal(t, map[string]int64{"evaluated": 20}, sums(t, p.telemetry, "decisions", "reason"))
	assert.Equal(t, map[string]int64{"quality": 20}, sums(t, p.telemetry, "lost_results", "evaluator"))
}

type panickingLogs struct{ consumer.Logs }

func (panickingLogs) ConsumeLogs(context.Context, plog.Logs) error { panic("no") }

// TestRestart: what a stop left in the storage is judged by the next run, unless the judge has changed.
func TestRestart(t *testing.T) {
	const n = 40
	tests := []struct {
		name, change string
		want         map[string]int64
	}{
		{name: "same judge", want: map[string]int64{"evaluated": n}},
		{name: "other sampling", change: "judges: {quality: {sampling: [{name: other, rate: 0.5}]}}", want: map[string]int64{"evaluated": n}},
		{name: "other prompt", change: "judges: {quality: {prompt: 'Look at {{.Answer}} and {{.Question}}'}}", want: map[string]int64{"outdated": n}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir, model := t.TempDir(), newModel(t)
			model.answers(hangs)
			storage, stop := startStorage(t, dir)
			p := startPipelines(t, loadConfig(t, fmt.Sprintf(judgeYAML, model.URL), storageYAML, "shutdown_timeout: 0s"), storage)
			require.NoError(t, p.traces.ConsumeTraces(t.Context(), newBatch(0, n)))
			p.stop(t)
			stop()
			assert.Empty(t, sums(t, p.telemetry, "decisions", "reason"), "kept, not decided")

			model.answers(says(`{"value": false, "rationale": "no"}`))
			storage, stop = startStorage(t, dir)
			p = startPipelines(t, loadConfig(t, fmt.Sprintf(judgeYAML, model.URL), storageYAML, tt.change), storage)
			require.Eventually(t, func() bool { return total(sums(t, p.telemetry, "decisions", "reason")) == n }, time.Minute, time.Millisecond)
			p.stop(t)
			stop()
			assert.Equal(t, tt.want, sums(t, p.telemetry, "decisions", "reason"))
			assert.Equal(t, map[string]int64{"quality": n}, sums(t, p.telemetry, "recovered", "evaluator"))
			assert.EqualValues(t, tt.want["evaluated"], p.exporter.LogRecordCount())
			for _, record := range p.exporter.records() {
				decoded, err := assessment.DecodeLogRecord(record, assessment.DecodeOptions{})
				require.NoError(t, err)
				assert.Equal(t, "all", decoded.Metadata[assessment.MetadataSamplingRule], "the decision is the old one")
			}
			assert.Equal(t, 0, p.exporter.refusals(), "verdicts wait for those who take them")
		})
	}
}

// TestNothingOfTheRequestIsStored: an incoming secret does not end on disk with the judgement.
func TestNothingOfTheRequestIsStored(t *testing.T) {
	t.Parallel()
	dir, model := t.TempDir(), newModel(t)
	model.answers(hangs)
	storage, stop := startStorage(t, dir)
	p := startPipelines(t, loadConfig(t, fmt.Sprintf(judgeYAML, model.URL), storageYAML, "shutdown_timeout: 0s"), storage)
	ctx := client.NewContext(t.Context(), client.Info{Metadata: client.NewMetadata(map[string][]string{"authorization": {"Bearer sekret-123"}})})
	td := newBatch(0, 3)
	td.ResourceSpans().At(0).Resource().Attributes().PutStr("token", "sekret-456")
	require.NoError(t, p.traces.ConsumeTraces(ctx, td))
	p.stop(t)
	stop()
	content, err := os.ReadFile(filepath.Join(dir, "exporter_feedback_judges_quality_traces"))
	require.NoError(t, err)
	assert.Contains(t, string(content), "financial advice")
	assert.NotContains(t, string(content), "sekret")
}

// TestAccount races batches with a double stop: subjects = decisions, and every verdict left.
func TestAccount(t *testing.T) {
	t.Parallel()
	model := newModel(t)
	for range 5 {
		p := startPipelines(t, loadConfig(t, fmt.Sprintf(judgeYAML, model.URL), "judge_queue: {queue_size: 60}"), componenttest.NewNopHost())
		var producers sync.WaitGroup
		for producer := range 4 {
			producers.Go(func() {
				for i := range 40 {
					assert.NoError(t, p.traces.ConsumeTraces(t.Context(), newBatch(producer<<12+i*10, 10)))
				}
			})
		}
		p.awaitRecords(t, 1)
		var stops sync.WaitGroup
		stops.Go(func() { assert.NoError(t, p.traces.Shutdown(context.Background())) })
		stops.Go(func() { assert.NoError(t, p.logs.Shutdown(context.Background())) })
		stops.Wait()
		producers.Wait()
		decisions := sums(t, p.telemetry, "decisions", "reason")
		assert.EqualValues(t, 1600, total(sums(t, p.telemetry, "subjects", "kind")))
		assert.EqualValues(t, 1600, total(decisions))
		assert.EqualValues(t, decisions["evaluated"], p.exporter.LogRecordCount())
		assert.Equal(t, 1600, p.spans.SpanCount())
		assert.Zero(t, p.exporter.refusals())
	}
}

func TestInputIsBounded(t *testing.T) {
	t.Parallel()
	model := newModel(t)
	p := startPipelines(t, loadConfig(t, fmt.Sprintf(judgeYAML, model.URL), "judges: {quality: {max_input: 1KiB}}"), componenttest.NewNopHost())
	td := newBatch(0, 0)
	newSpan(td.ResourceSpans().At(0).ScopeSpans().At(0).Spans(), 1, "q", strings.Repeat("long ", 10_000))
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
	records := p.awaitRecords(t, 1)
	decoded, err := assessment.DecodeLogRecord(records[0], assessment.DecodeOptions{})
	require.NoError(t, err)
	assert.Equal(t, "true", decoded.Metadata["input_truncated"])
}
