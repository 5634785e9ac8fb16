package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// Load returns the records of a trace by id, tombstones included; none for an unknown trace. A record of a newer
// version is there as far as this build understands it; one that is not readable is left out.
func (s *Store) Load(ctx context.Context, traceID string) (map[string]Record, error) {
	began := time.Now()
	fields, err := s.client.HGetAll(ctx, s.shards[shardOf(traceID)].trace(traceID)).Result()
	if s.seen(began, err) != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	return decodeTrace(traceID, fields).records, nil
}

// maxLoaded is how many traces are read in one round trip.
const maxLoaded = 500

// LoadAll returns the records of several traces as Load does, by trace id. Traces that Redis lacks are left out.
func (s *Store) LoadAll(ctx context.Context, traceIDs []string) (map[string]map[string]Record, error) {
	loaded := map[string]map[string]Record{}
	for ids := range slices.Chunk(traceIDs, maxLoaded) {
		pipe := s.client.Pipeline()
		commands := make([]*redis.MapStringStringCmd, len(ids))
		for i, id := range ids {
			commands[i] = pipe.HGetAll(ctx, s.shards[shardOf(id)].trace(id))
		}
		if err := s.exec(ctx, pipe); err != nil {
			return nil, fmt.Errorf("redis: %w", err)
		}
		for i, id := range ids {
			if fields := commands[i].Val(); len(fields) > 0 {
				loaded[id] = decodeTrace(id, fields).records
			}
		}
	}
	return loaded, nil
}

// Recent returns the ids of the traces that changed last, newest first, at most limit. A trace that expired may still
// be among them.
func (s *Store) Recent(ctx context.Context, limit int) ([]string, error) {
	newest, err := s.newest(ctx, limit, func(shard *shard) string { return shard.recent })
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(newest))
	for i := range newest {
		ids[i] = newest[i].id
	}
	return ids, nil
}

// scored is a member of a sorted set; the score is in milliseconds of Redis' clock.
type scored struct {
	id    string
	score float64
}

// newest merges the highest members of one sorted set of each shard.
func (s *Store) newest(ctx context.Context, limit int, key func(*shard) string) ([]scored, error) {
	if limit <= 0 {
		return nil, nil
	}
	pipe := s.client.Pipeline()
	var commands [shardCount]*redis.ZSliceCmd
	for i := range s.shards {
		commands[i] = pipe.ZRevRangeWithScores(ctx, key(&s.shards[i]), 0, int64(limit-1))
	}
	if err := s.exec(ctx, pipe); err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	var all []scored
	for _, command := range commands {
		for _, z := range command.Val() {
			if id, ok := z.Member.(string); ok {
				all = append(all, scored{id: id, score: z.Score})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b scored) int {
		switch {
		case a.score > b.score:
			return -1
		case a.score < b.score:
			return 1
		default:
			return 0
		}
	})
	return all[:min(limit, len(all))], nil
}
