package judge

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

// judgement is one judgement under way.
type judgement struct {
	judge   *Judge
	request request
	input   Input
	// until is when it gives up waiting for models that are down.
	until time.Time
	// enough is sent when there is no need to wait for models that are down.
	enough signal
}

// Judge makes one judgement. Whatever goes wrong is in the result; the error is not nil only when ctx ended before
// there was a verdict, and then the judgement did not take place.
func (j *Judge) Judge(ctx context.Context, in Input) (result Result, err error) {
	run := &judgement{judge: j, input: in, until: j.until(&in), enough: newSignal()}
	defer func() {
		if cause := recover(); cause != nil {
			j.logPanic(cause)
			result, err = run.failed(nil, internalFailure().result(j.Model(), 0)), nil
		}
	}()
	run.input = j.Bound(in)
	user, promptErr := j.prompt.userMessage(run.input)
	if promptErr != nil {
		fail := failure{class: ErrorTypeInternal, message: "the prompt cannot be rendered"}
		return run.failed(nil, fail.result(j.Model(), 0)), nil
	}
	run.request = request{system: j.system, user: user, output: j.output}
	return run.conclude(ctx, run.poll(ctx))
}

// need is what one call of a model may use.
func (r *judgement) need(model *Model) Need {
	need := model.need(len(r.request.system) + len(r.request.user))
	need.Judge, need.Rule, need.Stratum = r.judge.name, r.input.Rule, r.input.Stratum
	return need
}

// poll gets the votes of all members, in their order. A panel does not wait for models that are down once enough
// others have voted.
func (r *judgement) poll(ctx context.Context) []vote {
	members := r.judge.members
	if len(members) == 1 {
		return []vote{r.ask(ctx, members[0])}
	}
	var (
		votes = make([]vote, len(members))
		polls sync.WaitGroup
		mu    sync.Mutex
		valid int
	)
	for i, m := range members {
		polls.Go(func() {
			votes[i] = r.ask(ctx, m)
			mu.Lock()
			defer mu.Unlock()
			if votes[i].valid() {
				valid++
			}
			if valid >= r.judge.quorum {
				r.enough.send()
			}
		})
	}
	polls.Wait()
	return votes
}

// conclude makes the result of the votes. Too few valid ones are no judgement where ctx ended, a refusal where the
// budget refused one, else a failure.
func (r *judgement) conclude(ctx context.Context, votes []vote) (Result, error) {
	j := r.judge
	var valid []vote
	var refusal *Refusal
	cancelled := false
	for _, v := range votes {
		if v.valid() {
			valid = append(valid, v)
		}
		if refusal == nil {
			refusal = v.refusal
		}
		cancelled = cancelled || v.cancelled
	}
	switch {
	case len(valid) >= j.quorum:
		return r.answered(ctx, votes, valid), nil
	case cancelled:
		return Result{}, ctx.Err()
	case refusal != nil:
		result := r.result(votes)
		result.Refused = refusal
		return result, nil
	case len(votes) == 1:
		return r.failed(votes, votes[0].failure.result(j.Model(), votes[0].attempts)), nil
	default:
		return r.failed(votes, quorumError(votes, len(valid), j.quorum)), nil
	}
}

// answered makes the result of valid votes.
func (r *judgement) answered(ctx context.Context, votes, valid []vote) Result {
	result := r.result(votes)
	taken := valid[0].answer
	if len(votes) > 1 {
		var agreement float64
		taken, agreement = r.judge.output.aggregate(valid)
		result.setAgreement(agreement)
	}
	result.Value, result.Rationale = taken.value, taken.rationale
	var err error
	if result.Verdict, err = r.judge.pass.verdict(ctx, taken.decoded); err != nil {
		r.judge.passFailure.Do(func() {
			r.judge.logger.Warn("`pass_when` cannot be evaluated, so results have no verdict; logged once", zap.String("judge", r.judge.name))
		})
	}
	return result
}

func (r *judgement) failed(votes []vote, err *assessment.Error) Result {
	result := r.result(votes)
	result.Error = err
	return result
}
