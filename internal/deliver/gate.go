package deliver

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"go.uber.org/zap"
)

const (
	firstPause   = time.Second
	longestPause = time.Minute
	// longestGateWait bounds one wait for admission, so that nobody oversleeps.
	longestGateWait = time.Second
)

// errNotAdmitted is returned when the gate did not open in time.
var errNotAdmitted = errors.New("the backend is paused or busy")

// admission is this replica's side of the gate that all replicas share: it asks before each use of the backend, and
// pauses the backend as a whole when it does not work.
type admission struct {
	gate        Gate
	backend     string
	replica     string
	maxInFlight int
	ttl         time.Duration
	clock       Clock
	logger      *zap.Logger
	random      func() float64

	mu sync.Mutex
	// epoch counts pauses; a failure of a call that was let in before the last pause says nothing new.
	epoch int
	// permits counts those that were asked for.
	permits uint64
	step    int
	paused  bool
}

func newAdmission(s *Settings) *admission {
	return &admission{
		gate: s.Gate, backend: s.Name, replica: s.Replica, maxInFlight: s.MaxInFlight, ttl: s.Lease, clock: s.Clock,
		logger: s.Logger, random: rand.Float64,
	}
}

// permit is the right to use the backend, for one call after the other.
type permit struct {
	epoch int
	// token is the permit's own: one that is not returned, because the store did not answer, ends with its ttl however
	// often this replica asks for others.
	token string
}

// enter waits for admission until the given time at most.
func (a *admission) enter(ctx context.Context, until time.Time) (permit, error) {
	for {
		a.mu.Lock()
		a.permits++
		p := permit{epoch: a.epoch, token: a.replica + "-" + strconv.FormatUint(a.permits, 10)}
		a.mu.Unlock()
		granted, wait, err := a.gate.Admit(ctx, a.backend, p.token, 1, a.maxInFlight, a.ttl)
		if err != nil {
			return permit{}, err
		}
		if granted > 0 {
			return p, nil
		}
		wait = min(max(wait, 5*time.Millisecond), longestGateWait)
		if a.clock.Now().Add(wait).After(until) {
			return permit{}, errNotAdmitted
		}
		select {
		case <-ctx.Done():
			return permit{}, ctx.Err()
		case <-a.clock.After(wait):
		}
	}
}

// leave gives the permit back. err is an *UnavailableError where the backend did not work.
func (a *admission) leave(ctx context.Context, p permit, err error) {
	var unavailable *UnavailableError
	failed := errors.As(err, &unavailable) && ctx.Err() == nil
	if failed {
		a.pause(ctx, p, unavailable)
	}
	a.release(ctx, p, err == nil)
	if err == nil {
		a.worked(p)
	}
}

// unused gives back a permit whose use said nothing about the backend.
func (a *admission) unused(ctx context.Context, p permit) { a.release(ctx, p, false) }

// release gives a permit back although this process may be ending: others wait for it.
func (a *admission) release(ctx context.Context, p permit, worked bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	if err := a.gate.Release(ctx, a.backend, p.token, 1, worked); err != nil {
		a.logger.Debug("permit not returned; it expires", zap.Error(err))
	}
}

// pause holds back all replicas, once for all calls that failed together.
func (a *admission) pause(ctx context.Context, p permit, cause *UnavailableError) {
	a.mu.Lock()
	if p.epoch != a.epoch {
		a.mu.Unlock()
		return
	}
	a.epoch++
	wait := min(firstPause<<a.step, longestPause)
	if a.step < 6 {
		a.step++
	}
	wait = time.Duration(float64(wait) * (0.75 + 0.5*a.random()))
	wait = max(wait, cause.RetryAfter)
	first := !a.paused
	a.paused = true
	a.mu.Unlock()
	if first {
		a.logger.Warn("delivery paused: the backend does not work; it goes on by itself when it does again",
			zap.Error(cause.Err))
	}
	if err := a.gate.Pause(ctx, a.backend, wait); err != nil {
		a.logger.Debug("pause not shared", zap.Error(err))
	}
}

func (a *admission) worked(p permit) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p.epoch != a.epoch {
		return
	}
	a.step = 0
	if a.paused {
		a.paused = false
		a.logger.Info("delivery goes on: the backend works again")
	}
}
