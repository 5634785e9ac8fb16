package main

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/config/configopaque"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// recentTraces is how many traces are looked at for new results.
const recentTraces = 50

// storedResults reads assessments from the Redis that the collector writes to.
type storedResults struct{ store *store.Store }

var _ assessments = storedResults{}

func openResults(ctx context.Context, s redisSettings) (storedResults, error) {
	config := store.NewDefaultConfig()
	config.Endpoints = []string{s.endpoint}
	config.Username, config.Password = s.username, configopaque.String(s.password)
	opened, err := store.Open(ctx, config, store.Settings{}, zap.NewNop())
	if err != nil {
		return storedResults{}, fmt.Errorf("redis at %s: %w", s.endpoint, err)
	}
	return storedResults{opened}, nil
}

func (r storedResults) recent(ctx context.Context) ([]assessment.Assessment, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	traces, err := r.store.Recent(ctx, recentTraces)
	if err != nil {
		return nil, err
	}
	var all []assessment.Assessment
	for _, trace := range traces {
		records, err := r.store.Load(ctx, trace)
		if err != nil {
			return nil, err
		}
		for _, record := range records {
			if record.Deleted.IsZero() {
				all = append(all, record.Assessment)
			}
		}
	}
	return all, nil
}

func (r storedResults) close() { _ = r.store.Close() }
