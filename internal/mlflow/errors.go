package mlflow

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Class says what a caller may do about an error.
type Class int8

// The classes of an error.
const (
	// ClassPermanent is a refusal that a repeat cannot cure.
	ClassPermanent Class = iota
	// ClassNotFound: the trace or the assessment does not exist (yet), or this user may not see it.
	ClassNotFound
	// ClassUnavailable: the backend as a whole does not work now, or not for us.
	ClassUnavailable
	// ClassDuplicate: the assessment's id is taken.
	ClassDuplicate
)

// The codes that this client gives where the server's answer has none.
const (
	CodeConnection     = "CONNECTION"
	CodeTimeout        = "TIMEOUT"
	CodeAnswerTooLarge = "ANSWER_TOO_LARGE"
	CodeAnswerInvalid  = "ANSWER_INVALID"
)

// maxMessage bounds what is kept of a server's error text, in bytes.
const maxMessage = 300

// Error is every failure of a call.
type Error struct {
	// Status is the HTTP status, 0 when there was no answer.
	Status int
	// Code is MLflow's error_code or one of this package's; empty when the answer had none.
	Code string
	// Message is bounded and of one line. It may quote ids, never an assessment's content.
	Message string
	// RetryAfter is what the server asked for, 0 when it did not.
	RetryAfter time.Duration
	// Challenge is the WWW-Authenticate of a 401, which says what credentials the server takes.
	Challenge string

	class Class
	cause error
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("mlflow")
	if e.Status != 0 {
		fmt.Fprintf(&b, ": status %d", e.Status)
	}
	for _, part := range []string{e.Code, e.Message} {
		if part != "" {
			b.WriteString(": ")
			b.WriteString(part)
		}
	}
	return b.String()
}

// Unwrap gives the transport's error, if there was one.
func (e *Error) Unwrap() error { return e.cause }

// Denied reports whether the server refused the caller, who may see it as a trace that does not exist.
func (e *Error) Denied() bool { return e.Status == http.StatusForbidden && e.class == ClassNotFound }

// ClassOf is the class of err. An error that is not an *Error, such as a cancelled context, is unavailable.
func ClassOf(err error) Class {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.class
	}
	return ClassUnavailable
}

// RetryAfterOf is the wait that the server asked for, 0 when none.
func RetryAfterOf(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// Blames reports whether err is a plain 500 of the server's own, which one request's content may have caused.
func Blames(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusInternalServerError && e.class == ClassUnavailable
}

func transportError(err error) *Error {
	e := &Error{Code: CodeConnection, class: ClassUnavailable, cause: err}
	var timeout interface{ Timeout() bool }
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		e.Code = CodeTimeout
	}
	e.Message = oneLine(rootMessage(err))
	return e
}

// rootMessage is the innermost message: the outer ones of net/http repeat the URL, which may carry a password.
func rootMessage(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

// statusError classifies an answer that is not 2xx.
func statusError(status int, header http.Header, code, message string, isJSON bool) *Error {
	e := &Error{Status: status, Code: oneLine(code), Message: oneLine(message), RetryAfter: retryAfter(header)}
	e.class = classify(status, code, message, isJSON)
	if status == http.StatusUnauthorized {
		e.Challenge = oneLine(strings.Join(header.Values("WWW-Authenticate"), ", "))
	}
	return e
}

func classify(status int, code, message string, isJSON bool) Class {
	switch {
	case strings.Contains(message, "constraint violation") && !foreignKey(message),
		strings.Contains(message, "UNIQUE constraint failed"),
		strings.Contains(message, "duplicate key"):
		return ClassDuplicate
	case status == http.StatusBadRequest && foreignKey(message):
		return ClassNotFound // servers before 3.14, for a trace that does not exist
	case code == "RESOURCE_DOES_NOT_EXIST" || code == "NOT_FOUND":
		return ClassNotFound
	case status == http.StatusForbidden:
		if strings.Contains(message, "Invalid Host header") {
			return ClassUnavailable
		}
		return ClassNotFound // basic-auth hides traces that do not exist behind it
	case status == http.StatusNotFound && !isJSON, code == "ENDPOINT_NOT_FOUND":
		return ClassUnavailable // a wrong path prefix or another server: no fault of a trace
	case status >= http.StatusInternalServerError,
		status == http.StatusTooManyRequests,
		status == http.StatusRequestTimeout,
		status == http.StatusUnauthorized,
		status == http.StatusProxyAuthRequired,
		status == http.StatusMethodNotAllowed,
		status >= 300 && status < 400:
		return ClassUnavailable
	default:
		return ClassPermanent
	}
}

func foreignKey(message string) bool {
	return strings.Contains(message, "FOREIGN KEY constraint failed") ||
		strings.Contains(message, "violates foreign key") ||
		strings.Contains(message, "foreign key constraint fails")
}

// maxRetryAfter bounds how long a server can silence the delivery.
const maxRetryAfter = time.Hour

func retryAfter(header http.Header) time.Duration {
	text := header.Get("Retry-After")
	if text == "" {
		return 0
	}
	var wait time.Duration
	if seconds, err := strconv.Atoi(text); err == nil {
		wait = min(time.Duration(seconds), maxRetryAfter/time.Second) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		from := time.Now()
		if date, err := http.ParseTime(header.Get("Date")); err == nil {
			from = date
		}
		wait = at.Sub(from)
	}
	return max(0, min(wait, maxRetryAfter))
}

// oneLine bounds a server's text, without what it quotes of a database's: the SQL, its parameters, and PostgreSQL's
// details, which repeat a row that failed. They hold content.
func oneLine(text string) string {
	for _, mark := range []string{"[SQL", "[parameters", "DETAIL:"} {
		text, _, _ = strings.Cut(text, mark)
	}
	if len(text) > maxMessage {
		text = text[:maxMessage]
	}
	return strings.ToValidUTF8(strings.Join(strings.Fields(text), " "), "")
}
