// Package replica runs one process' part in keeping Redis and a tracking backend in agreement: it waits until Redis
// answers and holds what this build understands, then runs the delivery loop and watches the backlog. Exporter and
// extension each run one; any number may.
package replica

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/deliver"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

const (
	// startTimeout bounds how long Start waits for a Redis that hangs.
	startTimeout  = time.Second
	checkTimeout  = 5 * time.Second
	checkInterval = time.Second
	statsInterval = 10 * time.Second
)

// Store is what a replica needs of Redis. *store.Store is one.
type Store interface {
	deliver.Queue
	deliver.Gate
	deliver.Refresher
	// Check connects and compares what Redis holds with what this build writes.
	Check(ctx context.Context) error
	Stats(ctx context.Context, backend string) (store.Stats, error)
}

// Observer counts, for the component's metrics.
type Observer interface {
	deliver.Observer
	// Backlog is told where the delivery stands every 10 s, nil while that is not known.
	Backlog(stats *store.Stats)
}

// Settings is what a Replica is made of.
type Settings struct {
	Store Store
	// Backend is the tracking backend's name in Redis.
	Backend string
	// MLflow is the tracking backend; nil: nothing is delivered.
	MLflow *deliver.MLflowConfig
	// TraceWait is how long an assessment waits for its trace.
	TraceWait time.Duration
	Observer  Observer
	Telemetry component.TelemetrySettings
	// OnReady is called once, when Redis has been checked; nil for nothing.
	OnReady func()

	// prevent unkeyed literal initialization
	_ struct{}
}

// Replica is one process' part.
type Replica struct {
	settings Settings
	mlflow   *deliver.MLflow
	loop     *deliver.Loop

	// ready is set once the store has been checked.
	ready atomic.Bool
	// failing is set while writes fail, refusing while Redis answers them with an error.
	failing, refusing atomic.Bool

	background     sync.WaitGroup
	stopBackground context.CancelFunc
}

// New makes a replica; it does nothing until Start.
func New(settings Settings) *Replica {
	return &Replica{settings: settings, stopBackground: func() {}}
}

// Start checks the store now, or in the background as long as Redis does not answer: the component starts all the same.
// What no waiting cures is an error, after which nothing runs.
func (r *Replica) Start(ctx context.Context, host component.Host) error {
	if err := r.prepareDelivery(ctx, host); err != nil {
		return errors.Join(err, r.Shutdown(ctx))
	}
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r.stopBackground = cancel
	err := r.check(ctx, startTimeout)
	switch {
	case err == nil:
		r.becomeReady(background)
	case errors.Is(err, store.ErrMismatch):
		return errors.Join(err, r.Shutdown(ctx))
	default:
		r.Failed(err)
		r.background.Go(func() { r.await(background, host, err) })
	}
	return nil
}

// prepareDelivery makes the loop; it starts when the store is ready.
func (r *Replica) prepareDelivery(ctx context.Context, host component.Host) (err error) {
	s := &r.settings
	if s.MLflow == nil {
		return nil
	}
	if r.mlflow, err = deliver.NewMLflow(ctx, s.MLflow, host.GetExtensions(), s.Telemetry); err != nil {
		return err
	}
	r.loop, err = deliver.New(deliver.Settings{
		Name:          s.Backend,
		Queue:         s.Store,
		Gate:          s.Store,
		Backend:       r.mlflow,
		Observer:      s.Observer,
		Logger:        s.Telemetry.Logger,
		Forward:       s.MLflow.Forward,
		MaxInFlight:   s.MLflow.MaxInFlight,
		TraceWait:     s.TraceWait,
		Refresher:     s.Store,
		RefreshRate:   s.MLflow.RefreshRate,
		RefreshWindow: s.MLflow.RefreshWindow,
	})
	return err
}

// Shutdown ends all that Start began, also after only a part of it. It may be called more than once.
func (r *Replica) Shutdown(ctx context.Context) error {
	r.stopBackground()
	r.background.Wait()
	var err error
	if r.loop != nil {
		err = r.loop.Shutdown(ctx)
		r.loop = nil
	}
	if r.mlflow != nil {
		r.mlflow.Close()
		r.mlflow = nil
	}
	return err
}

// Ready reports whether the store has been checked; until then nothing may be written.
func (r *Replica) Ready() bool { return r.ready.Load() }

// Failing reports whether the last write failed.
func (r *Replica) Failing() bool { return r.failing.Load() }

// Failed and Worked report, once per change, that Redis refuses what is asked of it: a wrong password, no memory, no
// disk. That it does not answer at all the store reports itself.
func (r *Replica) Failed(err error) {
	var answer interface {
		error
		RedisError()
	}
	r.failing.Store(true)
	if errors.As(err, &answer) && r.refusing.CompareAndSwap(false, true) {
		r.settings.Telemetry.Logger.Warn("redis refuses assessments; they are held in the queue", zap.Error(err))
	}
}

// Worked is told of a write that Redis took.
func (r *Replica) Worked() {
	r.failing.Store(false)
	if r.refusing.CompareAndSwap(true, false) {
		r.settings.Telemetry.Logger.Info("redis takes assessments again")
	}
}

func (r *Replica) check(ctx context.Context, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return r.settings.Store.Check(ctx)
}

// await repeats the check.
func (r *Replica) await(ctx context.Context, host component.Host, err error) {
	componentstatus.ReportStatus(host, componentstatus.NewRecoverableErrorEvent(err))
	every(ctx, checkInterval, func() bool {
		err := r.check(ctx, checkTimeout)
		switch {
		case err == nil:
			r.Worked()
			componentstatus.ReportStatus(host, componentstatus.NewEvent(componentstatus.StatusOK))
			r.becomeReady(ctx)
			return true
		case errors.Is(err, store.ErrMismatch):
			r.settings.Telemetry.Logger.Error("this component cannot use the assessments in redis; nothing is written",
				zap.Error(err))
			componentstatus.ReportStatus(host, componentstatus.NewPermanentErrorEvent(err))
			return true
		default:
			return false
		}
	})
}

// becomeReady starts the delivery.
func (r *Replica) becomeReady(background context.Context) {
	r.ready.Store(true)
	if r.settings.OnReady != nil {
		r.settings.OnReady()
	}
	if r.loop == nil {
		return
	}
	r.loop.Start()
	r.background.Go(func() {
		r.ObserveBacklog(background)
		every(background, statsInterval, func() bool {
			r.ObserveBacklog(background)
			return false
		})
	})
}

// ObserveBacklog tells the observer where the delivery stands now; gauges are read at a time when nobody waits for Redis.
func (r *Replica) ObserveBacklog(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	stats, err := r.settings.Store.Stats(ctx, r.settings.Backend)
	if err != nil {
		r.settings.Observer.Backlog(nil) // no number is better than an old one
		return
	}
	r.settings.Observer.Backlog(&stats)
}

// every runs f each interval until ctx ends.
func every(ctx context.Context, interval time.Duration, f func() (done bool)) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if f() {
				return
			}
		}
	}
}
