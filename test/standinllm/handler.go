package standinllm

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const maxRequest = 16 << 20

// BehaviourHeader asks for a behaviour whatever the model's name is.
const BehaviourHeader = "X-Standin-Behaviour"

// Options are the settings of a Handler.
type Options struct {
	// Latency is how long each answer takes. Default 0.
	Latency time.Duration
	// SlowLatency is how long an answer of `standin-slow` takes. Default 2s.
	SlowLatency time.Duration
	// APIKey is the bearer token that requests must carry. Default none.
	APIKey string
}

// Handler answers chat completions, GET …/models and GET /stats; DELETE /stats forgets the counts.
type Handler struct {
	options Options
	stats   *stats
	mux     *http.ServeMux
}

var _ http.Handler = (*Handler)(nil)

// NewHandler makes a Handler. It starts nothing.
func NewHandler(options Options) *Handler {
	if options.SlowLatency == 0 {
		options.SlowLatency = 2 * time.Second
	}
	h := &Handler{options: options, stats: newStats(), mux: http.NewServeMux()}
	for _, prefix := range []string{"", "/v1"} {
		h.mux.HandleFunc("POST "+prefix+"/chat/completions", h.complete)
		h.mux.HandleFunc("GET "+prefix+"/models", models)
	}
	h.mux.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, h.Stats()) })
	h.mux.HandleFunc("DELETE /stats", func(w http.ResponseWriter, _ *http.Request) {
		h.stats.reset()
		w.WriteHeader(http.StatusNoContent)
	})
	return h
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// Stats returns what was counted since the start, or since the counts were forgotten.
func (h *Handler) Stats() Stats { return h.stats.snapshot() }

// chatRequest is what is read of a request.
type chatRequest struct {
	Model               string          `json:"model"`
	Messages            []message       `json:"messages"`
	ResponseFormat      *responseFormat `json:"response_format"`
	MaxTokens           *int64          `json:"max_tokens"`
	MaxCompletionTokens *int64          `json:"max_completion_tokens"`
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

type responseFormat struct {
	Type       string `json:"type"`
	JSONSchema struct {
		Name   string         `json:"name"`
		Strict bool           `json:"strict"`
		Schema map[string]any `json:"schema"`
	} `json:"json_schema"`
}

// complete answers POST …/chat/completions.
func (h *Handler) complete(w http.ResponseWriter, r *http.Request) {
	var request chatRequest
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil || json.Unmarshal(body, &request) != nil || len(request.Messages) == 0 {
		writeError(w, http.StatusBadRequest, "invalid_request_error", "the request is not a chat completion request")
		return
	}
	content := fencedContent(request.Messages[len(request.Messages)-1].Content)
	call := h.stats.begin(request.Model, content.hash())
	defer call.end()
	if h.options.APIKey != "" && r.Header.Get("Authorization") != "Bearer "+h.options.APIKey {
		writeError(w, http.StatusUnauthorized, "invalid_api_key", "Incorrect API key provided.")
		return
	}
	behaviour := r.Header.Get(BehaviourHeader)
	if behaviour == "" {
		behaviour, _ = strings.CutPrefix(request.Model, "standin-")
	}
	latency := h.options.Latency
	if behaviour == "slow" {
		latency = h.options.SlowLatency
	}
	if !pause(r, latency) {
		return
	}
	if misbehave, ok := misbehaviours[behaviour]; ok && misbehave(w, r, &request, call) {
		return
	}
	writeVerdict(w, &request, content, call)
}

// writeVerdict answers as a well-behaved model does.
func writeVerdict(w http.ResponseWriter, request *chatRequest, content content, call *call) {
	schema := requestedSchema(request)
	if schema == nil {
		writeAnswer(w, request, call, "This is the stand-in language model. It answers with JSON when a schema asks for it.", "stop")
		return
	}
	answer, err := json.Marshal(content.instance(schema, schema, ""))
	if err != nil {
		writeError(w, http.StatusInternalServerError, "server_error", "the verdict cannot be written")
		return
	}
	writeAnswer(w, request, call, string(answer), "stop")
}

// requestedSchema is the schema of the response format, else the last JSON object in the system message.
func requestedSchema(request *chatRequest) map[string]any {
	if request.ResponseFormat != nil && request.ResponseFormat.JSONSchema.Schema != nil {
		return request.ResponseFormat.JSONSchema.Schema
	}
	for _, m := range request.Messages {
		if start := strings.LastIndex(m.Content, "\n{"); m.Role == "system" && start >= 0 {
			var schema map[string]any
			if json.Unmarshal([]byte(m.Content[start:]), &schema) == nil {
				return schema
			}
		}
	}
	return nil
}

// writeAnswer writes a chat completion and counts it as answered.
func writeAnswer(w http.ResponseWriter, request *chatRequest, call *call, text, finish string) {
	var prompt int64
	for _, m := range request.Messages {
		prompt += tokens(m.Content)
	}
	call.answered()
	writeJSON(w, http.StatusOK, map[string]any{
		"id":      "chatcmpl-standin-" + strconv.FormatInt(call.number, 10),
		"object":  "chat.completion",
		"model":   request.Model,
		"choices": []any{map[string]any{"index": 0, "finish_reason": finish, "message": map[string]any{"role": "assistant", "content": text}}},
		"usage": map[string]any{
			"prompt_tokens": prompt, "completion_tokens": tokens(text), "total_tokens": prompt + tokens(text),
			"prompt_tokens_details": map[string]any{"cached_tokens": tokens(request.Messages[0].Content) * int64(min(len(request.Messages)-1, 1))},
		},
	})
}

// tokens counts as a rule of thumb does: four bytes each.
func tokens(text string) int64 { return int64(len(text)+3) / 4 }

// pause waits for d, or until the client has gone.
func pause(r *http.Request, d time.Duration) (waited bool) {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

func models(w http.ResponseWriter, _ *http.Request) {
	names := append(Behaviours(), "")
	list := make([]any, 0, len(names))
	for _, name := range names {
		list = append(list, map[string]any{"id": strings.TrimSuffix("standin-"+name, "-"), "object": "model", "owned_by": "standin"})
	}
	writeJSON(w, http.StatusOK, map[string]any{"object": "list", "data": list})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func writeError(w http.ResponseWriter, status int, code, text string) {
	writeJSON(w, status, map[string]any{"error": map[string]any{"message": text, "type": code, "code": code}})
}
