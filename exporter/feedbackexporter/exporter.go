package feedbackexporter

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/replica"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

var (
	errNotReady = errors.New("redis has not answered yet")
	errStopping = errors.New("redis does not answer and the exporter is stopping")
)

// assessmentStore is what the exporter needs of Redis. *store.Store is one.
type assessmentStore interface {
	replica.Store
	Put(ctx context.Context, batch []assessment.Assessment) ([]store.Outcome, error)
	Index(ctx context.Context, entries []store.IndexEntry) (evicted int, err error)
	KeepContent(ctx context.Context, contents []store.SpanContent) (refused int, err error)
	Close() error
}

type openFunc func(ctx context.Context, cfg store.Config, set store.Settings, logger *zap.Logger) (assessmentStore, error)

func openStore(ctx context.Context, cfg store.Config, set store.Settings, logger *zap.Logger) (assessmentStore, error) {
	opened, err := store.Open(ctx, cfg, set, logger)
	if err != nil {
		return nil, err // a nil *store.Store would be no nil assessmentStore
	}
	return opened, nil
}

// feedbackExporter is what all nodes of one exporter share.
type feedbackExporter struct {
	config    *Config
	backend   string
	settings  exporter.Settings
	open      openFunc
	reducer   reducer
	telemetry *telemetry
	// queue is exporterhelper's queue, retry and timeout in front of push; it starts and stops the rest.
	queue exporter.Logs

	store   assessmentStore
	replica *replica.Replica
	// stopping is set at Shutdown.
	stopping atomic.Bool
}

// newFeedbackExporter connects nothing and starts nothing.
func newFeedbackExporter(ctx context.Context, set exporter.Settings, config *Config, open openFunc) (*feedbackExporter, error) {
	e := &feedbackExporter{
		config: config, backend: config.BackendName(set.ID), settings: set, open: open,
		reducer: reducer{
			trustHuman: config.TrustHumanEvents, maxSize: int(config.MaxAssessmentSize), keeper: newKeeper(config),
		},
	}
	var err error
	if e.telemetry, err = newTelemetry(set.TelemetrySettings, e.backend); err != nil {
		return nil, err
	}
	queueSet := set
	queueSet.Logger = quietLogger(set.Logger)
	e.queue, err = exporterhelper.NewLogs(ctx, queueSet, config, e.push,
		exporterhelper.WithStart(e.start),
		exporterhelper.WithShutdown(e.stop),
		exporterhelper.WithCapabilities(consumer.Capabilities{MutatesData: false}),
		exporterhelper.WithTimeout(config.TimeoutConfig),
		exporterhelper.WithQueue(config.Queue),
		exporterhelper.WithRetry(config.Retry),
	)
	if err != nil {
		e.telemetry.shutdown()
		return nil, err
	}
	return e, nil
}

// enqueue hands on what was found in a batch. A batch that the queue refuses comes again, so refused results count
// only then.
func (e *feedbackExporter) enqueue(ctx context.Context, batch reduced) error {
	if batch.taken > 0 {
		if err := e.queue.ConsumeLogs(ctx, batch.logs); err != nil {
			return err
		}
	}
	e.telemetry.refused(ctx, batch.refused)
	return nil
}

// push writes one queued batch. It is repeated after an error; the store does not mind.
func (e *feedbackExporter) push(ctx context.Context, ld plog.Logs) error {
	if !e.replica.Ready() {
		return errNotReady
	}
	if e.stopping.Load() && e.replica.Failing() {
		return errStopping // else each batch of a full queue would wait for its own timeout
	}
	batch := e.reducer.decode(ld)
	written, err := e.write(ctx, &batch)
	if err != nil {
		e.replica.Failed(err)
		return err
	}
	e.replica.Worked()
	e.telemetry.refused(ctx, batch.refused)
	e.telemetry.stored(ctx, batch.results, written.outcomes)
	e.telemetry.kept(ctx, len(batch.entries), written.evicted, len(batch.contents), written.contentsRefused)
	return nil
}

// written is what became of a batch.
type written struct {
	outcomes        []store.Outcome
	evicted         int
	contentsRefused int
}

// write brings a batch to the store: content first, so that it is there when somebody is shown the results.
func (e *feedbackExporter) write(ctx context.Context, batch *queued) (w written, err error) {
	if len(batch.contents) > 0 {
		if w.contentsRefused, err = e.store.KeepContent(ctx, batch.contents); err != nil {
			return w, err
		}
	}
	if len(batch.results) > 0 {
		if w.outcomes, err = e.store.Put(ctx, batch.results); err != nil {
			return w, err
		}
	}
	if len(batch.entries) > 0 {
		w.evicted, err = e.store.Index(ctx, batch.entries)
	}
	return w, err
}

// start is the queue's to call, before it hands on what an earlier run left in it.
func (e *feedbackExporter) start(ctx context.Context, host component.Host) error {
	settings := e.config.StoreSettings(e.backend)
	settings.IndexTTL, settings.MaxIndex = e.config.IndexTTL, e.config.MaxIndex
	var err error
	if e.store, err = e.open(ctx, e.config.Redis, settings, e.settings.Logger); err != nil {
		return err
	}
	e.replica = replica.New(replica.Settings{
		Store:     e.store,
		Backend:   e.backend,
		MLflow:    e.config.MLflow.Get(),
		TraceWait: e.config.TraceWait,
		Observer:  e.telemetry,
		Telemetry: e.settings.TelemetrySettings,
	})
	if err := e.replica.Start(ctx, host); err != nil {
		return errors.Join(err, e.stop(ctx))
	}
	return nil
}

// shutdown drains the queue and then stops what it writes to.
func (e *feedbackExporter) shutdown(ctx context.Context) error {
	e.stopping.Store(true)
	err := e.queue.Shutdown(ctx)
	e.telemetry.shutdown()
	return err
}

// stop ends all that start began, also after only a part of it.
func (e *feedbackExporter) stop(ctx context.Context) error {
	var errs []error
	if e.replica != nil {
		errs = append(errs, e.replica.Shutdown(ctx))
	}
	if e.store != nil {
		if err := e.store.Close(); err != nil {
			errs = append(errs, fmt.Errorf("redis: %w", err))
		}
		e.store = nil
	}
	return errors.Join(errs...)
}
