package standinllm

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// secretEcho is what misbehaving answers quote, as real servers quote requests and keys: a client must pass none of it
// on.
const secretEcho = "echo-of-secret-payload"

// misbehaviour answers a request in its own way; false leaves the answer to the good way.
type misbehaviour func(w http.ResponseWriter, r *http.Request, request *chatRequest, call *call) (done bool)

// Behaviours returns the names that, after `standin-`, make a model's name. `standin-slow` answers well, but late; a
// model of any other name answers well.
func Behaviours() []string {
	return slices.Sorted(maps.Keys(misbehaviours))
}

var misbehaviours = map[string]misbehaviour{
	"slow":           func(http.ResponseWriter, *http.Request, *chatRequest, *call) bool { return false },
	"hang":           hang,
	"400":            status(http.StatusBadRequest, "invalid_request_error"),
	"401":            status(http.StatusUnauthorized, "invalid_api_key"),
	"403":            status(http.StatusForbidden, "forbidden"),
	"404":            status(http.StatusNotFound, "model_not_found"),
	"408":            status(http.StatusRequestTimeout, "timeout"),
	"429":            status(http.StatusTooManyRequests, "rate_limit_exceeded"),
	"quota":          status(http.StatusTooManyRequests, "insufficient_quota"),
	"500":            status(http.StatusInternalServerError, "server_error"),
	"503":            status(http.StatusServiceUnavailable, "overloaded"),
	"flaky":          flaky,
	"redirect":       redirect,
	"garbage":        answer("I would say "+secretEcho+" is rather good { but who knows", "stop"),
	"wrong-schema":   answer(`{"`+secretEcho+`": "high", "verdict": ["`+secretEcho+`"]}`, "stop"),
	"out-of-range":   outOfRange,
	"empty":          answer("", "stop"),
	"cut":            answer(`{"rationale": "The answer is `+secretEcho, "length"),
	"filtered":       answer("", "content_filter"),
	"refusal":        refusal,
	"fenced":         fencedAnswer,
	"thinking":       thinking,
	"huge":           huge,
	"html":           html,
	"drop":           drop,
	"no-schema":      noFeature(refusesSchema),
	"no-json":        noFeature(refusesFormat),
	"no-this-schema": noFeature(refusesThisSchema),
	"max-tokens":     noFeature(refusesTokens),
}

// hang never answers.
func hang(_ http.ResponseWriter, r *http.Request, _ *chatRequest, _ *call) bool {
	<-r.Context().Done()
	return true
}

func status(code int, kind string) misbehaviour {
	return func(w http.ResponseWriter, _ *http.Request, _ *chatRequest, _ *call) bool {
		writeError(w, code, kind, "This is the stand-in's error. Request: "+secretEcho)
		return true
	}
}

// flaky limits the first two calls with each content, then answers.
func flaky(w http.ResponseWriter, _ *http.Request, _ *chatRequest, call *call) bool {
	if call.nth > 2 {
		return false
	}
	w.Header().Set("Retry-After", "1")
	writeError(w, http.StatusTooManyRequests, "rate_limit_exceeded", "Slow down.")
	return true
}

func redirect(w http.ResponseWriter, r *http.Request, _ *chatRequest, _ *call) bool {
	http.Redirect(w, r, "/v1/elsewhere", http.StatusTemporaryRedirect)
	return true
}

func answer(text, finish string) misbehaviour {
	return func(w http.ResponseWriter, _ *http.Request, request *chatRequest, call *call) bool {
		writeAnswer(w, request, call, text, finish)
		return true
	}
}

// outOfRange answers in the right form with numbers far above any maximum.
func outOfRange(w http.ResponseWriter, _ *http.Request, request *chatRequest, call *call) bool {
	writeVerdict(w, request, content{exaggerate: true}, call)
	return true
}

func refusal(w http.ResponseWriter, _ *http.Request, request *chatRequest, call *call) bool {
	call.answered()
	writeJSON(w, http.StatusOK, map[string]any{
		"object": "chat.completion", "model": request.Model,
		"choices": []any{map[string]any{"finish_reason": "stop", "message": map[string]any{"role": "assistant", "content": nil, "refusal": "I will not evaluate " + secretEcho}}},
		"usage":   map[string]any{"prompt_tokens": 10, "completion_tokens": 5},
	})
	return true
}

// wordy puts text around a good answer.
func wordy(before, after string) misbehaviour {
	return func(w http.ResponseWriter, _ *http.Request, request *chatRequest, call *call) bool {
		content := fencedContent(request.Messages[len(request.Messages)-1].Content)
		writeAnswer(w, request, call, before+content.verdict(requestedSchema(request))+after, "stop")
		return true
	}
}

var (
	fencedAnswer = wordy("Here is my evaluation:\n```json\n", "\n```\nI hope {this} helps!")
	thinking     = wordy("<think>The form is {\"score\": …}, so {\"a\": 1} would do.</think>\n", "")
)

// huge answers 10 MB.
func huge(w http.ResponseWriter, _ *http.Request, request *chatRequest, call *call) bool {
	writeAnswer(w, request, call, `{"rationale": "`+strings.Repeat("very ", 2_000_000)+`"}`, "stop")
	return true
}

// html is what a gateway in front of a server answers.
func html(w http.ResponseWriter, _ *http.Request, _ *chatRequest, _ *call) bool {
	w.Header().Set("Content-Type", "text/html")
	_, _ = w.Write([]byte("<html><body>Welcome, " + secretEcho + "</body></html>"))
	return true
}

// drop closes the connection in the middle of an answer.
func drop(w http.ResponseWriter, _ *http.Request, _ *chatRequest, _ *call) bool {
	w.Header().Set("Content-Length", strconv.Itoa(1000))
	_, _ = w.Write([]byte(`{"choices": [`))
	panic(http.ErrAbortHandler)
}

// noFeature refuses requests that use what the server does not have, in the words of real servers.
func noFeature(refuses func(*chatRequest) string) misbehaviour {
	return func(w http.ResponseWriter, _ *http.Request, request *chatRequest, _ *call) bool {
		text := refuses(request)
		if text != "" {
			writeError(w, http.StatusBadRequest, "invalid_request_error", text)
		}
		return text != ""
	}
}

func refusesSchema(request *chatRequest) string {
	if request.ResponseFormat != nil && request.ResponseFormat.Type == "json_schema" {
		return "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model."
	}
	return ""
}

func refusesFormat(request *chatRequest) string {
	if request.ResponseFormat != nil {
		return "'response_format' is not supported."
	}
	return ""
}

func refusesThisSchema(request *chatRequest) string {
	if request.ResponseFormat != nil && request.ResponseFormat.Type == "json_schema" {
		return "Invalid schema for response_format '" + request.ResponseFormat.JSONSchema.Name + "': keyword is not permitted."
	}
	return ""
}

func refusesTokens(request *chatRequest) string {
	if request.MaxCompletionTokens != nil {
		return "Unrecognized request argument supplied: max_completion_tokens"
	}
	return ""
}
