package access

import (
	"net/netip"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// maxBuckets bounds the callers that a limiter tells apart; the one that was seen longest ago is forgotten first.
const maxBuckets = 10_000

// Limiter bounds how often each caller may do something. It is safe for concurrent use.
type Limiter struct {
	rate  rate.Limit
	burst int
	now   func() time.Time

	mu      sync.Mutex
	buckets *lru.Cache[string, *rate.Limiter]
}

// NewLimiter allows each key burst calls at once, and in the long run perSecond, which must be above 0.
func NewLimiter(perSecond float64, burst int, now func() time.Time) *Limiter {
	buckets, _ := lru.New[string, *rate.Limiter](maxBuckets) // fails for sizes below 1 only
	return &Limiter{rate: rate.Limit(perSecond), burst: max(burst, 1), now: now, buckets: buckets}
}

// Allow takes one call of key's; where there is none left, it says when there will be.
func (l *Limiter) Allow(key string) (ok bool, retryAfter time.Duration) {
	l.mu.Lock()
	bucket, known := l.buckets.Get(key)
	if !known {
		bucket = rate.NewLimiter(l.rate, l.burst)
		l.buckets.Add(key, bucket)
	}
	l.mu.Unlock()
	now := l.now()
	reservation := bucket.ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now)
		return false, wait
	}
	return true, 0
}

// LimitKey tells callers apart: by name, or, unnamed, by the peer's address (http.Request.RemoteAddr). Of IPv6 addresses
// the network counts, because a host has all those in it.
func LimitKey(caller Caller, remote string) string {
	if caller.Name != "" {
		return "user " + caller.Name
	}
	peer, err := netip.ParseAddrPort(remote)
	if err != nil {
		return "address unknown"
	}
	address := peer.Addr().Unmap().WithZone("")
	if address.Is6() {
		network, _ := address.Prefix(64)
		address = network.Addr()
	}
	return "address " + address.String()
}
