package assessment

import "strings"

// EventName is the name of the span event or log record that carries one assessment.
const EventName = "gen_ai.evaluation.result"

// The attributes of the event: first those of the semantic conventions and of the proposal to name the evaluator in
// them, then this project's own.
const (
	AttributeName             = "gen_ai.evaluation.name"
	AttributeScoreValue       = "gen_ai.evaluation.score.value"
	AttributeScoreLabel       = "gen_ai.evaluation.score.label"
	AttributeExplanation      = "gen_ai.evaluation.explanation"
	AttributeEvaluatorID      = "gen_ai.evaluation.evaluator.id"
	AttributeEvaluatorVersion = "gen_ai.evaluation.evaluator.version"
	AttributeEvaluatorType    = "gen_ai.evaluation.evaluator.type"
	AttributeResponseID       = "gen_ai.response.id"
	AttributeErrorType        = "error.type"

	AttributePassed         = "feedback.passed"
	AttributeValue          = "feedback.value"
	AttributeErrorCode      = "feedback.error.code"
	AttributeErrorMessage   = "feedback.error.message"
	AttributeScope          = "feedback.scope"
	AttributeMetadataPrefix = "feedback.metadata."
)

// attributeEventName repeats the log record's event name for log backends that read only attributes.
const attributeEventName = "event.name"

// The labels of a boolean.
const (
	labelPass = "pass"
	labelFail = "fail"
)

// The evaluator types of the semantic conventions' proposal.
const (
	evaluatorTypeJudge = "llm_judge"
	evaluatorTypeCode  = "deterministic"
	evaluatorTypeHuman = "human"
)

// errorTypeOther is what the semantic conventions ask for where a failure has no class of its own.
const errorTypeOther = "_OTHER"

func evaluatorType(t SourceType) string {
	switch t {
	case SourceTypeLLMJudge:
		return evaluatorTypeJudge
	case SourceTypeHuman:
		return evaluatorTypeHuman
	default:
		return evaluatorTypeCode
	}
}

// sourceType is CODE unless the evaluator's type clearly says something else.
func sourceType(evaluatorType string) SourceType {
	switch {
	case evaluatorType == evaluatorTypeCode:
		return SourceTypeCode
	case strings.EqualFold(evaluatorType, evaluatorTypeJudge):
		return SourceTypeLLMJudge
	case strings.EqualFold(evaluatorType, evaluatorTypeHuman):
		return SourceTypeHuman
	default:
		return SourceTypeCode
	}
}

// metadataAttributes spares the concatenation for the keys that nearly every automated result carries.
var metadataAttributes = func() map[string]string {
	known := map[string]string{}
	for _, key := range [...]string{
		MetadataSamplingRule, MetadataSamplingStratum, MetadataSamplingProbability, MetadataModel,
		MetadataLatencyMillis, MetadataVotes, MetadataSpansSeen, MetadataScoreLabel,
		MetadataJudgeInputTokens, MetadataJudgeOutputTokens, MetadataJudgeCost,
	} {
		known[key] = AttributeMetadataPrefix + key
	}
	return known
}()

func metadataAttribute(key string) string {
	if known, ok := metadataAttributes[key]; ok {
		return known
	}
	return AttributeMetadataPrefix + key
}
