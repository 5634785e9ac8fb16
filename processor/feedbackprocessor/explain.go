package feedbackprocessor

import (
	"context"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/bytesize"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/join"
)

// EvaluatorType is a check or a judge.
type EvaluatorType string

// The types of evaluators.
const (
	EvaluatorCheck EvaluatorType = "check"
	EvaluatorJudge EvaluatorType = "judge"
)

// Outcome is what an evaluator would do about a span, or about the trace that the span is the root of.
type Outcome struct {
	Name  string
	Type  EvaluatorType
	Scope assessment.Scope
	// Runs says whether it would run. If not, Reason says why not, in the words of the metric
	// processor_feedback_decisions, and State which content is missing where the reason is no_content.
	Runs   bool
	Reason string
	State  genai.State
	// Rule and Probability are of a judge's sampling, also where chance said no; empty and 0 where it was not asked.
	Rule        string
	Probability float64
	// Rate is the rule's, the share of what arrives that is judged; Calls, Tokens and USD are what a judgement would take
	// at most: of each model one call, with the longest answer. 0 where no rule was asked; USD also where a price is
	// missing.
	Rate   float64
	Calls  int
	Tokens int64
	USD    float64
	// Value and Rationale are a check's result, Failed its error.Type where it has none.
	Value     assessment.Value
	Verdict   assessment.Verdict
	Rationale string
	Failed    string
}

// Explanation is what the processor makes of a span.
type Explanation struct {
	Span ptrace.Span
	// Interaction is of genai.KindOther for spans that are not GenAI.
	Interaction *genai.Interaction
	// Evaluators are in the order of their names, checks first.
	Evaluators []Outcome
}

// Explainer tells what the processor would do, by the processor's own code. It asks no model and sends nothing.
type Explainer struct{ in *instance }

// NewExplainer compiles a valid configuration; errors are those of the processor's start.
func NewExplainer(config *Config, set processor.Settings) (*Explainer, error) {
	in, err := newInstance(config, set)
	if err != nil {
		return nil, err
	}
	return &Explainer{in}, nil
}

// Explain explains each span in order. The log records count as if they had come before the spans, and traces as if
// they were whole. It may change the spans, as the processor does. The explanations are valid until Explain is called
// again.
func (e *Explainer) Explain(ctx context.Context, td ptrace.Traces, ld plog.Logs) []Explanation {
	in := e.in
	if in.config.JoinLogs.SpanWait > 0 {
		all := in.config.JoinLogs
		all.MaxSize = bytesize.Size(1 << 40)
		in.joiner = &joiner{in: in, buffer: join.New[*held](all, in.now, func(int) {})}
		in.joiner.takeRecords(ctx, ld)
	}
	b := in.newBatch()
	b.late = true // nothing waits
	defer in.endBatch(ctx, b)
	var explained []Explanation
	roots := make(map[pcommon.SpanID]int)
	for _, resource := range td.ResourceSpans().All() {
		for _, scope := range resource.ScopeSpans().All() {
			for _, span := range scope.Spans().All() {
				b.at(resource, scope, span)
				in.removeClaims(b)
				explained = append(explained, in.explainSpan(ctx, b))
				roots[span.SpanID()] = len(explained) - 1
			}
		}
	}
	e.explainTraces(ctx, b, td, func(root pcommon.SpanID, outcomes []Outcome) {
		one := &explained[roots[root]]
		one.Evaluators = append(one.Evaluators, outcomes...)
	})
	return explained
}

func (in *instance) explainSpan(ctx context.Context, b *batch) Explanation {
	isSubject := in.readSpan(ctx, b)
	own := b.interaction
	explained := Explanation{Span: b.span, Interaction: &own}
	if isSubject {
		b.about(&own)
		explained.Evaluators = in.outcomes(ctx, b, assessment.ScopeSpan)
	}
	return explained
}

func (e *Explainer) explainTraces(ctx context.Context, b *batch, td ptrace.Traces, visit func(root pcommon.SpanID, outcomes []Outcome)) {
	if !e.in.tracesToo {
		return
	}
	roots := rootsOf(td)
	for id, spans := range spansOf(td, roots) {
		root := roots[id]
		trace, _ := e.in.readTrace(ctx, b, root, spans)
		if trace.Kind() == genai.KindOther {
			continue
		}
		b.at(root.resource, root.scope, root.span)
		b.about(trace)
		b.spansSeen = trace.SpansSeen()
		visit(root.span.SpanID(), e.in.outcomes(ctx, b, assessment.ScopeTrace))
	}
}

// outcomes asks all evaluators of a scope about the batch's subject.
func (in *instance) outcomes(ctx context.Context, b *batch, scope assessment.Scope) []Outcome {
	var all []Outcome
	for _, runner := range in.checks {
		if runner.scope == scope {
			all = append(all, in.checkOutcome(ctx, b, runner))
		}
	}
	for _, runner := range in.judges {
		if runner.scope != scope {
			continue
		}
		all = append(all, in.judgeOutcome(ctx, b, runner))
	}
	return all
}

func (in *instance) judgeOutcome(ctx context.Context, b *batch, runner *judgeRunner) Outcome {
	decided := in.decide(ctx, b, runner)
	outcome := Outcome{
		Name: runner.judge.Name(), Type: EvaluatorJudge, Scope: runner.scope,
		Runs: decided.reason == "", Reason: decided.reason,
		Rule: decided.sampling.Rule, Probability: decided.sampling.Probability, Rate: decided.sampling.Rate,
	}
	if decided.reason == reasonNoContent {
		outcome.State = decided.state
	}
	if outcome.Rule == "" || decided.reason == reasonDuplicate {
		return outcome
	}
	for _, need := range runner.judge.Estimate(&decided.input) {
		outcome.Calls++
		outcome.Tokens += need.InputTokens + need.OutputTokens
		outcome.USD += need.USD
	}
	return outcome
}

func (in *instance) checkOutcome(ctx context.Context, b *batch, runner *checkRunner) Outcome {
	outcome := Outcome{Name: runner.name, Type: EvaluatorCheck, Scope: runner.scope}
	if !runner.selection.matches(ctx, b) {
		outcome.Reason = reasonFiltered
		return outcome
	}
	result, state := in.runCheck(ctx, b, runner)
	if state != genai.StateText {
		outcome.Reason, outcome.State = reasonNoContent, state
		return outcome
	}
	outcome.Runs, outcome.Value, outcome.Verdict, outcome.Rationale = true, result.Value, result.Verdict, result.Rationale
	if result.Error != nil {
		outcome.Failed = result.Error.Type
	}
	if result.Verdict == assessment.VerdictFailed {
		b.failed = append(b.failed, runner.name)
	}
	return outcome
}
