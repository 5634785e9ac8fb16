package feedbackexporter

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackexporter/internal/metadata"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/deliver"
	"github.com/otelcol-feedback/otelcol-feedback/internal/replica"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// The attributes of the metrics.
const (
	attributeBackend    = "backend"
	attributeOutcome    = "outcome"
	attributeSourceType = "source_type"
)

// telemetry counts what the exporter and its delivery loop do.
type telemetry struct {
	builder *metadata.TelemetryBuilder
	// written is kept per source type and outcome, deliveries per outcome: attribute sets are made once.
	written    map[result]metric.MeasurementOption
	deliveries map[string]metric.MeasurementOption
	backend    metric.MeasurementOption
	// These are the outcomes of what is kept of spans that pass.
	keptStored, keptEvicted, keptRefused metric.MeasurementOption
	backlog                              replica.Backlog
}

type result struct {
	source  assessment.SourceType
	outcome store.Outcome
}

var _ replica.Observer = (*telemetry)(nil)

// outcomeEvicted is what becomes of an id that has to go for newer ones.
const outcomeEvicted = "evicted"

func outcome(name string) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(attribute.String(attributeOutcome, name)))
}

func newTelemetry(set component.TelemetrySettings, backend string) (*telemetry, error) {
	builder, err := metadata.NewTelemetryBuilder(set)
	if err != nil {
		return nil, err
	}
	t := &telemetry{
		builder: builder,
		written: map[result]metric.MeasurementOption{}, deliveries: map[string]metric.MeasurementOption{},
		backend:    metric.WithAttributeSet(attribute.NewSet(attribute.String(attributeBackend, backend))),
		keptStored: outcome(string(store.OutcomeStored)), keptEvicted: outcome(outcomeEvicted), keptRefused: outcome(string(store.OutcomeRefused)),
	}
	for _, source := range [...]assessment.SourceType{
		assessment.SourceTypeCode, assessment.SourceTypeLLMJudge, assessment.SourceTypeHuman,
	} {
		for _, outcome := range [...]store.Outcome{
			store.OutcomeStored, store.OutcomeUpdated, store.OutcomeUnchanged, store.OutcomeRefused,
		} {
			t.written[result{source, outcome}] = metric.WithAttributeSet(attribute.NewSet(
				attribute.String(attributeSourceType, string(source)), attribute.String(attributeOutcome, string(outcome))))
		}
	}
	for _, outcome := range [...]string{
		deliver.OutcomeDelivered, deliver.OutcomeRetried, deliver.OutcomeTakenOver,
		deliver.OutcomeWithdrawn, deliver.OutcomeSkipped, deliver.OutcomeDead,
	} {
		t.deliveries[outcome] = metric.WithAttributeSet(attribute.NewSet(
			attribute.String(attributeBackend, backend), attribute.String(attributeOutcome, outcome)))
	}
	t.backlog.Attributes = t.backend
	if err := t.register(); err != nil {
		builder.Shutdown()
		return nil, err
	}
	return t, nil
}

// register connects the gauges with what was last seen of the backlog.
func (t *telemetry) register() error {
	return errors.Join(
		t.builder.RegisterExporterFeedbackBacklogCallback(t.backlog.Waiting),
		t.builder.RegisterExporterFeedbackBacklogAgeCallback(t.backlog.Age),
		t.builder.RegisterExporterFeedbackDeadCallback(t.backlog.Dead),
	)
}

func (t *telemetry) shutdown() { t.builder.Shutdown() }

// stored counts a written batch.
func (t *telemetry) stored(ctx context.Context, batch []assessment.Assessment, outcomes []store.Outcome) {
	counts := make(map[result]int64, 4)
	for i := range outcomes {
		counts[result{batch[i].Source.Type, outcomes[i]}]++
	}
	t.count(ctx, counts)
}

// refused counts results that were not taken, by what they said their source was.
func (t *telemetry) refused(ctx context.Context, sources []assessment.SourceType) {
	if len(sources) == 0 {
		return
	}
	counts := make(map[result]int64, 4)
	for _, source := range sources {
		counts[result{source, store.OutcomeRefused}]++
	}
	t.count(ctx, counts)
}

// kept counts what was kept of the spans that passed.
func (t *telemetry) kept(ctx context.Context, indexed, evicted, contents, refused int) {
	for _, count := range []struct {
		n       int
		outcome metric.MeasurementOption
		counter metric.Int64Counter
	}{
		{indexed, t.keptStored, t.builder.ExporterFeedbackIndexed},
		{evicted, t.keptEvicted, t.builder.ExporterFeedbackIndexed},
		{contents - refused, t.keptStored, t.builder.ExporterFeedbackContents},
		{refused, t.keptRefused, t.builder.ExporterFeedbackContents},
	} {
		if count.n > 0 {
			count.counter.Add(ctx, int64(count.n), count.outcome)
		}
	}
}

func (t *telemetry) count(ctx context.Context, counts map[result]int64) {
	for r, n := range counts {
		if option, ok := t.written[r]; ok {
			t.builder.ExporterFeedbackAssessments.Add(ctx, n, option)
		}
	}
}

// Delivered implements deliver.Observer.
func (t *telemetry) Delivered(_, outcome string, n int) {
	if option, ok := t.deliveries[outcome]; ok {
		t.builder.ExporterFeedbackDeliveries.Add(context.Background(), int64(n), option)
	}
}

// Backlog implements replica.Observer.
func (t *telemetry) Backlog(stats *store.Stats) { t.backlog.Set(stats) }

// MassMissing implements deliver.Observer.
func (t *telemetry) MassMissing(_ string, n int) {
	t.builder.ExporterFeedbackMissing.Add(context.Background(), int64(n), t.backend)
}
