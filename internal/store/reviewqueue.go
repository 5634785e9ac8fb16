package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// ReviewPending says that traces stand in a review queue: they count as changed now, so that what people answer directly
// in the backend is found for as long as they do, and they are kept.
func (s *Store) ReviewPending(ctx context.Context, backend string, traceIDs []string) error {
	calls := newReviewCalls(s, backend)
	for _, id := range traceIDs {
		if validHex(id, 32) {
			calls.add(id, "t", 0, nil)
		}
	}
	_, _, err := calls.run(ctx, s)
	return err
}

// ReviewQueues returns the queues that traces were put into, by MLflow's id, with the time of the last look at each, and
// Redis' time now.
func (s *Store) ReviewQueues(ctx context.Context, backend string) (seen map[string]time.Time, now time.Time, err error) {
	pipe := s.client.Pipeline()
	clock := pipe.Time(ctx)
	kept := pipe.HGetAll(ctx, s.reviewKey(backend, "queues"))
	if err := s.exec(ctx, pipe); err != nil {
		return nil, time.Time{}, fmt.Errorf("redis: %w", err)
	}
	seen = make(map[string]time.Time, len(kept.Val()))
	for id, text := range kept.Val() {
		millis, _ := strconv.ParseInt(text, 10, 64)
		seen[id] = time.UnixMilli(millis).UTC()
	}
	return seen, clock.Val().UTC(), nil
}

// AddReviewQueue adds a queue to those that are looked at, as seen at the given time unless it is among them.
func (s *Store) AddReviewQueue(ctx context.Context, backend, queueID string, at time.Time) error {
	return s.changeQueues(ctx, backend, func(pipe redis.Pipeliner, key string) {
		pipe.HSetNX(ctx, key, queueID, at.UnixMilli())
	})
}

// ReviewQueueSeen notes the time of a look at a queue.
func (s *Store) ReviewQueueSeen(ctx context.Context, backend, queueID string, at time.Time) error {
	return s.changeQueues(ctx, backend, func(pipe redis.Pipeliner, key string) {
		pipe.HSet(ctx, key, queueID, at.UnixMilli())
	})
}

// ForgetReviewQueue removes a queue that exists no longer.
func (s *Store) ForgetReviewQueue(ctx context.Context, backend, queueID string) error {
	return s.changeQueues(ctx, backend, func(pipe redis.Pipeliner, key string) { pipe.HDel(ctx, key, queueID) })
}

func (s *Store) changeQueues(ctx context.Context, backend string, change func(redis.Pipeliner, string)) error {
	key := s.reviewKey(backend, "queues")
	pipe := s.client.Pipeline()
	change(pipe, key)
	pipe.Expire(ctx, key, s.set.Retention)
	if err := s.exec(ctx, pipe); err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	return nil
}
