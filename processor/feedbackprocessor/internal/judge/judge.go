package judge

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configretry"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

// Judge asks one model, or a panel of them, one question about interactions. It is safe for concurrent use.
type Judge struct {
	name        string
	sourceID    string
	fingerprint string
	cfg         *Config
	members     []*member
	quorum      int
	prompt      *prompt
	output      *outputForm
	system      string
	pass        *passRule
	retry       configretry.BackOffConfig
	clock       Clock
	budget      Budget
	redaction   string
	logger      *zap.Logger
	passFailure sync.Once
}

// Option changes how a Judge works.
type Option func(*Judge)

// WithClock replaces the wall clock.
func WithClock(clock Clock) Option { return func(j *Judge) { j.clock = clock } }

// WithBudget bounds what the judge may use. Default, and with nil: nothing is bounded.
func WithBudget(budget Budget) Option {
	return func(j *Judge) {
		if j.budget = budget; budget == nil {
			j.budget = unlimited{}
		}
	}
}

// WithRedaction identifies what is taken out of inputs before they are queued; it is part of the fingerprint. Default:
// nothing.
func WithRedaction(identity string) Option { return func(j *Judge) { j.redaction = identity } }

// New makes a judge of a valid configuration; name is its key in `judges`, and models are all by their keys. It reads
// the prompt's file. The retry's max_elapsed_time bounds when a call may still begin, so a judgement ends within it plus
// the model's timeout and the time in which the model takes no calls; 0 bounds nothing.
func New(name string, cfg *Config, models map[string]*Model, retry configretry.BackOffConfig, set component.TelemetrySettings, options ...Option) (*Judge, error) {
	j := &Judge{
		name: name, sourceID: cfg.SourceID, cfg: cfg, quorum: cfg.quorum(), retry: retry,
		clock: wallClock{}, budget: unlimited{}, logger: set.Logger,
	}
	for _, option := range options {
		option(j)
	}
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
	for _, key := range cfg.ModelKeys() {
		model, ok := models[key]
		if !ok {
			return nil, fmt.Errorf("judge %q: model %q is not in `models`", name, key)
		}
		j.members = append(j.members, newMember(model, j.output))
	}
	if j.fingerprint, err = j.newFingerprint(); err != nil {
		return nil, fmt.Errorf("judge %q: %w", name, err)
	}
	if j.sourceID == "" {
		j.sourceID = name + "@" + j.fingerprint[:8]
	}
	j.system = systemMessage(j.output.schema)
	return j, nil
}

// Name is the name of the judge's assessments.
func (j *Judge) Name() string { return j.name }

// SourceID is the source id of the judge's assessments.
func (j *Judge) SourceID() string { return j.sourceID }

// Fingerprint identifies the judge's version: 32 hex digits over all that shapes its results.
func (j *Judge) Fingerprint() string { return j.fingerprint }

// Models are the keys in `models` of the models that the judge asks, in their order.
func (j *Judge) Models() []string { return j.cfg.ModelKeys() }

// Model names what the judge asks: the model's key, of a panel all keys.
func (j *Judge) Model() string { return strings.Join(j.Models(), ", ") }

// Paused reports whether so many of the judge's models are down that its judgements wait for them.
func (j *Judge) Paused() bool {
	up := 0
	for _, m := range j.members {
		if !m.model.Paused() {
			up++
		}
	}
	return up < j.quorum
}

// Needs are the parts of an interaction that the prompt shows; the others need not be read.
func (j *Judge) Needs() []genai.Part { return j.prompt.needs }

// Bound returns what the judge uses of an input: only the parts that it needs, cut to max_input. What it returns is
// what should be queued.
func (j *Judge) Bound(in Input) Input {
	bounded := in
	for _, part := range partOrder {
		bounded.SetPart(part, "")
	}
	for _, part := range j.prompt.needs {
		bounded.SetPart(part, in.Part(part))
	}
	bounded.bound(int(j.cfg.MaxInput), j.prompt.needs)
	return bounded
}

// fenceLength is about what a fence adds to a text.
var fenceLength = len((&fenced{part: genai.PartToolCalls, token: strings.Repeat("0", 32)}).String())

// Estimate is about what a judgement needs of each model if it answers at the first call. It renders nothing, so that it
// may be made for every subject.
func (j *Judge) Estimate(in *Input) []Need {
	shown := j.Bound(*in)
	length := 0
	for _, part := range j.prompt.needs {
		length += len(shown.Part(part))
	}
	return j.needs(in, length)
}

// Most is about what a judgement needs of each model if the interaction's text is as long as max_input.
func (j *Judge) Most() []Need { return j.needs(&Input{}, int(j.cfg.MaxInput)) }

// needs are those of a text of a length.
func (j *Judge) needs(in *Input, length int) []Need {
	length += len(j.system) + len(j.prompt.text) + len(reminder) + fenceLength*(len(j.prompt.needs)+1)
	needs := make([]Need, len(j.members))
	for i, m := range j.members {
		needs[i] = m.model.need(length)
		needs[i].Judge, needs[i].Rule, needs[i].Stratum = j.name, in.Rule, in.Stratum
	}
	return needs
}

// until is when a judgement gives up waiting for models that are down.
func (j *Judge) until(in *Input) time.Time {
	queued := in.Queued
	if queued.IsZero() {
		queued = j.clock.Now()
	}
	return queued.Add(j.cfg.MaxAge)
}
