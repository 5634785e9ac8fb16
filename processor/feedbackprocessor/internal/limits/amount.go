package limits

import "math"

// noLimit is a limit that is none: the largest number that a script in Redis counts exactly.
const noLimit = 1<<53 - 1

// maxAmount bounds what one call may claim to cost, so that sums stay exact.
const maxAmount = 1 << 50

// Need is what a call may cost at most.
type Need struct {
	// Tokens are those of the prompt and of the longest answer.
	Tokens int64
	// USD is what they cost, 0 where the model has no price.
	USD float64
}

// amount is tokens, and dollars in billionths, which add up exactly.
type amount struct{ tokens, nano int64 }

func newAmount(tokens int64, usd float64) amount {
	a := amount{tokens: min(max(0, tokens), maxAmount)}
	if usd > 0 { // not if it is no number
		// Rounded up, except from what is only the noise of floating point.
		a.nano = int64(math.Ceil(min(usd*1e9*(1-1e-12), maxAmount)))
	}
	return a
}

func (a amount) plus(b amount) amount { return amount{a.tokens + b.tokens, a.nano + b.nano} }

func (a amount) minus(b amount) amount { return amount{a.tokens - b.tokens, a.nano - b.nano} }

// least is the smaller of each.
func (a amount) least(b amount) amount { return amount{min(a.tokens, b.tokens), min(a.nano, b.nano)} }

func (a amount) atLeastNothing() amount { return amount{max(0, a.tokens), max(0, a.nano)} }

// short says by which key of the configuration a need does not fit into what is left.
func (a amount) short(need amount) (key string) {
	switch {
	case need.tokens > a.tokens:
		return keyTokens
	case need.nano > a.nano:
		return keyUSD
	default:
		return ""
	}
}

// stratum is also an index: what all calls took stands at random, what triggered ones took at triggered.
type stratum int

const (
	random stratum = iota
	triggered
	strata
)

// tally is what calls took: all of them, and of these the triggered ones.
type tally [strata]amount

// add adds a call's amount to all that it belongs to.
func (t *tally) add(st stratum, a amount) {
	for i := range st + 1 {
		t[i] = t[i].plus(a).atLeastNothing()
	}
}

// left is what a stratum may still take.
func (t *tally) left(st stratum, most *tally) amount {
	left := most[random].minus(t[random])
	if st == triggered {
		left = left.least(most[triggered].minus(t[triggered]))
	}
	return left
}
