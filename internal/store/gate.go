package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// gate is the key of what all replicas know of a backend's health.
func (s *Store) gate(backend string) []string {
	return []string{s.cfg.KeyPrefix + ":gate:" + backend}
}

// Admit asks for n calls to a backend. While the backend is paused, or all calls that it may have are under way, none
// is granted, and wait says when to ask again. After a pause exactly one, the probe, is granted until a success is
// reported; each success then doubles what is granted, up to maxInFlight over all replicas. Calls that are not
// released count for ttl; a token's later admission renews it.
func (s *Store) Admit(ctx context.Context, backend, token string, n, maxInFlight int, ttl time.Duration) (
	granted int, wait time.Duration, err error,
) {
	c := &call{script: admitScript, keys: s.gate(backend), args: []any{token, n, maxInFlight, ttl.Milliseconds()}}
	if err := s.run(ctx, false, c); err != nil {
		return 0, 0, fmt.Errorf("redis: %w", err)
	}
	reply, _ := c.reply.([]any)
	if len(reply) != 2 {
		return 0, 0, fmt.Errorf("redis: the admit script answered %T", c.reply)
	}
	count, _ := reply[0].(int64)
	millis, _ := reply[1].(int64)
	if wait = time.Duration(millis) * time.Millisecond; wait > 0 {
		wait += rand.N(wait/8 + 1) //nolint:gosec // jitter, so that replicas do not ask all at once
	}
	return int(count), wait, nil
}

// Release gives n calls back; ok says that they reached the backend.
func (s *Store) Release(ctx context.Context, backend, token string, n int, ok bool) error {
	reached := "0"
	if ok {
		reached = "1"
	}
	c := &call{script: releaseScript, keys: s.gate(backend), args: []any{token, n, reached}}
	if err := s.run(ctx, false, c); err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	return nil
}

// Pause stops a backend for all replicas. Of two pauses the one that ends later stands; whoever asks to be admitted cuts
// one that has more than an hour to go.
func (s *Store) Pause(ctx context.Context, backend string, d time.Duration) error {
	c := &call{script: pauseScript, keys: s.gate(backend), args: []any{max(0, d.Milliseconds())}}
	if err := s.run(ctx, false, c); err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	return nil
}
