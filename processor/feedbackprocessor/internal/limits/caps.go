package limits

import "math"

// The keys of the limits, as errors and verdicts name them.
const (
	keyCalls  = "calls_per_minute"
	keyTokens = "tokens_per_day"
	keyUSD    = "usd_per_day"
)

// hoursOfDay is how many hours of a day can use up its limit, when it is paced.
const hoursOfDay = 12

// caps are the most that a scope's calls may take: all of them, and the triggered ones.
type caps struct {
	calls     [strata]int64
	day, hour tally
}

// terms are what turns limits into caps, beside the limits themselves.
type terms struct {
	// keep is the share that is kept for the random stratum.
	keep float64
	// burst is without pace.
	burst bool
	// shares is how many have an equal share of each limit.
	shares int64
}

func newCaps(limits Config, t terms) caps {
	day := amount{tokens: share(limits.TokensPerDay, t.shares), nano: noLimit}
	if limits.USDPerDay > 0 {
		day.nano = int64(math.Round(limits.USDPerDay*1e9)) / t.shares
	}
	hour := amount{tokens: noLimit, nano: noLimit}
	if !t.burst {
		hour = amount{tokens: part(day.tokens, hoursOfDay), nano: part(day.nano, hoursOfDay)}
	}
	calls := share(limits.CallsPerMinute, t.shares)
	rest := func(a amount) amount { return amount{t.rest(a.tokens), t.rest(a.nano)} }
	return caps{
		calls: [strata]int64{calls, t.rest(calls)},
		day:   tally{day, rest(day)},
		hour:  tally{hour, rest(hour)},
	}
}

// share is one of n shares of a configured limit, of which 0 is none.
func share(limit, n int64) int64 {
	if limit == 0 {
		return noLimit
	}
	return limit / n
}

func part(limit, n int64) int64 {
	if limit == noLimit {
		return noLimit
	}
	return limit / n
}

// rest is what is not kept of a limit.
func (t terms) rest(limit int64) int64 {
	if limit == noLimit {
		return noLimit
	}
	// A product that is a whole number but for the noise of floating point must not lose one.
	return limit - int64(math.Ceil(float64(limit)*t.keep-1e-6))
}

// paced says whether an hour's end brings something that the day has left.
func (c *caps) paced() bool { return c.hour[random] != amount{noLimit, noLimit} }
