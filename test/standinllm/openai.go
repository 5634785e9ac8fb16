package standinllm

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// openAI has the form of chat completions.
type openAI struct{}

var _ api = openAI{}

type chatRequest struct {
	Model          string        `json:"model"`
	Messages       []chatMessage `json:"messages"`
	ResponseFormat *struct {
		Type       string `json:"type"`
		JSONSchema struct {
			Name   string         `json:"name"`
			Schema map[string]any `json:"schema"`
		} `json:"json_schema"`
	} `json:"response_format"`
	MaxCompletionTokens *int64 `json:"max_completion_tokens"`
}

type chatMessage struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

func (openAI) read(_ http.Header, body []byte) (parsed *request, problem string) {
	var chat chatRequest
	if json.Unmarshal(body, &chat) != nil || len(chat.Messages) == 0 {
		return nil, "the request is not a chat completion request"
	}
	last := len(chat.Messages) - 1
	parsed = &request{
		api: openAI{}, model: chat.Model, user: chat.Messages[last].Content, newLimit: chat.MaxCompletionTokens != nil,
		cached: true, // OpenAI caches prefixes unasked
	}
	for _, m := range chat.Messages[:last] {
		if m.Role == "system" {
			parsed.system = m.Content
		}
	}
	if chat.ResponseFormat != nil {
		parsed.format = chat.ResponseFormat.Type
		parsed.schema, parsed.schemaName = chat.ResponseFormat.JSONSchema.Schema, chat.ResponseFormat.JSONSchema.Name
	}
	return parsed, ""
}

func (openAI) authorized(header http.Header, key string) bool {
	return header.Get("Authorization") == "Bearer "+key
}

func (openAI) write(w http.ResponseWriter, request *request, call *call, reply reply) {
	message := map[string]any{"role": "assistant", "content": reply.text}
	if reply.end == endRefusal {
		message, reply.end = map[string]any{"role": "assistant", "content": nil, "refusal": reply.text}, endStop
	}
	input, thought := request.promptTokens(), tokens(reply.thinking)
	output := tokens(reply.text) + thought
	call.answered(input, output)
	writeJSON(w, http.StatusOK, map[string]any{
		"id":      "chatcmpl-standin-" + strconv.FormatInt(call.number, 10),
		"object":  "chat.completion",
		"model":   request.model,
		"choices": []any{map[string]any{"index": 0, "finish_reason": reply.end, "message": message}},
		"usage": map[string]any{
			"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
			"prompt_tokens_details":     map[string]any{"cached_tokens": tokens(request.system)},
			"completion_tokens_details": map[string]any{"reasoning_tokens": thought},
		},
	})
}

func (openAI) writeError(w http.ResponseWriter, status int, code, text string) {
	writeJSON(w, status, map[string]any{"error": map[string]any{"message": text, "type": code, "code": code}})
}
