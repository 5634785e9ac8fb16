package judge

import (
	"context"
	"sync"
	"time"
)

// pace keeps the calls of one model to its `max_concurrency` and its `requests_per_minute`.
type pace struct {
	// places is nil where any number of calls may be under way.
	places chan struct{}
	// interval is the time from one call to the next; 0 where calls may follow at once.
	interval time.Duration

	mu   sync.Mutex
	next time.Time
}

func newPace(concurrency, perMinute int) *pace {
	p := &pace{}
	if concurrency > 0 {
		p.places = make(chan struct{}, concurrency)
	}
	if perMinute > 0 {
		p.interval = time.Minute / time.Duration(perMinute)
	}
	return p
}

// enter waits for a place, and then for the call's turn, so that calls stay apart even when places become free at once.
// leave gives the place back; it is nil with an error, which is that of ctx.
func (p *pace) enter(ctx context.Context, clock Clock) (leave func(), err error) {
	leave = func() {}
	if p.places != nil {
		select {
		case p.places <- struct{}{}:
			leave = func() { <-p.places }
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if wait := p.turn(clock.Now()); wait > 0 {
		if err := clock.Wait(ctx, wait); err != nil {
			leave()
			return nil, err
		}
	}
	return leave, nil
}

// turn takes the next turn and returns how long it is until then.
func (p *pace) turn(now time.Time) time.Duration {
	if p.interval == 0 {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.next
	if at.Before(now) {
		at = now
	}
	p.next = at.Add(p.interval)
	return at.Sub(now)
}
