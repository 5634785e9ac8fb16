package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

const reviewField = ".review:"

// Review says why a trace stands, or stood, in a review queue.
type Review struct {
	// Rule is the name of the rule that put it there.
	Rule string `json:"-"`
	// Reason says what of the rule held, such as "checks_failed: sql_syntax_valid".
	Reason string `json:"reason"`
	// Assessments are the ids of those that it held for, bounded.
	Assessments []string `json:"assessments,omitempty"`
	// Queue is MLflow's id of the queue.
	Queue string    `json:"queue"`
	Time  time.Time `json:"time"`
}

// Reviews returns why a trace was put into review queues, oldest first.
func (s *Store) Reviews(ctx context.Context, traceID string) ([]Review, error) {
	began := time.Now()
	fields, err := s.client.HGetAll(ctx, s.shards[shardOf(traceID)].trace(traceID)).Result()
	if s.seen(began, err) != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	return reviewsOf(fields), nil
}

func reviewsOf(fields map[string]string) []Review {
	var reviews []Review
	for field, text := range fields {
		rule, ok := strings.CutPrefix(field, reviewField)
		review := Review{}
		if !ok || json.Unmarshal([]byte(text), &review) != nil {
			continue
		}
		review.Rule = rule
		reviews = append(reviews, review)
	}
	slices.SortFunc(reviews, func(a, b Review) int {
		if order := a.Time.Compare(b.Time); order != 0 {
			return order
		}
		return strings.Compare(a.Rule, b.Rule)
	})
	return reviews
}
