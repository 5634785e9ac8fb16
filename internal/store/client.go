package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
	"go.uber.org/zap"
)

// waitTimeout bounds WAIT; it is below the client's read timeout.
const waitTimeout = time.Second

// Store is a client of the assessments in Redis, safe for concurrent use. It holds connections only.
type Store struct {
	client   redis.UniversalClient
	cfg      Config
	set      Settings
	logger   *zap.Logger
	shards   [shardCount]shard
	backends map[string]int
	// putHead is what every call of the put script begins with.
	putHead []any
	// turn makes claims begin at another shard each time.
	turn atomic.Uint32
	down atomic.Bool
	// answered is when Redis answered last, in ns.
	answered atomic.Int64
}

// silence turns the Redis client's own lines on stderr off, one per failed connection: every such error also reaches
// the caller, who knows how often to report it.
var silence = sync.OnceFunc(logging.Disable)

// NewClient makes a client of a Redis; change may alter its options. It does not connect: the first call does.
func NewClient(ctx context.Context, cfg *Config, change func(*redis.UniversalOptions)) (redis.UniversalClient, error) {
	tlsConfig, err := cfg.TLS.LoadTLSConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("redis `tls`: %w", err)
	}
	silence()
	options := redis.UniversalOptions{
		Addrs:    cfg.Endpoints,
		Username: cfg.Username, Password: string(cfg.Password),
		DB:        cfg.DB,
		TLSConfig: tlsConfig,
		// A context that ends frees its caller although the server hangs.
		ContextTimeoutEnabled: true,
		DisableIdentity:       true,
	}
	if change != nil {
		change(&options)
	}
	quiet := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	switch cfg.Mode {
	case ModeCluster:
		cluster := options.Cluster()
		cluster.MaintNotificationsConfig = quiet
		return redis.NewClusterClient(cluster), nil
	case ModeSentinel:
		options.MasterName = cfg.MasterName
		options.SentinelUsername, options.SentinelPassword = cfg.SentinelUsername, string(cfg.SentinelPassword)
		return redis.NewFailoverClient(options.Failover()), nil
	default:
		simple := options.Simple()
		simple.MaintNotificationsConfig = quiet
		return redis.NewClient(simple), nil
	}
}

// Open makes a store. It does not connect: the first call does, so Redis may start later.
func Open(ctx context.Context, cfg Config, set Settings, logger *zap.Logger) (*Store, error) {
	set.setDefaults()
	s := &Store{
		cfg: cfg, set: set, logger: logger,
		shards:   newShards(cfg.KeyPrefix, set.Backends),
		backends: make(map[string]int, len(set.Backends)),
	}
	for i, backend := range set.Backends {
		if backend.Name == "" || strings.ContainsAny(backend.Name, " {}:") {
			return nil, fmt.Errorf("backend name %q must not be empty nor hold spaces, braces or colons", backend.Name)
		}
		if _, twice := s.backends[backend.Name]; twice {
			return nil, fmt.Errorf("backend name %q is there twice", backend.Name)
		}
		s.backends[backend.Name] = i
	}
	s.putHead = []any{
		int64(max(1, set.Retention/time.Second)), set.MaxPerTrace,
		perShard(set.MaxRecent), perShard(set.MaxWaiting), perShard(set.MaxDead), perShard(set.MaxPending),
		len(set.Backends),
	}
	for _, backend := range set.Backends {
		s.putHead = append(s.putHead, backend.Name)
	}
	var err error
	if s.client, err = NewClient(ctx, &cfg, nil); err != nil {
		return nil, err
	}
	return s, nil
}

// perShard is a bound's part of one shard.
func perShard(bound int) int { return (bound + shardCount - 1) / shardCount }

// Close closes the connections.
func (s *Store) Close() error { return s.client.Close() }

// call is one script to run.
type call struct {
	script script
	keys   []string
	args   []any
	reply  any
	err    error
}

// run runs the calls in one round trip and gives each its reply. The error is the first of the calls', if any.
func (s *Store) run(ctx context.Context, write bool, calls ...*call) error {
	if len(calls) == 0 {
		return nil
	}
	began := time.Now()
	if !write || s.cfg.WaitReplicas == 0 {
		return s.seen(began, s.runOn(ctx, s.client, false, calls))
	}
	cluster, ok := s.client.(*redis.ClusterClient)
	if !ok {
		return s.seen(began, s.runOn(ctx, s.client, true, calls))
	}
	// WAIT counts for one connection, so each node gets its own pipeline.
	nodes := map[*redis.Client][]*call{}
	for _, c := range calls {
		node, err := cluster.MasterForKey(ctx, c.keys[0])
		if err != nil {
			return s.seen(began, err)
		}
		nodes[node] = append(nodes[node], c)
	}
	var errs []error
	for node, own := range nodes {
		if err := s.runOn(ctx, node, true, own); err != nil {
			cluster.ReloadState(ctx) // the slot may have moved
			errs = append(errs, err)
		}
	}
	return s.seen(began, errors.Join(errs...))
}

// someOf are the calls that were answered if only some failed: a shard that moves to another node at the moment keeps no
// other one from its turn.
func someOf(calls []*call, err error) ([]*call, error) {
	if err == nil {
		return calls, nil
	}
	answered := make([]*call, 0, len(calls))
	for _, c := range calls {
		if c.err == nil {
			answered = append(answered, c)
		}
	}
	if len(answered) == 0 || len(answered) == len(calls) {
		return nil, err
	}
	return answered, nil
}

func (s *Store) runOn(ctx context.Context, client redis.Cmdable, wait bool, calls []*call) error {
	err := s.pipeline(ctx, client, wait, calls, false)
	var unknown []*call
	for _, c := range calls {
		if redis.HasErrorPrefix(c.err, "NOSCRIPT") {
			unknown = append(unknown, c)
		}
	}
	if len(unknown) == 0 {
		return err
	}
	if err := s.pipeline(ctx, client, wait, unknown, true); err != nil {
		return err
	}
	for _, c := range calls {
		if c.err != nil {
			return c.err
		}
	}
	return nil
}

// pipeline sends the calls, with their source where the server may not know them.
func (s *Store) pipeline(ctx context.Context, client redis.Cmdable, wait bool, calls []*call, source bool) error {
	pipe := client.Pipeline()
	commands := make([]*redis.Cmd, len(calls))
	known := make(map[string]bool, 1)
	for i, c := range calls {
		if source && !known[c.script.sha] {
			known[c.script.sha] = s.cfg.Mode != ModeCluster // every node of a cluster has its own scripts
			commands[i] = pipe.Eval(ctx, c.script.source, c.keys, c.args...)
		} else {
			commands[i] = pipe.EvalSha(ctx, c.script.sha, c.keys, c.args...)
		}
	}
	var waited *redis.Cmd
	if wait {
		waited = pipe.Do(ctx, "WAIT", s.cfg.WaitReplicas, waitTimeout.Milliseconds())
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	var err error
	for i, c := range calls {
		c.reply, c.err = commands[i].Result()
		if errors.Is(c.err, redis.Nil) {
			c.err = nil
		}
		if err == nil {
			err = c.err
		}
	}
	if err != nil || waited == nil {
		return err
	}
	reached, err := waited.Int64()
	if err == nil && reached < int64(s.cfg.WaitReplicas) {
		err = &replicaError{reached: reached, wanted: s.cfg.WaitReplicas}
	}
	return err
}

// replicaError says that a write stands on too few replicas. Like all else that Redis answers it is a redis.Error: a
// Redis that says so is there, and its reads work meanwhile.
type replicaError struct {
	reached int64
	wanted  int
}

func (e *replicaError) Error() string {
	return fmt.Sprintf("write reached %d replicas within %v, `wait_replicas` is %d", e.reached, waitTimeout, e.wanted)
}

// RedisError implements redis.Error.
func (*replicaError) RedisError() {}

// seen reports, once per change, that Redis answers no longer, or again. A call that failed says nothing if another one
// was answered after it began: those that hung when Redis came back end late.
func (s *Store) seen(began time.Time, err error) error {
	var reply redis.Error
	switch {
	case err == nil, errors.As(err, &reply):
		s.answered.Store(time.Now().UnixNano())
		if s.down.CompareAndSwap(true, false) {
			s.logger.Info("redis answers again")
		}
	case errors.Is(err, context.Canceled), began.UnixNano() < s.answered.Load():
	default:
		if s.down.CompareAndSwap(false, true) {
			s.logger.Warn("redis does not answer", zap.Error(err))
		}
	}
	return err
}

// exec runs plain reading commands in one round trip. Missing keys are no error.
func (s *Store) exec(ctx context.Context, pipe redis.Pipeliner) error {
	began := time.Now()
	_, err := pipe.Exec(ctx)
	if errors.Is(err, redis.Nil) {
		err = nil
	}
	return s.seen(began, err)
}
