package feedbackprocessor

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
)

var (
	_ processor.Traces = (*tracesNode)(nil)
	_ processor.Logs   = (*logsNode)(nil)
)

// tracesNode is the processor in one traces pipeline.
type tracesNode struct {
	instance *instance
	next     consumer.Traces
}

// Start implements component.Component.
func (n *tracesNode) Start(ctx context.Context, host component.Host) error {
	return n.instance.start(ctx, host)
}

// Shutdown implements component.Component.
func (n *tracesNode) Shutdown(ctx context.Context) error { return n.instance.shutdown(ctx) }

// Capabilities implements consumer.Traces. A claim is removed from a copy where nothing else is written.
func (n *tracesNode) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: n.instance.writesEvents()}
}

// ConsumeTraces implements consumer.Traces: it evaluates, and forwards in the same call with the same context. What
// goes wrong here never fails the batch.
func (n *tracesNode) ConsumeTraces(ctx context.Context, td ptrace.Traces) error {
	td, ready := n.instance.evaluate(ctx, td)
	err := n.next.ConsumeTraces(ctx, td)
	if ready != nil {
		n.instance.emitter.emitReady(ctx, ready)
	}
	return err
}

// logsNode is the processor in one logs pipeline. Verdicts leave behind it; what comes in passes through.
type logsNode struct {
	instance *instance
	next     consumer.Logs
}

// Start implements component.Component.
func (n *logsNode) Start(ctx context.Context, host component.Host) error {
	return n.instance.start(ctx, host)
}

// Shutdown implements component.Component.
func (n *logsNode) Shutdown(ctx context.Context) error { return n.instance.shutdown(ctx) }

// Capabilities implements consumer.Logs. Claims are rare, and removed from a copy.
func (*logsNode) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: false}
}

// ConsumeLogs implements consumer.Logs: it takes the text of spans from records, and forwards them.
func (n *logsNode) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	if !n.instance.config.TrustUpstream && n.instance.claims.inLogs(ld) {
		cleaned := plog.NewLogs()
		ld.CopyTo(cleaned)
		n.instance.countRemovedRecords(ctx, n.instance.claims.removeFromLogs(cleaned))
		ld = cleaned
	}
	n.instance.joiner.takeRecords(ctx, ld)
	return n.next.ConsumeLogs(ctx, ld)
}
