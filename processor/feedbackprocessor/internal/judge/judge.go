package judge

import (
	"context"
	"fmt"
	"math"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configretry"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

// MetadataInputTruncated is "true" on a result whose judge did not see all of the interaction's text.
const MetadataInputTruncated = "input_truncated"

// Result is how one judgement ended. It has either a value or an error.
type Result struct {
	Value     assessment.Value
	Verdict   assessment.Verdict
	Rationale string
	// Error is set when there is no value. Its message holds no content, no secret and nothing of a server's words.
	Error *assessment.Error
	// Metadata is model, latency, tokens, cost where the model has a price, and input_truncated where it is true.
	Metadata map[string]string
	// Attempts is the number of HTTP requests made.
	Attempts int
	// Model is the model's key in `models`.
	Model string
	// The tokens of all attempts, as the provider counts them; cached ones are part of the input.
	InputTokens, CachedTokens, OutputTokens int64
	// Cost of all attempts in USD; 0 where the model has no price.
	Cost float64
	// Duration is from the first attempt to the end, waits included.
	Duration time.Duration
}

// Judge asks one model one question about interactions. It is safe for concurrent use.
type Judge struct {
	name        string
	sourceID    string
	fingerprint string
	cfg         *Config
	model       *Model
	prompt      *prompt
	output      *outputForm
	system      string
	pass        *passRule
	retry       configretry.BackOffConfig
	clock       Clock
	logger      *zap.Logger
	// learned is what the server refuses of this judge's schema alone.
	learned     knowledge
	passFailure sync.Once
}

// Option changes how a Judge works.
type Option func(*Judge)

// WithClock replaces the wall clock.
func WithClock(clock Clock) Option { return func(j *Judge) { j.clock = clock } }

// New makes a judge of a valid configuration; name is its key in `judges`. It reads the prompt's file. The retry's
// max_elapsed_time bounds when a call may still begin, so a judgement ends within it plus the model's timeout; 0 bounds
// nothing.
func New(name string, cfg *Config, model *Model, retry configretry.BackOffConfig, set component.TelemetrySettings, options ...Option) (*Judge, error) {
	j := &Judge{name: name, sourceID: cfg.SourceID, cfg: cfg, model: model, retry: retry, clock: wallClock{}, logger: set.Logger}
	var err error
	if j.prompt, err = loadPrompt(cfg); err != nil {
		return nil, fmt.Errorf("judge %q: %w", name, err)
	}
	if j.output, err = newOutputForm(name, cfg.Output); err != nil {
		return nil, fmt.Errorf("judge %q: `output`: %w", name, err)
	}
	if j.pass, err = newPassRule(cfg.PassWhen, j.output, set); err != nil {
		return nil, fmt.Errorf("judge %q: `pass_when`: %w", name, err)
	}
	if j.fingerprint, err = fingerprint(cfg, j.prompt, j.output, model.cfg, model.name); err != nil {
		return nil, fmt.Errorf("judge %q: %w", name, err)
	}
	if j.sourceID == "" {
		j.sourceID = name + "@" + j.fingerprint[:8]
	}
	j.system = systemMessage(j.output.schema)
	for _, option := range options {
		option(j)
	}
	return j, nil
}

// Name is the name of the judge's assessments.
func (j *Judge) Name() string { return j.name }

// SourceID is the source id of the judge's assessments.
func (j *Judge) SourceID() string { return j.sourceID }

// Fingerprint identifies the judge's version: 32 hex digits over all that shapes its results.
func (j *Judge) Fingerprint() string { return j.fingerprint }

// Model is the key in `models` of the model that the judge asks.
func (j *Judge) Model() string { return j.model.key }

// Needs are the parts of an interaction that the prompt shows; the others need not be read.
func (j *Judge) Needs() []genai.Part { return j.prompt.needs }

// Bound returns what the judge uses of an input: only the parts that it needs, cut to max_input. What it returns is
// what should be queued.
func (j *Judge) Bound(in Input) Input {
	bounded := Input{TraceID: in.TraceID, SpanID: in.SpanID, Truncated: in.Truncated}
	for _, part := range j.prompt.needs {
		bounded.SetPart(part, in.Part(part))
	}
	bounded.bound(int(j.cfg.MaxInput), j.prompt.needs)
	return bounded
}

// Judge makes one judgement. Whatever goes wrong is in the result; the error is not nil only when ctx ended before
// there was a verdict, and then the judgement did not take place.
func (j *Judge) Judge(ctx context.Context, in Input) (result Result, err error) {
	run := judgement{judge: j, start: j.clock.Now(), truncated: in.Truncated}
	defer func() {
		if cause := recover(); cause != nil {
			// The cause itself may quote content, its type and the stack do not.
			j.logger.Error("A judge panicked", zap.String("judge", j.name), zap.String("cause_type", fmt.Sprintf("%T", cause)), zap.ByteString("stack", debug.Stack()))
			result, err = run.failed(&failure{class: ErrorTypeInternal, message: "the judge failed internally; the collector's log has the stack"}), nil
		}
	}()
	bounded := j.Bound(in)
	run.truncated = bounded.Truncated
	user, promptErr := j.prompt.userMessage(bounded)
	if promptErr != nil {
		return run.failed(&failure{class: ErrorTypeInternal, message: "the prompt cannot be rendered"}), nil
	}
	return run.ask(ctx, request{system: j.system, user: user, output: j.output})
}

// judgement is one judgement under way.
type judgement struct {
	judge     *Judge
	start     time.Time
	truncated bool
	attempts  int
	usage     usage
}

// ask calls the model until there is an answer or no sense in going on. An answer that does not fit is not asked for
// again: the same question gets the same answer, and would be paid twice.
func (r *judgement) ask(ctx context.Context, ask request) (Result, error) {
	j := r.judge
	waits := backoff.ExponentialBackOff{
		InitialInterval: j.retry.InitialInterval, RandomizationFactor: j.retry.RandomizationFactor,
		Multiplier: j.retry.Multiplier, MaxInterval: j.retry.MaxInterval,
	}
	waits.Reset()
	tried := j.model.learned.features()
	own := j.learned.features().format
	schemaOnly := own > tried.format // the fallback is about this judge's schema
	tried.format = max(tried.format, own)
	for {
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		r.attempts++
		got, fail := j.model.call(ctx, ask, tried, j.clock.Now())
		r.usage.add(got.usage)
		if got.accepted {
			j.learn(tried, schemaOnly)
		}
		if fail == nil {
			return r.answered(ctx, got.text), nil
		}
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		if next, ok := tried.without(fail.refused); ok {
			schemaOnly = schemaOnly || fail.refused == refusalThisSchema
			tried = next
			continue
		}
		if !fail.retry || !j.retry.Enabled {
			return r.failed(fail), nil
		}
		wait := max(waits.NextBackOff(), fail.retryAfter)
		if limit := j.retry.MaxElapsedTime; limit > 0 && j.clock.Now().Sub(r.start)+wait > limit {
			return r.failed(fail), nil
		}
		if err := j.clock.Wait(ctx, wait); err != nil {
			return Result{}, err
		}
	}
}

// learn remembers what the server took, of this judge alone where only its schema was the matter.
func (j *Judge) learn(taken features, schemaOnly bool) {
	if schemaOnly {
		j.learned.atLeast(features{format: taken.format})
		taken.format = formatSchema
	}
	j.model.learn(taken)
}

// answered makes the result of a model's text.
func (r *judgement) answered(ctx context.Context, text string) Result {
	parsed, err := parseAnswer(text, r.judge.output)
	if err != nil {
		return r.failed(&failure{class: ErrorTypeInvalidAnswer, message: err.Error()})
	}
	result := r.result()
	result.Value, result.Rationale = parsed.value, parsed.rationale
	if result.Verdict, err = r.judge.pass.verdict(ctx, parsed.decoded); err != nil {
		r.judge.passFailure.Do(func() {
			r.judge.logger.Warn("`pass_when` cannot be evaluated, so results have no verdict; logged once", zap.String("judge", r.judge.name))
		})
	}
	return result
}

func (r *judgement) failed(fail *failure) Result {
	result := r.result()
	result.Error = fail.result(r.judge.model.key, r.attempts)
	return result
}

// result holds what all results have.
func (r *judgement) result() Result {
	model := r.judge.model
	result := Result{
		Attempts: r.attempts, Model: model.key, Duration: r.judge.clock.Now().Sub(r.start),
		InputTokens: r.usage.input, CachedTokens: r.usage.cached, OutputTokens: r.usage.output,
		Cost: model.cfg.Price.cost(r.usage),
	}
	result.Metadata = map[string]string{
		assessment.MetadataModel:         model.key,
		assessment.MetadataLatencyMillis: strconv.FormatInt(result.Duration.Milliseconds(), 10),
	}
	if r.usage != (usage{}) {
		result.Metadata[assessment.MetadataJudgeInputTokens] = strconv.FormatInt(result.InputTokens, 10)
		result.Metadata[assessment.MetadataJudgeOutputTokens] = strconv.FormatInt(result.OutputTokens, 10)
		if model.cfg.Price.Known() {
			// A billionth of a dollar is enough, and keeps float noise off MLflow's page.
			result.Metadata[assessment.MetadataJudgeCost] = strconv.FormatFloat(math.Round(result.Cost*1e9)/1e9, 'f', -1, 64)
		}
	}
	if r.truncated {
		result.Metadata[MetadataInputTruncated] = "true"
	}
	return result
}
