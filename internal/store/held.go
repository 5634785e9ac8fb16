package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// maxHeldPerValue keeps one value from taking the room of all.
	maxHeldPerValue = 100
	// maxDeadHeld is how many given-up ones are kept for operators.
	maxDeadHeld = 1024
	// maxSweepBytes is after how many bytes of feedback a shard's sweep takes no more.
	maxSweepBytes = 8 << 20
)

// ErrHeldID says that held feedback has an id that cannot name a record.
var ErrHeldID = errors.New("the assessment's id is empty, too long or reserved")

// Held is feedback about a span that has not been seen.
type Held struct {
	// ID is that of the assessment to be. It is fixed here, so that whoever makes the assessment twice makes one.
	ID string
	// Content is the caller's; the store does not look into it.
	Content []byte
}

// Hold keeps feedback until a span with the value passes, at most for wait, or returns the spans that have it already,
// newest first: no span is missed between the two. Holding an id again changes nothing. ErrTooManyPending says that as
// much waits as may: Settings.MaxPending, about evenly over the shards, and 100 of one value.
func (s *Store) Hold(ctx context.Context, of Digest, held Held, wait time.Duration) ([]Match, error) {
	if !validID(held.ID) {
		return nil, ErrHeldID
	}
	shard := &s.shards[of.shard()]
	c := &call{
		script: holdScript, keys: []string{shard.held(), shard.matches(of), shard.feedback(of)},
		args: []any{
			of.String(), held.ID, held.Content, max(1, wait.Milliseconds()), perShard(s.set.MaxPending),
			maxHeldPerValue, s.set.Retention.Milliseconds(),
		},
	}
	if err := s.run(ctx, true, c); err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	if c.reply == "full" {
		return nil, ErrTooManyPending
	}
	text, ok := c.reply.(string)
	if !ok {
		return nil, fmt.Errorf("redis: the hold script answered %T", c.reply)
	}
	return readMatches(text), nil
}

// Waiting is held feedback that a sweep found.
type Waiting struct {
	Held

	Digest Digest
	// Matches are the spans that it waited for, newest first; none of what was given up.
	Matches []Match
}

// Sweep is what a sweep over held feedback found.
type Sweep struct {
	// Ready is feedback whose span has come, leased to the caller, who makes an assessment of each and drops it.
	Ready []Waiting
	// Dead is feedback that was given up because it waited too long. It is removed already.
	Dead []Waiting
}

// SweepHeld finds at most about limit values whose spans have come, and leases what waits for them: other sweeps pass
// it by until the lease ends. What waited too long is given up.
func (s *Store) SweepHeld(ctx context.Context, limit int, lease time.Duration) (Sweep, error) {
	due, err := s.heldDue(ctx)
	if err != nil {
		return Sweep{}, fmt.Errorf("redis: %w", err)
	}
	var calls []*call
	for _, at := range due {
		if len(calls) == limit {
			break
		}
		calls = append(calls, &call{
			script: sweepScript, keys: s.shards[at].heldLists(),
			args: []any{
				max(1, limit/len(due)), max(1, lease.Milliseconds()), maxSweepBytes,
				perShard(maxDeadHeld), s.set.Retention.Milliseconds(),
			},
		})
	}
	answered, err := someOf(calls, s.run(ctx, true, calls...))
	if err != nil {
		return Sweep{}, fmt.Errorf("redis: %w", err)
	}
	var sweep Sweep
	var gone []string
	for _, c := range answered {
		reply, _ := c.reply.([]any)
		if len(reply) != 3 {
			return Sweep{}, fmt.Errorf("redis: the sweep script answered %T", c.reply)
		}
		members, _ := reply[2].([]any)
		for _, member := range members {
			text, _ := member.(string)
			gone = append(gone, text)
		}
		for i, list := range []*[]Waiting{&sweep.Ready, &sweep.Dead} {
			entries, _ := reply[i].([]any)
			for _, entry := range entries {
				found, ok := readWaiting(entry)
				if !ok {
					return Sweep{}, fmt.Errorf("redis: the sweep script answered %T", entry)
				}
				*list = append(*list, found...)
			}
		}
	}
	s.unlistGone(ctx, gone)
	return sweep, nil
}

// unlistGone takes members out of the lists of held feedback of which nothing is there any longer. What it cannot take
// out the next sweep meets again.
func (s *Store) unlistGone(ctx context.Context, members []string) {
	var byShard [shardCount]*call
	var calls []*call
	for _, member := range members {
		of, ok := parseDigest(member[:min(len(member), 2*len(Digest{}))])
		if !ok {
			continue
		}
		at := of.shard()
		shard := &s.shards[at]
		if byShard[at] == nil {
			byShard[at] = &call{script: heldGoneScript, keys: shard.heldLists()[:2]}
			calls = append(calls, byShard[at])
		}
		byShard[at].keys = append(byShard[at].keys, shard.matches(of), shard.feedback(of))
		byShard[at].args = append(byShard[at].args, member)
	}
	_ = s.run(ctx, false, calls...)
}

// heldDue are the shards in which a sweep finds something, beginning at another one each time.
func (s *Store) heldDue(ctx context.Context) ([]int, error) {
	began := time.Now()
	now, err := s.client.Time(ctx).Result()
	if s.seen(began, err) != nil {
		return nil, err
	}
	pipe := s.client.Pipeline()
	var first [shardCount][2]*redis.ZSliceCmd
	for i := range s.shards {
		held := s.shards[i].held()
		first[i] = [2]*redis.ZSliceCmd{
			pipe.ZRangeWithScores(ctx, s.shards[i].ready(), 0, 0), pipe.ZRangeWithScores(ctx, held, 0, 0),
		}
	}
	if err := s.exec(ctx, pipe); err != nil {
		return nil, err
	}
	var due []int
	start := int(s.turn.Add(1))
	for i := range shardCount {
		at := (start + i) % shardCount
		for _, command := range first[at] {
			if z := command.Val(); len(z) > 0 && int64(z[0].Score) <= now.UnixMilli() {
				due = append(due, at)
				break
			}
		}
	}
	return due, nil
}

// readWaiting reads what the sweep script replies of one value.
func readWaiting(reply any) ([]Waiting, bool) {
	parts, _ := reply.([]any)
	if len(parts) != 3 {
		return nil, false
	}
	text, _ := parts[0].(string)
	digest, ok := parseDigest(text)
	if !ok {
		return nil, false
	}
	found, ok := parts[1].(string)
	contents, _ := parts[2].([]any)
	if !ok || len(contents)%2 != 0 {
		return nil, false
	}
	matches := readMatches(found)
	var waiting []Waiting
	for i := 0; i < len(contents); i += 2 {
		id, _ := contents[i].(string)
		content, _ := contents[i+1].(string)
		waiting = append(waiting, Waiting{Held: Held{ID: id, Content: []byte(content)}, Digest: digest, Matches: matches})
	}
	return waiting, true
}

// DropHeld takes away what a sweep leased: without a reason because it is an assessment now, else it is kept among the
// dead. It reports whether it was still there, so that of two that drop it one counts it.
func (s *Store) DropHeld(ctx context.Context, w *Waiting, reason string) (bool, error) {
	if strings.ContainsRune(reason, ' ') {
		return false, fmt.Errorf("reason %q is not one word", reason)
	}
	shard := &s.shards[w.Digest.shard()]
	c := &call{
		script: dropScript, keys: append(shard.heldLists(), shard.feedback(w.Digest)),
		args: []any{w.Digest.String(), w.ID, reason, perShard(maxDeadHeld), s.set.Retention.Milliseconds()},
	}
	if err := s.run(ctx, true, c); err != nil {
		return false, fmt.Errorf("redis: %w", err)
	}
	return c.reply == int64(1), nil
}

// DeadHeld is feedback that was given up.
type DeadHeld struct {
	Held

	Time   time.Time
	Reason string
}

// DeadHeld returns the feedback that was given up last, at most limit; some hundreds are kept.
func (s *Store) DeadHeld(ctx context.Context, limit int) ([]DeadHeld, error) {
	if limit <= 0 {
		return nil, nil
	}
	pipe := s.client.Pipeline()
	var lists [shardCount]*redis.StringSliceCmd
	for i := range s.shards {
		lists[i] = pipe.LRange(ctx, s.shards[i].held()+":dead", 0, int64(limit-1))
	}
	if err := s.exec(ctx, pipe); err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	var dead []DeadHeld
	for _, list := range lists {
		for _, text := range list.Val() {
			if one, ok := parseDeadHeld(text); ok {
				dead = append(dead, one)
			}
		}
	}
	slices.SortStableFunc(dead, func(a, b DeadHeld) int { return b.Time.Compare(a.Time) })
	return dead[:min(limit, len(dead))], nil
}

// parseDeadHeld reads time, reason, digest, length of the id, and id and content in one.
func parseDeadHeld(text string) (DeadHeld, bool) {
	parts := strings.SplitN(text, " ", 5)
	if len(parts) != 5 {
		return DeadHeld{}, false
	}
	millis, err := strconv.ParseInt(parts[0], 10, 64)
	length, lengthErr := strconv.Atoi(parts[3])
	if err != nil || lengthErr != nil || length < 0 || length > len(parts[4]) {
		return DeadHeld{}, false
	}
	return DeadHeld{
		Held:   Held{ID: parts[4][:length], Content: []byte(parts[4][length:])},
		Time:   time.UnixMilli(millis).UTC(),
		Reason: parts[1],
	}, true
}
