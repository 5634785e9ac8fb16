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
	// ErrorTypeQuorum is a panel's in which too few models gave a valid vote.
	ErrorTypeQuorum = "quorum"
)

// The classes of votes that are missing for no failure of their own.
const (
	errorTypePaused    = "paused"
	errorTypeCancelled = "cancelled"
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
	// spent says what is known of the cost of a call that reported none.
	spent spending
}

// spending is what a failed call may have cost.
type spending int8

const (
	// spentUnknown is of a call that may have been paid in full.
	spentUnknown spending = iota
	// spentNothing is of a call that the server turned away.
	spentNothing
	// spentUnsent is of a call that never left.
	spentUnsent
)

// outcome is what a call that ended with f, or well where f is nil, says about its server.
func (f *failure) outcome() outcome {
	if f == nil {
		return outcomeUp
	}
	switch f.class {
	case ErrorTypeConnection, ErrorTypeTimeout, ErrorTypeServerError:
		return outcomeDown
	case ErrorTypeRateLimited:
		return outcomeLimited
	case ErrorTypeInternal:
		return outcomeNone
	default:
		return outcomeUp
	}
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
		return &failure{class: ErrorTypeConnection, spent: spentUnsent, message: "the TLS certificate of " + host + " is not trusted; see `tls`"}
	case errors.As(err, &dns):
		return &failure{class: ErrorTypeConnection, spent: spentUnsent, retry: true, message: "host " + host + " was not found"}
	case errors.As(err, &operation):
		fail := &failure{class: ErrorTypeConnection, retry: true, message: fmt.Sprintf("cannot reach %s: %s: %v", host, operation.Op, rootCause(operation.Err))}
		if operation.Op == "dial" {
			fail.spent = spentUnsent
		}
		return fail
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

// statusOverloaded is Anthropic's status for a server that has too much to do.
const statusOverloaded = 529

// statusFailure explains a response that is not 200; quota says that its words are about money that has run out.
func statusFailure(status int, retryAfter time.Duration, quota bool, host string) *failure {
	fail := explainStatus(status, quota, host)
	if fail.retry {
		fail.retryAfter = retryAfter
	}
	switch {
	case status < 300, status == http.StatusRequestTimeout, status == http.StatusBadGateway, status == http.StatusGatewayTimeout:
		fail.spent = spentUnknown // what stands behind a gateway that gave up may have gone on
	default:
		fail.spent = spentNothing
	}
	return fail
}

func explainStatus(status int, quota bool, host string) *failure {
	switch {
	case status == http.StatusPaymentRequired, quota && status >= 400 && status < 500:
		return &failure{class: ErrorTypeQuotaExceeded, message: fmt.Sprintf("the account's quota or credit at %s is used up (HTTP %d)", host, status)}
	case status == http.StatusUnauthorized:
		return &failure{class: ErrorTypeUnauthorized, message: host + " refused the credentials (HTTP 401); check `api_key`, `auth` or `headers`"}
	case status == http.StatusForbidden:
		return &failure{class: ErrorTypeForbidden, message: host + " does not permit this call (HTTP 403); check what the key may do"}
	case status == http.StatusNotFound:
		return &failure{class: ErrorTypeNotFound, message: host + " knows no such model or path (HTTP 404); check `model` and `endpoint`"}
	case status == http.StatusTooManyRequests:
		return &failure{class: ErrorTypeRateLimited, retry: true, message: host + " limits the rate of calls (HTTP 429)"}
	case status == http.StatusRequestTimeout:
		return &failure{class: ErrorTypeTimeout, retry: true, message: host + " timed out (HTTP 408)"}
	case status == statusOverloaded:
		return &failure{class: ErrorTypeServerError, retry: true, message: host + " is overloaded (HTTP 529)"}
	case status >= 500:
		return &failure{class: ErrorTypeServerError, retry: true, message: fmt.Sprintf("%s failed (HTTP %d)", host, status)}
	case status >= 300 && status < 400:
		return &failure{class: ErrorTypeRedirected, message: fmt.Sprintf("%s redirects elsewhere (HTTP %d), where no content is sent; set `endpoint` to the final address", host, status)}
	case status >= 200 && status < 300:
		return &failure{class: ErrorTypeInvalidResponse, message: fmt.Sprintf("%s answered HTTP %d instead of 200", host, status)}
	default:
		return &failure{class: ErrorTypeBadRequest, message: fmt.Sprintf("%s does not take the request (HTTP %d); check `model`, `parameters` and `max_output_tokens`", host, status)}
	}
}
