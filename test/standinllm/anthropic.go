package standinllm

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// anthropic has the form of messages.
type anthropic struct{}

var _ api = anthropic{}

type messagesRequest struct {
	Model    string          `json:"model"`
	System   json.RawMessage `json:"system"`
	Messages []struct {
		Content json.RawMessage `json:"content"`
	} `json:"messages"`
	MaxTokens    int64 `json:"max_tokens"`
	OutputConfig *struct {
		Format *struct {
			Type   string         `json:"type"`
			Schema map[string]any `json:"schema"`
		} `json:"format"`
	} `json:"output_config"`
	Tools []struct {
		Name        string         `json:"name"`
		InputSchema map[string]any `json:"input_schema"`
	} `json:"tools"`
	ToolChoice struct {
		Type string `json:"type"`
		Name string `json:"name"`
	} `json:"tool_choice"`
}

func (anthropic) read(header http.Header, body []byte) (parsed *request, problem string) {
	var messages messagesRequest
	switch {
	case json.Unmarshal(body, &messages) != nil || len(messages.Messages) == 0:
		return nil, "messages: Field required"
	case header.Get("Anthropic-Version") == "":
		return nil, "anthropic-version: header is required"
	case messages.MaxTokens <= 0:
		return nil, "max_tokens: Field required"
	}
	parsed = &request{api: anthropic{}, model: messages.Model}
	parsed.system, parsed.cached = blockText(messages.System)
	parsed.user, _ = blockText(messages.Messages[len(messages.Messages)-1].Content)
	if messages.OutputConfig != nil && messages.OutputConfig.Format != nil {
		parsed.format, parsed.schema = messages.OutputConfig.Format.Type, messages.OutputConfig.Format.Schema
		if word := unsupported(parsed.schema); word != "" {
			return nil, "output_config.format.schema: property '" + word + "' is not supported"
		}
	}
	for _, tool := range messages.Tools {
		if messages.ToolChoice.Type == "tool" && messages.ToolChoice.Name == tool.Name {
			parsed.format, parsed.schema, parsed.schemaName = formatTool, tool.InputSchema, tool.Name
		}
	}
	return parsed, ""
}

// blockText reads content, which is a text or a list of blocks, and whether it is marked for the prompt cache.
func blockText(raw json.RawMessage) (text string, cached bool) {
	if json.Unmarshal(raw, &text) == nil {
		return text, false
	}
	var blocks []struct {
		Text         string          `json:"text"`
		CacheControl json.RawMessage `json:"cache_control"`
	}
	_ = json.Unmarshal(raw, &blocks)
	var all strings.Builder
	for _, block := range blocks {
		all.WriteString(block.Text)
		cached = cached || block.CacheControl != nil
	}
	return all.String(), cached
}

// unsupported returns a keyword of a schema that Anthropic's structured outputs refuse.
func unsupported(schema any) string {
	switch node := schema.(type) {
	case map[string]any:
		if node["type"] == "object" && node["additionalProperties"] != false {
			return "additionalProperties"
		}
		for key, child := range node {
			_, nested := child.(map[string]any)
			if !nested && slices.Contains([]string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "maxItems", "oneOf"}, key) {
				return key
			}
			if word := unsupported(child); word != "" {
				return word
			}
		}
	case []any:
		for _, child := range node {
			if word := unsupported(child); word != "" {
				return word
			}
		}
	}
	return ""
}

func (anthropic) authorized(header http.Header, key string) bool {
	return header.Get("X-Api-Key") == key
}

// stopReasons are Anthropic's words for the ends of an answer.
var stopReasons = map[string]string{endStop: "end_turn", endLength: "max_tokens", endFiltered: "refusal", endRefusal: "refusal"}

func (anthropic) write(w http.ResponseWriter, request *request, call *call, reply reply) {
	stop, blocks := stopReasons[reply.end], []any{}
	if reply.thinking != "" {
		blocks = append(blocks, map[string]any{"type": "thinking", "thinking": reply.thinking, "signature": "x"})
	}
	switch {
	case request.format == formatTool && json.Valid([]byte(reply.text)):
		blocks = append(blocks, map[string]any{"type": "tool_use", "id": "toolu_standin", "name": request.schemaName, "input": json.RawMessage(reply.text)})
		if reply.end == endStop {
			stop = "tool_use"
		}
	case reply.text != "":
		blocks = append(blocks, map[string]any{"type": "text", "text": reply.text})
	}
	thought := tokens(reply.thinking)
	output := tokens(reply.text) + thought
	usage := map[string]any{
		"input_tokens": request.promptTokens(), "output_tokens": output,
		"output_tokens_details":       map[string]any{"thinking_tokens": thought},
		"cache_read_input_tokens":     0,
		"cache_creation_input_tokens": 0,
	}
	if request.cached {
		usage["input_tokens"] = tokens(request.user)
		if call.nthOfModel == 1 {
			usage["cache_creation_input_tokens"] = tokens(request.system)
		} else {
			usage["cache_read_input_tokens"] = tokens(request.system)
		}
	}
	call.answered(request.promptTokens(), output)
	writeJSON(w, http.StatusOK, map[string]any{
		"id": "msg_standin_" + strconv.FormatInt(call.number, 10), "type": "message", "role": "assistant",
		"model": request.model, "content": blocks, "stop_reason": stop, "stop_sequence": nil, "usage": usage,
	})
}

// errorTypes are Anthropic's words for statuses.
var errorTypes = map[int]string{
	http.StatusUnauthorized: "authentication_error", http.StatusPaymentRequired: "billing_error", http.StatusForbidden: "permission_error",
	http.StatusNotFound: "not_found_error", http.StatusTooManyRequests: "rate_limit_error", statusOverloaded: "overloaded_error",
	http.StatusInternalServerError: "api_error", http.StatusServiceUnavailable: "api_error",
}

func (anthropic) writeError(w http.ResponseWriter, status int, code, text string) {
	kind, ok := errorTypes[status]
	if !ok {
		kind = "invalid_request_error"
	}
	problem := map[string]any{"type": kind, "message": text}
	if code == codeQuota {
		problem["details"] = map[string]any{"error_code": "enforced_spend_limit_reached"}
	}
	writeJSON(w, status, map[string]any{"type": "error", "error": problem, "request_id": "req_standin"})
}
