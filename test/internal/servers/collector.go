package servers

import (
	"context"
	"path/filepath"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/test/internal/process"
)

// Collector is a built distribution with a configuration.
type Collector struct {
	*process.Process
	spec   process.Spec
	health string
}

// CollectorConfig says what to start.
type CollectorConfig struct {
	// Binary is the distribution's path.
	Binary string
	// Name tells replicas apart; default "collector".
	Name string
	// Config are files or `yaml:` settings, later ones on top.
	Config []string
	// Env is what the configuration reads.
	Env []string
	// Health is the address that the configuration's health_check, or its OTLP receiver, listens on.
	Health string
	// Dir keeps the log.
	Dir string
}

// StartCollector starts a collector and waits until Health accepts connections.
func StartCollector(ctx context.Context, config CollectorConfig) (*Collector, error) {
	if config.Name == "" {
		config.Name = "collector"
	}
	args := make([]string, 0, 2*len(config.Config))
	for _, file := range config.Config {
		args = append(args, "--config", file)
	}
	c := &Collector{
		spec: process.Spec{
			Name: config.Name, Path: config.Binary, Args: args, Env: config.Env,
			Log: filepath.Join(config.Dir, config.Name+".log"),
		},
		health: config.Health,
	}
	return c, c.Restart(ctx)
}

// Restart starts the collector, for the first time or again.
func (c *Collector) Restart(ctx context.Context) error {
	child, err := process.Start(c.spec)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	// Receivers start last: who can be connected to has all the rest running.
	if err := child.Ready(ctx, process.Listening(c.health)); err != nil {
		child.Kill()
		return err
	}
	c.Process = child
	return nil
}
