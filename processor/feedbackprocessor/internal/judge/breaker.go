package judge

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.uber.org/zap"
)

// breakerFailures is how many calls in a row must find the server down before no more are made. One judgement that
// tries for a minute makes fewer: only several of them, or their workers together, say that it is the server.
const breakerFailures = 10

// breaker keeps calls from a server that is down. While it is open they wait; after a pause one call tries, and either
// closes it or makes the next pause longer.
type breaker struct {
	model  string
	logger *zap.Logger

	mu sync.Mutex
	// failures are those in a row while it is closed.
	failures int
	open     bool
	// probing says that the one call that tries is under way.
	probing bool
	opened  time.Time
	// probeAt is when the next call may try.
	probeAt time.Time
	pauses  backoff.ExponentialBackOff
	// period counts how often it opened and closed: what calls of an earlier period say is history.
	period uint64
	// changed tells those who wait to look again.
	changed signal
}

func newBreaker(model string, logger *zap.Logger) *breaker {
	return &breaker{
		model: model, logger: logger, changed: newSignal(),
		pauses: backoff.ExponentialBackOff{InitialInterval: 2 * time.Second, Multiplier: 2, RandomizationFactor: 0.5, MaxInterval: time.Minute},
	}
}

// outcome is what a call says about its server.
type outcome int8

const (
	// outcomeNone is of a call that was not made, or was broken off.
	outcomeNone outcome = iota
	outcomeUp
	// outcomeLimited is of a server that lives, but takes no call now.
	outcomeLimited
	outcomeDown
)

// permit lets one call pass; it must be reported once.
type permit struct {
	period uint64
	probe  bool
}

// waiting says how, and how long, a call waits.
type waiting struct {
	clock Clock
	// until is when it gives up.
	until time.Time
	// enough is sent when nobody needs the call any more.
	enough signal
}

// enter waits until a call may be made. The failure says why there is none to be made, unless ctx ended.
func (b *breaker) enter(ctx context.Context, wait waiting) (permit, *failure) {
	for {
		pass, ok, pause, changed := b.try(wait.clock.Now())
		if ok {
			return pass, nil
		}
		left := wait.until.Sub(wait.clock.Now())
		switch {
		case ctx.Err() != nil:
			return permit{}, &failure{class: errorTypeCancelled, message: "the collector stops"}
		case wait.enough.sent():
			return permit{}, &failure{class: errorTypePaused, message: "its server is down, and the panel did without it"}
		case left <= 0:
			return permit{}, &failure{class: ErrorTypeTimeout, message: "its server was down for longer than `max_age` of the judge"}
		}
		wait.sleep(ctx, min(pause, left), changed)
	}
}

// try lets a call pass, or says after which pause, or change, to try again.
func (b *breaker) try(now time.Time) (pass permit, ok bool, pause time.Duration, changed signal) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !b.open:
		return permit{period: b.period}, true, 0, signal{}
	case b.probing:
		return permit{}, false, math.MaxInt64, b.changed
	case now.Before(b.probeAt):
		return permit{}, false, b.probeAt.Sub(now), b.changed
	default:
		b.probing = true
		return permit{period: b.period, probe: true}, true, 0, signal{}
	}
}

// sleep returns after a pause, when something changed, when there is enough, or when ctx ends.
func (w *waiting) sleep(ctx context.Context, pause time.Duration, changed signal) {
	woken, wake := context.WithCancel(ctx)
	defer wake()
	defer changed.then(wake)()
	defer w.enough.then(wake)()
	_ = w.clock.Wait(woken, pause)
}

// stale reports whether it opened after the permit was given.
func (b *breaker) stale(pass permit) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return pass.period != b.period
}

// report takes what a call says, and logs when it opens and when it closes.
func (b *breaker) report(pass permit, said outcome, class string, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case pass.period != b.period:
	case !pass.probe:
		switch said {
		case outcomeUp:
			b.failures = 0
		case outcomeDown:
			b.failed(class, now)
		case outcomeNone, outcomeLimited:
		}
	case said == outcomeUp:
		b.open, b.probing, b.failures = false, false, 0
		b.turn()
		b.logger.Info("The model's server answers again; its judgements go on",
			zap.String("model", b.model), zap.Duration("down", now.Sub(b.opened)))
	default:
		b.probing = false
		if said != outcomeNone {
			b.probeAt = now.Add(b.pauses.NextBackOff())
		}
		b.wake()
	}
}

// exhausted counts a judgement that was told to slow down until its retries ended: its calls alone say nothing.
func (b *breaker) exhausted(class string, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open {
		b.failed(class, now)
	}
}

// failed counts a failure while it is closed; the lock is held.
func (b *breaker) failed(class string, now time.Time) {
	if b.failures++; b.failures < breakerFailures {
		return
	}
	b.pauses.Reset()
	b.open, b.opened, b.probeAt = true, now, now.Add(b.pauses.NextBackOff())
	b.turn()
	b.logger.Warn("The model's server is down; its judgements wait, and one call at a time tries whether it is back",
		zap.String("model", b.model), zap.String("error_type", class), zap.Int("failures", b.failures))
}

// turn begins a new period; the lock is held.
func (b *breaker) turn() {
	b.period++
	b.wake()
}

// wake wakes those who wait; the lock is held.
func (b *breaker) wake() {
	b.changed.send()
	b.changed = newSignal()
}

// isOpen reports whether calls wait.
func (b *breaker) isOpen() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open
}
