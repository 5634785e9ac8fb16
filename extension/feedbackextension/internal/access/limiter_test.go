package access

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestLimiter(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	limiter := NewLimiter(2, 3, func() time.Time { return now })
	for range 3 {
		ok, _ := limiter.Allow("a")
		assert.True(t, ok)
	}
	for range 2 { // a refused call costs nothing
		ok, wait := limiter.Allow("a")
		assert.False(t, ok)
		assert.Equal(t, 500*time.Millisecond, wait)
	}
	ok, _ := limiter.Allow("b")
	assert.True(t, ok, "another caller")
	now = now.Add(500 * time.Millisecond)
	ok, _ = limiter.Allow("a")
	assert.True(t, ok)
	ok, _ = limiter.Allow("a")
	assert.False(t, ok)
	for i := range maxBuckets {
		limiter.Allow(strconv.Itoa(i))
	}
	assert.Equal(t, maxBuckets, limiter.buckets.Len())
}

func TestLimiterConcurrently(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	limiter := NewLimiter(1, 10, func() time.Time { return now })
	var wg sync.WaitGroup
	var mu sync.Mutex
	allowed := 0
	for range 50 {
		wg.Go(func() {
			if ok, _ := limiter.Allow("a"); ok {
				mu.Lock()
				defer mu.Unlock()
				allowed++
			}
		})
	}
	wg.Wait()
	assert.Equal(t, 10, allowed)
}

func TestLimitKey(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, remote, want string }{
		{"carol", "192.0.2.1:1", "user carol"},
		{"", "192.0.2.1:1", "address 192.0.2.1"},
		{"", "[::ffff:192.0.2.1]:2", "address 192.0.2.1"},
		{"", "[2001:db8:1:2:3:4:5:6]:2", "address 2001:db8:1:2::"},
		{"", "@", "address unknown"},
		{"address 192.0.2.1", "", "user address 192.0.2.1"},
	} {
		assert.Equal(t, tt.want, LimitKey(Caller{Name: tt.name}, tt.remote))
	}
}
