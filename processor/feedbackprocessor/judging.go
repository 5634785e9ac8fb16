package feedbackprocessor

import (
	"context"
	"fmt"
	"net/url"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/judge"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/limits"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/queue"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/sampling"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/subject"
)

// queueType is the component type that a judge's queue has in its file's name and its metrics.
var queueType = component.MustNewType("feedback_judges")

// judgeRunner decides for one judge which subjects it is asked about, and settles its verdicts.
type judgeRunner struct {
	judge     *judge.Judge
	scope     assessment.Scope
	index     uint32
	selection selection
	sampler   *sampling.Sampler
	rules     map[string]*limits.Rule
	shadow    bool
	queue     *queue.Queue
	decided   decisionSeries
	settler   *settler
}

// decisionSeries are the decisions that fall while a batch passes.
type decisionSeries struct {
	filtered  series
	noContent map[genai.State]series
	byRule    map[string]ruleSeries
}

type ruleSeries struct {
	notSampled, duplicate, cached, shadow, throttled, overBudget, paused, queueFull, shutdown series
}

// addJudges makes the models, and the enabled judges with their queues.
func (in *instance) addJudges(set processor.Settings) error {
	models := make(map[string]*judge.Model, len(in.config.Models))
	for _, key := range sortedKeys(in.config.Models) {
		model, err := judge.NewModel(key, in.config.Models[key], set.TelemetrySettings)
		if err != nil {
			return err
		}
		models[key] = model
		in.models = append(in.models, model)
	}
	if len(in.config.Judges) > 0 {
		var err error
		if in.limiter, err = in.newLimiter(context.Background()); err != nil {
			return err
		}
	}
	run := newRun()
	for _, name := range sortedKeys(in.config.Judges) {
		if !in.config.Judges[name].Enabled {
			continue
		}
		runner, err := in.newJudge(name, models, run, set)
		if err != nil {
			return err
		}
		in.judges = append(in.judges, runner)
		in.tracesToo = in.tracesToo || runner.scope == assessment.ScopeTrace
		in.claims[claim{name, runner.settler.source}] = struct{}{}
	}
	return in.telemetry.RegisterProcessorFeedbackPendingCallback(in.observePending)
}

func (in *instance) newJudge(name string, models map[string]*judge.Model, run string, set processor.Settings) (*judgeRunner, error) {
	config := in.config.Judges[name]
	asked, err := judge.New(name, config, models, in.config.JudgeRetry, set.TelemetrySettings,
		judge.WithBudget(budget{in}), judge.WithRedaction(in.redact.Identity()))
	if err != nil {
		return nil, err
	}
	runner := &judgeRunner{judge: asked, scope: config.Scope, shadow: config.Shadow, index: uint32(len(in.judges))}
	if runner.selection, err = in.newSelection(name, subject.Kinds(config.Scope, config.Kinds), config.Conditions, set); err != nil {
		return nil, fmt.Errorf("judge %q: %w", name, err)
	}
	if runner.sampler, err = sampling.New(config.Cohort, config.Sampling, set.TelemetrySettings); err != nil {
		return nil, fmt.Errorf("judge %q: %w", name, err)
	}
	runner.rules = make(map[string]*limits.Rule, len(config.Sampling))
	for _, rule := range runner.sampler.Rules() {
		runner.rules[rule] = in.limiter.Rule(name, rule)
	}
	if err := in.fits(asked, runner.sampler.Rules()); err != nil {
		return nil, err
	}
	runner.decided = in.newDecisions(name, runner.sampler.Rules())
	runner.settler = newSettler(in, asked)
	runner.queue, err = queue.New(queue.Settings{
		ID:        queueID(set.ID, name),
		Telemetry: set.TelemetrySettings,
		BuildInfo: set.BuildInfo,
		Config:    in.config.JudgeQueue,
		Handler:   runner.settler,
		Run:       run,
	})
	if err != nil {
		return nil, fmt.Errorf("judge %q: %w", name, err)
	}
	return runner, nil
}

// queueID names a judge's queue `feedback_judges/[<processor>/]<judge>`, with what could be mistaken for the slash
// escaped: two queues with one name would share a file.
func queueID(id component.ID, judgeName string) component.ID {
	name := url.PathEscape(judgeName)
	if id.Name() != "" {
		name = url.PathEscape(id.Name()) + "/" + name
	}
	return component.NewIDWithName(queueType, name)
}

func (in *instance) newDecisions(evaluator string, rules []string) decisionSeries {
	add := func(reason string, more ...attribute.KeyValue) series {
		return in.series.add(in.telemetry.ProcessorFeedbackDecisions,
			append(more, attribute.String("evaluator", evaluator), attribute.String("reason", reason))...)
	}
	decided := decisionSeries{
		filtered:  add(reasonFiltered),
		noContent: make(map[genai.State]series, len(contentStates)),
		byRule:    make(map[string]ruleSeries, len(rules)+1),
	}
	decided.byRule[""] = ruleSeries{ // no rule was asked, or none matched
		notSampled: add(reasonNotSampled), duplicate: add(reasonDuplicate),
	}
	for _, state := range contentStates {
		decided.noContent[state] = add(reasonNoContent, attribute.String("state", string(state)))
	}
	for _, name := range rules {
		rule := attribute.String("rule", name)
		decided.byRule[name] = ruleSeries{
			notSampled: add(reasonNotSampled, rule),
			duplicate:  add(reasonDuplicate, rule),
			cached:     add(reasonCached, rule),
			shadow:     add(reasonShadow, rule),
			throttled:  add(reasonThrottled, rule),
			overBudget: add(reasonOverBudget, rule),
			paused:     add(reasonPaused, rule),
			queueFull:  add(reasonQueueFull, rule),
			shutdown:   add(reasonShutdown, rule),
		}
	}
	return decided
}

// observePending reports what waits or is under way, by model.
func (in *instance) observePending(_ context.Context, observer metric.Int64Observer) error {
	pending := make(map[string]int64, len(in.models))
	for _, runner := range in.judges {
		n := runner.queue.Pending() + in.joiner.pending(runner.scope == assessment.ScopeTrace)
		for _, model := range runner.judge.Models() {
			pending[model] += n
		}
	}
	for model, n := range pending {
		observer.Observe(n, metric.WithAttributes(attribute.String("model", model)))
	}
	return nil
}

// judgeSource is the author of a judge's assessments.
func judgeSource(asked *judge.Judge) assessment.Source {
	return assessment.Source{Type: assessment.SourceTypeLLMJudge, ID: asked.SourceID()}
}
