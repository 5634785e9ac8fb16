//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/test/internal/servers"
)

// TestFailover kills the master of two Redis under Sentinel while people give feedback, with `wait_replicas: 1`: what
// was acknowledged is there after the failover, once.
func TestFailover(t *testing.T) {
	s := newStack(t)
	replica, err := servers.StartRedis(t.Context(), t.TempDir(), 0, "--replicaof", "127.0.0.1 "+port(s.redis.Address))
	require.NoError(t, err)
	t.Cleanup(func() { replica.Kill() })
	sentinel, err := servers.StartSentinel(t.Context(), t.TempDir(), "feedback", s.redis.Address)
	require.NoError(t, err)
	t.Cleanup(func() { sentinel.Kill() })
	s.eventually(time.Minute, func(ctx context.Context) error { return replicates(ctx, s.redis.Address) })

	exchanges := newExchanges(40, generatedAnswer)
	at := fmt.Sprintf("{mode: sentinel, endpoints: [%q], master_name: feedback, wait_replicas: 1, tls: {insecure: true}}", sentinel.Address)
	c := s.collector("collector", nil, "config/feedback-api.yaml",
		"yaml:exporters::feedback::redis: "+at, "yaml:extensions::feedback::redis: "+at)
	s.send(c, 20, exchanges)
	s.eachOnce(exchanges, 2*time.Minute, "has_disclaimer")
	givers := s.givers(c.feedback, exchanges)
	acknowledged := func(more int) {
		t.Helper()
		before := givers.count()
		s.eventually(2*time.Minute, func(context.Context) error {
			if n := givers.count() - before; n < more {
				return fmt.Errorf("%d more acknowledged", n)
			}
			return nil
		})
	}
	acknowledged(50)
	s.redis.Kill()
	s.eventually(time.Minute, func(ctx context.Context) error {
		named, err := master(ctx, sentinel.Address)
		if err == nil && named != replica.Address {
			err = fmt.Errorf("the master is %s", named)
		}
		return err
	})
	s.eventually(time.Minute, func(ctx context.Context) error { return isMaster(ctx, replica.Address) })
	// Only when the old master is back does a write stand on two: as the new one's replica or, where Sentinel changes its
	// mind because of it, the other way round.
	require.NoError(t, s.redis.Restart(t.Context()))
	s.eventually(2*time.Minute, func(ctx context.Context) error {
		named, err := master(ctx, sentinel.Address)
		if err != nil {
			return err
		}
		return replicates(ctx, named)
	})
	acknowledged(50)
	givers.end(3 * time.Minute)
}

func port(address string) string { return address[len("127.0.0.1:"):] }

// replicates says whether the server at the address has a replica that is up to date.
func replicates(ctx context.Context, address string) error {
	client := redis.NewClient(&redis.Options{Addr: address, DisableIdentity: true})
	defer client.Close()
	n, err := client.Wait(ctx, 1, time.Second).Result()
	if err == nil && n < 1 {
		err = fmt.Errorf("%s has no replica", address)
	}
	return err
}

// master is the address of the server that the sentinel names.
func master(ctx context.Context, sentinel string) (string, error) {
	client := redis.NewSentinelClient(&redis.Options{Addr: sentinel, DisableIdentity: true})
	defer client.Close()
	named, err := client.GetMasterAddrByName(ctx, "feedback").Result()
	return strings.Join(named, ":"), err
}

func isMaster(ctx context.Context, address string) error {
	client := redis.NewClient(&redis.Options{Addr: address, DisableIdentity: true})
	defer client.Close()
	role, err := client.Do(ctx, "ROLE").Slice()
	if err == nil && role[0] != "master" {
		err = fmt.Errorf("%s is a %v", address, role[0])
	}
	return err
}
