package deliver

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// Queue hands out traces to bring to agreement. *store.Store is one.
type Queue interface {
	// Claim gives at most limit due traces to this caller alone, until the lease ends.
	Claim(ctx context.Context, backend string, limit int, lease time.Duration) ([]store.Claim, error)
	// Settle writes what was learned of a claim; held is false where the lease was lost and nothing was written.
	Settle(ctx context.Context, claim store.Claim, settlement store.Settlement) (held bool, err error)
	// SettleAll is Settle for many, in one round trip; held is aligned with the claims.
	SettleAll(ctx context.Context, claims []store.Claim, settlements []store.Settlement) (held []bool, err error)
}

// Gate bounds the calls to a backend over all replicas and holds them all back while it does not work.
type Gate interface {
	// Admit grants up to n permits, or says how long to wait. A permit that is not returned ends by itself after ttl.
	Admit(ctx context.Context, backend, token string, n, maxInFlight int, ttl time.Duration) (
		granted int, wait time.Duration, err error)
	// Release returns permits; ok says whether the backend worked.
	Release(ctx context.Context, backend, token string, n int, ok bool) error
	// Pause refuses admission for d; then one probe is let in.
	Pause(ctx context.Context, backend string, d time.Duration) error
	// Doubt counts rows that are missing in the backend, over all replicas, and says whether any is believed.
	Doubt(ctx context.Context, backend string, doubt store.Doubt) (doubted, tripped bool, err error)
}

var (
	_ Queue = (*store.Store)(nil)
	_ Gate  = (*store.Store)(nil)
)

// Observer counts, for the exporter's metrics. Its methods are called from several goroutines.
type Observer interface {
	// Delivered counts n assessments that came to an outcome, one of the Outcome constants. An assessment that is
	// deferred counts as retried each time.
	Delivered(backend, outcome string, n int)
	// MassMissing counts rows that were delivered and are gone from the backend in numbers that are not believed.
	MassMissing(backend string, n int)
}

// Clock is the time; tests drive it.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

type realClock struct{}

func (realClock) Now() time.Time                         { return time.Now() }
func (realClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// The defaults of Settings.
const (
	DefaultLease     = 30 * time.Second
	DefaultTraceWait = 24 * time.Hour

	batchSize = 50
	// leaseMargin is the part of a lease that no call reaches into.
	leaseMargin = 5 * time.Second
	// shutdownGrace bounds how long calls under way may finish at shutdown.
	shutdownGrace = 3 * time.Second
	idleFirst     = 250 * time.Millisecond
	idleLongest   = time.Second
)

// Settings is what a Loop is made of.
type Settings struct {
	// Name is the backend's name in Redis and in metrics.
	Name    string
	Queue   Queue
	Gate    Gate
	Backend Backend
	// Observer counts; required.
	Observer Observer
	Logger   *zap.Logger
	// Forward selects what is delivered first; empty: everything.
	Forward []ForwardRule
	// MaxInFlight bounds the calls under way over all replicas; default 16.
	MaxInFlight int
	// TraceWait is how long a trace may fail to appear; default 24 h.
	TraceWait time.Duration
	// Refresher finds what people do in the backend without anything changing here; nil, or a RefreshWindow of 0:
	// it is noticed only when a trace becomes due again.
	Refresher Refresher
	// RefreshRate is how many batches are read again in a second, over all replicas; default 1.
	RefreshRate float64
	// RefreshWindow is how long after its last change a trace is read again.
	RefreshWindow time.Duration
	// Lease is the time for which traces are claimed; default 30 s.
	Lease time.Duration
	// Clock is the time; default the real one.
	Clock Clock
	// Replica tells this process from the others; default random.
	Replica string

	// prevent unkeyed literal initialization
	_ struct{}
}

// Loop brings one backend and Redis to agreement. It claims due traces, reads them from the backend in one call, and
// hands those that need writing to its workers.
type Loop struct {
	settings  Settings
	admission *admission
	suspects  suspects
	retained  retained
	refresh   refresh

	// dispatching ends the claiming, working ends the calls under way.
	dispatching, working         context.Context
	stopDispatching, stopWorking context.CancelFunc
	jobs                         chan job
	dispatcher, workers          sync.WaitGroup
	started                      bool
	stop                         sync.Once
}

// New makes a loop; it does nothing until Start.
func New(settings Settings) (*Loop, error) {
	if settings.Name == "" || settings.Queue == nil || settings.Gate == nil || settings.Backend == nil ||
		settings.Observer == nil {
		return nil, errors.New("deliver: name, queue, gate, backend and observer are required")
	}
	if settings.MaxInFlight <= 0 {
		settings.MaxInFlight = defaultMaxInFlight
	}
	if settings.TraceWait <= 0 {
		settings.TraceWait = DefaultTraceWait
	}
	if settings.Lease <= 2*leaseMargin {
		settings.Lease = DefaultLease
	}
	if settings.RefreshRate <= 0 {
		settings.RefreshRate = defaultRefreshRate
	}
	if settings.Clock == nil {
		settings.Clock = realClock{}
	}
	if settings.Logger == nil {
		settings.Logger = zap.NewNop()
	}
	settings.Logger = settings.Logger.With(zap.String("backend", settings.Name))
	if settings.Replica == "" {
		var id [8]byte
		if _, err := rand.Read(id[:]); err != nil {
			return nil, err
		}
		settings.Replica = hex.EncodeToString(id[:])
	}
	l := &Loop{
		settings: settings, admission: newAdmission(&settings), refresh: newRefresh(&settings),
		jobs: make(chan job, batchSize),
	}
	l.dispatching, l.stopDispatching = context.WithCancel(context.Background())
	l.working, l.stopWorking = context.WithCancel(context.Background())
	return l, nil
}

// Start begins the work.
func (l *Loop) Start() {
	l.started = true
	l.dispatcher.Go(l.dispatch)
	for range max(1, l.settings.MaxInFlight-1) { // one call is the dispatcher's, or it would starve
		l.workers.Go(l.work)
	}
}

// Shutdown stops claiming, gives back what was claimed and not begun, and lets calls under way finish within 3 s or
// until ctx ends. What they were doing then is settled by the next reading, here or on another replica. It may be called
// more than once, and without Start.
func (l *Loop) Shutdown(ctx context.Context) error {
	l.stop.Do(func() {
		l.stopDispatching()
		if l.started {
			l.dispatcher.Wait()
			close(l.jobs)
			ended := make(chan struct{})
			go func() { l.workers.Wait(); close(ended) }()
			select {
			case <-ended:
			case <-ctx.Done():
			case <-time.After(shutdownGrace):
			}
			l.stopWorking()
			<-ended
			l.giveBackRetained() //nolint:contextcheck // the caller may have ended its context already
		}
		l.stopWorking()
	})
	return nil
}

// dispatch claims and reads as fast as the workers take, and looks less often where nothing is due. Only then, and only
// if the backend is let through, are traces read again.
func (l *Loop) dispatch() {
	idle := idleFirst
	for l.dispatching.Err() == nil {
		claimed, err := l.pass(l.dispatching)
		wait := time.Duration(0)
		switch {
		case err != nil && !errors.Is(err, errNotAdmitted):
			wait = idleLongest // the store says itself that it does not answer
		case err != nil || claimed == 0:
			wait, idle = idle, min(2*idle, idleLongest)
		case claimed < batchSize:
			wait, idle = idleFirst/5, idleFirst
		default:
			idle = idleFirst
		}
		if err == nil && wait > 0 {
			wait = min(wait, l.refresh.step(l.dispatching))
		}
		if wait > 0 {
			select {
			case <-l.dispatching.Done():
			case <-l.settings.Clock.After(wait):
			}
		}
	}
}
