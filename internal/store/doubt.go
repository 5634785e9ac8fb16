package store

import (
	"context"
	"fmt"
	"time"
)

// Doubt is what is to be thought of rows that are missing in a backend.
type Doubt struct {
	// Missing rows were found, and Seen ones that are there. Without missing ones Doubt only asks.
	Missing, Seen int
	// Most and Share are how many rows, and which share of them, may be missing within Window.
	Most   int
	Share  float64
	Window time.Duration
	// Hold is for how long nothing is believed after that.
	Hold time.Duration

	// prevent unkeyed literal initialization
	_ struct{}
}

// Doubt counts missing rows over all replicas, and says whether so many are missing that none is believed. tripped is
// set for the one call that the doubt begins with.
func (s *Store) Doubt(ctx context.Context, backend string, d Doubt) (doubted, tripped bool, err error) {
	c := &call{script: doubtScript, keys: []string{s.cfg.KeyPrefix + ":doubt:" + backend}, args: []any{
		d.Missing, d.Seen, d.Most, d.Share, d.Window.Milliseconds(), d.Hold.Milliseconds(),
	}}
	if err := s.run(ctx, false, c); err != nil {
		return false, false, fmt.Errorf("redis: %w", err)
	}
	reply, _ := c.reply.([]any)
	if len(reply) != 2 {
		return false, false, fmt.Errorf("redis: the doubt script answered %T", c.reply)
	}
	return reply[0] == int64(1), reply[1] == int64(1), nil
}
