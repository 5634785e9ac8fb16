package store

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// reasonMissing is what a trace is given up for whose rows were missing in the backend for too long, in the words of
// the delivery.
const reasonMissing = "missing_in_backend"

// Restore says what a backend that lost rows is to be given again.
type Restore struct {
	// Since is the time from which on a trace must have changed, by Redis' clock.
	Since time.Time
	// Withdrawn brings back what somebody deleted in the backend, too, or seems to have.
	Withdrawn bool
	// Limit bounds the traces of one step.
	Limit int

	// prevent unkeyed literal initialization
	_ struct{}
}

// Restored is what one step of a restoring did.
type Restored struct {
	// Traces became due; Assessments of them are pending again.
	Traces, Assessments int
	// Place is where the next step goes on.
	Place Place
	// More says that there are more traces; Full that the step ended early, because half of the queue is taken.
	More, Full bool
}

// Restore takes one step of making all that was delivered to a backend pending again, newest traces first. The content
// of no record changes. What is there still is then found to agree, and what is missing is made again. Repeating a step
// is harmless.
func (s *Store) Restore(ctx context.Context, backend string, r Restore, from Place) (Restored, error) {
	b, err := s.backend(backend)
	if err != nil {
		return Restored{}, err
	}
	visits, more, err := s.Walk(ctx, from, r.Since, r.Limit)
	if err != nil {
		return Restored{Place: from}, err
	}
	withdrawn := 0
	if r.Withdrawn {
		withdrawn = 1
	}
	done := Restored{Place: from, More: more}
	for chunk := range slices.Chunk(visits, maxCallRecords) {
		n, err := s.restore(ctx, backend, b, withdrawn, chunk, &done)
		if err != nil {
			return done, err
		}
		if n > 0 {
			done.Place = chunk[n-1].Place
		}
		if n < len(chunk) {
			done.More, done.Full = true, true
			break
		}
	}
	return done, nil
}

// restore hands the traces to their shards' scripts and returns how many of them, from the first on, were looked at.
func (s *Store) restore(
	ctx context.Context, backend string, b, withdrawn int, visits []Visit, done *Restored,
) (looked int, err error) {
	var byShard [shardCount]*call
	var calls []*call
	for _, visit := range visits {
		at := shardOf(visit.TraceID)
		shard := &s.shards[at]
		if byShard[at] == nil {
			queues := shard.queues[b]
			byShard[at] = &call{
				script: restoreScript, keys: []string{queues.human, queues.auto, queues.dead},
				args: []any{backend, withdrawn, s.putHead[3], reasonMissing},
			}
			calls = append(calls, byShard[at])
		}
		byShard[at].keys = append(byShard[at].keys, shard.trace(visit.TraceID))
	}
	if err := s.run(ctx, true, calls...); err != nil {
		return 0, fmt.Errorf("redis: %w", err)
	}
	var left [shardCount]int64
	for at, c := range byShard {
		if c == nil {
			continue
		}
		reply, _ := c.reply.([]any)
		if len(reply) != 3 {
			return 0, fmt.Errorf("redis: the restore script answered %T", c.reply)
		}
		left[at], _ = reply[0].(int64)
		traces, _ := reply[1].(int64)
		records, _ := reply[2].(int64)
		done.Traces += int(traces)
		done.Assessments += int(records)
	}
	for _, visit := range visits {
		at := shardOf(visit.TraceID)
		if left[at] == 0 {
			break
		}
		left[at]--
		looked++
	}
	return looked, nil
}
