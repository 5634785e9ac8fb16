package feedbackextension

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/metadata"
	"github.com/otelcol-feedback/otelcol-feedback/internal/replica"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// The attributes of the metrics.
const (
	attributeBackend = "backend"
	attributeOutcome = "outcome"
	attributeReason  = "reason"
	attributeRule    = "rule"
)

// telemetry counts what the extension's parts do.
type telemetry struct {
	builder *metadata.TelemetryBuilder
	name    string
	backend metric.MeasurementOption
	backlog replica.Backlog
}

var _ replica.Observer = (*telemetry)(nil)

func newTelemetry(set component.TelemetrySettings, backend string) (*telemetry, error) {
	builder, err := metadata.NewTelemetryBuilder(set)
	if err != nil {
		return nil, err
	}
	t := &telemetry{builder: builder, name: backend, backend: with(attribute.String(attributeBackend, backend))}
	t.backlog.Attributes = t.backend
	if err := t.register(); err != nil {
		builder.Shutdown()
		return nil, err
	}
	return t, nil
}

func with(attributes ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(attributes...))
}

// register connects the gauges with what was last seen of the backlog.
func (t *telemetry) register() error {
	return errors.Join(
		t.builder.RegisterExtensionFeedbackBacklogCallback(t.backlog.Waiting),
		t.builder.RegisterExtensionFeedbackBacklogAgeCallback(t.backlog.Age),
		t.builder.RegisterExtensionFeedbackDeadCallback(t.backlog.Dead),
	)
}

func (t *telemetry) shutdown() { t.builder.Shutdown() }

// Delivered implements deliver.Observer.
func (t *telemetry) Delivered(_, outcome string, n int) {
	t.builder.ExtensionFeedbackDeliveries.Add(context.Background(), int64(n),
		with(attribute.String(attributeBackend, t.name), attribute.String(attributeOutcome, outcome)))
}

// MassMissing implements deliver.Observer.
func (t *telemetry) MassMissing(_ string, n int) {
	t.builder.ExtensionFeedbackMissing.Add(context.Background(), int64(n), t.backend)
}

// Backlog implements replica.Observer.
func (t *telemetry) Backlog(stats *store.Stats) { t.backlog.Set(stats) }

// Passed implements proxy.Observer.
func (t *telemetry) Passed(reason string) {
	t.builder.ExtensionFeedbackPassed.Add(context.Background(), 1, with(attribute.String(attributeReason, reason)))
}

// Held implements intake.Observer.
func (t *telemetry) Held(outcome string) {
	t.builder.ExtensionFeedbackHeld.Add(context.Background(), 1, with(attribute.String(attributeOutcome, outcome)))
}

// Reviewed implements review.Observer.
func (t *telemetry) Reviewed(rule, outcome string, n int) {
	t.builder.ExtensionFeedbackReviews.Add(context.Background(), int64(n),
		with(attribute.String(attributeRule, rule), attribute.String(attributeOutcome, outcome)))
}
