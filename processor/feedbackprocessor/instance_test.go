package feedbackprocessor

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/metadata"
)

// TestQueuesOpenAtTheLastStart: judgements of an earlier run must not reach a logs exporter that has not started,
// whichever pipeline starts first.
func TestQueuesOpenAtTheLastStart(t *testing.T) {
	for _, logsFirst := range []bool{true, false} {
		t.Run(fmt.Sprintf("logsFirst=%v", logsFirst), func(t *testing.T) {
			t.Parallel()
			const n = 50
			dir, model := t.TempDir(), newModel(t)
			model.answers(hangs)
			storage, stop := startStorage(t, dir)
			p := startPipelines(t, loadConfig(t, fmt.Sprintf(judgeYAML, model.URL), storageYAML, "shutdown_timeout: 0s"), storage)
			require.NoError(t, p.traces.ConsumeTraces(t.Context(), newBatch(0, n)))
			p.stop(t)
			stop()

			model = newModel(t)
			storage, stop = startStorage(t, dir)
			defer stop()
			p = newPipelines(t, loadConfig(t, fmt.Sprintf(judgeYAML, model.URL), storageYAML))
			first, last := component.Component(p.traces), component.Component(p.logs)
			if logsFirst {
				first, last = last, first
				p.exporter.set(true) // it stands behind the logs node
			}
			require.NoError(t, first.Start(t.Context(), storage))
			assert.Zero(t, model.calls.Load(), "nothing is judged yet")
			p.exporter.set(true)
			require.NoError(t, last.Start(t.Context(), storage))
			p.awaitRecords(t, n)
			p.stop(t)
			assert.Zero(t, p.exporter.refusals())
		})
	}
}

// TestQueuesDrainAtTheFirstShutdown: the logs exporter may be gone once the first node has stopped, whichever it is.
func TestQueuesDrainAtTheFirstShutdown(t *testing.T) {
	for _, logsFirst := range []bool{true, false} {
		t.Run(fmt.Sprintf("logsFirst=%v", logsFirst), func(t *testing.T) {
			t.Parallel()
			const n = 64
			model := newModel(t)
			release := make(chan struct{})
			model.answers(func(w http.ResponseWriter, r *http.Request) {
				<-release
				says(`{"value": true, "rationale": "fine"}`)(w, r)
			})
			p := startPipelines(t, loadConfig(t, fmt.Sprintf(judgeYAML, model.URL), "shutdown_timeout: 1m"), componenttest.NewNopHost())
			require.NoError(t, p.traces.ConsumeTraces(t.Context(), newBatch(0, n)))
			first, last := component.Component(p.traces), component.Component(p.logs)
			if logsFirst {
				first, last = last, first
			}
			close(release)
			require.NoError(t, first.Shutdown(context.Background()))
			p.exporter.set(false)
			assert.Equal(t, n, p.exporter.LogRecordCount())
			require.NoError(t, p.traces.ConsumeTraces(t.Context(), newBatch(n, 1)), "a traces pipeline may outlive the logs one")
			require.NoError(t, last.Shutdown(context.Background()))
			assert.Zero(t, p.exporter.refusals())
			assert.Equal(t, map[string]int64{"evaluated": n, "shutdown": 1}, sums(t, p.telemetry, "decisions", "reason"))
		})
	}
}

// TestStopEndsInTime: judges that hang hold the stop up for shutdown_timeout, an exporter that hangs for 2s more.
func TestStopEndsInTime(t *testing.T) {
	t.Parallel()
	model := newModel(t)
	model.answers(hangs)
	p := startPipelines(t, loadConfig(t, fmt.Sprintf(judgeYAML, model.URL), "shutdown_timeout: 50ms"), componenttest.NewNopHost())
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), newBatch(0, 1000)))
	p.stop(t)
	assert.Equal(t, map[string]int64{"shutdown": 1000}, sums(t, p.telemetry, "decisions", "reason"))
	assert.Zero(t, sums(t, p.telemetry, "pending", "model")["stand-in"])
}

func TestLateEmissionIsCutOff(t *testing.T) {
	t.Parallel()
	model := newModel(t)
	p := startPipelines(t, loadConfig(t, fmt.Sprintf(judgeYAML, model.URL), "shutdown_timeout: 0s"), componenttest.NewNopHost())
	p.exporter.set(false)
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), newBatch(0, 1)))
	require.Eventually(t, func() bool { return p.exporter.refusals() > 0 }, time.Minute, time.Millisecond)
	p.stop(t)
	assert.Equal(t, map[string]int64{"evaluated": 1}, sums(t, p.telemetry, "decisions", "reason"))
	assert.Equal(t, map[string]int64{"quality": 1}, sums(t, p.telemetry, "lost_results", "evaluator"))
}

func TestLogsPipelines(t *testing.T) {
	model := newModel(t)
	judges := fmt.Sprintf(judgeYAML, model.URL)
	const linesToAdd = `processor "feedback" stands in no logs pipeline, but its results leave as log records: put it into exactly one, for example
service:
  pipelines:
    logs/feedback:
      receivers: [otlp]
      processors: [feedback]
      exporters: [feedback]`
	tests := []struct {
		name, config string
		logs         int
		want         string
	}{
		{name: "judges without", config: judges, want: linesToAdd},
		{name: "results as logs without", config: disclaimerYAML + "results: logs", want: linesToAdd},
		{name: "judges with two", config: judges, logs: 2, want: `processor "feedback" stands in 2 logs pipelines, and each result would leave through all of them: leave it in one, and give that one all the exporters`},
		{name: "checks without", config: disclaimerYAML},
		{name: "checks with two", config: disclaimerYAML, logs: 2},
		{name: "judges with one", config: judges, logs: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config, set := loadConfig(t, tt.config), processortest.NewNopSettings(metadata.Type)
			set.ID = component.NewID(metadata.Type)
			var nodes []component.Component
			traces, err := NewFactory().CreateTraces(t.Context(), set, config, consumertest.NewNop())
			require.NoError(t, err)
			nodes = append(nodes, traces)
			for range tt.logs {
				logs, err := NewFactory().CreateLogs(t.Context(), set, config, consumertest.NewNop())
				require.NoError(t, err)
				nodes = append(nodes, logs)
			}
			for _, node := range nodes[:len(nodes)-1] {
				require.NoError(t, node.Start(t.Context(), componenttest.NewNopHost()))
			}
			err = nodes[len(nodes)-1].Start(t.Context(), componenttest.NewNopHost())
			if tt.want == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, tt.want)
			}
			for _, node := range nodes {
				require.NoError(t, node.Shutdown(t.Context()))
				require.NoError(t, node.Shutdown(t.Context()), "again")
			}
		})
	}
}

func TestDisabledJudgeNeedsNoLogsPipeline(t *testing.T) {
	t.Parallel()
	model := newModel(t)
	config := loadConfig(t, fmt.Sprintf(judgeYAML, model.URL), "judges: {quality: {enabled: false}}")
	node, err := NewFactory().CreateTraces(t.Context(), processortest.NewNopSettings(metadata.Type), config, consumertest.NewNop())
	require.NoError(t, err)
	require.NoError(t, node.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, node.ConsumeTraces(t.Context(), newBatch(0, 1)))
	require.NoError(t, node.Shutdown(t.Context()))
	assert.Zero(t, model.calls.Load())
}

func TestInstancesAreKeyedByConfiguration(t *testing.T) {
	t.Parallel()
	one, other := newPipelines(t, loadConfig(t, disclaimerYAML)), newPipelines(t, loadConfig(t, disclaimerYAML))
	shared := one.traces.(*tracesNode).instance
	assert.Same(t, shared, one.logs.(*logsNode).instance)
	assert.NotSame(t, shared, other.traces.(*tracesNode).instance, "same id, another collector")
	one.stop(t)
	other.stop(t)
	again, err := NewFactory().CreateTraces(t.Context(), processortest.NewNopSettings(metadata.Type), one.config, consumertest.NewNop())
	require.NoError(t, err)
	assert.NotSame(t, shared, again.(*tracesNode).instance, "a stopped instance is not found again")
	require.NoError(t, again.Shutdown(t.Context()))
}

func TestStartFails(t *testing.T) {
	t.Parallel()
	model := newModel(t)
	p := newPipelines(t, loadConfig(t, fmt.Sprintf(judgeYAML, model.URL), storageYAML))
	require.NoError(t, p.traces.Start(t.Context(), componenttest.NewNopHost()))
	require.ErrorContains(t, p.logs.Start(t.Context(), componenttest.NewNopHost()), "judge \"quality\": `judge_queue`: `storage` file_storage/judges: ")
	p.stop(t)
}

func TestQueueIDsAreDistinct(t *testing.T) {
	t.Parallel()
	seen := map[component.ID]string{}
	for _, processor := range []string{"", "a", "a/b", "a%2Fb", "quality"} {
		for _, judge := range []string{"c", "b/c", "a/c", "b%2Fc", "quality"} {
			id := queueID(component.NewIDWithName(metadata.Type, processor), judge)
			assert.NotContains(t, seen, id, "%s %s", processor, judge)
			seen[id] = processor + " " + judge
		}
	}
	assert.Equal(t, "feedback_judges/quality", queueID(component.NewID(metadata.Type), "quality").String())
	assert.Equal(t, "feedback_judges/x/quality", queueID(component.NewIDWithName(metadata.Type, "x"), "quality").String())
}

func TestRecentIsBounded(t *testing.T) {
	t.Parallel()
	var seen recent
	of := func(n int) *exchange { return &exchange{kind: genai.KindTool, span: exchangeKey(n + 1)} }
	for n := range 5 * recentSize {
		require.True(t, seen.claim(of(n)))
		require.LessOrEqual(t, len(seen.now)+len(seen.last), 2*recentSize)
	}
	assert.False(t, seen.claim(of(5*recentSize-1)))
	assert.False(t, seen.claim(of(4*recentSize)), "at least one generation is remembered")
	seen.forget(of(5*recentSize - 1))
	assert.True(t, seen.claim(of(5*recentSize-1)))
}
