package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// maxClaimBytes is after how many bytes of records a shard's claim takes no further trace.
const maxClaimBytes = 8 << 20

// Claim leases up to limit traces that are due and reads them: those that people touched first, then evenly over the
// shards. A claim that is not settled ends with its lease; the trace is then due again.
func (s *Store) Claim(ctx context.Context, backend string, limit int, lease time.Duration) ([]Claim, error) {
	b, err := s.backend(backend)
	if err != nil {
		return nil, err
	}
	quotas, now, err := s.quotas(ctx, b, limit)
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	token := rand.Text()
	expires := time.Now().Add(lease) // before the call, so that it is never later than Redis' idea of it
	var calls []*call
	for i, quota := range quotas {
		if quota == [2]int{} {
			continue
		}
		shard := &s.shards[i]
		calls = append(calls, &call{
			script: claimScript,
			keys:   []string{shard.queues[b].human, shard.queues[b].auto},
			args: []any{
				shard.tag, backend, token, max(1, lease.Milliseconds()), quota[0], quota[1], maxClaimBytes,
			},
		})
	}
	if err := s.run(ctx, false, calls...); err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	var people, claims []Claim
	for _, c := range calls {
		entries, _ := c.reply.([]any)
		for _, entry := range entries {
			claim, human, ok := readClaim(entry)
			if !ok {
				return nil, fmt.Errorf("redis: the claim script answered %T", entry)
			}
			claim.Backend, claim.Token, claim.Expires = backend, token, expires
			claim.Waited = max(0, now.Sub(claim.Since))
			if human {
				people = append(people, claim)
			} else {
				claims = append(claims, claim)
			}
		}
	}
	return append(people, claims...), nil
}

// readClaim reads one entry of the script's reply, and whether it stood in the human queue.
func readClaim(entry any) (claim Claim, human, ok bool) {
	parts, _ := entry.([]any)
	if len(parts) != 5 {
		return Claim{}, false, false
	}
	id, _ := parts[0].(string)
	since, _ := parts[1].(string)
	deferrals, _ := parts[2].(string)
	hash, _ := parts[3].([]any)
	fields := make(map[string]string, len(hash)/2)
	for i := 0; i+1 < len(hash); i += 2 {
		field, _ := hash[i].(string)
		fields[field], _ = hash[i+1].(string)
	}
	millis, err := strconv.ParseInt(since, 10, 64)
	if err != nil {
		return Claim{}, false, false
	}
	attempts, err := strconv.Atoi(deferrals)
	if err != nil {
		return Claim{}, false, false
	}
	t := decodeTrace(id, fields)
	return Claim{
		TraceID: id, Since: time.UnixMilli(millis).UTC(), Attempts: attempts, Revision: t.revision, Records: t.forWorkers(),
	}, parts[4] == "human", true
}

// quotas says how many traces of the human and of the automatic queue each shard is asked for, at Redis' time now.
func (s *Store) quotas(ctx context.Context, backend, limit int) (
	quotas [shardCount][2]int, now time.Time, err error,
) {
	began := time.Now()
	now, err = s.client.Time(ctx).Result()
	if s.seen(began, err) != nil {
		return quotas, now, err
	}
	pipe := s.client.Pipeline()
	var due [shardCount][2]*redis.IntCmd
	until := strconv.FormatInt(now.UnixMilli(), 10)
	for i := range s.shards {
		queues := s.shards[i].queues[backend]
		due[i] = [2]*redis.IntCmd{
			pipe.ZCount(ctx, queues.human, "-inf", until), pipe.ZCount(ctx, queues.auto, "-inf", until),
		}
	}
	if err := s.exec(ctx, pipe); err != nil {
		return quotas, now, err
	}
	first := int(s.turn.Add(1))
	for queue := range 2 {
		for given := true; given && limit > 0; {
			given = false
			for i := 0; i < shardCount && limit > 0; i++ {
				at := (first + i) % shardCount
				if int64(quotas[at][queue]) < due[at][queue].Val() {
					quotas[at][queue]++
					limit--
					given = true
				}
			}
		}
	}
	return quotas, now, nil
}

// backend is the index of a backend of the settings.
func (s *Store) backend(name string) (int, error) {
	b, ok := s.backends[name]
	if !ok {
		return 0, fmt.Errorf("backend %q is not among the store's", name)
	}
	return b, nil
}
