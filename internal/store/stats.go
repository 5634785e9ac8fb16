package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Stats is where the delivery to one backend stands, over all replicas.
type Stats struct {
	// Backlog is the number of traces that wait, those under way included.
	Backlog int64
	// OldestDue is when the longest due trace became due, by Redis' clock; zero if none is due.
	OldestDue time.Time
	// BacklogAge is for how long it has been due.
	BacklogAge time.Duration
	// Dead is the number of traces that were given up and have not expired since.
	Dead int64
}

// Stats returns the state of a backend's queue.
func (s *Store) Stats(ctx context.Context, backend string) (Stats, error) {
	b, err := s.backend(backend)
	if err != nil {
		return Stats{}, err
	}
	began := time.Now()
	now, err := s.client.Time(ctx).Result()
	if s.seen(began, err) != nil {
		return Stats{}, fmt.Errorf("redis: %w", err)
	}
	alive := strconv.FormatInt(now.Add(-s.set.Retention).UnixMilli(), 10)
	pipe := s.client.Pipeline()
	var waiting, dead []*redis.IntCmd
	var oldest []*redis.ZSliceCmd
	for i := range s.shards {
		queues := s.shards[i].queues[b]
		for _, queue := range []string{queues.human, queues.auto} {
			waiting = append(waiting, pipe.ZCard(ctx, queue))
			oldest = append(oldest, pipe.ZRangeWithScores(ctx, queue, 0, 0))
		}
		dead = append(dead, pipe.ZCount(ctx, queues.dead, alive, "+inf"))
	}
	if err := s.exec(ctx, pipe); err != nil {
		return Stats{}, fmt.Errorf("redis: %w", err)
	}
	var stats Stats
	for i := range waiting {
		stats.Backlog += waiting[i].Val()
		for _, first := range oldest[i].Val() {
			due := time.UnixMilli(int64(first.Score)).UTC()
			if !due.After(now) && (stats.OldestDue.IsZero() || due.Before(stats.OldestDue)) {
				stats.OldestDue, stats.BacklogAge = due, now.Sub(due)
			}
		}
	}
	for _, command := range dead {
		stats.Dead += command.Val()
	}
	return stats, nil
}

// DeadEntry is a trace that was given up.
type DeadEntry struct {
	TraceID string
	// Reason is empty if the trace has expired.
	Reason string
	Time   time.Time
}

// Dead returns the traces that were given up last, newest first, at most limit.
func (s *Store) Dead(ctx context.Context, backend string, limit int) ([]DeadEntry, error) {
	b, err := s.backend(backend)
	if err != nil {
		return nil, err
	}
	newest, err := s.newest(ctx, limit, func(shard *shard) string { return shard.queues[b].dead })
	if err != nil || len(newest) == 0 {
		return nil, err
	}
	pipe := s.client.Pipeline()
	reasons := make([]*redis.StringCmd, len(newest))
	for i, entry := range newest {
		reasons[i] = pipe.HGet(ctx, s.shards[shardOf(entry.id)].trace(entry.id), deadField(backend))
	}
	if err := s.exec(ctx, pipe); err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	entries := make([]DeadEntry, len(newest))
	for i, entry := range newest {
		entries[i] = DeadEntry{
			TraceID: entry.id, Reason: reasons[i].Val(), Time: time.UnixMilli(int64(entry.score)).UTC(),
		}
	}
	return entries, nil
}

// Requeue makes dead traces due again and returns how many of them were dead and have not expired. Their records that
// were dead are pending again.
func (s *Store) Requeue(ctx context.Context, backend string, traceIDs ...string) (int, error) {
	b, err := s.backend(backend)
	if err != nil {
		return 0, err
	}
	byShard := map[int]*call{}
	var calls []*call
	for _, id := range traceIDs {
		at := shardOf(id)
		c := byShard[at]
		shard := &s.shards[at]
		if c == nil || len(c.keys) >= maxCallRecords {
			queues := shard.queues[b]
			c = &call{
				script: requeueScript, keys: []string{queues.human, queues.auto, queues.dead},
				args: []any{backend},
			}
			byShard[at] = c
			calls = append(calls, c)
		}
		c.keys = append(c.keys, shard.trace(id))
	}
	if err := s.run(ctx, true, calls...); err != nil {
		return 0, fmt.Errorf("redis: %w", err)
	}
	back := 0
	for _, c := range calls {
		count, _ := c.reply.(int64)
		back += int(count)
	}
	return back, nil
}
