package standinllm

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
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
	// APIKey is the key that requests must carry, a bearer token or Anthropic's x-api-key. Default none.
	APIKey string
}

// Handler answers chat completions, Anthropic's messages, GET …/models and GET /stats; DELETE /stats forgets the
// counts.
type Handler struct {
	options Options
	stats   *stats
	mux     *http.ServeMux
	down    atomic.Bool
}

var _ http.Handler = (*Handler)(nil)

// NewHandler makes a Handler. It starts nothing.
func NewHandler(options Options) *Handler {
	if options.SlowLatency == 0 {
		options.SlowLatency = 2 * time.Second
	}
	h := &Handler{options: options, stats: newStats(), mux: http.NewServeMux()}
	for _, prefix := range []string{"", "/v1"} {
		h.mux.HandleFunc("POST "+prefix+"/chat/completions", h.complete(openAI{}))
		h.mux.HandleFunc("GET "+prefix+"/models", models)
	}
	h.mux.HandleFunc("POST /v1/messages", h.complete(anthropic{}))
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

// SetDown turns the server down or up again: a server that is down answers every call with 503, and counts it.
func (h *Handler) SetDown(down bool) { h.down.Store(down) }

// complete answers the calls of one API.
func (h *Handler) complete(api api) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
		if err != nil {
			api.writeError(w, http.StatusRequestEntityTooLarge, "request_too_large", "the request is too large")
			return
		}
		request, problem := api.read(r.Header, body)
		if request == nil {
			api.writeError(w, http.StatusBadRequest, codeInvalid, problem)
			return
		}
		content := fencedContent(request.user)
		call := h.stats.begin(request.model, content.hash())
		defer call.end()
		switch {
		case h.down.Load():
			api.writeError(w, http.StatusServiceUnavailable, "server_error", "The stand-in is down. Request: "+secretEcho)
		case h.options.APIKey != "" && !api.authorized(r.Header, h.options.APIKey):
			api.writeError(w, http.StatusUnauthorized, "invalid_api_key", "Incorrect API key provided.")
		default:
			h.behave(w, r, request, content, call)
		}
	}
}

// behave answers as the request's behaviour says.
func (h *Handler) behave(w http.ResponseWriter, r *http.Request, request *request, content content, call *call) {
	behaviour := r.Header.Get(BehaviourHeader)
	if behaviour == "" {
		behaviour, _ = strings.CutPrefix(request.model, "standin-")
	}
	latency := h.options.Latency
	if behaviour == "slow" {
		latency = h.options.SlowLatency
	}
	if !pause(r, latency) {
		return
	}
	if misbehave, ok := misbehaviours[behaviour]; ok && misbehave(w, r, request, call) {
		return
	}
	writeVerdict(w, request, content, call)
}

// writeVerdict answers as a well-behaved model does.
func writeVerdict(w http.ResponseWriter, request *request, content content, call *call) {
	text := "This is the stand-in language model. It answers with JSON when a schema asks for it."
	if schema := request.wanted(); schema != nil {
		text = content.verdict(schema)
	}
	request.api.write(w, request, call, reply{text: text, end: endStop})
}

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
