package store

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// walkClock is the time in milliseconds that no later change is before: of a cluster, that of the node whose clock is
// the last.
func (s *Store) walkClock(ctx context.Context) (millis int64, err error) {
	began := time.Now()
	var now time.Time
	if cluster, ok := s.client.(*redis.ClusterClient); ok {
		var mu sync.Mutex
		err = cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
			t, err := node.Time(ctx).Result()
			mu.Lock()
			defer mu.Unlock()
			if now.IsZero() || t.Before(now) {
				now = t
			}
			return err
		})
	} else {
		now, err = s.client.Time(ctx).Result()
	}
	return now.UnixMilli(), s.seen(began, err)
}

// walkMoved is the second part. It adds to the visits up to the limit, and leaves out whom they have.
func (s *Store) walkMoved(ctx context.Context, from Place, since time.Time, limit int, visits []Visit) ([]Visit, error) {
	span := &redis.ZRangeBy{Min: strconv.FormatInt(max(from.began, since.UnixMilli()), 10), Max: "+inf"}
	at, after := 0, ""
	if from.moved {
		at, after = shardOf(from.at.id), from.at.id
	}
	counts, err := s.countMoved(ctx, span)
	if err != nil {
		return nil, err
	}
	met := make(map[string]struct{}, len(visits))
	before := from
	for i := range visits {
		met[visits[i].TraceID] = struct{}{}
		before = visits[i].Place
	}
	for at < shardCount && len(visits) < limit {
		end := at
		for n := len(visits); end < shardCount && n < limit; end++ {
			n += counts[end]
		}
		found, err := s.readMoved(ctx, at, end, span)
		if err != nil {
			return nil, err
		}
		for _, trace := range found {
			_, twice := met[trace.id]
			if twice || shardOf(trace.id) == shardOf(after) && trace.id <= after {
				continue
			}
			behind := Place{at: place{id: trace.id}, began: from.began, moved: true}
			changed := time.UnixMilli(int64(trace.score)).UTC()
			visits = append(visits, Visit{TraceID: trace.id, Changed: changed, Before: before, Place: behind})
			before = behind
		}
		at = end
	}
	return visits[:min(limit, len(visits))], nil
}

// countMoved counts the traces of the span by shard.
func (s *Store) countMoved(ctx context.Context, span *redis.ZRangeBy) (counts [shardCount]int, err error) {
	pipe := s.client.Pipeline()
	var commands [shardCount]*redis.IntCmd
	for i := range s.shards {
		commands[i] = pipe.ZCount(ctx, s.shards[i].recent, span.Min, span.Max)
	}
	if err = s.exec(ctx, pipe); err != nil {
		return counts, err
	}
	for i, command := range commands {
		counts[i] = int(command.Val())
	}
	return counts, nil
}

// readMoved returns the traces of the span in some shards, in the order of shards and ids.
func (s *Store) readMoved(ctx context.Context, first, end int, span *redis.ZRangeBy) (all []scored, err error) {
	pipe := s.client.Pipeline()
	commands := make([]*redis.ZSliceCmd, end-first)
	for i := range commands {
		commands[i] = pipe.ZRangeByScoreWithScores(ctx, s.shards[first+i].recent, span)
	}
	if err := s.exec(ctx, pipe); err != nil {
		return nil, err
	}
	for _, command := range commands {
		from := len(all)
		for _, z := range command.Val() {
			id, _ := z.Member.(string)
			all = append(all, scored{id: id, score: z.Score})
		}
		slices.SortFunc(all[from:], func(a, b scored) int { return cmp.Compare(a.id, b.id) })
	}
	return all, nil
}
