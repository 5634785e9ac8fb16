package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/valyala/fastjson"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

const (
	// maxCallRecords and maxCallBytes bound what one script works on, because Redis does nothing else meanwhile.
	maxCallRecords = 128
	maxCallBytes   = 1 << 20
)

// The letters of the put script's reply.
const (
	letterStored    = 's'
	letterUnchanged = 'n'
	letterRefused   = 'r'
	letterMerge     = 'm'
)

// Put writes a batch; the outcomes are aligned with it. Records that are not valid or too many are refused, the rest
// is written. After an error part of the batch may be written: putting it again is harmless.
func (s *Store) Put(ctx context.Context, batch []assessment.Assessment) ([]Outcome, error) {
	outcomes := make([]Outcome, len(batch))
	now, err := s.timeFor(ctx, batch)
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	groups := s.group(batch, outcomes, now)
	calls := s.plan(groups)
	run := make([]*call, len(calls))
	for i := range calls {
		run[i] = &calls[i].call
	}
	if err := s.run(ctx, true, run...); err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	for i := range calls {
		if err := calls[i].read(outcomes); err != nil {
			return nil, err
		}
	}
	if err := s.mergeAll(ctx, batch, groups, outcomes); err != nil {
		return nil, err
	}
	return outcomes, nil
}

// timeFor is Redis' time, if one of the assessments has none of its own.
func (s *Store) timeFor(ctx context.Context, batch []assessment.Assessment) (time.Time, error) {
	for i := range batch {
		if batch[i].CreateTime.IsZero() {
			began := time.Now()
			now, err := s.client.Time(ctx).Result()
			return now.UTC(), s.seen(began, err)
		}
	}
	return time.Time{}, nil
}

// group is what a batch holds of one trace.
type group struct {
	traceID string
	shard   int
	// at are the indices in the batch.
	at         []int
	ids, texts []string
	// seen are the ids, where they are many.
	seen map[string]struct{}
	// merge is set where new records alone are no whole answer.
	merge    bool
	byPerson bool
	response string
}

// group validates and encodes the batch, by trace.
func (s *Store) group(batch []assessment.Assessment, outcomes []Outcome, now time.Time) []*group {
	byTrace := make(map[string]*group, len(batch))
	groups := make([]*group, 0, len(batch))
	storage := make([]group, 0, len(batch)) // one allocation; never grows
	indices, ids, texts := make([]int, len(batch)), make([]string, len(batch)), make([]string, len(batch))
	var buffer []byte
	for i := range batch {
		a := &batch[i]
		if !valid(a) {
			outcomes[i] = OutcomeRefused
			continue
		}
		record := newRecord(a, now)
		buffer = appendRecord(buffer[:0], &record)
		if len(buffer) > s.set.MaxAssessmentSize {
			outcomes[i] = OutcomeRefused
			continue
		}
		g := byTrace[a.TraceID]
		if g == nil {
			storage = append(storage, group{
				traceID: a.TraceID, shard: shardOf(a.TraceID),
				at: indices[i : i : i+1], ids: ids[i : i : i+1], texts: texts[i : i : i+1],
			})
			g = &storage[len(storage)-1]
			byTrace[a.TraceID] = g
			groups = append(groups, g)
		}
		g.merge = g.merge || a.Overrides != "" || g.twice(a.ID)
		g.byPerson = g.byPerson || !a.Source.Type.Automated()
		if g.response == "" {
			g.response = a.ResponseID
		}
		g.at = append(g.at, i)
		g.ids = append(g.ids, a.ID)
		g.texts = append(g.texts, string(buffer))
	}
	return groups
}

// twice reports whether the batch holds the id already.
func (g *group) twice(id string) bool {
	if len(g.ids) < 16 {
		return slices.Contains(g.ids, id)
	}
	if g.seen == nil {
		g.seen = make(map[string]struct{}, 2*len(g.ids))
		for _, id := range g.ids {
			g.seen[id] = struct{}{}
		}
	}
	_, twice := g.seen[id]
	g.seen[id] = struct{}{}
	return twice
}

// valid says whether a can be stored at all.
func valid(a *assessment.Assessment) bool {
	return validID(a.ID) && validHex(a.TraceID, 32) && (a.SpanID == "" || validHex(a.SpanID, 16)) && a.Name != "" &&
		(a.Value == "" || a.Value == assessment.True || a.Value == assessment.False || validJSON(string(a.Value))) &&
		inRange(a.CreateTime) && inRange(a.UpdateTime)
}

// validJSON says whether encoding/json, too, reads the text: fastjson is fast, but passes control characters in strings.
func validJSON(text string) bool {
	if fastjson.Validate(text) != nil {
		return false
	}
	for i := range len(text) {
		if text[i] < ' ' {
			return json.Valid([]byte(text))
		}
	}
	return true
}

// inRange says whether RFC 3339 can spell the time.
func inRange(t time.Time) bool {
	year := t.UTC().Year()
	return year >= 1 && year <= 9999
}

func validHex(id string, length int) bool {
	if len(id) != length {
		return false
	}
	for i := range len(id) {
		if c := id[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// plan makes the calls that write new records.
func (s *Store) plan(groups []*group) []*putCall {
	slices.SortStableFunc(groups, func(a, b *group) int { return a.shard - b.shard })
	var calls []*putCall
	var current *putCall
	for _, g := range groups {
		if g.merge {
			continue
		}
		for first := 0; first < len(g.at); {
			if current == nil || current.of != &s.shards[g.shard] || current.full() {
				current = s.newPutCall(g.shard)
				calls = append(calls, current)
			}
			last := first
			for last < len(g.at) && (last == first || !current.full()) {
				current.at = append(current.at, g.at[last])
				current.bytes += len(g.texts[last])
				last++
			}
			current.add(head{traceID: g.traceID, byPerson: g.byPerson, response: g.response},
				g.ids[first:last], g.texts[first:last])
			first = last
		}
	}
	return calls
}

// putCall is one call of the put script; at are the batch's indices of its records.
type putCall struct {
	call

	of    *shard
	at    []int
	bytes int
}

func (s *Store) newPutCall(shard int) *putCall {
	of := &s.shards[shard]
	args := append(make([]any, 0, len(s.putHead)+64), s.putHead...)
	keys := append(make([]string, 0, len(of.keys)+16), of.keys...)
	return &putCall{of: of, call: call{script: putScript, keys: keys, args: args}}
}

func (c *putCall) full() bool { return len(c.at) >= maxCallRecords || c.bytes >= maxCallBytes }

// head is what the put script is told of a trace.
type head struct {
	traceID string
	// expected is the revision that the trace must have, or "".
	expected   string
	byPerson   bool
	overriding int
	response   string
	seen       sighting
}

// sighting is what a write says of the arrival of its trace.
type sighting string

const (
	// unsaid leaves it as it is.
	unsaid sighting = "0"
	// notSeen counts the trace among those that nobody has seen.
	notSeen sighting = "1"
	// seenByUs is what telemetry says.
	seenByUs sighting = "2"
)

func (c *putCall) add(h head, ids, texts []string) {
	line := strconv.Itoa(len(ids))
	if h.byPerson || h.expected != "" {
		byPerson := "0"
		if h.byPerson {
			byPerson = "1"
		}
		line += " " + byPerson + " " + strconv.Itoa(h.overriding) + " " + cmp.Or(h.expected, "-") + " " +
			string(cmp.Or(h.seen, unsaid))
	}
	rest := "}"
	if h.response != "" {
		rest = string(append(appendString([]byte(`,"response_id":`), h.response), '}'))
	}
	c.keys = append(c.keys, c.of.trace(h.traceID))
	c.args = append(c.args, line, rest)
	for i := range ids {
		c.args = append(c.args, ids[i], texts[i])
	}
}

// read turns the script's letters into outcomes; what has to be merged stays without.
func (c *putCall) read(outcomes []Outcome) error {
	letters, err := c.letters(len(c.at))
	if err != nil {
		return err
	}
	for i, at := range c.at {
		switch letters[i] {
		case letterStored:
			outcomes[at] = OutcomeStored
		case letterUnchanged:
			outcomes[at] = OutcomeUnchanged
		case letterRefused:
			outcomes[at] = OutcomeRefused
		}
	}
	return nil
}

func (c *putCall) letters(n int) (string, error) {
	letters, ok := c.reply.(string)
	if !ok || len(letters) != n {
		return "", fmt.Errorf("redis: the put script answered %T, not a letter for each of %d records", c.reply, n)
	}
	return letters, nil
}
