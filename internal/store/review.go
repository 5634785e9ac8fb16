package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// reviewBefore is how far before the first step ever the walk begins.
	reviewBefore = time.Hour
	// reviewDelay is how old a change must be: the nodes of a cluster have clocks of their own, and none may write a
	// change before a place that the walk has passed.
	reviewDelay = time.Second
	// reviewPerShard is how many traces of a shard a step takes of the changed ones, and as many of the waiting ones.
	reviewPerShard = 8
	// reviewLoaded is how many traces are read at a time.
	reviewLoaded = 32
)

// reviewedField holds, of a trace that stands in a queue, the time of the last change that was looked at.
func reviewedField(backend string) string { return ".reviewed:" + backend }

func (s *shard) waiting(backend string) string { return s.tag + ":review:" + backend }

func (s *Store) reviewKey(backend, part string) string {
	return s.cfg.KeyPrefix + ":review:" + backend + ":" + part
}

// ReviewTrace is a trace that changed, or was to be looked at again.
type ReviewTrace struct {
	TraceID string
	// Waited is the time since the last change of the trace's records, by Redis' clock.
	Waited time.Duration
	// Dead says that the trace's delivery was given up.
	Dead bool
	// Records are the trace's, tombstones included, by id.
	Records map[string]Record
	// Reviews say which rules put the trace into a queue already.
	Reviews []Review
}

// ReviewStep is what one step looked at; ReviewDone ends it.
type ReviewStep struct {
	// Now is Redis' time of the step.
	Now time.Time
	// More says that there are traces left that are to be looked at now.
	More bool

	backend string
	// places are those that have moved, by shard.
	places map[string]any
	// waiting are the ids of the waiting list, which leave it unless they have to wait on.
	waiting map[string]struct{}
	// changed are the times of the last change of what was shown, in Redis' milliseconds, and queued the ids of those
	// that stand in a queue.
	changed map[string]int64
	queued  map[string]struct{}
}

// ReviewResult is what became of one trace of a step.
type ReviewResult struct {
	TraceID string
	// Added are the queues that the trace was put into now.
	Added []Review
	// Again is when the trace is looked at again; 0: when it changes.
	Again time.Duration
}

// ReviewLease makes the holder of the token the one that looks at traces, for a time; it is repeated to go on, and ended
// by a length of 0. held is false while somebody else does.
func (s *Store) ReviewLease(ctx context.Context, backend, token string, length time.Duration) (held bool, err error) {
	c := &call{
		script: leaseScript, keys: []string{s.reviewKey(backend, "lease")}, args: []any{token, length.Milliseconds()},
	}
	if err := s.run(ctx, false, c); err != nil {
		return false, fmt.Errorf("redis: %w", err)
	}
	return c.reply == int64(1), nil
}

// ReviewNext looks at the traces that changed since the last step, oldest change first, and at those whose wait is over.
// The walk sees what the recent list holds, which Settings.MaxRecent bounds, and begins with the changes of the last hour.
// Until ReviewDone, which must follow, the next step would meet the same traces.
func (s *Store) ReviewNext(ctx context.Context, backend string, look func(*ReviewTrace)) (*ReviewStep, error) {
	pipe := s.client.Pipeline()
	clock := pipe.Time(ctx)
	kept := pipe.HGetAll(ctx, s.reviewKey(backend, "places"))
	if err := s.exec(ctx, pipe); err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	step := &ReviewStep{
		Now: clock.Val().UTC(), backend: backend, places: map[string]any{},
		waiting: map[string]struct{}{}, changed: map[string]int64{}, queued: map[string]struct{}{},
	}
	ids, err := s.reviewables(ctx, step, kept.Val())
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	for chunk := range slices.Chunk(ids, reviewLoaded) {
		if err := s.lookAt(ctx, step, chunk, look); err != nil {
			return nil, fmt.Errorf("redis: %w", err)
		}
	}
	return step, nil
}

// reviewables returns the ids of the traces of the next step.
func (s *Store) reviewables(ctx context.Context, step *ReviewStep, kept map[string]string) ([]string, error) {
	now := step.Now.UnixMilli()
	until := now - reviewDelay.Milliseconds()
	var changed, waiting [shardCount]*redis.ZSliceCmd
	pipe := s.client.Pipeline()
	for i := range s.shards {
		place, err := strconv.ParseInt(kept[strconv.Itoa(i)], 10, 64)
		if err != nil || place > now { // none yet, or Redis' clock went back
			place = now - reviewBefore.Milliseconds()
			step.places[strconv.Itoa(i)] = place
		}
		changed[i] = pipe.ZRangeByScoreWithScores(ctx, s.shards[i].recent, &redis.ZRangeBy{
			Min: "(" + strconv.FormatInt(place, 10), Max: strconv.FormatInt(until, 10), Count: reviewPerShard + 1,
		})
		waiting[i] = pipe.ZRangeByScoreWithScores(ctx, s.shards[i].waiting(step.backend), &redis.ZRangeBy{
			Min: "-inf", Max: strconv.FormatInt(now, 10), Count: reviewPerShard,
		})
	}
	if err := s.exec(ctx, pipe); err != nil {
		return nil, err
	}
	var ids []string
	for i := range s.shards {
		found, more, err := s.wholeMoments(ctx, &s.shards[i], changed[i].Val())
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			step.places[strconv.Itoa(i)] = int64(found[len(found)-1].score)
		}
		for _, z := range waiting[i].Val() {
			id, _ := z.Member.(string)
			step.waiting[id] = struct{}{}
			ids = append(ids, id)
		}
		step.More = step.More || more || len(waiting[i].Val()) == reviewPerShard
		for _, one := range found {
			if _, twice := step.waiting[one.id]; !twice {
				ids = append(ids, one.id)
			}
		}
	}
	return ids, nil
}

// wholeMoments cuts what was found of a shard after a millisecond of which all changes are there, so that its time can be
// the walk's place.
func (s *Store) wholeMoments(ctx context.Context, shard *shard, found []redis.Z) (traces []scored, more bool, err error) {
	if len(found) > reviewPerShard {
		more = true
		last := found[reviewPerShard].Score
		cut := slices.IndexFunc(found, func(z redis.Z) bool { return z.Score == last })
		if cut == 0 {
			began := time.Now()
			moment := strconv.FormatInt(int64(last), 10)
			found, err = s.client.ZRangeByScoreWithScores(ctx, shard.recent, &redis.ZRangeBy{Min: moment, Max: moment}).Result()
			if s.seen(began, err) != nil {
				return nil, false, err
			}
		} else {
			found = found[:cut]
		}
	}
	for _, z := range found {
		id, _ := z.Member.(string)
		traces = append(traces, scored{id: id, score: z.Score})
	}
	return traces, more, nil
}

// lookAt reads traces and shows them. One that stands in a queue moves to the front of the recent list without having
// changed, and is shown only if it did.
func (s *Store) lookAt(ctx context.Context, step *ReviewStep, ids []string, look func(*ReviewTrace)) error {
	pipe := s.client.Pipeline()
	hashes := make([]*redis.MapStringStringCmd, len(ids))
	for i, id := range ids {
		hashes[i] = pipe.HGetAll(ctx, s.shards[shardOf(id)].trace(id))
	}
	if err := s.exec(ctx, pipe); err != nil {
		return err
	}
	for i, id := range ids {
		var subject struct {
			LastSeen int64 `json:"last_seen"`
		}
		fields := hashes[i].Val()
		text, known := fields[subjectField]
		if !known || json.Unmarshal([]byte(text), &subject) != nil {
			continue
		}
		if reviewed, queued := fields[reviewedField(step.backend)]; queued {
			before, _ := strconv.ParseInt(reviewed, 10, 64)
			if _, waited := step.waiting[id]; !waited && subject.LastSeen <= before {
				continue
			}
			step.queued[id] = struct{}{}
		}
		step.changed[id] = subject.LastSeen
		decoded := decodeTrace(id, fields)
		_, dead := fields[deadField(step.backend)]
		look(&ReviewTrace{
			TraceID: id, Waited: step.Now.Sub(time.UnixMilli(subject.LastSeen)),
			Dead: dead, Records: decoded.records, Reviews: reviewsOf(fields),
		})
	}
	return nil
}

// ReviewDone writes what became of a step's traces; those without a result are done with. new counts, by rule, the
// reviews that nobody had noted yet; refused are the traces that cannot wait because too many do.
func (s *Store) ReviewDone(ctx context.Context, step *ReviewStep, results []ReviewResult) (
	added map[string]int, refused []string, err error,
) {
	calls := newReviewCalls(s, step.backend)
	for i := range results {
		result := &results[i]
		delete(step.waiting, result.TraceID)
		delete(step.queued, result.TraceID)
		what := "d"
		if result.Again > 0 {
			what = strconv.FormatInt(max(1, result.Again.Milliseconds()), 10)
		}
		calls.add(result.TraceID, what, step.changed[result.TraceID], result.Added)
	}
	maps.Copy(step.queued, step.waiting)
	for id := range step.queued {
		calls.add(id, "d", step.changed[id], nil)
	}
	if added, refused, err = calls.run(ctx, s); err != nil {
		return nil, nil, err
	}
	if len(step.places) == 0 {
		return added, refused, nil
	}
	// The place moves last: a step that ends before is taken again.
	pipe := s.client.Pipeline()
	pipe.HSet(ctx, s.reviewKey(step.backend, "places"), step.places)
	pipe.Expire(ctx, s.reviewKey(step.backend, "places"), s.set.Retention)
	if err := s.exec(ctx, pipe); err != nil {
		return added, refused, fmt.Errorf("redis: %w", err)
	}
	return added, refused, nil
}
