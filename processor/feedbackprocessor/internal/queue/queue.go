package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/zap"
)

// calm is how long a queue must have taken everything before it counts as recovered, so that one that hovers at its
// bound does not log at every item.
const calm = 10 * time.Second

// ErrClosed is returned by Offer before Start and after Shutdown began.
var ErrClosed = errors.New("the judges' queue is not open")

// errKept makes exporterhelper keep an item on disk: any error does that, while its retry is stopping.
var errKept = errors.New("kept for the next start")

// Handler is what a queue does with its items; its methods are called from the workers, concurrently.
type Handler interface {
	// Handle settles an item: it judges, emits and counts. It returns false, without having counted, if ctx ended
	// before there was a verdict. It must not panic.
	Handle(ctx context.Context, item Item) (settled bool)
	// Recovered tells that the item was left by an earlier run; it comes before the item is settled.
	Recovered(item Item)
	// Outdated settles an item of another format version.
	Outdated(item Item)
	// Abandoned settles an item that the end of the drain left over in a memory queue.
	Abandoned(item Item)
}

// Settings are what a queue is made of.
type Settings struct {
	// ID names the queue's file and its metrics; unique in the collector.
	ID        component.ID
	Telemetry component.TelemetrySettings
	BuildInfo component.BuildInfo
	Config    Config
	Handler   Handler
	// Run is unique to the life of the instance, to tell its items from those of an earlier one.
	Run string
}

// Queue holds the judgements that wait for one judge.
type Queue struct {
	handler    Handler
	run        string
	persistent bool
	storage    component.ID
	// capacity spares the offers to a full queue the copying; 0 where the queue is not bounded in judgements.
	capacity int64
	logger   *zap.Logger
	now      func() time.Time
	embedded exporter.Traces

	// mu orders offers and closing: an offer that found the queue open is in it before the workers stop.
	mu   sync.RWMutex
	open bool

	// stopped ends once the drain is over; work that is under way then ends with it.
	stopped context.Context // its lifetime is the queue's, not a call's
	stop    context.CancelFunc

	started     bool
	pending     atomic.Int64
	refusing    atomic.Bool
	lastRefused atomic.Int64
}

// New returns a queue that is neither open nor working before Start.
func New(settings Settings) (*Queue, error) {
	q := &Queue{
		handler:    settings.Handler,
		run:        settings.Run,
		persistent: settings.Config.StorageID != nil,
		logger:     settings.Telemetry.Logger,
		now:        time.Now,
	}
	if settings.Config.Sizer == exporterhelper.RequestSizerTypeRequests {
		q.capacity = settings.Config.QueueSize
	}
	if q.persistent {
		q.storage = *settings.Config.StorageID
	}
	q.stopped, q.stop = context.WithCancel(context.Background())
	telemetry := settings.Telemetry
	telemetry.Logger = quiet(settings.Telemetry.Logger)
	// The retry is only there because it alone makes the helper keep an item at stop; it never runs before that.
	keep := configretry.NewDefaultBackOffConfig()
	keep.MaxElapsedTime = 0
	var err error
	q.embedded, err = exporterhelper.NewTraces(
		context.Background(),
		exporter.Settings{ID: settings.ID, TelemetrySettings: telemetry, BuildInfo: settings.BuildInfo},
		&settings.Config,
		q.work,
		exporterhelper.WithQueue(configoptional.Some(settings.Config)),
		exporterhelper.WithRetry(keep),
		exporterhelper.WithTimeout(exporterhelper.TimeoutConfig{Timeout: 0}),
	)
	return q, err
}

// Start starts the workers and opens the queue. What an earlier run left on disk is worked on at once, so it must not
// be called before everything that takes verdicts has started.
func (q *Queue) Start(ctx context.Context, host component.Host) error {
	q.started = true
	if err := q.embedded.Start(ctx, host); err != nil {
		if q.persistent {
			return fmt.Errorf("`judge_queue`: `storage` %s: %w", q.storage, err)
		}
		return err
	}
	q.mu.Lock()
	q.open = true
	q.mu.Unlock()
	return nil
}

// Offer puts an item into the queue without waiting for room. With storage it is on disk when Offer returns nil.
// ErrClosed apart, any error means that the queue could not take it. The caller's context is not asked for: nothing
// of a request may be kept with the item or written to disk.
func (q *Queue) Offer(item Item) error {
	q.mu.RLock()
	defer q.mu.RUnlock()
	if !q.open {
		return ErrClosed
	}
	if q.capacity > 0 && q.pending.Load() >= q.capacity {
		q.refused(exporterhelper.ErrQueueIsFull)
		return exporterhelper.ErrQueueIsFull
	}
	item.run, item.Queued = q.run, q.now()
	if !q.persistent {
		item.Parts = cloned(item.Parts)
	}
	q.pending.Add(1)
	if err := q.embedded.ConsumeTraces(context.Background(), item.encode()); err != nil {
		q.pending.Add(-1)
		q.refused(err)
		return err
	}
	q.accepted()
	return nil
}

// Pending is the number of items that wait or are under way. Items of an earlier run count from when a worker takes
// them.
func (q *Queue) Pending() int64 { return q.pending.Load() }

// Shutdown closes the queue, then lets the workers go on until drain ends: a memory queue works off what it holds, a
// persistent one finishes what is under way and keeps the rest. It returns when all workers have. It may be called
// once, also without Start.
func (q *Queue) Shutdown(drain context.Context) error {
	q.mu.Lock()
	q.open = false
	q.mu.Unlock()
	defer q.stop()
	if !q.started {
		return nil
	}
	defer context.AfterFunc(drain, q.stop)()
	return q.embedded.Shutdown(context.WithoutCancel(drain))
}

// work is what exporterhelper calls for each item. It returns an error only at stop, and only to keep the item.
func (q *Queue) work(ctx context.Context, td ptrace.Traces) error {
	item, err := decode(td)
	if item.run != q.run {
		q.pending.Add(1)
		q.handler.Recovered(item)
	}
	if err != nil {
		q.handler.Outdated(item)
		q.pending.Add(-1)
		return nil
	}
	if q.stopped.Err() == nil {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(q.stopped, cancel)() //nolint:contextcheck // it joins the two
		if q.handler.Handle(ctx, item) {
			q.pending.Add(-1)
			return nil
		}
	}
	if q.persistent {
		return errKept
	}
	q.handler.Abandoned(item)
	q.pending.Add(-1)
	return nil
}

// cloned copies the texts, which may be slices of a batch's much larger ones.
func cloned(parts []Part) []Part {
	copies := make([]Part, len(parts))
	for i, part := range parts {
		copies[i] = Part{Name: part.Name, Text: strings.Clone(part.Text)}
	}
	return copies
}

func (q *Queue) refused(err error) {
	q.lastRefused.Store(q.now().UnixNano())
	if !q.refusing.Swap(true) {
		q.logger.Warn("The judge's queue takes no more judgements; they are counted as queue_full", zap.Error(err))
	}
}

func (q *Queue) accepted() {
	if !q.refusing.Load() || q.now().UnixNano()-q.lastRefused.Load() < int64(calm) {
		return
	}
	if q.refusing.Swap(false) {
		q.logger.Info("The judge's queue takes judgements again")
	}
}
