package feedbackprocessor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/judge"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/limits"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/metadata"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/reading"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/redact"
)

// instances are the processors of this process, one for each configuration. The collector hands the same *Config to
// the traces and the logs node of one id; ids themselves may repeat in one process, pointers cannot.
var instances = registry{byConfig: make(map[*Config]*instance)}

type registry struct {
	mu       sync.Mutex
	byConfig map[*Config]*instance
}

// join returns the instance of a configuration, which it makes for the first node, and counts the node. next is the
// consumer behind a logs node, else nil.
func (r *registry) join(config *Config, set processor.Settings, next consumer.Logs) (*instance, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	shared, ok := r.byConfig[config]
	if !ok {
		var err error
		if shared, err = newInstance(config, set); err != nil {
			return nil, err
		}
		shared.left = func() { r.leave(config) }
		r.byConfig[config] = shared
	}
	shared.nodes++
	if next != nil {
		shared.logs = append(shared.logs, next)
	}
	return shared, nil
}

func (r *registry) leave(config *Config) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.byConfig, config)
}

// instance is what all nodes of one processor share: the evaluators, the judges' queues, and the way out for late
// verdicts.
type instance struct {
	config    *Config
	id        component.ID
	logger    *zap.Logger
	telemetry *metadata.TelemetryBuilder
	now       func() time.Time
	newTicker func(time.Duration) (ticks <-chan time.Time, stop func())
	// left takes the instance out of the registry.
	left func()

	reader  *reading.Reader // nil where nothing is configured
	checks  []*checkRunner
	models  []*judge.Model
	judges  []*judgeRunner
	claims  claims
	emitter *emitter
	recent  recent
	cache   *judge.Cache     // nil where verdicts are not kept
	redact  *redact.Redactor // nil where nothing is redacted
	limiter *limits.Limiter  // nil without judges
	// joiner is nil until the last Start, and where nothing is joined.
	joiner *joiner
	// tracesToo says that some evaluator is about whole traces.
	tracesToo bool

	series         seriesSet
	subjects       kindSeries
	readErrors     series
	removedEvents  series
	removedRecords series
	batches        sync.Pool

	// mu guards the lifecycle. nodes and logs are complete before the first Start.
	mu      sync.Mutex
	nodes   int
	logs    []consumer.Logs
	started int
	stopped bool
}

// newInstance compiles the configuration. It starts nothing.
func newInstance(config *Config, set processor.Settings) (*instance, error) {
	telemetry, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	in := &instance{config: config, id: set.ID, logger: set.Logger, telemetry: telemetry, now: time.Now, newTicker: newTicker, claims: claims{}}
	in.batches.New = func() any { return &batch{} }
	in.subjects = newKindSeries(&in.series, telemetry)
	in.readErrors = in.series.add(telemetry.ProcessorFeedbackConditionErrors, attribute.String("evaluator", "read"))
	in.removedEvents = in.series.add(telemetry.ProcessorFeedbackRemovedEvents, attribute.String("signal", "traces"))
	in.removedRecords = in.series.add(telemetry.ProcessorFeedbackRemovedEvents, attribute.String("signal", "logs"))
	in.emitter = newEmitter(set.Logger, telemetry, set.BuildInfo.Version)
	in.cache = judge.NewCache(config.JudgeCache, func() time.Time { return in.now() })
	var readErr, redactErr error
	in.reader, readErr = reading.New(&config.Read, set.TelemetrySettings)
	in.redact, redactErr = redact.New(&config.Redact)
	if err := errors.Join(readErr, redactErr, in.addChecks(set), in.addJudges(set)); err != nil {
		telemetry.Shutdown()
		return nil, errors.Join(err, in.closeLimiter())
	}
	return in, nil
}

// writesEvents reports whether results are written onto spans.
func (in *instance) writesEvents() bool {
	return in.config.Results == ResultsEvents && len(in.checks) > 0 || in.config.AnnotateDecisions
}

// start counts the nodes that started. The last one opens the queues: what an earlier run left in them is judged at
// once, so all that takes verdicts must be running, and spans arrive only after it.
func (in *instance) start(ctx context.Context, host component.Host) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.started++; in.started != in.nodes || in.stopped {
		return nil
	}
	if err := in.connectLogs(); err != nil {
		return err
	}
	for _, model := range in.models {
		if err := model.Start(ctx, host); err != nil {
			return err
		}
	}
	for _, runner := range in.judges {
		if err := runner.queue.Start(ctx, host); err != nil {
			return fmt.Errorf("judge %q: %w", runner.judge.Name(), err)
		}
	}
	if len(in.logs) == 1 {
		in.joiner = newJoiner(in) //nolint:contextcheck // what it evaluates later belongs to no call
		in.joiner.start()         //nolint:contextcheck // likewise
	}
	return nil
}

func newTicker(d time.Duration) (ticks <-chan time.Time, stop func()) {
	ticker := time.NewTicker(d)
	return ticker.C, ticker.Stop
}

// connectLogs finds the one way out for what leaves as log records.
func (in *instance) connectLogs() error {
	needed := len(in.judges) > 0 || in.config.Results == ResultsLogs
	switch len(in.logs) {
	case 1:
		in.emitter.open(in.logs[0])
		return nil
	case 0:
		if !needed {
			return nil
		}
		return fmt.Errorf("processor %[1]q stands in no logs pipeline, but its results leave as log records: "+
			"put it into exactly one, for example\n"+
			"service:\n"+
			"  pipelines:\n"+
			"    logs/feedback:\n"+
			"      receivers: [otlp]\n"+
			"      processors: [%[1]s]\n"+
			"      exporters: [feedback]", in.id)
	default:
		if !needed {
			return nil // and text in log records is not joined, whose results would have to leave as records
		}
		return fmt.Errorf("processor %q stands in %d logs pipelines, and each result would leave through all of them: "+
			"leave it in one, and give that one all the exporters", in.id, len(in.logs))
	}
}

// shutdown drains at the first node that stops: the collector stops pipelines in no order, and only until a node of
// ours has returned is everything behind all of them alive. Later calls do nothing.
func (in *instance) shutdown(ctx context.Context) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.stopped {
		return nil
	}
	in.stopped = true
	in.left()
	drain, cancel := context.WithTimeout(ctx, in.config.ShutdownTimeout)
	defer cancel()
	defer in.emitter.closeAfter(drain)()

	in.joiner.stop() //nolint:contextcheck // what waits is evaluated whatever becomes of the drain
	errs := make([]error, len(in.judges))
	var queues sync.WaitGroup
	for i, runner := range in.judges {
		queues.Go(func() { errs[i] = runner.queue.Shutdown(drain) })
	}
	queues.Wait()
	for _, runner := range in.judges {
		in.reportLeft(runner)
	}
	for _, model := range in.models {
		model.Shutdown()
	}
	in.telemetry.Shutdown()
	return errors.Join(append(errs, in.closeLimiter())...)
}

func (in *instance) closeLimiter() error {
	if in.limiter == nil {
		return nil
	}
	return in.limiter.Close()
}

// reportLeft says what a stop left undone: a line a judge, because the counters may have been read for the last time.
func (in *instance) reportLeft(runner *judgeRunner) {
	if abandoned := runner.settler.abandoned.Load(); abandoned > 0 {
		in.logger.Warn("Judgements were abandoned at stop; with `judge_queue::storage` they would have been kept",
			zap.String("judge", runner.judge.Name()), zap.Int64("abandoned", abandoned))
	}
	if kept := runner.queue.Pending(); kept > 0 {
		in.logger.Info("Judgements are kept for the next start", zap.String("judge", runner.judge.Name()), zap.Int64("kept", kept))
	}
}

// countRemovedRecords counts log records that claimed to be ours.
func (in *instance) countRemovedRecords(ctx context.Context, n int) {
	counts := in.series.tally()
	for range n {
		counts.add(in.removedRecords)
	}
	in.series.flush(ctx, counts)
}
