package feedbackexporter

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

const (
	// startTimeout bounds how long Start waits for a Redis that hangs.
	startTimeout  = time.Second
	checkTimeout  = 5 * time.Second
	checkInterval = time.Second
	statsInterval = 10 * time.Second
)

// connect checks the store now, or in the background as long as Redis does not answer: pipelines start all the same,
// and the queue holds. What no waiting cures is an error.
func (e *feedbackExporter) connect(ctx context.Context, host component.Host) error {
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	e.stopBackground = cancel
	err := e.check(ctx, startTimeout)
	switch {
	case err == nil:
		e.becomeReady(background)
	case errors.Is(err, store.ErrMismatch):
		return errors.Join(err, e.stop(ctx))
	default:
		e.background.Go(func() { e.await(background, host, err) })
	}
	return nil
}

func (e *feedbackExporter) check(ctx context.Context, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return e.store.Check(ctx)
}

// await repeats the check.
func (e *feedbackExporter) await(ctx context.Context, host component.Host, err error) {
	e.failed(err)
	componentstatus.ReportStatus(host, componentstatus.NewRecoverableErrorEvent(err))
	every(ctx, checkInterval, func() bool {
		err := e.check(ctx, checkTimeout)
		switch {
		case err == nil:
			e.worked()
			componentstatus.ReportStatus(host, componentstatus.NewEvent(componentstatus.StatusOK))
			e.becomeReady(ctx)
			return true
		case errors.Is(err, store.ErrMismatch):
			e.settings.Logger.Error("this exporter cannot use the assessments in redis; nothing is written", zap.Error(err))
			componentstatus.ReportStatus(host, componentstatus.NewPermanentErrorEvent(err))
			return true
		default:
			return false
		}
	})
}

// failed and worked report, once per change, that Redis refuses what is asked of it: a wrong password, no memory, no
// disk. That it does not answer at all the store reports itself.
func (e *feedbackExporter) failed(err error) {
	var answer interface {
		error
		RedisError()
	}
	e.failing.Store(true)
	if errors.As(err, &answer) && e.refusing.CompareAndSwap(false, true) {
		e.settings.Logger.Warn("redis refuses assessments; they are held in the queue", zap.Error(err))
	}
}

func (e *feedbackExporter) worked() {
	e.failing.Store(false)
	if e.refusing.CompareAndSwap(true, false) {
		e.settings.Logger.Info("redis takes assessments again")
	}
}

// becomeReady lets the queue write and starts the delivery.
func (e *feedbackExporter) becomeReady(background context.Context) {
	e.ready.Store(true)
	if e.loop == nil {
		return
	}
	e.loop.Start()
	e.background.Go(func() {
		e.observeBacklog(background)
		every(background, statsInterval, func() bool {
			e.observeBacklog(background)
			return false
		})
	})
}

// observeBacklog keeps the numbers for the gauges, which are read at a time when nobody waits for Redis.
func (e *feedbackExporter) observeBacklog(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	stats, err := e.store.Stats(ctx, e.backend)
	if err != nil {
		e.telemetry.backlog.Store(nil) // no number is better than an old one
		return
	}
	e.telemetry.backlog.Store(&stats)
}
