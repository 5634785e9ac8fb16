package limits

import (
	"context"
	"time"
)

// ledger is where reservations are counted.
type ledger interface {
	// take takes an order in all scopes of a rule, or in none. The error says that it could not be counted.
	take(ctx context.Context, r *Rule, o order) (answer, error)
	// settle replaces what a ticket took by what the call cost. One that was not sent took nothing, and was no call.
	settle(ctx context.Context, r *Rule, t *ticket, cost amount, sent bool) error
	close() error
}

// order is what is to be taken.
type order struct {
	calls     int64
	day, hour amount
	// forced orders are of calls that were made: they are counted even above the limits.
	forced bool
}

// orderOf orders one call.
func orderOf(need amount) order { return order{calls: 1, day: need, hour: need} }

// maxScopes is how many scopes a rule has at most.
const maxScopes = 3

// answer is what a ledger says to an order.
type answer struct {
	// ticket is nil if it was refused.
	ticket  *ticket
	refusal refusal
	// standings are by the rule's scopes.
	standings [maxScopes]standing
}

type refusal struct {
	// scope is an index among the rule's.
	scope int
	key   string
	wait  time.Duration
}

// ticket is where a reservation was counted.
type ticket struct {
	stratum stratum
	took    amount
	// second, day and hour are those of the ledger in memory, and day is also that of Redis.
	second, day, hour int64
	// id is that of the record in Redis.
	id string
	// own is where the replica also counted it for itself, and debt where it did so because Redis did not answer.
	own  *ticket
	debt *usage
}

// standing is how a scope stands after an answer.
type standing struct {
	// full is how long there is no room for a call.
	full [strata]time.Duration
	// left is what calls may take until the end of this hour or day.
	left [strata]amount
	ends time.Duration
}

// newStanding leaves out the calls.
func newStanding(b *budget, most *caps, now *moment) standing {
	s := standing{ends: now.restOfDay}
	if most.paced() {
		s.ends = now.restOfHour
	}
	for st := range strata {
		s.left[st] = b.ofDay.left(st, &most.day).least(b.ofHour.left(st, &most.hour))
	}
	return s
}
