package store

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configtls"
	"go.opentelemetry.io/collector/confmap"
)

// The modes of a Redis deployment.
const (
	ModeStandalone = "standalone"
	ModeSentinel   = "sentinel"
	ModeCluster    = "cluster"
)

// Config says where Redis is. Redis 6.2 or newer is needed.
type Config struct {
	// Mode is standalone (default), sentinel or cluster.
	Mode string `mapstructure:"mode"`
	// Endpoints are host:port pairs: the server, the sentinels, or some of the cluster's nodes. Default localhost:6379.
	Endpoints []string `mapstructure:"endpoints"`
	// MasterName is the name of the master that the sentinels watch; mode sentinel only.
	MasterName string `mapstructure:"master_name"`
	// Username is that of Redis' ACL; empty is the default user.
	Username string `mapstructure:"username"`
	// Password belongs to Username, or to the server when there is none.
	Password configopaque.String `mapstructure:"password"`
	// SentinelUsername is for the sentinels themselves; mode sentinel only.
	SentinelUsername string `mapstructure:"sentinel_username"`
	// SentinelPassword is for the sentinels themselves; mode sentinel only.
	SentinelPassword configopaque.String `mapstructure:"sentinel_password"`
	// DB is the number of the database, 0 by default; a cluster has only 0.
	DB int `mapstructure:"db"`
	// KeyPrefix begins every key, so that several installations can share a server. Default fb.
	KeyPrefix string `mapstructure:"key_prefix"`
	// TLS is off unless the key is there; then the collector's client keys apply, and `insecure: true` turns it off.
	TLS configtls.ClientConfig `mapstructure:"tls"`
	// WaitReplicas is how many replicas must have a write before it is acknowledged. Default 0: none.
	WaitReplicas int `mapstructure:"wait_replicas"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var (
	_ confmap.Validator   = (*Config)(nil)
	_ confmap.Unmarshaler = (*Config)(nil)
)

// NewDefaultConfig is a standalone Redis on this machine.
func NewDefaultConfig() Config {
	return Config{
		Mode:      ModeStandalone,
		Endpoints: []string{"localhost:6379"},
		KeyPrefix: "fb",
		TLS:       configtls.ClientConfig{Insecure: true},
	}
}

// Unmarshal implements confmap.Unmarshaler: whoever writes `tls` wants it, although the default is without.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	if conf.IsSet("tls") {
		c.TLS.Insecure = false
	}
	return conf.Unmarshal(c)
}

// maxKeyPrefix bounds the prefix that every key of the database repeats.
const maxKeyPrefix = 64

// Validate implements confmap.Validator.
func (c *Config) Validate() error {
	var errs []error
	if !slices.Contains([]string{ModeStandalone, ModeSentinel, ModeCluster}, c.Mode) {
		errs = append(errs, fmt.Errorf("`mode` is %q, must be standalone, sentinel or cluster", c.Mode))
	}
	if len(c.Endpoints) == 0 {
		errs = append(errs, errors.New("`endpoints` is empty, must hold at least one host:port"))
	}
	if c.Mode == ModeStandalone && len(c.Endpoints) > 1 {
		errs = append(errs, fmt.Errorf("`endpoints` holds %d servers, mode standalone takes one", len(c.Endpoints)))
	}
	for _, endpoint := range c.Endpoints {
		if _, _, err := net.SplitHostPort(endpoint); err != nil || strings.ContainsAny(endpoint, "/@") {
			errs = append(errs, errors.New("`endpoints` must hold host:port pairs, without scheme, user or password"))
			break
		}
	}
	if c.Mode == ModeSentinel && c.MasterName == "" {
		errs = append(errs, errors.New("`master_name` is empty, mode sentinel needs the name of the master"))
	}
	if c.Mode != ModeSentinel && c.MasterName+c.SentinelUsername+string(c.SentinelPassword) != "" {
		errs = append(errs, fmt.Errorf("`master_name`, `sentinel_username` and `sentinel_password` are for "+
			"mode sentinel, `mode` is %q", c.Mode))
	}
	if c.DB < 0 || c.DB > 0 && c.Mode == ModeCluster {
		errs = append(errs, fmt.Errorf("`db` is %d, must not be negative, and must be 0 in mode cluster", c.DB))
	}
	if c.KeyPrefix == "" || len(c.KeyPrefix) > maxKeyPrefix || strings.ContainsAny(c.KeyPrefix, "{} \t\r\n") {
		errs = append(errs, fmt.Errorf("`key_prefix` is %q, must have 1 to %d characters without spaces and braces",
			c.KeyPrefix, maxKeyPrefix))
	}
	if c.WaitReplicas < 0 {
		errs = append(errs, fmt.Errorf("`wait_replicas` is %d, must not be negative", c.WaitReplicas))
	}
	return errors.Join(errs...)
}

// Backend is a tracking backend that the store queues traces for.
type Backend struct {
	// Name is part of keys; the exporter's component name.
	Name string
	// Endpoint is remembered, so that one name is not used for two servers.
	Endpoint string
}

// Settings is what the component that opens a store decides. A zero number means its default.
type Settings struct {
	// Retention is how long a trace stays after its last write. Default 720h.
	Retention time.Duration
	// MaxPerTrace bounds the records of a trace; further ones are refused. Default 1,000.
	MaxPerTrace int
	// MaxAssessmentSize bounds a record with its history, in bytes of JSON. Default 256 KiB.
	MaxAssessmentSize int
	// MaxWaiting bounds the traces with automated results that wait for a backend, about evenly over 64 shards; the
	// longest waiting go to the dead. Default 1,000,000.
	MaxWaiting int
	// MaxDead bounds the dead traces of a backend likewise; the oldest are forgotten. Default 100,000.
	MaxDead int
	// MaxRecent bounds the list of recent traces likewise. Default 100,000.
	MaxRecent int
	// MaxPending bounds the traces likewise that assessments were accepted for and that nobody has seen; see Edit.Pending.
	// It bounds what Hold keeps likewise. Default 100,000.
	MaxPending int
	// IndexTTL is for how long Index keeps a value after the last span that has it. Default 24h.
	IndexTTL time.Duration
	// MaxIndex bounds the values that Index keeps likewise; the oldest go. Default 1,000,000.
	MaxIndex int
	// Backends are the backends to queue for; without any nothing is queued.
	Backends []Backend
}

func (s *Settings) setDefaults() {
	for _, number := range []struct {
		at        *int
		byDefault int
	}{
		{&s.MaxPerTrace, 1000},
		{&s.MaxAssessmentSize, 256 << 10},
		{&s.MaxWaiting, 1_000_000},
		{&s.MaxDead, 100_000},
		{&s.MaxRecent, 100_000},
		{&s.MaxPending, 100_000},
		{&s.MaxIndex, 1_000_000},
	} {
		if *number.at <= 0 {
			*number.at = number.byDefault
		}
	}
	if s.Retention <= 0 {
		s.Retention = 30 * 24 * time.Hour
	}
	if s.IndexTTL <= 0 {
		s.IndexTTL = 24 * time.Hour
	}
}
