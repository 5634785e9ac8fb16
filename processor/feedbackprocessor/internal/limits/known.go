package limits

import (
	"sync/atomic"
	"time"
)

// refresh is for how long refusals rest on one answer: then one subject may go and get another. What other replicas
// settle, or what is released, this one would not learn otherwise.
const refresh = time.Second

// known is what the last answer told of a scope. Times are ticks.
type known struct {
	at    int64
	full  [strata]int64
	left  [strata]amount
	until int64
}

// scope is one of up to three within whose limits a rule's calls are.
type scope struct {
	kind Scope
	// key is its name in Redis.
	key string
	// index is its place among all scopes.
	index int
	caps  caps

	known  atomic.Pointer[known]
	looked atomic.Int64
}

func (s *scope) learn(at int64, told *standing) {
	k := &known{at: at, left: told.left, until: at + int64(told.ends)}
	for st, full := range told.full {
		k.full[st] = at + int64(full)
	}
	s.known.Store(k)
}

// forgive notes that a call cost less than it took, or was none. It may think too well of the triggered stratum; then
// the next reservation is refused, and tells better.
func (s *scope) forgive(less amount, sent bool) {
	for {
		old := s.known.Load()
		if old == nil {
			return
		}
		k := *old
		for st := range k.left {
			k.left[st] = k.left[st].plus(less)
		}
		if !sent {
			k.full = [strata]int64{}
		}
		if s.known.CompareAndSwap(old, &k) {
			return
		}
	}
}

// refuses says by which key the scope has no room, as far as is known, and until when.
func (s *scope) refuses(st stratum, need amount, now int64) (key string, until int64) {
	k := s.known.Load()
	if k == nil {
		return "", 0
	}
	if now < k.until {
		key, until = k.left[st].short(need), k.until
	}
	if key == "" && now < k.full[st] {
		key, until = keyCalls, k.full[st]
	}
	if key == "" {
		return "", 0
	}
	looked := s.looked.Load()
	if now-max(k.at, looked) >= int64(refresh) && s.looked.CompareAndSwap(looked, now) {
		return "", 0
	}
	return key, until
}
