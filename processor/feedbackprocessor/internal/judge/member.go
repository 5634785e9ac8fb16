package judge

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.uber.org/zap"
)

// member is one model's part in a judge.
type member struct {
	model   *Model
	formats []format
	// learned is what the server refuses of this judge's schema alone.
	learned knowledge
}

func newMember(model *Model, output *outputForm) *member {
	m := &member{model: model, formats: model.provider.formats(output)}
	m.learned.atLeast(features{format: m.formats[0]})
	return m
}

// vote is what became of asking one member: an answer, a failure, a refusal of the budget, or nothing because ctx
// ended.
type vote struct {
	model     *Model
	answer    answer
	failure   *failure
	refusal   *Refusal
	cancelled bool
	attempts  int
	usage     usage
	// start is when the first call began, end when the vote was settled; both are zero without a call.
	start, end time.Time
}

func (v *vote) valid() bool { return v.failure == nil && v.refusal == nil && !v.cancelled }

// class is the class of what went wrong.
func (v *vote) class() string {
	switch {
	case v.failure != nil:
		return v.failure.class
	case v.refusal != nil:
		return v.refusal.Reason
	case v.cancelled:
		return errorTypeCancelled
	default:
		return ""
	}
}

// asking is one member being asked for its vote.
type asking struct {
	*judgement
	*member
	vote vote
	// idle is the time since the first call in which none could begin.
	idle time.Duration
}

// ask gets the vote of one member. A panic becomes a failure.
func (r *judgement) ask(ctx context.Context, m *member) (cast vote) {
	a := asking{judgement: r, member: m, vote: vote{model: m.model}}
	defer func() {
		if cause := recover(); cause != nil {
			r.judge.logPanic(cause)
			a.vote.failure = internalFailure()
			cast = a.vote
		}
		if cast.attempts > 0 {
			cast.end = r.judge.clock.Now()
		}
	}()
	a.run(ctx)
	return a.vote
}

// run calls the model until there is an answer or no sense in going on. An answer that does not fit is not asked for
// again: the same question gets the same answer, and would be paid twice.
func (a *asking) run(ctx context.Context) {
	retry := a.judge.retry
	waits := backoff.ExponentialBackOff{
		InitialInterval: retry.InitialInterval, RandomizationFactor: retry.RandomizationFactor,
		Multiplier: retry.Multiplier, MaxInterval: retry.MaxInterval,
	}
	waits.Reset()
	tried := a.model.learned.features()
	own := a.learned.features().format
	schemaOnly := own > tried.format // the fallback is about this judge's schema
	tried.format = max(tried.format, own)
	for {
		got, fail, called := a.call(ctx, tried)
		if got.accepted {
			a.learn(tried, schemaOnly)
		}
		switch {
		case a.vote.refusal != nil:
			return
		case called && fail == nil:
			a.read(got.text)
			return
		case ctx.Err() != nil:
			a.vote.cancelled = true
			return
		case !called:
			a.vote.failure = fail
			return
		}
		if next, ok := tried.without(fail.refused, a.formats); ok {
			schemaOnly = schemaOnly || fail.refused == refusalThisSchema
			tried = next
			continue
		}
		switch wait := max(waits.NextBackOff(), fail.retryAfter); {
		case !fail.retry, !retry.Enabled:
			a.fail(ctx, fail)
			return
		case a.model.Paused(): // then the next call waits for its server, not for its turn here
		case !a.wait(ctx, wait):
			a.fail(ctx, fail)
			return
		}
	}
}

// call makes one call, if it may; called is false, with a failure or a refusal, if not.
func (a *asking) call(ctx context.Context, tried features) (got reply, fail *failure, called bool) {
	clock, began := a.judge.clock, a.judge.clock.Now()
	pass, leave, fail := a.model.enter(ctx, waiting{clock: clock, until: a.until, enough: a.enough})
	if fail != nil {
		return reply{}, fail, false
	}
	said, class := outcomeNone, ""
	defer func() { // also where something panics: a permit for the one that tries must not be lost
		leave()
		a.model.breaker.report(pass, said, class, clock.Now())
	}()
	need := a.need(a.model)
	settlement, refusal := a.judge.budget.Reserve(ctx, need)
	if refusal != nil {
		if ctx.Err() == nil { // else it may be for want of time to ask
			a.vote.refusal = refusal
		}
		return reply{}, nil, false
	}
	now := clock.Now()
	if a.vote.attempts++; a.vote.attempts == 1 {
		a.vote.start = now
	} else {
		a.idle += now.Sub(began)
	}
	got, fail = a.model.call(ctx, a.request, tried, now)
	a.vote.usage.add(got.usage)
	a.model.settle(ctx, settlement, need, got.usage, fail)
	if said = fail.outcome(); ctx.Err() != nil && fail != nil {
		said = outcomeNone // it was broken off
	}
	if fail != nil {
		class = fail.class
	}
	return got, fail, true
}

// wait waits before a retry; it is false where none may follow. max_elapsed_time bounds when a call may still begin,
// not counting the time in which the model takes none.
func (a *asking) wait(ctx context.Context, d time.Duration) bool {
	clock := a.judge.clock
	if limit := a.judge.retry.MaxElapsedTime; limit > 0 && clock.Now().Sub(a.vote.start)-a.idle+d > limit {
		return false
	}
	return clock.Wait(ctx, d) == nil
}

// fail ends the vote with the failure of its last call.
func (a *asking) fail(ctx context.Context, fail *failure) {
	if ctx.Err() != nil {
		a.vote.cancelled = true
		return
	}
	if fail.class == ErrorTypeRateLimited {
		a.model.breaker.exhausted(fail.class, a.judge.clock.Now())
	}
	a.vote.failure = fail
}

// learn remembers what the server took, of this judge alone where only its schema was the matter.
func (a *asking) learn(taken features, schemaOnly bool) {
	if schemaOnly {
		a.learned.atLeast(features{format: taken.format})
		taken.format = formatSchema
	}
	a.model.learn(taken)
}

// read takes the model's text for the vote.
func (a *asking) read(text string) {
	var err error
	if a.vote.answer, err = parseAnswer(text, a.judge.output); err != nil {
		a.vote.failure = &failure{class: ErrorTypeInvalidAnswer, message: err.Error()}
	}
}

func internalFailure() *failure {
	return &failure{class: ErrorTypeInternal, message: "the judge failed internally; the collector's log has the stack"}
}

// logPanic says where the judge panicked. The cause itself may quote content, its type and the stack do not.
func (j *Judge) logPanic(cause any) {
	j.logger.Error("A judge panicked", zap.String("judge", j.name), zap.String("cause_type", fmt.Sprintf("%T", cause)), zap.ByteString("stack", debug.Stack()))
}
