package standinllm

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// statusOverloaded is Anthropic's own status.
const statusOverloaded = 529

// The codes of errors that more than one place writes.
const (
	codeInvalid = "invalid_request_error"
	codeQuota   = "insufficient_quota"
)

// secretEcho is what misbehaving answers quote, as real servers quote requests and keys: a client must pass none of it
// on.
const secretEcho = "echo-of-secret-payload"

// misbehaviour answers a request in its own way; false leaves the answer to the good way.
type misbehaviour func(w http.ResponseWriter, r *http.Request, request *request, call *call) (done bool)

// Behaviours returns the names that, after `standin-`, make a model's name. `standin-slow` answers well, but late; a
// model of any other name answers well.
func Behaviours() []string {
	return slices.Sorted(maps.Keys(misbehaviours))
}

var misbehaviours = map[string]misbehaviour{
	"slow":           func(http.ResponseWriter, *http.Request, *request, *call) bool { return false },
	"hang":           hang,
	"400":            status(http.StatusBadRequest, codeInvalid),
	"401":            status(http.StatusUnauthorized, "invalid_api_key"),
	"403":            status(http.StatusForbidden, "forbidden"),
	"404":            status(http.StatusNotFound, "model_not_found"),
	"408":            status(http.StatusRequestTimeout, "timeout"),
	"429":            status(http.StatusTooManyRequests, "rate_limit_exceeded"),
	"quota":          status(http.StatusTooManyRequests, codeQuota),
	"500":            status(http.StatusInternalServerError, "server_error"),
	"503":            status(http.StatusServiceUnavailable, "overloaded"),
	"504":            status(http.StatusGatewayTimeout, "timeout"),
	"529":            status(statusOverloaded, "overloaded"),
	"flaky":          flaky,
	"redirect":       redirect,
	"garbage":        answer("I would say "+secretEcho+" is rather good { but who knows", endStop),
	"wrong-schema":   answer(`{"`+secretEcho+`": "high", "verdict": ["`+secretEcho+`"]}`, endStop),
	"out-of-range":   outOfRange,
	"empty":          answer("", endStop),
	"cut":            answer(`{"rationale": "The answer is `+secretEcho, endLength),
	"filtered":       answer("", endFiltered),
	"refusal":        answer("I will not evaluate "+secretEcho, endRefusal),
	"contrary":       contrary,
	"fenced":         fencedAnswer,
	"thinking":       thinking,
	"reasoning":      reasoning,
	"huge":           huge,
	"html":           html,
	"drop":           drop,
	"no-schema":      noFeature(refusesSchema),
	"no-json":        noFeature(refusesFormat),
	"no-this-schema": noFeature(refusesThisSchema),
	"max-tokens":     noFeature(refusesTokens),
}

// hang never answers.
func hang(_ http.ResponseWriter, r *http.Request, _ *request, _ *call) bool {
	<-r.Context().Done()
	return true
}

func status(code int, kind string) misbehaviour {
	return func(w http.ResponseWriter, _ *http.Request, request *request, _ *call) bool {
		request.api.writeError(w, code, kind, "This is the stand-in's error. Request: "+secretEcho)
		return true
	}
}

// flaky limits the first two calls with each content, then answers.
func flaky(w http.ResponseWriter, _ *http.Request, request *request, call *call) bool {
	if call.nth > 2 {
		return false
	}
	w.Header().Set("Retry-After", "1")
	request.api.writeError(w, http.StatusTooManyRequests, "rate_limit_exceeded", "Slow down.")
	return true
}

func redirect(w http.ResponseWriter, r *http.Request, _ *request, _ *call) bool {
	http.Redirect(w, r, "/v1/elsewhere", http.StatusTemporaryRedirect)
	return true
}

func answer(text, end string) misbehaviour {
	return func(w http.ResponseWriter, _ *http.Request, request *request, call *call) bool {
		request.api.write(w, request, call, reply{text: text, end: end})
		return true
	}
}

// outOfRange answers in the right form with numbers far above any maximum.
func outOfRange(w http.ResponseWriter, _ *http.Request, request *request, call *call) bool {
	writeVerdict(w, request, content{exaggerate: true}, call)
	return true
}

// contrary answers well, but finds bad what other models find good.
func contrary(w http.ResponseWriter, _ *http.Request, request *request, call *call) bool {
	content := fencedContent(request.user)
	content.contrary = true
	writeVerdict(w, request, content, call)
	return true
}

// wordy puts text around a good answer.
func wordy(before, after, thought string) misbehaviour {
	return func(w http.ResponseWriter, _ *http.Request, request *request, call *call) bool {
		text := before + fencedContent(request.user).verdict(request.wanted()) + after
		request.api.write(w, request, call, reply{text: text, thinking: thought, end: endStop})
		return true
	}
}

var (
	fencedAnswer = wordy("Here is my evaluation:\n```json\n", "\n```\nI hope {this} helps!", "")
	thinking     = wordy("<think>The form is {\"score\": …}, so {\"a\": 1} would do.</think>\n", "", "")
	reasoning    = wordy("", "", "The form is {\"score\": …}, so "+secretEcho+" would do.")
)

// huge answers 10 MB.
func huge(w http.ResponseWriter, _ *http.Request, request *request, call *call) bool {
	request.api.write(w, request, call, reply{text: `{"rationale": "` + strings.Repeat("very ", 2_000_000) + `"}`, end: endStop})
	return true
}

// html is what a gateway in front of a server answers.
func html(w http.ResponseWriter, _ *http.Request, _ *request, _ *call) bool {
	w.Header().Set("Content-Type", "text/html")
	_, _ = w.Write([]byte("<html><body>Welcome, " + secretEcho + "</body></html>"))
	return true
}

// drop closes the connection in the middle of an answer.
func drop(w http.ResponseWriter, _ *http.Request, _ *request, _ *call) bool {
	w.Header().Set("Content-Length", strconv.Itoa(1000))
	_, _ = w.Write([]byte(`{"choices": [`))
	panic(http.ErrAbortHandler)
}

// noFeature refuses requests that use what the server does not have, in the words of real servers.
func noFeature(refuses func(*request) string) misbehaviour {
	return func(w http.ResponseWriter, _ *http.Request, request *request, _ *call) bool {
		text := refuses(request)
		if text != "" {
			request.api.writeError(w, http.StatusBadRequest, codeInvalid, text)
		}
		return text != ""
	}
}

func refusesSchema(request *request) string {
	switch {
	case request.format != formatSchema:
		return ""
	case request.api == anthropic{}:
		return "output_config: Extra inputs are not permitted"
	default:
		return "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model."
	}
}

func refusesFormat(request *request) string {
	switch {
	case request.format == formatNone:
		return ""
	case request.format == formatTool:
		return "Thinking may not be enabled when tool_choice forces tool use."
	case request.api == anthropic{}:
		return refusesSchema(request)
	default:
		return "'response_format' is not supported."
	}
}

func refusesThisSchema(request *request) string {
	switch {
	case request.format != formatSchema:
		return ""
	case request.api == anthropic{}:
		return "output_config.format.schema: Schema is too complex."
	default:
		return "Invalid schema for response_format '" + request.schemaName + "': keyword is not permitted."
	}
}

func refusesTokens(request *request) string {
	if request.newLimit {
		return "Unrecognized request argument supplied: max_completion_tokens"
	}
	return ""
}
