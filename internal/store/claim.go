package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// maxClaimBytes is after how many bytes of records a claim takes no further trace.
	maxClaimBytes = 32 << 20
	// maxClaimFields is how many fields of traces are read at once.
	maxClaimFields = 2000
)

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
			args:   []any{shard.tag, backend, token, max(1, lease.Milliseconds()), quota[0], quota[1]},
		})
	}
	answered, err := someOf(calls, s.run(ctx, false, calls...))
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	leases, gone, err := readLeases(answered)
	if err != nil {
		return nil, err
	}
	for i := range leases {
		c := &leases[i].Claim
		c.Backend, c.Token, c.Expires = backend, token, expires
		c.Waited = max(0, now.Sub(c.Since))
	}
	s.dequeueGone(ctx, b, gone)
	claims, err := s.readClaims(ctx, b, leases)
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	return claims, nil
}

// leased is a claim whose trace is not read yet.
type leased struct {
	Claim

	// fields is the number of its hash's.
	fields int64
}

// readLeases reads what the claim script replied: the leases, people's first, and the ids of traces that are not there.
func readLeases(calls []*call) (leases []leased, gone []string, err error) {
	var people, rest []leased
	for _, c := range calls {
		reply, _ := c.reply.([]any)
		if len(reply) != 2 {
			return nil, nil, fmt.Errorf("redis: the claim script answered %T", c.reply)
		}
		entries, _ := reply[0].([]any)
		for _, entry := range entries {
			one, human, ok := readLease(entry)
			if !ok {
				return nil, nil, fmt.Errorf("redis: the claim script answered %T", entry)
			}
			if human {
				people = append(people, one)
			} else {
				rest = append(rest, one)
			}
		}
		ids, _ := reply[1].([]any)
		for _, id := range ids {
			text, _ := id.(string)
			gone = append(gone, text)
		}
	}
	return append(people, rest...), gone, nil
}

// readLease reads one entry of the script's reply, and whether it stood in the human queue.
func readLease(entry any) (one leased, human, ok bool) {
	parts, _ := entry.([]any)
	if len(parts) != 5 {
		return leased{}, false, false
	}
	id, _ := parts[0].(string)
	since, _ := parts[1].(string)
	deferrals, _ := parts[2].(string)
	millis, err := strconv.ParseInt(since, 10, 64)
	if err != nil {
		return leased{}, false, false
	}
	attempts, err := strconv.Atoi(deferrals)
	if err != nil {
		return leased{}, false, false
	}
	one.TraceID, one.Since, one.Attempts = id, time.UnixMilli(millis).UTC(), attempts
	one.fields, ok = parts[3].(int64)
	return one, parts[4] == "human", ok
}

// readClaims reads the traces of leases outside of the script, because Redis does nothing else while one reads. Each
// claim is of what was read, whatever changed since the lease; one that ended meanwhile is left out. What there is no
// room for is given back.
func (s *Store) readClaims(ctx context.Context, b int, leases []leased) ([]Claim, error) {
	claims := make([]Claim, 0, len(leases))
	bytes := 0
	for len(leases) > 0 && bytes < maxClaimBytes {
		n, fields := 1, leases[0].fields
		for n < len(leases) && fields+leases[n].fields <= maxClaimFields {
			fields += leases[n].fields
			n++
		}
		pipe := s.client.Pipeline()
		hashes := make([]*redis.MapStringStringCmd, n)
		for i := range hashes {
			id := leases[i].TraceID
			hashes[i] = pipe.HGetAll(ctx, s.shards[shardOf(id)].trace(id))
		}
		if err := s.exec(ctx, pipe); err != nil {
			if len(claims) > 0 {
				break
			}
			return nil, err
		}
		for i, hash := range hashes {
			claim := leases[i].Claim
			if !strings.HasPrefix(hash.Val()[syncField(claim.Backend)], claim.Token+" ") {
				continue
			}
			for field, text := range hash.Val() {
				bytes += len(field) + len(text)
			}
			t := decodeTrace(claim.TraceID, hash.Val())
			claim.Revision, claim.Records = t.revision, t.forWorkers()
			claims = append(claims, claim)
		}
		leases = leases[n:]
	}
	s.giveBack(ctx, b, leases)
	return claims, nil
}

// giveBack ends claims as if they had not been made. One that it cannot end ends with its lease.
func (s *Store) giveBack(ctx context.Context, b int, leases []leased) {
	calls := make([]*call, len(leases))
	for i := range leases {
		claim := &leases[i].Claim
		shard := &s.shards[shardOf(claim.TraceID)]
		calls[i] = &call{
			script: giveBackScript, keys: []string{shard.trace(claim.TraceID), shard.queues[b].human, shard.queues[b].auto},
			args: []any{claim.Backend, claim.Token},
		}
	}
	_ = s.run(ctx, false, calls...)
}

// dequeueGone takes traces out of the queues that expired. What it cannot take out the next claim meets again.
func (s *Store) dequeueGone(ctx context.Context, b int, traceIDs []string) {
	var byShard [shardCount]*call
	var calls []*call
	for _, id := range traceIDs {
		at := shardOf(id)
		shard := &s.shards[at]
		if byShard[at] == nil {
			byShard[at] = &call{script: goneScript, keys: []string{shard.queues[b].human, shard.queues[b].auto}}
			calls = append(calls, byShard[at])
		}
		byShard[at].keys = append(byShard[at].keys, shard.trace(id))
	}
	_ = s.run(ctx, false, calls...)
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
