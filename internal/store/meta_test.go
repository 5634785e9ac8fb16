package store_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

func TestCheckMismatch(t *testing.T) {
	tests := []struct {
		name    string
		field   string
		value   string
		message string
	}{
		{"a newer record version", "version", "2", `record version "2", this build writes 1`},
		{"no record version", "version", "x", `record version "x"`},
		{"other shards", "shards", "16", `"16" shards, this build 64`},
		{"another server", "backend:feedback", "http://old:5000", `backend "feedback" delivered to "http://old:5000" before`},
	}
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			for _, test := range tests {
				require.NoError(t, s.client.FlushAll(t.Context()).Err())
				require.NoError(t, s.client.HSet(t.Context(), "fb:meta", test.field, test.value).Err())
				err := s.open(t, nil).Check(t.Context())
				require.ErrorIs(t, err, store.ErrMismatch, test.name)
				require.ErrorContains(t, err, test.message, test.name)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			for range 2 {
				require.NoError(t, s.open(t, nil).Check(t.Context()))
			}
			require.NoError(t, s.open(t, func(_ *store.Config, set *store.Settings) {
				set.Backends = []store.Backend{{Name: backendName, Endpoint: "http://user:secret@localhost:5000/"}}
			}).Check(t.Context()))
			meta := s.client.HGetAll(t.Context(), "fb:meta").Val()
			assert.Equal(t, map[string]string{
				"version": "1", "shards": "64", "backend:feedback": "http://localhost:5000",
			}, meta)
		})
	}
}

func TestCheckWarnsOfEviction(t *testing.T) {
	t.Parallel()
	for policy, warnings := range map[string]int{"noeviction": 0, "allkeys-lru": 1} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			core, logs := observer.New(zap.InfoLevel)
			cfg := store.NewDefaultConfig()
			cfg.Endpoints = []string{startRedis(t, "--maxmemory-policy", policy)}
			st, err := store.Open(context.Background(), cfg, store.Settings{}, zap.New(core))
			require.NoError(t, err)
			defer func() { require.NoError(t, st.Close()) }()
			require.NoError(t, st.Check(t.Context()))
			assert.Equal(t, warnings, logs.Len())
		})
	}
}

func TestNote(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			opened := s.open(t, nil)
			noted, err := opened.Noted(t.Context(), "authorization")
			require.NoError(t, err)
			assert.Empty(t, noted)
			for _, value := range []string{"mlflow", "endpoint"} {
				require.NoError(t, opened.Note(t.Context(), "authorization", value))
				noted, err = s.open(t, nil).Noted(t.Context(), "authorization")
				require.NoError(t, err)
				assert.Equal(t, value, noted)
			}
			require.NoError(t, opened.Check(t.Context()), "a note is no mismatch")
			cancelled, cancel := context.WithCancel(t.Context())
			cancel()
			require.Error(t, opened.Note(cancelled, "authorization", "x"))
			_, err = opened.Noted(cancelled, "authorization")
			require.Error(t, err)
		})
	}
}
