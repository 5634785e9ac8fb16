package feedbackexporter

import (
	"context"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// registry holds the running exporters, one for each configuration: the traces and the logs node of an exporter share
// one queue, one store and one delivery loop. The collector hands both nodes the same pointer.
type registry struct {
	open openFunc

	mu       sync.Mutex
	byConfig map[*Config]*instance
}

// join gives a node of the configuration's instance, which is made for the first of them.
func (r *registry) join(ctx context.Context, set exporter.Settings, config *Config) (*node, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	shared, ok := r.byConfig[config]
	if !ok {
		e, err := newFeedbackExporter(ctx, set, config, r.open)
		if err != nil {
			return nil, err
		}
		shared = &instance{exporter: e}
		r.byConfig[config] = shared
	}
	shared.nodes++
	return &node{instance: shared, leave: func() bool { return r.leave(config, shared) }}, nil
}

// leave takes a node out and reports whether it was the last one.
func (r *registry) leave(config *Config, shared *instance) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if shared.nodes--; shared.nodes > 0 {
		return false
	}
	delete(r.byConfig, config)
	return true
}

// instance is an exporter and how many nodes it has.
type instance struct {
	exporter *feedbackExporter
	// nodes is the registry's to guard.
	nodes int
	start sync.Once
	// startErr is what every node's Start answers.
	startErr error
}

// node is what one pipeline's signal sees of an instance.
type node struct {
	*instance
	leave func() bool
	left  sync.Once
}

var (
	_ exporter.Traces = (*node)(nil)
	_ exporter.Logs   = (*node)(nil)
)

// Start starts the instance with its first node: exporters are the first of a pipeline to start.
func (n *node) Start(ctx context.Context, host component.Host) error {
	n.start.Do(func() { n.startErr = n.exporter.queue.Start(ctx, host) })
	return n.startErr
}

// Shutdown drains and stops the instance with its last node, because pipelines stop in any order and until then
// another one may still bring results.
func (n *node) Shutdown(ctx context.Context) (err error) {
	n.left.Do(func() {
		if n.leave() {
			err = n.exporter.shutdown(ctx)
		}
	})
	return err
}

// Capabilities implements consumer.Traces and consumer.Logs.
func (*node) Capabilities() consumer.Capabilities { return consumer.Capabilities{MutatesData: false} }

// ConsumeTraces implements consumer.Traces.
func (n *node) ConsumeTraces(ctx context.Context, td ptrace.Traces) error {
	return n.exporter.enqueue(ctx, n.exporter.reducer.traces(td))
}

// ConsumeLogs implements consumer.Logs.
func (n *node) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	return n.exporter.enqueue(ctx, n.exporter.reducer.logs(ld))
}
