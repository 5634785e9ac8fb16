// Package limits bounds what judging may cost: calls a minute, and tokens and US dollars a day, of each sampling rule, of
// each judge and of all judges together. One call is one HTTP request; retries and votes count.
//
// # What holds
//
// A call is reserved before it is made, in all its scopes or in none: one call, the tokens that it may take at most, and
// what they cost. Settling replaces tokens and dollars by the true ones. A reservation that is never settled, because
// the process was killed or Redis did not answer, counts as spent. So no limit is exceeded by more than what is in
// flight: a true cost above what was reserved, or a call that is sent later than it was reserved.
//
//   - Calls are counted in whole seconds, and a window has the 61 of them that 60 s can touch: in no 60 s are more calls
//     reserved than the limit.
//   - A day is a calendar day in `day_zone`, from its first instant to that of the next, so that it has 23 or 25 hours
//     when the clocks change. Unless `burst` is on, each of its hours, counted from its start, may take at most a 12th of
//     the limit.
//   - `reserve_random` is kept of each limit for the random stratum: triggered calls may take at most the rest, random
//     ones all of it. Where a scope has no random rule, nothing is kept.
//
// # Where it is counted
//
// Without `redis` in memory: by one replica for itself, and forgotten when it stops. With it in Redis, for all
// collectors that share server and key prefix, by Redis' own clock, and as durably as Redis keeps it. A replica computes
// where days begin, Redis decides on which of them it is. All keys are in one hash slot and expire:
//
//	{fb:limits}:calls:<scope>    hash: the window of one scope, by seconds; 2 min
//	{fb:limits}:day:<start>      hash, scope -> what it has spent in the day and in its latest hour; a day more
//	{fb:limits}:open:<id>        a reservation that is not settled, so that one is neither made nor settled twice; 1 h
//
// A change of `day_zone` begins a new day. A Redis whose `maxmemory-policy` is not noeviction may forget what was spent.
//
// # While Redis does not answer
//
// It is asked once a second, and nobody else waits for it. With `on_unavailable: local` each replica goes by its own
// counters, which count all that it took, and has 1/replicas of every limit; when Redis answers again, what was taken
// without it is counted there first. Together the replicas are above a limit only if some had more than their share
// before and others use theirs up afterwards: by less than the limit.
package limits
