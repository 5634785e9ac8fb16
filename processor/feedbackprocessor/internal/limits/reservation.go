package limits

import (
	"context"
	"sync/atomic"
	"time"
)

// Outcome is what became of a call that wants to be made. As a string it is a decision's reason.
type Outcome string

// The outcomes.
const (
	// Admitted calls may be made.
	Admitted Outcome = "admitted"
	// Throttled calls would be too many within a minute.
	Throttled Outcome = "throttled"
	// OverBudget calls do not fit into what is left of the tokens or dollars.
	OverBudget Outcome = "over_budget"
	// Unavailable is that nobody can say, because Redis does not answer.
	Unavailable Outcome = "unavailable"
)

// Scope is whose limit it is.
type Scope string

// The scopes.
const (
	ScopeRule  Scope = "rule"
	ScopeJudge Scope = "judge"
	ScopeAll   Scope = "all"
)

// Verdict says whether a call may be made, and if not, why.
type Verdict struct {
	Outcome Outcome
	// Scope and Limit are the limit that refused, Limit by its key, such as tokens_per_day; empty unless Throttled or
	// OverBudget.
	Scope Scope
	Limit string
	// Wait is how long it will surely be refused, if nothing that was reserved is given back.
	Wait time.Duration
	// Err is why it is Unavailable.
	Err error
}

var admitted = Verdict{Outcome: Admitted}

func refused(scope Scope, key string, wait time.Duration) Verdict {
	v := Verdict{Outcome: OverBudget, Scope: scope, Limit: key, Wait: wait}
	if key == keyCalls {
		v.Outcome = Throttled
	}
	return v
}

// Admit estimates, from what the last reservations and settlements told, whether a call would be reserved. It neither
// takes anything nor waits for anything, and is never Unavailable. Once a second it admits although it knows of a limit
// that is reached, so that a reservation asks anew.
func (r *Rule) Admit(need Need) Verdict {
	if len(r.scopes) == 0 {
		return admitted
	}
	asked, now := newAmount(need.Tokens, need.USD), r.limiter.ticks()
	verdict := admitted
	for _, s := range r.scopes {
		key, until := s.refuses(r.stratum, asked, now)
		if key == "" || key == keyCalls && verdict.Outcome == Throttled {
			continue
		}
		if verdict = refused(s.kind, key, time.Duration(until-now)); verdict.Outcome == OverBudget {
			break
		}
	}
	return verdict
}

// Reserve takes a call with what it may cost in all its scopes, or in none. The reservation is nil unless the verdict is
// Admitted; then it must be settled or released, else it counts as spent. With Redis it takes a second at most.
func (r *Rule) Reserve(ctx context.Context, need Need) (*Reservation, Verdict) {
	reservation := &Reservation{rule: r}
	if len(r.scopes) == 0 {
		return reservation, admitted
	}
	at := r.limiter.ticks()
	told, err := r.limiter.ledger.take(ctx, r, orderOf(newAmount(need.Tokens, need.USD)))
	if err != nil {
		return nil, Verdict{Outcome: Unavailable, Err: err}
	}
	for i, s := range r.scopes {
		s.learn(at, &told.standings[i])
	}
	if told.ticket == nil {
		return nil, refused(r.scopes[told.refusal.scope].kind, told.refusal.key, told.refusal.wait)
	}
	reservation.ticket, reservation.took = told.ticket, newAmount(need.Tokens, need.USD)
	return reservation, admitted
}

// Reservation is one call that may be made.
type Reservation struct {
	rule   *Rule
	ticket *ticket
	took   amount
	done   atomic.Bool
}

// Settle replaces what was reserved by what the call cost. It does so also when ctx has ended, for at most a second.
// After an error, which only Redis causes, the call counts as it was reserved, and Settle may be called again. All
// further calls, and a Release, change nothing.
func (r *Reservation) Settle(ctx context.Context, tokens int64, usd float64) error {
	return r.close(ctx, newAmount(tokens, usd), true)
}

// Release gives back all that was reserved, the call too, which must not have been sent. Otherwise it is like Settle.
func (r *Reservation) Release(ctx context.Context) error {
	return r.close(ctx, amount{}, false)
}

func (r *Reservation) close(ctx context.Context, cost amount, sent bool) error {
	if r.ticket == nil || !r.done.CompareAndSwap(false, true) {
		return nil
	}
	if err := r.rule.limiter.ledger.settle(context.WithoutCancel(ctx), r.rule, r.ticket, cost, sent); err != nil {
		r.done.Store(false)
		return err
	}
	for _, s := range r.rule.scopes {
		s.forgive(r.took.minus(cost), sent)
	}
	return nil
}
