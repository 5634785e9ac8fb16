package judge

import (
	"encoding/json"
	"maps"
	"strings"
)

const (
	anthropicVersion = "2023-06-01"
	// outputConfig is the one parameter that is shared: `format` in it is the judge's, the rest the user's.
	outputConfig = "output_config"
)

// anthropic speaks Anthropic's messages API. See https://platform.claude.com/docs/en/api/messages.
type anthropic struct {
	cfg   *ModelConfig
	model string
	*endpoint
}

var _ provider = (*anthropic)(nil)

func newAnthropic(cfg *ModelConfig, model string) (*anthropic, error) {
	endpoint, err := newEndpoint(cfg, "v1", "messages")
	if err != nil {
		return nil, err
	}
	endpoint.header.Set("Anthropic-Version", anthropicVersion)
	if cfg.APIKey != "" {
		endpoint.header.Set("X-Api-Key", string(cfg.APIKey))
	}
	endpoint.refused = anthropicRefusal
	return &anthropic{cfg: cfg, model: model, endpoint: endpoint}, nil
}

// message is what is read of a response.
type message struct {
	Type    string `json:"type"`
	Content []struct {
		Type  string          `json:"type"`
		Text  string          `json:"text"`
		Input json.RawMessage `json:"input"`
	} `json:"content"`
	StopReason string `json:"stop_reason"`
	Usage      struct {
		InputTokens              int64 `json:"input_tokens"`
		CacheReadInputTokens     int64 `json:"cache_read_input_tokens"`
		CacheCreationInputTokens int64 `json:"cache_creation_input_tokens"`
		OutputTokens             int64 `json:"output_tokens"`
		OutputTokensDetails      struct {
			ThinkingTokens int64 `json:"thinking_tokens"`
		} `json:"output_tokens_details"`
	} `json:"usage"`
}

// formats implements provider. Structured outputs take closed objects only; a tool takes any schema.
func (*anthropic) formats(output *outputForm) []format {
	if output.closed == nil {
		return []format{formatTool, formatText}
	}
	return []format{formatSchema, formatTool, formatText}
}

// body is the request. The system message, the same for each judgement of a judge, ends the prefix that is cached.
func (p *anthropic) body(ask request, features features) map[string]any {
	body := make(map[string]any, len(p.cfg.Parameters)+6)
	maps.Copy(body, p.cfg.Parameters)
	body["model"] = p.model
	body["max_tokens"] = p.cfg.MaxOutputTokens
	body["system"] = []map[string]any{{"type": "text", "text": ask.system, "cache_control": map[string]any{"type": "ephemeral"}}}
	body["messages"] = []map[string]any{{"role": "user", "content": ask.user}}
	switch features.format {
	case formatSchema:
		config := map[string]any{}
		if given, ok := p.cfg.Parameters[outputConfig].(map[string]any); ok {
			maps.Copy(config, given)
		}
		config["format"] = map[string]any{"type": "json_schema", "schema": ask.output.closed}
		body[outputConfig] = config
	case formatTool:
		body["tools"] = []map[string]any{{"name": ask.output.name, "description": "Takes the result of the evaluation.", "input_schema": ask.output.schema}}
		body["tool_choice"] = map[string]any{"type": "tool", "name": ask.output.name}
	case formatObject, formatText:
	}
	return body
}

func anthropicRefusal(words string, features features) refusal {
	switch features.format {
	case formatSchema:
		switch {
		case mentions(words, "format.schema", "schema is too complex", "recursive definitions", "grammar is too large"):
			return refusalThisSchema
		case mentions(words, "output_config: ", "output_config.format", "output_format", "output format", "json_schema", "structured"):
			return refusalFormat
		}
	case formatTool:
		switch {
		case mentions(words, "input_schema"):
			return refusalThisSchema
		case mentions(words, "tool"):
			return refusalFormat
		}
	case formatObject, formatText:
	}
	return refusalNone
}

// read takes a response apart. The answer is the input of the tool where there is one, else the text.
func (p *anthropic) read(text []byte) (reply, *failure) {
	var message message
	if json.Unmarshal(text, &message) != nil || message.Type != "message" {
		return reply{}, p.invalid("message")
	}
	cached := tokenCount(message.Usage.CacheReadInputTokens)
	got := reply{accepted: true, usage: usage{
		input:     tokenCount(message.Usage.InputTokens) + cached + tokenCount(message.Usage.CacheCreationInputTokens),
		cached:    cached,
		output:    tokenCount(message.Usage.OutputTokens),
		reasoning: tokenCount(message.Usage.OutputTokensDetails.ThinkingTokens),
	}}
	switch message.StopReason {
	case "max_tokens":
		return got, &failure{class: ErrorTypeTruncatedAnswer, message: "the answer was cut at the token limit; raise `max_output_tokens`"}
	case "model_context_window_exceeded":
		return got, &failure{class: ErrorTypeTruncatedAnswer, message: "the answer was cut at the end of the model's context window; lower `max_input`"}
	case "refusal":
		return got, &failure{class: ErrorTypeRefused, message: "the model refused to evaluate this content"}
	}
	var answer strings.Builder
	for _, block := range message.Content {
		switch block.Type {
		case "tool_use":
			got.text = string(block.Input)
			return got, nil
		case "text":
			answer.WriteString(block.Text)
		}
	}
	if strings.TrimSpace(answer.String()) == "" {
		return got, &failure{class: ErrorTypeEmptyAnswer, message: "the answer is empty"}
	}
	got.text = answer.String()
	return got, nil
}
