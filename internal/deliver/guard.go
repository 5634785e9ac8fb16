package deliver

import (
	"sync"
	"time"
)

const (
	// massMissing and massMissingShare are how many delivered rows, and which share of them, may be gone in one pass
	// before that looks like a restored backup and not like people's work.
	massMissing      = 20
	massMissingShare = 0.05
	// massMissingHold is how long no missing row is believed after that.
	massMissingHold = 10 * time.Minute
)

// guard keeps a backend that lost its rows from emptying Redis.
type guard struct {
	mu   sync.Mutex
	held time.Time
}

// believes reports whether a pass's missing rows may be taken for withdrawn. tripped is set when this pass is the one
// that ended the belief.
func (g *guard) believes(missing, seen int, now time.Time) (ok, tripped bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	held := now.Before(g.held)
	if missing > massMissing && float64(missing) > massMissingShare*float64(missing+seen) {
		g.held = now.Add(massMissingHold)
		return false, !held
	}
	return !held, false
}
