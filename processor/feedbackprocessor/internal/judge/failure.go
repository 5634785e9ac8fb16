package judge

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

// The classes of failures, the `error.type` of a result.
const (
	ErrorTypeConnection       = "connection_failed"
	ErrorTypeTimeout          = "timeout"
	ErrorTypeUnauthorized     = "unauthorized"
	ErrorTypeForbidden        = "forbidden"
	ErrorTypeNotFound         = "not_found"
	ErrorTypeBadRequest       = "bad_request"
	ErrorTypeRedirected       = "redirected"
	ErrorTypeRateLimited      = "rate_limited"
	ErrorTypeQuotaExceeded    = "quota_exceeded"
	ErrorTypeServerError      = "server_error"
	ErrorTypeInvalidResponse  = "invalid_response"
	ErrorTypeResponseTooLarge = "response_too_large"
	ErrorTypeEmptyAnswer      = "empty_answer"
	ErrorTypeTruncatedAnswer  = "answer_truncated"
	ErrorTypeRefused          = "refused"
	ErrorTypeInvalidAnswer    = "invalid_answer"
	ErrorTypeInternal         = "internal_error"
)

// failure is why one call gave no verdict.
type failure struct {
	class string
	// message is for an operator; it never holds content, secrets or what the server wrote.
	message string
	// retry says that the same request may succeed later, not before retryAfter has passed.
	retry      bool
	retryAfter time.Duration
	// refused says that the server does not take what fallback does without.
	refused refusal
}

// result is the error of a judgement that ended with this failure.
func (f *failure) result(model string, attempts int) *assessment.Error {
	calls := "1 call"
	if attempts != 1 {
		calls = strconv.Itoa(attempts) + " calls"
	}
	return &assessment.Error{
		Code:    assessment.ErrorCodeEvaluationFailed,
		Type:    f.class,
		Message: fmt.Sprintf("model %q: %s (%s)", model, f.message, calls),
	}
}

// transportFailure explains a request that got no response. Of the error only what is known to be harmless is
// shown: others, such as an auth extension's, may quote a token or a URL with one.
func transportFailure(err error, host string, timeout time.Duration) *failure {
	var (
		dns         *net.DNSError
		operation   *net.OpError
		authority   x509.UnknownAuthorityError
		hostname    x509.HostnameError
		certificate x509.CertificateInvalidError
	)
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), isTimeout(err):
		return &failure{class: ErrorTypeTimeout, retry: true, message: fmt.Sprintf("no complete response from %s within %s", host, timeout)}
	case errors.As(err, &authority), errors.As(err, &hostname), errors.As(err, &certificate):
		return &failure{class: ErrorTypeConnection, message: "the TLS certificate of " + host + " is not trusted; see `tls`"}
	case errors.As(err, &dns):
		return &failure{class: ErrorTypeConnection, retry: true, message: "host " + host + " was not found"}
	case errors.As(err, &operation):
		return &failure{class: ErrorTypeConnection, retry: true, message: fmt.Sprintf("cannot reach %s: %s: %v", host, operation.Op, rootCause(operation.Err))}
	default:
		return &failure{class: ErrorTypeConnection, retry: true, message: "the connection to " + host + " failed before a response"}
	}
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

// rootCause is the operating system's words.
func rootCause(err error) error {
	if call, ok := errors.AsType[*os.SyscallError](err); ok {
		return call.Err
	}
	return errors.New("network error")
}

// statusFailure explains a response that is not 200.
func statusFailure(status int, retryAfter time.Duration, quota bool, host string) *failure {
	switch {
	case status == http.StatusUnauthorized:
		return &failure{class: ErrorTypeUnauthorized, message: host + " refused the credentials (HTTP 401); check `api_key`, `auth` or `headers`"}
	case status == http.StatusForbidden:
		return &failure{class: ErrorTypeForbidden, message: host + " does not permit this call (HTTP 403); check what the key may do"}
	case status == http.StatusNotFound:
		return &failure{class: ErrorTypeNotFound, message: host + " knows no such model or path (HTTP 404); check `model` and `endpoint`"}
	case status == http.StatusTooManyRequests && quota:
		return &failure{class: ErrorTypeQuotaExceeded, message: "the account's quota at " + host + " is used up (HTTP 429)"}
	case status == http.StatusTooManyRequests:
		return &failure{class: ErrorTypeRateLimited, retry: true, retryAfter: retryAfter, message: host + " limits the rate of calls (HTTP 429)"}
	case status == http.StatusRequestTimeout:
		return &failure{class: ErrorTypeTimeout, retry: true, retryAfter: retryAfter, message: host + " timed out (HTTP 408)"}
	case status >= 500:
		return &failure{class: ErrorTypeServerError, retry: true, retryAfter: retryAfter, message: fmt.Sprintf("%s failed (HTTP %d)", host, status)}
	case status >= 300 && status < 400:
		return &failure{class: ErrorTypeRedirected, message: fmt.Sprintf("%s redirects elsewhere (HTTP %d), where no content is sent; set `endpoint` to the final address", host, status)}
	case status >= 200 && status < 300:
		return &failure{class: ErrorTypeInvalidResponse, message: fmt.Sprintf("%s answered HTTP %d instead of 200", host, status)}
	default:
		return &failure{class: ErrorTypeBadRequest, message: fmt.Sprintf("%s does not take the request (HTTP %d); check `model`, `parameters` and `max_output_tokens`", host, status)}
	}
}
