package embeddedredisextension

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
	"go.uber.org/zap"
)

// tick is how often keys are aged: the server has no clock of its own for expiry.
const tick = time.Second

type embeddedRedis struct {
	config *Config
	logger *zap.Logger

	server *miniredis.Miniredis
	stop   chan struct{}
	aging  sync.WaitGroup
}

var _ extension.Extension = (*embeddedRedis)(nil)

func newEmbeddedRedis(config *Config, logger *zap.Logger) *embeddedRedis {
	return &embeddedRedis{config: config, logger: logger}
}

// Start implements component.Component.
func (e *embeddedRedis) Start(context.Context, component.Host) error {
	server := miniredis.NewMiniRedis()
	if err := server.StartAddr(e.config.Endpoint); err != nil {
		return fmt.Errorf("embedded Redis cannot listen on `endpoint` %q: %w", e.config.Endpoint, err)
	}
	e.server = server
	e.stop = make(chan struct{})
	e.aging.Go(func() { age(server, e.stop) })
	e.logger.Warn("Embedded Redis is for trying things out: what it holds is lost when the collector stops",
		zap.String("endpoint", server.Addr()))
	return nil
}

// Shutdown implements component.Component.
func (e *embeddedRedis) Shutdown(context.Context) error {
	if e.server == nil {
		return nil
	}
	close(e.stop)
	e.aging.Wait()
	e.server.Close()
	e.server = nil
	return nil
}

// age lets keys expire as time passes.
func age(server *miniredis.Miniredis, stop <-chan struct{}) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	last := time.Now()
	for {
		select {
		case <-stop:
			return
		case now := <-ticker.C:
			server.FastForward(now.Sub(last))
			last = now
		}
	}
}
