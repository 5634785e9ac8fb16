// Package answer writes what MLflow's REST API answers: JSON as its server spells it, and its errors.
package answer

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// The error codes of MLflow's API that this endpoint answers.
const (
	CodeDoesNotExist     = "RESOURCE_DOES_NOT_EXIST"
	CodeInvalidParameter = "INVALID_PARAMETER_VALUE"
	CodeBadRequest       = "BAD_REQUEST"
	CodePermissionDenied = "PERMISSION_DENIED"
	CodeUnauthenticated  = "UNAUTHENTICATED"
	CodeUnavailable      = "TEMPORARILY_UNAVAILABLE"
	CodeExhausted        = "RESOURCE_EXHAUSTED"
	CodeTooMany          = "REQUEST_LIMIT_EXCEEDED"
	CodeInternal         = "INTERNAL_ERROR"
	CodeEndpointNotFound = "ENDPOINT_NOT_FOUND"
	CodeConflict         = "RESOURCE_CONFLICT"
)

// classification is what MLflow adds to an error by its code.
type classification struct{ state, class string }

// classifications has no entry for a code that MLflow does not classify.
var classifications = map[string]classification{
	CodeDoesNotExist:     {"KAM00", "RESOURCE_NOT_FOUND"},
	CodeEndpointNotFound: {"KAM00", "RESOURCE_NOT_FOUND"},
	CodeInvalidParameter: {"KAM00", "INVALID_PARAMETER_VALUE"},
	CodeBadRequest:       {"KAM00", "INVALID_PARAMETER_VALUE"},
	CodePermissionDenied: {"KAM00", "PERMISSION_DENIED"},
	CodeInternal:         {"XXM00", "CLIENT_INTERNAL_ERROR"},
	CodeUnavailable:      {"XXM00", "CLIENT_INTERNAL_ERROR"},
}

// Error is a refusal in MLflow's shape.
type Error struct {
	// Status is the HTTP status.
	Status int
	// Code is MLflow's error_code.
	Code string
	// Message is for a person. It may quote ids, never content nor secrets.
	Message string
	// RetryAfter is when a repeat may work, rounded up to seconds; 0 when it says nothing.
	RetryAfter time.Duration
	// Challenge is the WWW-Authenticate of a 401: what credentials would do.
	Challenge string
}

// Error implements error.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// NotFound is 404 RESOURCE_DOES_NOT_EXIST.
func NotFound(message string) *Error {
	return &Error{Status: http.StatusNotFound, Code: CodeDoesNotExist, Message: message}
}

// Invalid is 400 INVALID_PARAMETER_VALUE.
func Invalid(message string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: CodeInvalidParameter, Message: message}
}

// Denied is 403 PERMISSION_DENIED.
func Denied(message string) *Error {
	return &Error{Status: http.StatusForbidden, Code: CodePermissionDenied, Message: message}
}

// Unauthenticated is 401 UNAUTHENTICATED with a challenge, which may be empty.
func Unauthenticated(message, challenge string) *Error {
	return &Error{Status: http.StatusUnauthorized, Code: CodeUnauthenticated, Message: message, Challenge: challenge}
}

// Conflict is 409 RESOURCE_CONFLICT, which MLflow's client does not repeat.
func Conflict(message string) *Error {
	return &Error{Status: http.StatusConflict, Code: CodeConflict, Message: message}
}

// TooLarge is 413 INVALID_PARAMETER_VALUE.
func TooLarge(message string) *Error {
	return &Error{Status: http.StatusRequestEntityTooLarge, Code: CodeInvalidParameter, Message: message}
}

// Unavailable is 503 TEMPORARILY_UNAVAILABLE, which MLflow's client repeats after the given time.
func Unavailable(message string, retryAfter time.Duration) *Error {
	return &Error{
		Status: http.StatusServiceUnavailable, Code: CodeUnavailable, Message: message, RetryAfter: retryAfter,
	}
}

// JSON writes v as MLflow's server does: two spaces of indent, no HTML escapes.
func JSON(w http.ResponseWriter, v any) { encode(w, http.StatusOK, v) }

// Accepted writes v likewise, as what will be true later.
func Accepted(w http.ResponseWriter, v any) { encode(w, http.StatusAccepted, v) }

func encode(w http.ResponseWriter, status int, v any) {
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		Refuse(w, err)
		return
	}
	write(w, status, bytes.TrimSuffix(buf.Bytes(), []byte("\n")))
}

// Refuse writes err: an *Error as it is, a body over its limit as 413, anything else as 500 without its text, which may
// hold content.
func Refuse(w http.ResponseWriter, err error) {
	var refusal *Error
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &refusal):
	case errors.As(err, &tooLarge):
		refusal = TooLarge("The request's body is larger than " + strconv.FormatInt(tooLarge.Limit, 10) + " bytes")
	default:
		refusal = &Error{Status: http.StatusInternalServerError, Code: CodeInternal, Message: "Internal error"}
	}
	if refusal.RetryAfter > 0 {
		seconds := (refusal.RetryAfter + time.Second - 1) / time.Second
		w.Header().Set("Retry-After", strconv.Itoa(int(seconds)))
	}
	if refusal.Challenge != "" {
		w.Header().Set("WWW-Authenticate", refusal.Challenge)
	}
	kind := classifications[refusal.Code]
	body, _ := json.Marshal(struct {
		Code    string `json:"error_code"`
		Message string `json:"message"`
		State   string `json:"sqlstate,omitempty"`
		Class   string `json:"error_class,omitempty"`
	}{refusal.Code, refusal.Message, kind.state, kind.class})
	write(w, refusal.Status, body)
}

func write(w http.ResponseWriter, status int, body []byte) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
