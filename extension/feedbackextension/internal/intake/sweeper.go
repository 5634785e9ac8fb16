package intake

import (
	"context"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

const (
	sweepInterval = time.Second
	// sweepLimit is how many values one sweep takes.
	sweepLimit = 128
	// lease is how long other replicas leave alone what a sweep has found; it ends its own work before.
	lease       = time.Minute
	sweepBudget = 45 * time.Second
)

// The outcomes of feedback that waited, and why it is kept among the dead.
const (
	OutcomeResolved = "resolved"
	OutcomeDead     = "dead"

	reasonRefused    = "refused"
	reasonUnreadable = "unreadable"
)

// HeldStore is where feedback waits. *store.Store is one.
type HeldStore interface {
	SweepHeld(ctx context.Context, limit int, lease time.Duration) (store.Sweep, error)
	DropHeld(ctx context.Context, w *store.Waiting, reason string) (bool, error)
}

var _ HeldStore = (*store.Store)(nil)

// Observer counts feedback that waited, by outcome.
type Observer interface {
	Held(outcome string)
}

// SweeperSettings is what a Sweeper is made of.
type SweeperSettings struct {
	Store HeldStore
	// Indexed makes the assessments; their traces exist.
	Indexed  Creator
	Observer Observer
	Logger   *zap.Logger
	// Tick gives a channel on which to sweep, and how to end it; nil: every second.
	Tick func() (ticks <-chan time.Time, stop func())

	// prevent unkeyed literal initialization
	_ struct{}
}

// Sweeper makes assessments of held feedback whose spans have come. Any number of replicas may run one: an assessment's
// id is fixed since its feedback is held, so that one that is made twice is one.
type Sweeper struct {
	settings SweeperSettings
	running  sync.WaitGroup
	stop     context.CancelFunc
}

// NewSweeper makes a sweeper; it does nothing until Start.
func NewSweeper(settings SweeperSettings) *Sweeper {
	if settings.Logger == nil {
		settings.Logger = zap.NewNop()
	}
	if settings.Tick == nil {
		settings.Tick = func() (<-chan time.Time, func()) {
			ticker := time.NewTicker(sweepInterval)
			return ticker.C, ticker.Stop
		}
	}
	return &Sweeper{settings: settings, stop: func() {}}
}

// Start begins to sweep.
func (s *Sweeper) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	ticks, stop := s.settings.Tick()
	s.running.Go(func() {
		defer stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticks:
				for s.sweep(ctx) {
				}
			}
		}
	})
}

// Shutdown stops sweeping; what is half done is done by another sweep, of this replica or another. It may be called
// more than once, and without Start.
func (s *Sweeper) Shutdown(context.Context) error {
	s.stop()
	s.running.Wait()
	return nil
}

// sweep takes one round and reports whether another one may find more. That Redis fails the store reports itself.
func (s *Sweeper) sweep(ctx context.Context) (more bool) {
	ctx, cancel := context.WithTimeout(ctx, sweepBudget)
	defer cancel()
	found, err := s.settings.Store.SweepHeld(ctx, sweepLimit, lease)
	if err != nil {
		return false
	}
	var lost losses
	defer func() { lost.report(s.settings.Logger) }()
	for range found.Dead {
		s.settings.Observer.Held(OutcomeDead)
		lost.waited++
	}
	for i := range found.Ready {
		if ctx.Err() != nil || !s.resolve(ctx, &found.Ready[i], &lost) {
			return false
		}
	}
	return len(found.Ready)+len(found.Dead) > 0
}

// losses counts what a round gave up. Which feedback it was, the store knows: ids are strangers' words.
type losses struct{ waited, refused int }

func (l *losses) report(logger *zap.Logger) {
	if l.waited+l.refused > 0 {
		logger.Warn("feedback about spans was given up", zap.Int("waited_in_vain", l.waited), zap.Int("refused", l.refused))
	}
}

// resolve makes an assessment of what waited, and reports whether to go on with the others.
func (s *Sweeper) resolve(ctx context.Context, w *store.Waiting, lost *losses) (goOn bool) {
	held, err := decodeHeld(w.Content)
	if err != nil {
		return s.drop(ctx, w, reasonUnreadable, lost)
	}
	a, err := held.parse(w.ID)
	if err != nil {
		return s.drop(ctx, w, reasonUnreadable, lost)
	}
	traceID := settle(&a, w.Matches)
	_, err = createOnce(access.WithCaller(ctx, held.caller()), s.settings.Indexed, traceID, a)
	switch status(err) {
	case http.StatusTooManyRequests:
		return true // it is found again when the lease has ended
	case http.StatusServiceUnavailable:
		return false
	case 0:
		return err == nil && s.drop(ctx, w, "", lost)
	default:
		return s.drop(ctx, w, reasonRefused, lost)
	}
}

// drop takes away what is done, or what never can be; of several replicas that do, one counts it.
func (s *Sweeper) drop(ctx context.Context, w *store.Waiting, reason string, lost *losses) (goOn bool) {
	dropped, err := s.settings.Store.DropHeld(ctx, w, reason)
	switch {
	case err != nil:
		return false
	case !dropped:
	case reason == "":
		s.settings.Observer.Held(OutcomeResolved)
	default:
		s.settings.Observer.Held(OutcomeDead)
		lost.refused++
	}
	return true
}
