package standinllm_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/test/standinllm"
)

// message is an answer of the messages API.
type message struct {
	Type       string
	StopReason string `json:"stop_reason"`
	Content    []struct {
		Type, Text, Name string
		Input            json.RawMessage
	}
	Usage map[string]any
	Error struct {
		Type, Message string
		Details       map[string]string
	}
}

// send posts a request with the fields of more, which are JSON, after those that every request has.
func send(t *testing.T, handler http.Handler, model, more string) (int, message) {
	t.Helper()
	content, err := json.Marshal(fence("answer", "Paris is the capital of France."))
	require.NoError(t, err)
	body := `{"model":"` + model + `","max_tokens":100,"system":[{"type":"text","text":"Be fair.","cache_control":{"type":"ephemeral"}}],` +
		`"messages":[{"role":"user","content":` + string(content) + `}]` + more + `}`
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/messages", strings.NewReader(body))
	request.Header.Set("anthropic-version", "2023-06-01")
	request.Header.Set("x-api-key", "right")
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	var answer message
	require.NoError(t, json.Unmarshal(recorder.Body.Bytes(), &answer))
	return recorder.Code, answer
}

const (
	closed = `{"type":"object","properties":{"good":{"type":"boolean"}},"required":["good"],"additionalProperties":false}`
	format = `,"output_config":{"format":{"type":"json_schema","schema":` + closed + `}}`
	tool   = `,"tools":[{"name":"report","input_schema":` + closed + `}],"tool_choice":{"type":"tool","name":"report"}`
)

func TestMessages(t *testing.T) {
	handler := standinllm.NewHandler(standinllm.Options{APIKey: "right"})
	code, answer := send(t, handler, "claude", format)
	require.Equal(t, http.StatusOK, code, "%+v", answer)
	assert.Equal(t, "message", answer.Type)
	assert.Equal(t, "end_turn", answer.StopReason)
	require.Len(t, answer.Content, 1)
	assert.JSONEq(t, `{"good":true}`, answer.Content[0].Text)
	assert.InDelta(t, 2, answer.Usage["cache_creation_input_tokens"], 0)
	assert.InDelta(t, 0, answer.Usage["cache_read_input_tokens"], 0)

	code, answer = send(t, handler, "claude", tool)
	require.Equal(t, http.StatusOK, code)
	assert.Equal(t, "tool_use", answer.StopReason)
	require.Len(t, answer.Content, 1)
	assert.Equal(t, "report", answer.Content[0].Name)
	assert.JSONEq(t, `{"good":true}`, string(answer.Content[0].Input))
	assert.InDelta(t, 2, answer.Usage["cache_read_input_tokens"], 0)

	_, answer = send(t, handler, "standin-reasoning", format)
	require.Len(t, answer.Content, 2)
	assert.Equal(t, "thinking", answer.Content[0].Type)
	assert.NotEqual(t, map[string]any{"thinking_tokens": 0.0}, answer.Usage["output_tokens_details"])
}

func TestMessagesFail(t *testing.T) {
	handler := standinllm.NewHandler(standinllm.Options{})
	for _, tt := range []struct {
		name, model, more string
		code              int
		kind, message     string
	}{
		{"overloaded", "standin-529", "", 529, "overloaded_error", ""},
		{"quota", "standin-quota", "", http.StatusTooManyRequests, "rate_limit_error", ""},
		{"401", "standin-401", "", http.StatusUnauthorized, "authentication_error", ""},
		{"no schemas", "standin-no-schema", format, http.StatusBadRequest, "invalid_request_error", "output_config: Extra inputs"},
		{"not this schema", "standin-no-this-schema", format, http.StatusBadRequest, "invalid_request_error", "output_config.format.schema"},
		{"no tools", "standin-no-json", tool, http.StatusBadRequest, "invalid_request_error", "tool_choice"},
		{"range", "claude", strings.Replace(format, `"boolean"`, `"number","minimum":0`, 1), http.StatusBadRequest, "invalid_request_error", "'minimum' is not supported"},
		{"open object", "claude", strings.Replace(format, `,"additionalProperties":false`, "", 1), http.StatusBadRequest, "invalid_request_error", "'additionalProperties' is not supported"},
		{"no bound", "claude", `,"max_tokens":0`, http.StatusBadRequest, "invalid_request_error", "max_tokens: Field required"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, answer := send(t, handler, tt.model, tt.more)
			assert.Equal(t, tt.code, code)
			assert.Equal(t, "error", answer.Type)
			assert.Equal(t, tt.kind, answer.Error.Type)
			assert.Contains(t, answer.Error.Message, tt.message)
		})
	}
	_, answer := send(t, handler, "standin-quota", "")
	assert.Equal(t, "enforced_spend_limit_reached", answer.Error.Details["error_code"])
	code, answer := send(t, handler, "standin-refusal", format)
	assert.Equal(t, http.StatusOK, code)
	assert.Equal(t, "refusal", answer.StopReason)
	_, answer = send(t, handler, "standin-cut", tool)
	assert.Equal(t, "max_tokens", answer.StopReason)

	code, _ = send(t, standinllm.NewHandler(standinllm.Options{APIKey: "other"}), "claude", "")
	assert.Equal(t, http.StatusUnauthorized, code)
}
