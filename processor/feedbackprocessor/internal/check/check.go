package check

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

// Interaction gives the texts of a subject; *genai.Interaction is one. What gives more, Meter or ToolUser, can be held
// against more.
type Interaction interface {
	Text(part genai.Part) (string, genai.State)
}

// Meter is an Interaction that knows its numbers.
type Meter interface {
	// InputTokens and OutputTokens are numbers of tokens; ok is false where the subject does not tell.
	InputTokens() (n int64, ok bool)
	OutputTokens() (n int64, ok bool)
	// Cost is in USD; ok is false where the subject does not tell.
	Cost() (usd float64, ok bool)
}

// ToolUser is an Interaction that knows its tools.
type ToolUser interface {
	// ToolCalls are the calls that the answer asks for.
	ToolCalls() []genai.ToolCall
	// ToolDefinitions are the JSON Schemas of the tools' arguments, by the tools' names; a schema is "" where the tool
	// has none. There are none where the subject does not carry them.
	ToolDefinitions() map[string]string
}

var (
	_ Interaction = (*genai.Interaction)(nil)
	_ Meter       = (*genai.Interaction)(nil)
	_ ToolUser    = (*genai.Interaction)(nil)
)

// Subject is what a check looks at. Checks of text and of numbers read Interaction, those in OTTL and of latency the
// span.
type Subject struct {
	Interaction Interaction
	Resource    ptrace.ResourceSpans
	Scope       ptrace.ScopeSpans
	Span        ptrace.Span
}

// Result is what came of a check: a value with its verdict, or an error and nothing else.
type Result struct {
	Value assessment.Value
	// Verdict is VerdictNone for values of OTTL that are not a bool.
	Verdict   assessment.Verdict
	Rationale string
	Error     *assessment.Error
}

// Check is a compiled check. It is safe for concurrent use.
type Check struct {
	name, sourceID, fingerprint string
	needs                       []genai.Part
	run                         runner
}

// runner is a single rule or a composite of them.
type runner interface {
	run(ctx context.Context, in *input) (Result, genai.State)
	needs() []genai.Part
	identity() any
}

// New compiles a check and reads its schema file. The name is the assessment's.
func New(name string, cfg *Config, set component.TelemetrySettings) (*Check, error) {
	if err := confmap.Validate(cfg); err != nil {
		return nil, fmt.Errorf("check %q: %w", name, err)
	}
	run, err := newRunner(cfg, set)
	if err != nil {
		return nil, fmt.Errorf("check %q: %w", name, err)
	}
	digits, err := fingerprint(run, cfg.Scope)
	if err != nil {
		return nil, fmt.Errorf("check %q: %w", name, err)
	}
	sourceID := cfg.SourceID
	if sourceID == "" {
		sourceID = name + "@" + digits[:8]
	}
	return &Check{name: name, sourceID: sourceID, fingerprint: digits, needs: run.needs(), run: run}, nil
}

func newRunner(cfg *Config, set component.TelemetrySettings) (runner, error) {
	if cfg.Parts != nil {
		return newComposite(cfg, set)
	}
	r := cfg.rule()
	compiled, err := r.compile(set)
	if err != nil {
		return nil, err
	}
	return &single{compiled}, nil
}

// fingerprint hashes all that shapes results. Its version stands for the code itself.
func fingerprint(run runner, scope assessment.Scope) (string, error) {
	identity := []any{"check/1", run.identity()}
	if scope == assessment.ScopeTrace {
		identity = append(identity, scope)
	}
	text, err := json.Marshal(identity)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16]), nil
}

// Name is the name of the assessments.
func (c *Check) Name() string { return c.name }

// SourceID is the configured source id, else `<name>@<first 8 of the fingerprint>`.
func (c *Check) SourceID() string { return c.sourceID }

// Fingerprint is 32 hex digits over all that shapes results: kinds of check with their parameters and the contents of
// schema files, targets, expected outcomes, texts and the order of parts; not of name, source id, kinds, conditions.
func (c *Check) Fingerprint() string { return c.fingerprint }

// Needs are the parts of the interaction that the check reads; none where it reads no text.
func (c *Check) Needs() []genai.Part { return c.needs }

// Evaluate runs the check. A state other than genai.StateText says why a text, or a number, was not there to test; the
// result is empty then. An empty text that was captured is a text. Texts that are known to be cut are not tested.
func (c *Check) Evaluate(ctx context.Context, s *Subject) (Result, genai.State) {
	in := newInput(s)
	defer in.free()
	result, state := c.run.run(ctx, in)
	if state != genai.StateText {
		return Result{}, state
	}
	if result.Error != nil {
		return Result{Error: result.Error}, state
	}
	return result, state
}

func failure(class, message string) *assessment.Error {
	return &assessment.Error{Code: assessment.ErrorCodeEvaluationFailed, Type: class, Message: message}
}

// single is a check without parts.
type single struct{ rule rule }

func (s *single) needs() []genai.Part {
	if s.rule.target < 0 {
		return nil
	}
	return targets[s.rule.target : s.rule.target+1]
}

func (s *single) identity() any { return []any{"single", s.rule.identity()} }

func (s *single) run(ctx context.Context, in *input) (Result, genai.State) {
	state, failed := s.rule.test(ctx, in)
	if state != genai.StateText || failed != nil {
		return Result{Error: failed}, state
	}
	f := &in.facts
	result := Result{Value: f.value}
	if f.value == "" {
		result.Value = assessment.Bool(f.holds)
	}
	explain := s.rule.explainPassed
	if f.judged || result.Value.Type() == assessment.ValueTypeBool {
		passed := f.holds == s.rule.expect
		result.Verdict = assessment.VerdictOf(passed)
		if !passed {
			explain = s.rule.explain
		}
	}
	result.Rationale, result.Error = explain.text(in)
	return result, state
}
