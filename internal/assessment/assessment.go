package assessment

import "time"

// SourceType says what kind of author made an assessment. The values are MLflow's.
type SourceType string

// The source types of an assessment.
const (
	SourceTypeCode     SourceType = "CODE"
	SourceTypeLLMJudge SourceType = "LLM_JUDGE"
	SourceTypeHuman    SourceType = "HUMAN"
	// SourceTypeUnspecified is what MLflow makes of a source type that it does not know, and of none.
	SourceTypeUnspecified SourceType = "SOURCE_TYPE_UNSPECIFIED"
)

// Automated reports whether no person stands behind the source.
func (t SourceType) Automated() bool { return t != SourceTypeHuman }

// Source is the author of an assessment.
type Source struct {
	Type SourceType
	// ID can be traced to a version or a person, such as `compliance_validator_v2.1` or `expert@company.com`.
	ID string
}

// Kind tells what happened (feedback) from what should have happened (expectation), and both from a reference to an issue
// of MLflow's, whose id is the name and whose name is the value.
type Kind string

// The kinds of an assessment.
const (
	KindFeedback    Kind = "feedback"
	KindExpectation Kind = "expectation"
	KindIssue       Kind = "issue"
)

// Scope says whether an assessment is about one span or about its whole trace.
type Scope string

// The scopes of an assessment.
const (
	ScopeSpan  Scope = "span"
	ScopeTrace Scope = "trace"
)

// ErrorCodeEvaluationFailed is the code of an evaluator's own failure.
const ErrorCodeEvaluationFailed = "EVALUATION_FAILED"

// Error says why an evaluation has no value.
type Error struct {
	// Code is MLflow's error_code, such as EVALUATION_FAILED.
	Code string
	// Type is the low-cardinality class of the failure, the `error.type` of the semantic conventions.
	Type string
	// Message is for a person. It never holds content of the judged span nor secrets.
	Message string
	// StackTrace is what a client sent along, bounded by whoever took it in.
	StackTrace string
}

// Verdict says whether an assessment counts as passed.
type Verdict int8

// The verdicts of an assessment; the zero value says that passing is not defined for it.
const (
	VerdictNone Verdict = iota
	VerdictPassed
	VerdictFailed
)

// VerdictOf is VerdictPassed for true, VerdictFailed for false.
func VerdictOf(passed bool) Verdict {
	if passed {
		return VerdictPassed
	}
	return VerdictFailed
}

// Metadata keys of automated results. All metadata values are strings: MLflow silently drops others.
const (
	MetadataFingerprint         = "fingerprint"
	MetadataSamplingRule        = "sampling.rule"
	MetadataSamplingStratum     = "sampling.stratum"
	MetadataSamplingProbability = "sampling.probability"
	MetadataModel               = "model"
	MetadataLatencyMillis       = "latency_ms"
	MetadataVotes               = "votes"
	MetadataSpansSeen           = "spans_seen"
	MetadataScoreLabel          = "score.label"
	MetadataResponseID          = "response_id"

	// MLflow's own keys; its pages show them.
	MetadataJudgeInputTokens  = "mlflow.assessment.judgeInputTokens"
	MetadataJudgeOutputTokens = "mlflow.assessment.judgeOutputTokens"
	MetadataJudgeCost         = "mlflow.assessment.judgeCost"
)

// Assessment is one recorded result about a span or a trace.
type Assessment struct {
	// ID is NewID's for automated results; a person's carries a random one.
	ID string
	// TraceID is 32 lower-case hex digits.
	TraceID string
	// SpanID is 16 lower-case hex digits, or empty for trace scope.
	SpanID string
	Name   string
	Kind   Kind
	Source Source
	// Value is empty when there is none.
	Value Value
	// Error is nil unless the evaluation failed. MLflow allows value and error together.
	Error     *Error
	Rationale string
	// Metadata holds everything but the fingerprint, which has a field of its own.
	Metadata map[string]string
	// Verdict is what `pass_when`, a boolean or a composite made of the value.
	Verdict Verdict
	// Fingerprint identifies the evaluator's version: a hash of all that shapes its results.
	Fingerprint string
	// ResponseID is the subject's `gen_ai.response.id`, if it has one.
	ResponseID string
	// Overrides is the id of the assessment that this one replaces, if any.
	Overrides string
	// Invalid is set on an assessment that another one overrides.
	Invalid bool
	// CreateTime and UpdateTime are in UTC; zero means "now" to the store.
	CreateTime time.Time
	UpdateTime time.Time
}
