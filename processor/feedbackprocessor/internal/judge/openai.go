package judge

import (
	"encoding/json"
	"maps"
	"strings"
)

// openAI speaks OpenAI's chat completions.
type openAI struct {
	cfg   *ModelConfig
	model string
	*endpoint
}

var _ provider = (*openAI)(nil)

func newOpenAI(cfg *ModelConfig, model string) (*openAI, error) {
	endpoint, err := newEndpoint(cfg, "chat", "completions")
	if err != nil {
		return nil, err
	}
	if cfg.APIKey != "" {
		endpoint.header.Set("Authorization", "Bearer "+string(cfg.APIKey))
	}
	endpoint.refused = openAIRefusal
	return &openAI{cfg: cfg, model: model, endpoint: endpoint}, nil
}

// chatCompletion is what is read of a response.
type chatCompletion struct {
	Choices []struct {
		FinishReason string `json:"finish_reason"`
		Message      struct {
			Content *string `json:"content"`
			Refusal *string `json:"refusal"`
		} `json:"message"`
	} `json:"choices"`
	Usage struct {
		PromptTokens        int64 `json:"prompt_tokens"`
		CompletionTokens    int64 `json:"completion_tokens"`
		PromptTokensDetails struct {
			CachedTokens int64 `json:"cached_tokens"`
		} `json:"prompt_tokens_details"`
		CompletionTokensDetails struct {
			ReasoningTokens int64 `json:"reasoning_tokens"`
		} `json:"completion_tokens_details"`
	} `json:"usage"`
}

// formats implements provider. A schema that the strict mode cannot say is sent without it.
func (*openAI) formats(*outputForm) []format { return []format{formatSchema, formatObject, formatText} }

// body is the request; what is not configured is not sent.
func (p *openAI) body(ask request, features features) map[string]any {
	body := make(map[string]any, len(p.cfg.Parameters)+4)
	maps.Copy(body, p.cfg.Parameters)
	body["model"] = p.model
	body["messages"] = []map[string]any{{"role": "system", "content": ask.system}, {"role": "user", "content": ask.user}}
	switch features.format {
	case formatSchema:
		body["response_format"] = map[string]any{
			"type":        "json_schema",
			"json_schema": map[string]any{"name": ask.output.name, "strict": ask.output.strict, "schema": ask.output.sent},
		}
	case formatObject:
		body["response_format"] = map[string]any{"type": "json_object"}
	case formatTool, formatText:
	}
	if p.cfg.MaxOutputTokens > 0 {
		key := "max_completion_tokens"
		if features.oldTokens {
			key = "max_tokens"
		}
		body[key] = p.cfg.MaxOutputTokens
	}
	return body
}

func openAIRefusal(words string, features features) refusal {
	switch {
	case !features.oldTokens && mentions(words, "max_completion_tokens"):
		return refusalTokens
	case features.format == formatSchema && mentions(words, "invalid schema"):
		return refusalThisSchema
	case features.format != formatText && mentions(words, "response_format", "json_schema", "json_object", "schema", "structured"):
		return refusalFormat
	default:
		return refusalNone
	}
}

// read takes a response apart.
func (p *openAI) read(text []byte) (reply, *failure) {
	var completion chatCompletion
	if json.Unmarshal(text, &completion) != nil || len(completion.Choices) == 0 {
		return reply{}, p.invalid("chat completion")
	}
	used := usage{
		input:     tokenCount(completion.Usage.PromptTokens),
		cached:    tokenCount(completion.Usage.PromptTokensDetails.CachedTokens),
		output:    tokenCount(completion.Usage.CompletionTokens),
		reasoning: tokenCount(completion.Usage.CompletionTokensDetails.ReasoningTokens),
	}
	choice, got := completion.Choices[0], reply{accepted: true, usage: used}
	switch {
	case choice.FinishReason == "length":
		return got, &failure{class: ErrorTypeTruncatedAnswer, message: "the answer was cut at the token limit; raise `max_output_tokens`"}
	case choice.FinishReason == "content_filter":
		return got, &failure{class: ErrorTypeRefused, message: "the provider's content filter stopped the answer"}
	case choice.Message.Refusal != nil && *choice.Message.Refusal != "":
		return got, &failure{class: ErrorTypeRefused, message: "the model refused to evaluate this content"}
	case choice.Message.Content == nil || strings.TrimSpace(*choice.Message.Content) == "":
		return got, &failure{class: ErrorTypeEmptyAnswer, message: "the answer is empty"}
	}
	got.text = *choice.Message.Content
	return got, nil
}
