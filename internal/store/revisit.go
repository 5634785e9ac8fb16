package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// nearShare is the part of a revisit's window that every other step goes to.
	nearShare = 24
	// emptyWait is at least how long a window without traces is not looked at again.
	emptyWait = 5 * time.Second
	// revisitExpiry is how long the places are kept that no step continues.
	revisitExpiry = time.Hour
)

// Revisit says which traces are to be read again although nothing of them changed here.
type Revisit struct {
	// Window is how long ago a trace's records may have changed last, by Redis' clock. Of what it holds, only the
	// traces of the recent list can be found, which Settings.MaxRecent bounds.
	Window time.Duration
	// Limit bounds the traces of one step, Interval the steps over all replicas: one per interval.
	Limit    int
	Interval time.Duration

	// prevent unkeyed literal initialization
	_ struct{}
}

// Revisit makes traces of the window due without changing them, and returns how many. Those that wait already, are
// claimed or dead are left alone, and all are where the queue is half full. wait says when the next step may be taken,
// by any replica.
//
// Steps go newest first in two passes that take turns, each of which begins again where it has come to its end: one
// over the newest 24th of the window (the last hour of a day), so that what people look at is read often, and one over
// the whole window, so that nothing is left out.
func (s *Store) Revisit(ctx context.Context, backend string, r Revisit) (n int, wait time.Duration, err error) {
	b, err := s.backend(backend)
	if err != nil {
		return 0, 0, err
	}
	interval := max(time.Millisecond, r.Interval)
	key := s.cfg.KeyPrefix + ":refresh:" + backend
	c := &call{script: turnScript, keys: []string{key}, args: []any{
		interval.Milliseconds(), revisitExpiry.Milliseconds(), emptyWait.Milliseconds(),
	}}
	if err := s.run(ctx, false, c); err != nil {
		return 0, 0, fmt.Errorf("redis: %w", err)
	}
	turn, ok := readTurn(c.reply)
	if !ok {
		return 0, 0, fmt.Errorf("redis: the turn script answered %T", c.reply)
	}
	if turn.wait > 0 {
		return 0, turn.wait, nil
	}
	field, from, window := "far", turn.far, r.Window
	if turn.near {
		field, from, window = "near", turn.nearPlace, r.Window/nearShare
	}
	found, next, err := s.step(ctx, from, turn.now.Add(-window), r.Limit)
	if err == nil && len(found) == 0 && turn.near {
		field = "far"
		found, next, err = s.step(ctx, turn.far, turn.now.Add(-r.Window), r.Limit)
	}
	if err != nil {
		return 0, interval, err
	}
	if n, err = s.makeDue(ctx, backend, b, found); err != nil {
		return 0, interval, err
	}
	values := []any{field, next.String()}
	if len(found) == 0 {
		interval = max(interval, emptyWait)
		values = append(values, "next", turn.now.Add(interval).UnixMilli())
	}
	pipe := s.client.Pipeline()
	pipe.HSet(ctx, key, values...)
	pipe.PExpire(ctx, key, revisitExpiry+interval)
	if err := s.exec(ctx, pipe); err != nil {
		return n, interval, fmt.Errorf("redis: %w", err)
	}
	return n, interval, nil
}

// turn is the right to one step, or the wait until there is one.
type turn struct {
	wait           time.Duration
	now            time.Time
	near           bool
	nearPlace, far place
}

func readTurn(reply any) (t turn, ok bool) {
	parts, _ := reply.([]any)
	if len(parts) != 5 {
		return turn{}, false
	}
	wait, _ := parts[0].(int64)
	now, _ := parts[1].(int64)
	near, _ := parts[3].(string)
	far, _ := parts[4].(string)
	return turn{
		wait: time.Duration(wait) * time.Millisecond, now: time.UnixMilli(now), near: parts[2] == int64(1),
		nearPlace: parsePlace(near), far: parsePlace(far),
	}, true
}

// place is where a pass has come to: before the trace id among those of the score. The zero place is the newest.
type place struct {
	score int64
	// skip is how many traces of the score the pass has had: many are written in one millisecond.
	skip int
	id   string
}

// String is empty for the zero place.
func (p place) String() string {
	if p.id == "" {
		return ""
	}
	return strconv.FormatInt(p.score, 10) + " " + strconv.Itoa(p.skip) + " " + p.id
}

// parsePlace reads what String wrote; anything else is the beginning.
func parsePlace(text string) place {
	parts := strings.SplitN(text, " ", 3)
	if len(parts) != 3 {
		return place{}
	}
	score, scoreErr := strconv.ParseInt(parts[0], 10, 64)
	skip, skipErr := strconv.Atoi(parts[1])
	if scoreErr != nil || skipErr != nil || skip < 0 {
		return place{}
	}
	return place{score: score, skip: skip, id: parts[2]}
}

// step returns the next traces of a pass that changed since the given time, and where the pass stands after them. A
// pass that has come to its end begins again.
func (s *Store) step(ctx context.Context, from place, since time.Time, limit int) ([]scored, place, error) {
	found, next, err := s.stretch(ctx, from, since, limit)
	if err == nil && len(found) == 0 && from != (place{}) {
		return s.stretch(ctx, place{}, since, limit)
	}
	return found, next, err
}

func (s *Store) stretch(ctx context.Context, from place, since time.Time, limit int) ([]scored, place, error) {
	if limit <= 0 {
		return nil, place{}, nil
	}
	// One more tells whether the stretch ends here, be all that is left in one shard.
	span := &redis.ZRangeBy{
		Min: strconv.FormatInt(since.UnixMilli(), 10), Max: "+inf", Count: int64(limit + from.skip + 1),
	}
	if from.id != "" {
		span.Max = strconv.FormatInt(from.score, 10)
	}
	pipe := s.client.Pipeline()
	var commands [shardCount]*redis.ZSliceCmd
	for i := range s.shards {
		commands[i] = pipe.ZRevRangeByScoreWithScores(ctx, s.shards[i].recent, span)
	}
	if err := s.exec(ctx, pipe); err != nil {
		return nil, place{}, fmt.Errorf("redis: %w", err)
	}
	var found []scored
	for _, command := range commands {
		for _, z := range command.Val() {
			id, _ := z.Member.(string)
			if from.id == "" || int64(z.Score) < from.score || id < from.id {
				found = append(found, scored{id: id, score: z.Score})
			}
		}
	}
	slices.SortFunc(found, func(a, b scored) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(b.id, a.id))
	})
	if len(found) <= limit {
		return found, place{}, nil
	}
	found = found[:limit]
	last := found[limit-1]
	next := place{score: int64(last.score), id: last.id}
	for i := limit - 1; i >= 0 && found[i].score == last.score; i-- {
		next.skip++
	}
	if next.score == from.score {
		next.skip += from.skip
	}
	return found, next, nil
}

// makeDue queues the traces for a re-reading and returns how many needed it.
func (s *Store) makeDue(ctx context.Context, backend string, b int, traces []scored) (n int, err error) {
	var byShard [shardCount]*call
	var calls []*call
	for _, trace := range traces {
		at := shardOf(trace.id)
		shard := &s.shards[at]
		if byShard[at] == nil {
			queues := shard.queues[b]
			byShard[at] = &call{
				script: revisitScript, keys: []string{queues.human, queues.auto},
				args: []any{backend, s.putHead[3]},
			}
			calls = append(calls, byShard[at])
		}
		byShard[at].keys = append(byShard[at].keys, shard.trace(trace.id))
	}
	if err := s.run(ctx, false, calls...); err != nil {
		return 0, fmt.Errorf("redis: %w", err)
	}
	for _, c := range calls {
		count, _ := c.reply.(int64)
		n += int(count)
	}
	return n, nil
}
