package feedbackprocessor

import (
	"context"
	"fmt"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/check"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/subject"
)

// contentStates are the states of a text that is not there.
var contentStates = []genai.State{
	genai.StateToolCallOnly, genai.StateNotCaptured, genai.StateRedacted, genai.StateMedia, genai.StateTruncated,
	genai.StateDropped, genai.StateError, genai.StateStreamingUnfinished,
}

// evaluator is what a check does; *check.Check is one.
type evaluator interface {
	Evaluate(ctx context.Context, subject *check.Subject) (check.Result, genai.State)
}

var _ evaluator = (*check.Check)(nil)

// checkRunner evaluates one check on the subjects it selects.
type checkRunner struct {
	name        string
	scope       assessment.Scope
	needs       []genai.Part
	fingerprint string
	source      assessment.Source
	check       evaluator
	selection   selection
	noContent   map[genai.State]series
	outcomes    map[string]series
}

// addChecks compiles the enabled checks.
func (in *instance) addChecks(set processor.Settings) error {
	for _, name := range sortedKeys(in.config.Checks) {
		config := in.config.Checks[name]
		if !config.Enabled {
			continue
		}
		compiled, err := check.New(name, config, set.TelemetrySettings)
		if err != nil {
			return err
		}
		runner := &checkRunner{
			name:        name,
			scope:       config.Scope,
			needs:       compiled.Needs(),
			fingerprint: compiled.Fingerprint(),
			source:      assessment.Source{Type: assessment.SourceTypeCode, ID: compiled.SourceID()},
			check:       compiled,
			noContent:   make(map[genai.State]series, len(contentStates)),
			outcomes:    make(map[string]series, 4),
		}
		if runner.selection, err = in.newSelection(name, subject.Kinds(config.Scope, config.Kinds), config.Conditions, set); err != nil {
			return fmt.Errorf("check %q: %w", name, err)
		}
		evaluator := attribute.String("evaluator", name)
		for _, state := range contentStates {
			runner.noContent[state] = in.series.add(in.telemetry.ProcessorFeedbackChecksWithoutContent,
				evaluator, attribute.String("state", string(state)))
		}
		for _, outcome := range []string{"pass", "fail", "error", "none"} {
			runner.outcomes[outcome] = in.series.add(in.telemetry.ProcessorFeedbackResults,
				evaluator, attribute.String("outcome", outcome))
		}
		in.checks = append(in.checks, runner)
		in.tracesToo = in.tracesToo || config.Scope == assessment.ScopeTrace
		in.claims[claim{name, runner.source}] = struct{}{}
	}
	return nil
}

func (in *instance) newSelection(evaluator string, kinds []genai.Kind, conditions []string, set processor.Settings) (selection, error) {
	compiled, err := compileConditions(conditions, set.TelemetrySettings)
	if err != nil {
		return selection{}, fmt.Errorf("`conditions`: %w", err)
	}
	var logger *zap.Logger
	if in.config.ErrorMode != ottl.SilentError {
		logger = in.logger
	}
	return selection{
		evaluator:  evaluator,
		kinds:      kinds,
		conditions: compiled,
		errored:    in.series.add(in.telemetry.ProcessorFeedbackConditionErrors, attribute.String("evaluator", evaluator)),
		logger:     logger,
	}, nil
}

// checkSubject evaluates one check on the batch's subject and writes what comes of it.
func (in *instance) checkSubject(ctx context.Context, b *batch, runner *checkRunner) {
	if !runner.selection.matches(ctx, b) || in.config.TrustUpstream && b.carried(claim{runner.name, runner.source}) {
		return
	}
	result, state := in.runCheck(ctx, b, runner)
	if state != genai.StateText {
		b.tally.add(runner.noContent[state])
		return
	}
	b.tally.add(runner.outcomes[outcomeOf(result.Error, result.Verdict)])
	if result.Verdict == assessment.VerdictFailed {
		b.failed = append(b.failed, runner.name)
	}
	in.write(b, runner, &result)
}

// runCheck turns a panic into an error of the check: it must not fail the batch, nor go without a trace.
func (in *instance) runCheck(ctx context.Context, b *batch, runner *checkRunner) (result check.Result, state genai.State) {
	defer func() {
		if cause := recover(); cause != nil {
			in.logPanic(runner.name, cause)
			result, state = check.Result{Error: panicError()}, genai.StateText
		}
	}()
	return runner.check.Evaluate(ctx, &b.subject)
}

// write puts a result onto its span, or among the records that follow the batch.
func (in *instance) write(b *batch, runner *checkRunner, result *check.Result) {
	a := &b.result
	*a = assessment.Assessment{
		SpanID:      b.subjectID(),
		Name:        runner.name,
		Kind:        assessment.KindFeedback,
		Source:      runner.source,
		Value:       result.Value,
		Error:       result.Error,
		Rationale:   result.Rationale,
		Verdict:     result.Verdict,
		Fingerprint: runner.fingerprint,
		Metadata:    b.metadata(),
		ResponseID:  b.content.ResponseID(),
		CreateTime:  b.time(),
	}
	if in.config.Results == ResultsEvents && !b.late {
		assessment.EncodeSpanEvent(b.span.Events().AppendEmpty(), a)
		return
	}
	a.TraceID = b.span.TraceID().String()
	if b.ready == nil {
		b.ready = in.emitter.newReady()
	}
	b.ready.add(a)
}
