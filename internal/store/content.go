package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxContent bounds each text of a Content, in bytes.
const MaxContent = 64 << 10

// maxContents is how many spans of one trace have their content kept.
const maxContents = 100

// Content is what a span was asked and what it answered.
type Content struct {
	Question string `json:"question,omitempty"`
	Answer   string `json:"answer,omitempty"`
	// Cut says that a text is not whole: it was longer than MaxContent, or came cut.
	Cut bool `json:"cut,omitempty"`
	// Root says that the span is the first of its trace, so that the content is the trace's, too.
	Root bool `json:"root,omitempty"`
}

// Bounded is the content with texts of at most MaxContent, cut between runes.
func (c Content) Bounded() Content {
	for _, text := range []*string{&c.Question, &c.Answer} {
		*text = strings.ToValidUTF8(*text, "\uFFFD")
		if len(*text) <= MaxContent {
			continue
		}
		end := MaxContent
		for !utf8.RuneStart((*text)[end]) {
			end--
		}
		*text, c.Cut = (*text)[:end], true
	}
	return c
}

// SpanContent is the content of one span.
type SpanContent struct {
	TraceID, SpanID string
	Content         Content
}

// KeepContent keeps contents as long as their traces, and returns how many it refused: those of further spans of a trace
// that has 100. Keeping again changes nothing.
func (s *Store) KeepContent(ctx context.Context, contents []SpanContent) (refused int, err error) {
	var byShard [shardCount]*call
	var bytes [shardCount]int
	var calls []*call
	for i := range contents {
		one := &contents[i]
		if !validHex(one.TraceID, 32) || !validHex(one.SpanID, 16) {
			refused++
			continue
		}
		text, err := json.Marshal(one.Content)
		if err != nil {
			return 0, err
		}
		at := shardOf(one.TraceID)
		c := byShard[at]
		if c == nil || len(c.keys) >= maxCallRecords || bytes[at] >= maxCallBytes {
			c = &call{
				script: contentScript, args: []any{int64(max(1, s.set.Retention/time.Second)), maxContents},
			}
			byShard[at], bytes[at] = c, 0
			calls = append(calls, c)
		}
		c.keys = append(c.keys, s.shards[at].content(one.TraceID))
		c.args = append(c.args, one.SpanID, text)
		bytes[at] += len(text)
	}
	if err := s.run(ctx, true, calls...); err != nil {
		return 0, fmt.Errorf("redis: %w", err)
	}
	for _, c := range calls {
		over, _ := c.reply.(int64)
		refused += int(over)
	}
	return refused, nil
}

// Content returns the contents of a trace's spans that are kept, by span id.
func (s *Store) Content(ctx context.Context, traceID string) (map[string]Content, error) {
	began := time.Now()
	fields, err := s.client.HGetAll(ctx, s.shards[shardOf(traceID)].content(traceID)).Result()
	if s.seen(began, err) != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	contents := make(map[string]Content, len(fields))
	for spanID, text := range fields {
		var content Content
		if json.Unmarshal([]byte(text), &content) == nil {
			contents[spanID] = content
		}
	}
	return contents, nil
}
