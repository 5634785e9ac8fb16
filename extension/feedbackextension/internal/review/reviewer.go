package review

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// What becomes of a trace that a rule picks. One that has to wait is not counted until it does no longer.
const (
	// OutcomeAdded: it stands in the queue.
	OutcomeAdded = "added"
	// OutcomeFull: as many traces as may wait for an answer in the queue. It is picked again only if it changes.
	OutcomeFull = "queue_full"
	// OutcomeGaveUp: it did not come to MLflow within trace_wait, or too many traces wait.
	OutcomeGaveUp = "gave_up"
	// OutcomeFailed: MLflow refused the queue or the trace for trace_wait.
	OutcomeFailed = "failed"
)

// Observer counts, for the extension's metrics.
type Observer interface {
	// Reviewed counts n traces that a rule picked, by one of the Outcome constants.
	Reviewed(rule, outcome string, n int)
}

// Clock is the time; tests drive it.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

type realClock struct{}

func (realClock) Now() time.Time                         { return time.Now() }
func (realClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

const (
	// idle is the wait where nothing is left to look at, standby that of a replica while another one works.
	idle    = time.Second
	standby = 5 * time.Second
	// lease is for how long a replica has the turn; it is renewed before each queue.
	lease = 30 * time.Second
	// writing bounds the writes to Redis that happen although the work is to end.
	writing = 2 * time.Second
)

// Settings is what a Reviewer is made of.
type Settings struct {
	// Rules by their names; nil ones were removed.
	Rules map[string]*Rule
	Store *store.Store
	// MLflow is called by one replica at a time, one call after the other.
	MLflow *mlflow.Client
	// Backend is MLflow's name in Redis.
	Backend string
	// TraceWait is how long a trace may fail to appear in MLflow, or MLflow may refuse it.
	TraceWait time.Duration
	// RefreshWindow is for how long after a change MLflow is read again; what stands in a queue counts as changed in time.
	RefreshWindow time.Duration
	// Observer counts; required.
	Observer Observer
	Logger   *zap.Logger
	// Clock is the time; default the real one.
	Clock Clock

	// prevent unkeyed literal initialization
	_ struct{}
}

// Reviewer puts traces into review queues. Of all replicas one works at a time.
type Reviewer struct {
	settings Settings
	token    string
	rules    []*rule
	queues   queues
	outage   outage
	watch    watch

	working context.Context
	end     context.CancelFunc
	worker  sync.WaitGroup
}

// New makes a reviewer; it does nothing until Start, and never anything where no rule is enabled.
func New(settings Settings) (*Reviewer, error) {
	if settings.Store == nil || settings.MLflow == nil || settings.Backend == "" || settings.Observer == nil {
		return nil, errors.New("review: store, mlflow, backend and observer are required")
	}
	if settings.Clock == nil {
		settings.Clock = realClock{}
	}
	if settings.Logger == nil {
		settings.Logger = zap.NewNop()
	}
	r := &Reviewer{settings: settings, token: rand.Text()}
	var err error
	if r.rules, err = compile(settings.Rules); err != nil {
		return nil, err
	}
	r.queues = newQueues(settings.MLflow, settings.Clock, settings.Logger)
	r.outage = outage{clock: settings.Clock, logger: settings.Logger}
	r.watch = newWatch(&settings)
	r.working, r.end = context.WithCancel(context.Background())
	return r, nil
}

// compile makes the enabled rules ready, in the order of their names. Rules whose queues have the same name share it: it
// is created with the questions and the reviewers of all of them.
func compile(config map[string]*Rule) ([]*rule, error) {
	if err := ValidateRules(config); err != nil {
		return nil, err
	}
	var rules []*rule
	specs := map[string]*queueSpec{}
	for _, name := range slices.Sorted(maps.Keys(config)) {
		c := config[name]
		if c == nil || !c.Enabled {
			continue
		}
		compiled := &rule{name: name, maxPending: c.MaxPending, conditions: c.conditions()}
		if len(compiled.conditions) == 0 {
			threshold, err := sampling.ProbabilityToThreshold(c.Rate)
			if err != nil {
				return nil, err
			}
			compiled.threshold = threshold
		}
		queue := strings.TrimSpace(cmp.Or(c.Queue, name))
		key := strings.ToLower(queue)
		if specs[key] == nil {
			specs[key] = &queueSpec{name: queue}
		}
		spec := specs[key]
		spec.users = union(spec.users, lower(c.Users))
		spec.schemas = union(spec.schemas, c.schemas())
		spec.maxPending = max(spec.maxPending, c.MaxPending)
		compiled.queue = spec
		rules = append(rules, compiled)
	}
	return rules, nil
}

// Start begins the work.
func (r *Reviewer) Start() {
	if len(r.rules) > 0 {
		r.worker.Go(r.work)
	}
}

// Shutdown ends the work and gives the turn to another replica. What was under way is done again there, or was done. It
// may be called more than once, and without Start.
func (r *Reviewer) Shutdown(context.Context) error {
	r.end()
	r.worker.Wait()
	return nil
}

func (r *Reviewer) work() {
	for r.working.Err() == nil {
		if wait := r.step(r.working); wait > 0 {
			select {
			case <-r.working.Done():
			case <-r.settings.Clock.After(wait):
			}
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.working), writing)
	defer cancel()
	_, _ = r.settings.Store.ReviewLease(ctx, r.settings.Backend, r.token, 0) // else the lease ends by itself
}

// hold takes the turn, or keeps it.
func (r *Reviewer) hold(ctx context.Context) (bool, error) {
	return r.settings.Store.ReviewLease(ctx, r.settings.Backend, r.token, lease)
}
