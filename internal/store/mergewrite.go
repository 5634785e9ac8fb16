package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

const (
	// maxContended bounds how often a trace is merged anew because another replica changed it meanwhile.
	maxContended = 64
	// maxMerged is how many assessments of one trace one round merges.
	maxMerged = 64
)

// errContended is returned when other replicas keep changing a trace.
var errContended = errors.New("trace is being changed by others all the time")

// mergeAll reads the traces where new records alone were no whole answer, merges, and writes each if nobody changed
// it meanwhile, else once more.
func (s *Store) mergeAll(ctx context.Context, batch []assessment.Assessment, groups []*group, outcomes []Outcome) error {
	pending := make(map[*group][]int)
	for _, g := range groups {
		for _, at := range g.at {
			if outcomes[at] == "" {
				pending[g] = append(pending[g], at)
			}
		}
	}
	for contended := 0; len(pending) > 0; {
		mergings, err := s.read(ctx, pending)
		if err != nil {
			return fmt.Errorf("redis: %w", err)
		}
		calls := make(map[*group]*putCall, len(pending))
		var run []*call
		results := make(map[int]Outcome, len(pending))
		for g, at := range pending {
			m := mergings[g]
			for _, i := range at[:min(len(at), maxMerged)] {
				results[i] = m.put(&batch[i])
			}
			if c := s.mergeCall(g, m); c != nil {
				calls[g] = c
				run = append(run, &c.call)
			}
		}
		if err := s.run(ctx, true, run...); err != nil {
			return fmt.Errorf("redis: %w", err)
		}
		lost := false
		for g, at := range pending {
			if c := calls[g]; c != nil {
				letters, err := c.letters(len(mergings[g].changed))
				if err != nil {
					return err
				}
				if strings.HasPrefix(letters, string(letterMerge)) {
					lost = true
					continue
				}
			}
			now := min(len(at), maxMerged)
			for _, i := range at[:now] {
				outcomes[i] = results[i]
			}
			if pending[g] = at[now:]; len(pending[g]) == 0 {
				delete(pending, g)
			}
		}
		if lost {
			if contended++; contended > maxContended {
				return errContended
			}
		}
	}
	return nil
}

// read reads the groups' traces.
func (s *Store) read(ctx context.Context, pending map[*group][]int) (map[*group]*merging, error) {
	pipe := s.client.Pipeline()
	clock := pipe.Time(ctx)
	hashes := make(map[*group]*redis.MapStringStringCmd, len(pending))
	for g := range pending {
		hashes[g] = pipe.HGetAll(ctx, s.shards[g.shard].trace(g.traceID))
	}
	if err := s.exec(ctx, pipe); err != nil {
		return nil, err
	}
	mergings := make(map[*group]*merging, len(pending))
	for g, hash := range hashes {
		mergings[g] = s.newMerging(g, hash.Val(), clock.Val())
	}
	return mergings, nil
}

func (s *Store) newMerging(g *group, fields map[string]string, now time.Time) *merging {
	return &merging{
		trace: decodeTrace(g.traceID, fields), now: now.UTC().Truncate(time.Microsecond),
		maxRecords: s.set.MaxPerTrace, maxSize: s.set.MaxAssessmentSize,
	}
}

// mergeCall writes what a merging changed, or is nil if that is nothing. With `wait_replicas` an answer that rests on
// what was read is confirmed by a write without records: WAIT waits for the connection's own writes alone.
func (s *Store) mergeCall(g *group, m *merging) *putCall {
	if len(m.changed) == 0 && s.cfg.WaitReplicas == 0 {
		return nil
	}
	c := s.newPutCall(g.shard)
	texts := make([]string, len(m.changed))
	for i, id := range m.changed {
		texts[i] = m.texts[id]
	}
	c.add(head{
		traceID: g.traceID, expected: strconv.FormatInt(m.trace.revision, 10),
		byPerson: m.byPerson, overriding: m.overriding, response: g.response, seen: seenByUs,
	}, m.changed, texts)
	return c
}
