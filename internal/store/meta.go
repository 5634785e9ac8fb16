package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"go.uber.org/zap"
)

// ErrMismatch marks what no retry cures: the data in Redis belongs to another layout, or to another backend.
var ErrMismatch = errors.New("redis holds the data of another configuration")

// Check compares <prefix>:meta with this build and configuration, writing what is missing there, and warns if Redis
// may throw records away. An error that is no ErrMismatch means that Redis does not answer.
func (s *Store) Check(ctx context.Context) error {
	key := s.metaKey()
	pipe := s.client.Pipeline()
	pipe.HSetNX(ctx, key, "version", RecordVersion)
	pipe.HSetNX(ctx, key, "shards", shardCount)
	for _, backend := range s.set.Backends {
		pipe.HSetNX(ctx, key, "backend:"+backend.Name, normalEndpoint(backend.Endpoint))
	}
	stored := pipe.HGetAll(ctx, key)
	if err := s.exec(ctx, pipe); err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	meta := stored.Val()
	var errs []error
	if version, err := strconv.Atoi(meta["version"]); err != nil || version != RecordVersion {
		errs = append(errs, fmt.Errorf("%w: %s has record version %q, this build writes %d; "+
			"update the collector or choose another `key_prefix`", ErrMismatch, key, meta["version"], RecordVersion))
	}
	if meta["shards"] != strconv.Itoa(shardCount) {
		errs = append(errs, fmt.Errorf("%w: %s has %q shards, this build %d; choose another `key_prefix`",
			ErrMismatch, key, meta["shards"], shardCount))
	}
	for _, backend := range s.set.Backends {
		field, wanted := "backend:"+backend.Name, normalEndpoint(backend.Endpoint)
		if meta[field] != wanted {
			errs = append(errs, fmt.Errorf("%w: backend %q delivered to %q before and is now %q; choose another "+
				"`backend` name, or, if the same server has moved, run: HSET %s %s %s",
				ErrMismatch, backend.Name, meta[field], wanted, key, field, wanted))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	s.warnOfEviction(ctx)
	return nil
}

// Note keeps a fact that was found out, for all replicas and for the next start.
func (s *Store) Note(ctx context.Context, fact, value string) error {
	pipe := s.client.Pipeline()
	pipe.HSet(ctx, s.metaKey(), "note:"+fact, value)
	if err := s.exec(ctx, pipe); err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	return nil
}

// Noted is what was noted last, empty when nothing was.
func (s *Store) Noted(ctx context.Context, fact string) (string, error) {
	pipe := s.client.Pipeline()
	noted := pipe.HGet(ctx, s.metaKey(), "note:"+fact)
	if err := s.exec(ctx, pipe); err != nil {
		return "", fmt.Errorf("redis: %w", err)
	}
	return noted.Val(), nil
}

func (s *Store) metaKey() string { return s.cfg.KeyPrefix + ":meta" }

// warnOfEviction looks at maxmemory-policy; a server that does not tell is believed.
func (s *Store) warnOfEviction(ctx context.Context) {
	info, err := s.client.Info(ctx, "memory").Result()
	if err != nil {
		return
	}
	_, rest, found := strings.Cut(info, "maxmemory_policy:")
	policy, _, _ := strings.Cut(rest, "\r\n")
	if found && policy != "noeviction" {
		s.logger.Warn("redis may evict assessments before their retention ends: set maxmemory-policy to noeviction",
			zap.String("maxmemory_policy", policy))
	}
}

// normalEndpoint is an endpoint without credentials and closing slash.
func normalEndpoint(endpoint string) string {
	if parsed, err := url.Parse(endpoint); err == nil && parsed.User != nil {
		parsed.User = nil
		endpoint = parsed.String()
	}
	return strings.TrimRight(endpoint, "/")
}
