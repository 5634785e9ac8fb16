package feedbackprocessor

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/judge"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/queue"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/sampling"
)

// queueType is the component type that a judge's queue has in its file's name and its metrics.
var queueType = component.MustNewType("feedback_judges")

// judgeRunner decides for one judge which subjects it is asked about, and settles its verdicts.
type judgeRunner struct {
	judge     *judge.Judge
	index     uint32
	selection selection
	sampler   *sampling.Sampler
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
	notSampled, duplicate, queueFull, shutdown series
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
		in.claims[claim{name, runner.settler.source}] = struct{}{}
	}
	return in.telemetry.RegisterProcessorFeedbackPendingCallback(in.observePending)
}

func (in *instance) newJudge(name string, models map[string]*judge.Model, run string, set processor.Settings) (*judgeRunner, error) {
	config := in.config.Judges[name]
	model, ok := models[config.Model]
	if !ok {
		return nil, fmt.Errorf("judge %q: model %q is not in `models`", name, config.Model)
	}
	asked, err := judge.New(name, config, model, in.config.JudgeRetry, set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	runner := &judgeRunner{judge: asked, index: uint32(len(in.judges))}
	if runner.selection, err = in.newSelection(name, config.Kinds, config.Conditions, set); err != nil {
		return nil, fmt.Errorf("judge %q: %w", name, err)
	}
	if runner.sampler, err = sampling.New(config.Sampling); err != nil {
		return nil, fmt.Errorf("judge %q: %w", name, err)
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
		filtered:  add("filtered"),
		noContent: make(map[genai.State]series, len(contentStates)),
		byRule:    make(map[string]ruleSeries, len(rules)),
	}
	for _, state := range contentStates {
		decided.noContent[state] = add("no_content", attribute.String("state", string(state)))
	}
	for _, name := range rules {
		rule := attribute.String("rule", name)
		decided.byRule[name] = ruleSeries{
			notSampled: add("not_sampled", rule),
			duplicate:  add("duplicate", rule),
			queueFull:  add("queue_full", rule),
			shutdown:   add("shutdown", rule),
		}
	}
	return decided
}

// judgeSubject makes the one decision about the batch's subject, in the order in which it is cheapest to say no.
func (in *instance) judgeSubject(ctx context.Context, b *batch, runner *judgeRunner) series {
	if !runner.selection.matches(ctx, b) {
		return runner.decided.filtered
	}
	input, state := readInput(&b.interaction, runner.judge.Needs())
	if state != genai.StateText {
		return runner.decided.noContent[state]
	}
	decision := runner.sampler.Decide(b.sampled())
	decided := runner.decided.byRule[decision.Rule]
	if !decision.Sampled {
		return decided.notSampled
	}
	key := subjectKey{trace: b.span.TraceID(), span: b.span.SpanID(), judge: runner.index}
	if !in.recent.add(key) {
		return decided.duplicate
	}
	err := runner.queue.Offer(newItem(b, runner.judge, input, decision)) //nolint:contextcheck // nothing of the request may be kept
	if err == nil {
		return pendingDecision
	}
	in.recent.forget(key)
	if errors.Is(err, queue.ErrClosed) {
		return decided.shutdown
	}
	return decided.queueFull
}

// pendingDecision says that the decision will fall when the judgement is settled.
const pendingDecision series = -1

// readInput reads what a judge needs. The state is StateText if it can be judged: all parts that its prompt shows
// must have text, except the system text and tool calls, which interactions may well be without. An answer that is
// nothing but tool calls can be judged by who is shown those.
func readInput(interaction *genai.Interaction, needs []genai.Part) (judge.Input, genai.State) {
	var input judge.Input
	some, missing := false, genai.StateNotCaptured
	for _, part := range needs {
		text, state := interaction.Text(part)
		switch state {
		case genai.StateText:
		case genai.StateTruncated:
			input.Truncated = true
		default:
			missing = state
			if required(part, state, needs) {
				return input, state
			}
			continue
		}
		some = true
		input.SetPart(part, text)
	}
	if !some {
		return input, missing
	}
	return input, genai.StateText
}

func required(part genai.Part, state genai.State, needs []genai.Part) bool {
	switch part {
	case genai.PartSystem, genai.PartToolCalls:
		return false
	case genai.PartAnswer:
		return state != genai.StateToolCallOnly || !slices.Contains(needs, genai.PartToolCalls)
	default:
		return true
	}
}

// newItem makes what is queued: copies of the texts that the prompt shows, cut to the judge's bound.
func newItem(b *batch, asked *judge.Judge, input judge.Input, decision sampling.Decision) queue.Item {
	input = asked.Bound(input)
	item := queue.Item{
		TraceID:     b.span.TraceID(),
		SpanID:      b.span.SpanID(),
		Judge:       asked.Name(),
		Fingerprint: asked.Fingerprint(),
		Rule:        decision.Rule,
		Stratum:     decision.Stratum,
		Probability: decision.Probability,
		ResponseID:  b.interaction.ResponseID(),
		Truncated:   input.Truncated,
		Parts:       make([]queue.Part, 0, len(asked.Needs())),
	}
	for _, part := range asked.Needs() {
		if text := input.Part(part); text != "" {
			item.Parts = append(item.Parts, queue.Part{Name: string(part), Text: text})
		}
	}
	return item
}

// observePending reports what waits or is under way, by model.
func (in *instance) observePending(_ context.Context, observer metric.Int64Observer) error {
	pending := make(map[string]int64, len(in.models))
	for _, runner := range in.judges {
		pending[runner.judge.Model()] += runner.queue.Pending()
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
