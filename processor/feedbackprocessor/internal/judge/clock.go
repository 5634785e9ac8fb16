package judge

import (
	"context"
	"time"
)

// Clock is the time that a judge goes by.
type Clock interface {
	// Now is the current time.
	Now() time.Time
	// Wait returns after d, or with the error of ctx as soon as that ends.
	Wait(ctx context.Context, d time.Duration) error
}

type wallClock struct{}

var _ Clock = wallClock{}

// Now implements Clock.
func (wallClock) Now() time.Time { return time.Now() }

// Wait implements Clock.
func (wallClock) Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
