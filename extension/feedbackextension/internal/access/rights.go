package access

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"go.uber.org/zap"
	"golang.org/x/sync/singleflight"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
)

const (
	// grantFresh is how long a grant is used, and a trace's experiment, without asking.
	grantFresh = time.Minute
	// grantHolds is the same while MLflow cannot be asked.
	grantHolds = 15 * time.Minute
	// grantStale is how long a grant from before is used in an outage until MLflow is tried again.
	grantStale = 5 * time.Second
	// refusalFresh is how long a refusal is repeated without asking.
	refusalFresh = 5 * time.Second

	// askTimeout bounds one question. MLflow's basic-auth takes 0.2 s of a processor for each.
	askTimeout = 10 * time.Second
	retryAfter = 5 * time.Second

	// maxKnown bounds the verdicts kept, and the traces whose experiments are.
	maxKnown = 10_000
)

// Settings are what Rights work with.
type Settings struct {
	// Authorization is the configured one.
	Authorization Authorization
	// Named says whether the endpoint asks callers who they are, by `auth` or `user_header`.
	Named bool
	// Upstream calls MLflow without credentials of its own. Nil without an MLflow: then who reaches the endpoint may do
	// everything.
	Upstream *mlflow.Client
	// Memory keeps what was found out about MLflow.
	Memory Memory
	// Exists says, with credentials that see everything, whether MLflow has a trace, for admins and trusted callers. Nil:
	// nobody has rights on traces that MLflow does not show them.
	Exists func(ctx context.Context, traceID string) (bool, error)
	Logger *zap.Logger
	Now    func() time.Time
}

// Rights says what callers may do. It is safe for concurrent use.
type Rights struct {
	set     Settings
	finding *finding
	asking  singleflight.Group
	// verdicts are by question; places by trace id.
	verdicts *lru.Cache[question, verdict]
	places   *lru.Cache[string, verdict]
}

// question is what MLflow was asked: whether these credentials may do act in an experiment, or see a trace at all.
type question struct {
	who        [sha256.Size]byte
	experiment string
	trace      string
	act        mlflow.Act
}

// verdict is MLflow's answer: a refusal, or a grant and the experiment that it is about.
type verdict struct {
	refusal    error
	experiment string
	fresh      time.Time
	holds      time.Time
}

// NewRights returns rights about which nothing has been asked yet.
func NewRights(set Settings) *Rights {
	if set.Upstream == nil {
		set.Authorization = AuthorizationEndpoint
	}
	r := &Rights{set: set}
	r.verdicts, _ = lru.New[question, verdict](maxKnown) // fails for sizes below 1 only
	r.places, _ = lru.New[string, verdict](maxKnown)
	if set.Authorization == AuthorizationAuto {
		r.finding = &finding{
			upstream: set.Upstream.As(nil), memory: set.Memory, logger: set.Logger, now: set.Now,
		}
	}
	return r
}

// Check returns nil where the context's caller may read a trace's assessments, or, with write, do what their request
// does with them. The trace's id has 32 hex digits. The error is an *answer.Error.
func (r *Rights) Check(ctx context.Context, traceID string, write bool) error {
	authorization, err := r.authorization(ctx)
	if err != nil || authorization == AuthorizationEndpoint {
		return err
	}
	caller := CallerOf(ctx)
	act := mlflow.ActRead
	if write {
		if act = caller.Change; act == mlflow.ActRead {
			act = mlflow.ActUpdate
		}
	}
	err = r.ask(ctx, &caller, traceID, act)
	if (caller.Admin || caller.Trusted) && r.set.Exists != nil && hides(err) {
		exists, unknown := r.set.Exists(ctx, traceID)
		switch {
		case unknown != nil:
			return unavailable(unknown)
		case !exists:
			return nil
		}
	}
	return err
}

// ByMLflow reports whether MLflow tells callers apart, so that it knows them by name.
func (r *Rights) ByMLflow(ctx context.Context) bool {
	authorization, err := r.authorization(ctx)
	return err == nil && authorization == AuthorizationMLflow
}

// CheckUnknown returns nil where the context's caller may give feedback about a trace that nobody knows yet, so that MLflow
// cannot say what they may do with it.
func (r *Rights) CheckUnknown(ctx context.Context) error {
	authorization, err := r.authorization(ctx)
	if err != nil || authorization == AuthorizationEndpoint {
		return err
	}
	if caller := CallerOf(ctx); caller.Admin || caller.Trusted {
		return nil
	}
	return answer.Denied("Nobody knows this trace yet, so MLflow cannot say what you may do with it")
}

// Admin returns nil where the context's caller may list, export and restore everything: whom `admins` names, and
// everybody where neither the endpoint nor MLflow asks who they are.
func (r *Rights) Admin(ctx context.Context) error {
	if CallerOf(ctx).Admin {
		return nil
	}
	if !r.set.Named {
		authorization, err := r.authorization(ctx)
		if err != nil || authorization == AuthorizationEndpoint {
			return err
		}
	}
	return answer.Denied("Only users that `admins` names may do this")
}

// Learn tells which experiment a trace is in by an answer of MLflow's that passed by, and saves asking.
func (r *Rights) Learn(traceID, experiment string) {
	now := r.set.Now()
	r.places.Add(traceID, verdict{experiment: experiment, fresh: now.Add(grantFresh), holds: now.Add(grantHolds)})
}

// Doubt tells that MLflow answered 401 to a request that passed by.
func (r *Rights) Doubt() {
	if r.finding != nil {
		r.finding.doubt()
	}
}

func (r *Rights) authorization(ctx context.Context) (Authorization, error) {
	if r.finding == nil {
		return r.set.Authorization, nil
	}
	return r.finding.current(ctx)
}

func (r *Rights) ask(ctx context.Context, caller *Caller, traceID string, act mlflow.Act) error {
	who := fingerprint(caller.Credentials)
	client := r.set.Upstream.As(http.Header(caller.Credentials))
	experiment, err := r.experiment(ctx, who, client, traceID)
	if err != nil {
		return err
	}
	_, err = r.decide(ctx, question{who: who, experiment: experiment, act: act}, func(ctx context.Context) (string, error) {
		return experiment, client.Try(ctx, mlflow.TraceID(traceID), act)
	})
	return err
}

// experiment is the one that a trace is in. It is no secret that needs a grant: the caller's is asked for next.
func (r *Rights) experiment(ctx context.Context, who [sha256.Size]byte, client *mlflow.Client, traceID string) (string, error) {
	place, known := r.places.Get(traceID)
	if known && r.set.Now().Before(place.fresh) {
		return place.experiment, nil
	}
	experiment, err := r.decide(ctx, question{who: who, trace: traceID}, func(ctx context.Context) (string, error) {
		experiment, err := client.Experiment(ctx, mlflow.TraceID(traceID))
		if err == nil {
			r.Learn(traceID, experiment)
		}
		return experiment, err
	})
	if !known || err == nil {
		return experiment, err
	}
	if status(err) == http.StatusServiceUnavailable {
		if r.set.Now().Before(place.holds) {
			return place.experiment, nil
		}
		return "", err
	}
	// Who may not even see the trace any more has lost what was granted before, also for the next outage.
	for _, act := range []mlflow.Act{mlflow.ActRead, mlflow.ActCreate, mlflow.ActUpdate, mlflow.ActDelete} {
		r.verdicts.Remove(question{who: who, experiment: place.experiment, act: act})
	}
	return "", err
}

// decide is the verdict on q, asked for if none is fresh, and once for all who want to know it at the same time.
func (r *Rights) decide(ctx context.Context, q question, ask func(context.Context) (string, error)) (string, error) {
	if last, known := r.verdicts.Get(q); known && r.set.Now().Before(last.fresh) {
		return last.experiment, last.refusal
	}
	key := string(q.who[:]) + q.experiment + "/" + q.trace + "/" + strconv.Itoa(int(q.act))
	experiment, err, _ := r.asking.Do(key, func() (any, error) {
		last, known := r.verdicts.Get(q)
		if known && r.set.Now().Before(last.fresh) {
			return last.experiment, last.refusal
		}
		// The others wait for the answer even if who asked first goes away.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
		defer cancel()
		experiment, err := ask(ctx)
		now := r.set.Now()
		next := verdict{refusal: refusal(err), experiment: experiment, fresh: now.Add(grantFresh), holds: now.Add(grantHolds)}
		switch {
		case err == nil:
		case status(next.refusal) != http.StatusServiceUnavailable:
			next.fresh = now.Add(refusalFresh)
		case known && last.refusal == nil && now.Before(last.holds):
			next = last
			next.fresh = now.Add(grantStale)
		default:
			return "", next.refusal
		}
		r.verdicts.Add(q, next)
		return next.experiment, next.refusal
	})
	name, _ := experiment.(string)
	return name, err
}

// fingerprint tells credentials apart without keeping them.
func fingerprint(credentials Credentials) [sha256.Size]byte {
	var text []byte
	for _, name := range slices.Sorted(maps.Keys(credentials)) {
		text = appendField(text, name)
		text = binary.AppendUvarint(text, uint64(len(credentials[name])))
		for _, value := range credentials[name] {
			text = appendField(text, value)
		}
	}
	return sha256.Sum256(text)
}

func appendField(text []byte, field string) []byte {
	return append(binary.AppendUvarint(text, uint64(len(field))), field...)
}
