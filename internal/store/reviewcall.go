package store

import (
	"context"
	"encoding/json"
	"fmt"
)

// reviewCalls gathers what is to be written of traces that were looked at, one call a shard and maxCallRecords traces.
type reviewCalls struct {
	store   *Store
	backend string
	open    map[int]*reviewCall
	all     []*reviewCall
}

type reviewCall struct {
	call

	traces []string
	// rules are those of each trace's notes.
	rules [][]string
}

func newReviewCalls(s *Store, backend string) *reviewCalls {
	return &reviewCalls{store: s, backend: backend, open: map[int]*reviewCall{}}
}

// add notes what is to become of a trace, whose last change that was looked at is of the given time; 0: of none.
func (c *reviewCalls) add(traceID, what string, changed int64, notes []Review) {
	at := shardOf(traceID)
	one := c.open[at]
	shard := &c.store.shards[at]
	if one == nil || len(one.traces) >= maxCallRecords {
		head := c.store.putHead
		one = &reviewCall{call: call{
			script: reviewScript, keys: []string{shard.recent, shard.waiting(c.backend)},
			args: []any{head[0], head[2], head[5], reviewedField(c.backend)},
		}}
		c.open[at] = one
		c.all = append(c.all, one)
	}
	one.keys = append(one.keys, shard.trace(traceID), shard.content(traceID))
	one.args = append(one.args, what, changed, len(notes))
	rules := make([]string, len(notes))
	for i := range notes {
		text, _ := json.Marshal(&notes[i]) // nothing in it can fail
		one.args = append(one.args, reviewField+notes[i].Rule, text)
		rules[i] = notes[i].Rule
	}
	one.traces = append(one.traces, traceID)
	one.rules = append(one.rules, rules)
}

// run writes; added counts the new notes by rule, refused are the traces that cannot wait.
func (c *reviewCalls) run(ctx context.Context, s *Store) (added map[string]int, refused []string, err error) {
	calls := make([]*call, len(c.all))
	for i, one := range c.all {
		calls[i] = &one.call
	}
	if err := s.run(ctx, true, calls...); err != nil {
		return nil, nil, fmt.Errorf("redis: %w", err)
	}
	added = map[string]int{}
	for _, one := range c.all {
		letters, _ := one.reply.(string)
		for i, traceID := range one.traces {
			if len(letters) <= len(one.rules[i]) {
				return nil, nil, fmt.Errorf("redis: the review script answered %T, which is too short", one.reply)
			}
			if letters[0] == '0' {
				refused = append(refused, traceID)
			}
			for n, rule := range one.rules[i] {
				if letters[1+n] == '1' {
					added[rule]++
				}
			}
			letters = letters[1+len(one.rules[i]):]
		}
	}
	return added, refused, nil
}
