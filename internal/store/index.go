package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// The kinds of values that spans are found by; an attribute's kind is KindAttribute of its name.
const (
	KindResponseID     = "response_id"
	KindConversationID = "conversation_id"
	KindSpanID         = "span_id"
)

// KindAttribute is the kind of a configured attribute's values.
func KindAttribute(name string) string { return "attribute:" + name }

// maxMatches is how many spans are kept a value; the oldest go.
const maxMatches = 16

// Digest stands for a value of a kind: values themselves are not kept.
type Digest [16]byte

// NewDigest is the first half of the SHA-256 over the length-prefixed kind and the value.
func NewDigest(kind, value string) Digest {
	var stack [256]byte
	buf := binary.BigEndian.AppendUint32(stack[:0], uint32(len(kind)))
	buf = append(append(buf, kind...), value...)
	sum := sha256.Sum256(buf)
	return Digest(sum[:len(Digest{})])
}

// String is the digest in hex, as it stands in keys.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

func (d Digest) shard() int { return int(d[0]) % shardCount }

// Match is a span that has a value, or a whole trace where SpanID is empty.
type Match struct {
	TraceID, SpanID string
	// Time is when the span ended, by its own clock.
	Time time.Time
}

// IndexEntry says by which value a span is found.
type IndexEntry struct {
	Digest Digest
	Match
}

// Index keeps entries for Settings.IndexTTL, and returns how many older values had to go for them because there are
// Settings.MaxIndex. Indexing again changes nothing.
func (s *Store) Index(ctx context.Context, entries []IndexEntry) (evicted int, err error) {
	var byShard [shardCount]*call
	var calls []*call
	for i := range entries {
		entry := &entries[i]
		if !validHex(entry.TraceID, 32) || entry.SpanID != "" && !validHex(entry.SpanID, 16) {
			continue
		}
		at := entry.Digest.shard()
		c := byShard[at]
		if c == nil || len(c.keys) >= 3+maxCallRecords {
			shard := &s.shards[at]
			args := append(make([]any, 0, 3+2*8), max(1, s.set.IndexTTL.Milliseconds()), perShard(s.set.MaxIndex), maxMatches)
			c = &call{script: indexScript, keys: append(make([]string, 0, 3+8), shard.index(), shard.held(), shard.ready()), args: args}
			byShard[at] = c
			calls = append(calls, c)
		}
		c.keys = append(c.keys, s.shards[at].matches(entry.Digest))
		c.args = append(c.args, entry.member(), max(0, entry.Time.UnixMilli()))
	}
	if err := s.run(ctx, true, calls...); err != nil {
		return 0, fmt.Errorf("redis: %w", err)
	}
	for _, c := range calls {
		over, _ := c.reply.(int64)
		evicted += int(over)
	}
	return evicted, nil
}

// Resolve returns the spans that have the value, newest first, one of a trace or several.
func (s *Store) Resolve(ctx context.Context, of Digest) ([]Match, error) {
	began := time.Now()
	text, err := s.client.Get(ctx, s.shards[of.shard()].matches(of)).Result()
	if errors.Is(err, redis.Nil) {
		err = nil
	}
	if s.seen(began, err) != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	return readMatches(text), nil
}

// member is the match as it stands in Redis.
func (m *Match) member() string { return strings.TrimSuffix(m.TraceID+" "+m.SpanID, " ") }

// readMatches reads a value's matches as they stand in Redis, newest first: a line of time and member each.
func readMatches(text string) []Match {
	var matches []Match
	for line := range strings.Lines(text) {
		parts := strings.Fields(line)
		if len(parts) < 2 {
			continue
		}
		millis, err := strconv.ParseInt(parts[0], 10, 64)
		if err != nil {
			continue
		}
		match := Match{TraceID: parts[1], Time: time.UnixMilli(millis).UTC()}
		if len(parts) > 2 {
			match.SpanID = parts[2]
		}
		matches = append(matches, match)
	}
	return matches
}

func parseDigest(text string) (digest Digest, ok bool) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != len(digest) {
		return Digest{}, false
	}
	return Digest(raw), true
}
