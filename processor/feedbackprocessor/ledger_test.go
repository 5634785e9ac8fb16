package feedbackprocessor

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
)

// ledgerYAML has judges of every way that a decision can go; %s is the model's endpoint.
const ledgerYAML = disclaimerYAML + `
models: {stand-in: {endpoint: "%[1]s", price: {input: 1, output: 2}}}
judges:
  all: {model: stand-in, prompt: "{{.Answer}}", output: {type: boolean}, sampling: [{name: all, rate: 1}]}
  half: {model: stand-in, prompt: "{{.Answer}}", output: {type: boolean}, sampling: [{name: failed, checks_failed: [has_disclaimer], rate: 1}, {name: rest, rate: 0.5}]}
  tight: {model: stand-in, prompt: "{{.Answer}}", output: {type: boolean}, sampling: [{name: all, rate: 1}], limits: {calls_per_minute: 20}}
  dry: {model: stand-in, prompt: "{{.Answer}}", output: {type: boolean}, sampling: [{name: all, rate: 1}], shadow: true}
  agents: {kinds: [agent], model: stand-in, prompt: "{{.Answer}}", output: {type: boolean}, sampling: [{name: all, rate: 1}]}
  traces: {scope: trace, model: stand-in, prompt: "{{.Answer}}", output: {type: boolean}, sampling: [{name: all, rate: 1}]}
limits: {calls_per_minute: 0}
judge_retry: {initial_interval: 1ms, max_interval: 1ms, max_elapsed_time: 5ms}
judge_queue: {num_consumers: 2, queue_size: 40}
shutdown_timeout: 50ms
`

// balance holds for each judge: subjects + recovered = sum of reasons + pending.
func balance(t *testing.T, p *pipelines) {
	t.Helper()
	in := p.traces.(*tracesNode).instance
	subjects, recovered := sums(t, p.telemetry, "subjects", "kind"), sums(t, p.telemetry, "recovered", "evaluator")
	decided := sums(t, p.telemetry, "decisions", "evaluator")
	traces := subjects["trace"]
	for _, runner := range in.judges {
		want := total(subjects) - traces
		if runner.scope == "trace" {
			want = traces
		}
		name := runner.judge.Name()
		pending := runner.queue.Pending() + in.joiner.pending(runner.scope == "trace")
		assert.Equal(t, want+recovered[name], decided[name]+pending, "judge %s: %v", name, sums(t, p.telemetry, "decisions", "evaluator", "reason"))
	}
}

// TestTheLedger is exact after each of what can happen.
func TestTheLedger(t *testing.T) {
	down := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
	load := func(t *testing.T, p *pipelines, from int) {
		t.Helper()
		var producers sync.WaitGroup
		for producer := range 3 {
			producers.Go(func() {
				for i := range 10 {
					td := newBatch(from+producer*1000+i*10, 8)
					firstSpan(td).Attributes().PutStr("gen_ai.operation.name", "invoke_agent")
					silentSpan(td, from+producer*1000+i*10+9)
					assert.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
					assert.NoError(t, p.traces.ConsumeTraces(t.Context(), newBatch(from+producer*1000+i*10, 2)), "sent again")
				}
			})
		}
		producers.Wait()
	}
	tests := []struct {
		name   string
		answer http.HandlerFunc
	}{
		{name: "normal load", answer: says(`{"value": true, "rationale": "fine"}`)},
		{name: "all models down", answer: down},
		{name: "garbage", answer: says("no")},
		{name: "hanging, so that queues are full", answer: hangs},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			model := newModel(t)
			model.answers(tt.answer)
			p := startPipelines(t, loadConfig(t, fmt.Sprintf(ledgerYAML, model.URL)), componenttest.NewNopHost())
			load(t, p, 0)
			p.stop(t)
			balance(t, p)
			load(t, p, 100_000) // spans that pass after the stop
			balance(t, p)
		})
	}
	t.Run("a stop in the middle", func(t *testing.T) {
		t.Parallel()
		model := newModel(t)
		p := startPipelines(t, loadConfig(t, fmt.Sprintf(ledgerYAML, model.URL)), componenttest.NewNopHost())
		var both sync.WaitGroup
		both.Go(func() { load(t, p, 0) })
		both.Go(func() {
			assert.NoError(t, p.logs.Shutdown(context.Background()))
			assert.NoError(t, p.traces.Shutdown(context.Background()))
		})
		both.Wait()
		balance(t, p)
	})
	t.Run("a reload", func(t *testing.T) {
		t.Parallel()
		dir, model := t.TempDir(), newModel(t)
		model.answers(hangs)
		storage, stop := startStorage(t, dir)
		before := startPipelines(t, loadConfig(t, fmt.Sprintf(ledgerYAML, model.URL), storageYAML), storage)
		load(t, before, 0)
		before.stop(t)
		balance(t, before)
		stop()
		model.answers(says(`{"value": true, "rationale": "fine"}`))
		storage, stop = startStorage(t, dir)
		defer stop()
		after := newPipelines(t, loadConfig(t, fmt.Sprintf(ledgerYAML, model.URL), storageYAML))
		after.exporter.set(true)
		for _, node := range []component.Component{after.logs, after.traces} {
			require.NoError(t, node.Start(t.Context(), storage))
		}
		after.awaitRecords(t, 1)
		load(t, after, 0)
		after.stop(t)
		balance(t, after)
		assert.Positive(t, total(sums(t, after.telemetry, "recovered", "evaluator")))
	})
}
