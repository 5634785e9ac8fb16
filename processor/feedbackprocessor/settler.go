package feedbackprocessor

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"strconv"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/judge"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/queue"
)

// errorTypePanic is the error.type of an evaluator that panicked.
const errorTypePanic = "panic"

var errPanic = errors.New("what stands behind the logs pipeline panicked")

// newRun names the life of one instance, to tell its queued items from those of an earlier one.
func newRun() string { return rand.Text() }

// settler settles the judgements that leave one judge's queue: verdict, record, count.
type settler struct {
	in        *instance
	judge     *judge.Judge
	source    assessment.Source
	abandoned atomic.Int64
}

var _ queue.Handler = (*settler)(nil)

func newSettler(in *instance, asked *judge.Judge) *settler {
	return &settler{in: in, judge: asked, source: judgeSource(asked)}
}

// Handle implements queue.Handler.
func (s *settler) Handle(ctx context.Context, item queue.Item) (settled bool) {
	if item.Fingerprint != s.judge.Fingerprint() {
		s.Outdated(item) //nolint:contextcheck // counted even at stop
		return true
	}
	result, err := s.ask(ctx, item)
	if err != nil {
		return false
	}
	s.settle(item, result) //nolint:contextcheck // a verdict leaves also when judging is over
	return true
}

// ask judges. A panic becomes a result with an error: with a persistent queue the item would otherwise end the
// collector again at each start.
func (s *settler) ask(ctx context.Context, item queue.Item) (result judge.Result, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			s.in.logPanic(s.judge.Name(), cause)
			result, err = judge.Result{Model: s.judge.Model(), Error: panicError()}, nil
		}
	}()
	input := judge.Input{
		TraceID: item.TraceID.String(), SpanID: item.SpanID.String(), Truncated: item.Truncated,
		Queued: item.Queued, Rule: item.Rule, Stratum: item.Stratum,
	}
	for _, part := range item.Parts {
		input.SetPart(genai.Part(part.Name), part.Text)
	}
	if result, err = s.judge.Judge(ctx, input); err == nil {
		s.in.cache.Put(s.judge.CacheKey(&input), &result)
	}
	return result, err
}

// settle sends a result and counts it. A judgement that the budget ended has none.
func (s *settler) settle(item queue.Item, result judge.Result) {
	defer func() {
		if cause := recover(); cause != nil { // of whoever takes the record
			s.in.logPanic(s.judge.Name(), cause)
			s.in.emitter.lost(context.Background(), s.judge.Name(), 1, errPanic)
		}
	}()
	s.countUsage(&result)
	if result.Refused != nil {
		s.decide(item, result.Refused.Reason)
		return
	}
	s.count(item, &result)
	s.in.emitter.emitLate(s.in.emitter.ready(s.assessment(&item, &result)))
}

// assessment is a result about the subject of an item.
func (s *settler) assessment(item *queue.Item, result *judge.Result) *assessment.Assessment {
	metadata := make(map[string]string, len(result.Metadata)+4)
	maps.Copy(metadata, result.Metadata)
	metadata[assessment.MetadataSamplingRule] = item.Rule
	metadata[assessment.MetadataSamplingStratum] = item.Stratum
	metadata[assessment.MetadataSamplingProbability] = strconv.FormatFloat(item.Probability, 'g', -1, 64)
	if item.SpansSeen > 0 {
		metadata[assessment.MetadataSpansSeen] = strconv.Itoa(item.SpansSeen)
	}
	traceID, spanID := item.TraceID.String(), item.SpanID.String() // of an empty id that is ""
	return &assessment.Assessment{
		ID:          assessment.NewID(traceID, spanID, s.judge.Name(), s.source),
		TraceID:     traceID,
		SpanID:      spanID,
		Name:        s.judge.Name(),
		Kind:        assessment.KindFeedback,
		Source:      s.source,
		Value:       result.Value,
		Error:       result.Error,
		Rationale:   result.Rationale,
		Metadata:    metadata,
		Verdict:     result.Verdict,
		Fingerprint: item.Fingerprint,
		ResponseID:  item.ResponseID,
		CreateTime:  s.in.now().UTC(),
	}
}

func (s *settler) count(item queue.Item, result *judge.Result) {
	ctx, telemetry := context.Background(), s.in.telemetry
	evaluator := attribute.String("evaluator", s.judge.Name())
	s.decide(item, reasonOf(result.Error))
	telemetry.ProcessorFeedbackResults.Add(ctx, 1, metric.WithAttributes(evaluator,
		attribute.String("outcome", outcomeOf(result.Error, result.Verdict))))
	if result.HasAgreement {
		telemetry.ProcessorFeedbackJudgeAgreement.Record(ctx, result.Agreement, metric.WithAttributes(evaluator))
	}
}

// countUsage counts what the calls of each model took, also those of a judgement that came to nothing.
func (s *settler) countUsage(result *judge.Result) {
	ctx, telemetry := context.Background(), s.in.telemetry
	evaluator := attribute.String("evaluator", s.judge.Name())
	for _, used := range result.Usage {
		model := attribute.String("model", used.Model)
		if used.Calls > 0 {
			telemetry.ProcessorFeedbackJudgeDuration.Record(ctx, used.Duration.Seconds(), metric.WithAttributes(evaluator, model))
		}
		if used.Cost > 0 {
			telemetry.ProcessorFeedbackJudgeCost.Add(ctx, used.Cost, metric.WithAttributes(evaluator, model))
		}
		for direction, n := range map[string]int64{
			"input":  used.InputTokens - used.CachedTokens, // so that the sum over directions is all tokens
			"cached": used.CachedTokens,
			"output": used.OutputTokens,
		} {
			if n > 0 {
				telemetry.ProcessorFeedbackJudgeTokens.Add(ctx, n,
					metric.WithAttributes(evaluator, model, attribute.String("direction", direction)))
			}
		}
	}
}

// Recovered implements queue.Handler.
func (s *settler) Recovered(queue.Item) {
	s.in.telemetry.ProcessorFeedbackRecovered.Add(context.Background(), 1,
		metric.WithAttributes(attribute.String("evaluator", s.judge.Name())))
}

// Outdated implements queue.Handler. The decision was made for another version of the judge, or by another version of
// this processor; a verdict under this one's name would be wrong.
func (s *settler) Outdated(item queue.Item) { s.decide(item, "outdated") }

// Abandoned implements queue.Handler.
func (s *settler) Abandoned(item queue.Item) {
	s.abandoned.Add(1)
	s.decide(item, reasonShutdown)
}

func (s *settler) decide(item queue.Item, reason string) {
	attributes := []attribute.KeyValue{attribute.String("evaluator", s.judge.Name()), attribute.String("reason", reason)}
	if item.Rule != "" {
		attributes = append(attributes, attribute.String("rule", item.Rule))
	}
	s.in.telemetry.ProcessorFeedbackDecisions.Add(context.Background(), 1, metric.WithAttributes(attributes...))
}

func reasonOf(failure *assessment.Error) string {
	switch {
	case failure == nil:
		return "evaluated"
	case failure.Type == judge.ErrorTypeTimeout:
		return "timeout"
	default:
		return "error"
	}
}

// outcomeOf is the value of the attribute `outcome`.
func outcomeOf(failure *assessment.Error, verdict assessment.Verdict) string {
	switch {
	case failure != nil:
		return "error"
	case verdict == assessment.VerdictPassed:
		return "pass"
	case verdict == assessment.VerdictFailed:
		return "fail"
	default:
		return "none"
	}
}

func panicError() *assessment.Error {
	return &assessment.Error{
		Code:    assessment.ErrorCodeEvaluationFailed,
		Type:    errorTypePanic,
		Message: "the evaluator failed internally; the collector's log has the stack",
	}
}

// logPanic logs where an evaluator panicked. The cause itself may quote content.
func (in *instance) logPanic(evaluator string, cause any) {
	in.logger.Error("An evaluator panicked", zap.String("evaluator", evaluator),
		zap.String("cause_type", fmt.Sprintf("%T", cause)), zap.ByteString("stack", debug.Stack()))
}
