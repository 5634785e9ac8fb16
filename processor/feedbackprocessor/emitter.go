package feedbackprocessor

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/metadata"
)

const (
	// emissionTime bounds one emission in normal times, its retries included.
	emissionTime = 30 * time.Second
	// lateEmission is how long verdicts may take to leave once the drain is over.
	lateEmission = 2 * time.Second
	// firstWait and lastWait bound the pauses between the tries of an emission.
	firstWait, lastWait = 100 * time.Millisecond, 5 * time.Second
)

var errNotOpen = errors.New("the logs pipeline is not open")

// emitter sends results as log records through the logs pipeline.
type emitter struct {
	logger    *zap.Logger
	telemetry *metadata.TelemetryBuilder
	version   string
	wait      func(ctx context.Context, d time.Duration) error
	// losing is set from the first lost result until one leaves again, so that a line a change is logged.
	losing atomic.Bool

	// mu guards next, which is nil unless open.
	mu   sync.RWMutex
	next consumer.Logs

	// closed ends lateEmission after the drain, and with it whatever is still being sent.
	closed context.Context // its lifetime is the instance's, not a call's
	close  context.CancelFunc
}

func newEmitter(logger *zap.Logger, telemetry *metadata.TelemetryBuilder, version string) *emitter {
	e := &emitter{logger: logger, telemetry: telemetry, version: version, wait: wait}
	e.closed, e.close = context.WithCancel(context.Background())
	return e
}

func (e *emitter) open(next consumer.Logs) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.next = next
}

func (e *emitter) isOpen() bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.next != nil
}

// closeAfter cuts emissions off lateEmission after drain has ended. The function it returns closes at once: from then
// on, what lies behind the pipeline may have stopped.
func (e *emitter) closeAfter(drain context.Context) (closeNow func()) {
	var timer *time.Timer
	var mu sync.Mutex
	stop := context.AfterFunc(drain, func() {
		mu.Lock()
		defer mu.Unlock()
		timer = time.AfterFunc(lateEmission, e.close)
	})
	return func() {
		stop()
		mu.Lock()
		defer mu.Unlock()
		if timer != nil {
			timer.Stop()
		}
		e.close()
		e.mu.Lock()
		defer e.mu.Unlock()
		e.next = nil
	}
}

// readyResults are the results of a batch that leave as log records.
type readyResults struct {
	logs        plog.Logs
	records     plog.LogRecordSlice
	byEvaluator map[string]int64
}

// newReady makes room for results in logs of our own. They carry no resource: the trace and span id name the subject,
// and everything else about it is on the span.
func (e *emitter) newReady() *readyResults {
	ld := plog.NewLogs()
	scope := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty()
	scope.Scope().SetName(metadata.ScopeName)
	scope.Scope().SetVersion(e.version)
	return &readyResults{logs: ld, records: scope.LogRecords(), byEvaluator: make(map[string]int64)}
}

// ready is a single result.
func (e *emitter) ready(result *assessment.Assessment) *readyResults {
	one := e.newReady()
	one.add(result)
	return one
}

func (r *readyResults) add(result *assessment.Assessment) {
	assessment.EncodeLogRecord(r.records.AppendEmpty(), result)
	r.byEvaluator[result.Name]++
}

// emitLate sends results that nobody will make again. A failure is tried again, with a bound; then they are lost, and
// counted.
func (e *emitter) emitLate(late *readyResults) {
	ctx, cancel := context.WithTimeout(e.closed, emissionTime)
	defer cancel()
	pause := firstWait
	for {
		err := e.send(ctx, late.logs)
		if err == nil {
			e.losing.Store(false)
			return
		}
		if consumererror.IsPermanent(err) || e.wait(ctx, pause) != nil {
			e.lostAll(ctx, late, err)
			return
		}
		pause = min(2*pause, lastWait)
	}
}

// emitReady sends the results of a batch in the batch's own call, once: they are made again when the batch is sent
// again, and nothing here may hold spans up.
func (e *emitter) emitReady(ctx context.Context, ready *readyResults) {
	if err := e.send(ctx, ready.logs); err != nil {
		e.lostAll(ctx, ready, err)
		return
	}
	e.losing.Store(false)
}

func (e *emitter) send(ctx context.Context, ld plog.Logs) error {
	e.mu.RLock()
	next := e.next
	e.mu.RUnlock()
	if next == nil {
		return consumererror.NewPermanent(errNotOpen)
	}
	if next.Capabilities().MutatesData {
		sent := plog.NewLogs()
		ld.CopyTo(sent)
		ld = sent
	}
	return next.ConsumeLogs(ctx, ld)
}

func (e *emitter) lostAll(ctx context.Context, results *readyResults, err error) {
	for name, n := range results.byEvaluator {
		e.lost(ctx, name, n, err)
	}
}

func (e *emitter) lost(ctx context.Context, evaluator string, n int64, err error) {
	e.telemetry.ProcessorFeedbackLostResults.Add(context.WithoutCancel(ctx), n,
		metric.WithAttributes(attribute.String("evaluator", evaluator)))
	if !e.losing.Swap(true) {
		e.logger.Error("Results are lost: the logs pipeline does not take them; further ones are only counted", zap.Error(err))
	}
}

// wait returns after d, or with an error as soon as ctx has ended.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
