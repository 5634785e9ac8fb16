package judge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxResponse      = 1 << 20
	maxErrorResponse = 64 << 10
	// maxTokens bounds what a response may say of tokens, so that sums of them stay numbers.
	maxTokens = 1 << 40
)

// endpoint is where a provider's API is, and how it is called; what all APIs have in common is here.
type endpoint struct {
	url, host string
	timeout   time.Duration
	// header goes with each request; keys of the configuration's `headers` win over it.
	header http.Header
	// refused tells from the words of an error, in lower case, which feature the server does not take.
	refused func(words string, features features) refusal
}

// newEndpoint adds a path to the configured endpoint, whose own path and query stay.
func newEndpoint(cfg *ModelConfig, path ...string) (*endpoint, error) {
	base, err := url.Parse(cfg.ClientConfig.Endpoint)
	if err != nil {
		return nil, errors.New("`endpoint` is not a URL")
	}
	header := http.Header{}
	header.Set("Content-Type", "application/json")
	header.Set("Accept", "application/json")
	return &endpoint{
		url: base.JoinPath(path...).String(), host: base.Host, timeout: cfg.ClientConfig.Timeout, header: header,
		refused: func(string, features) refusal { return refusalNone },
	}, nil
}

// post makes one request and returns the body of a response with status 200.
func (e *endpoint) post(ctx context.Context, client *http.Client, body map[string]any, features features, now time.Time) ([]byte, *failure) {
	content, err := json.Marshal(body)
	if err != nil {
		return nil, &failure{class: ErrorTypeInternal, spent: spentUnsent, message: "the request cannot be written as JSON"}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(content))
	if err != nil {
		return nil, &failure{class: ErrorTypeInternal, spent: spentUnsent, message: "the request cannot be made; check `endpoint`"}
	}
	req.Header = e.header.Clone()
	resp, err := client.Do(req)
	if err != nil {
		return nil, transportFailure(err, e.host, e.timeout)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, e.failed(resp, features, now)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse+1))
	if err != nil {
		return nil, transportFailure(err, e.host, e.timeout)
	}
	if len(text) > maxResponse {
		return nil, &failure{class: ErrorTypeResponseTooLarge, message: "the response of " + e.host + " is larger than 1 MiB"}
	}
	return text, nil
}

// quotaWords are in errors that say that money or a paid amount has run out, which no retry cures.
var quotaWords = []string{
	"insufficient_quota", "billing_hard_limit_reached", "credit_balance_exhausted", // OpenAI
	"enforced_spend_limit_reached", "billing_error", "credit balance is too low", "specified api usage limits", // Anthropic
}

// filterWords are in the errors with which Azure refuses content.
var filterWords = []string{"responsibleaipolicyviolation", "content management policy"}

// failed makes a failure of a response that is not 200. Its body is read for what the server does not take, and never
// passed on: servers quote requests in it.
func (e *endpoint) failed(resp *http.Response, features features, now time.Time) *failure {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorResponse))
	words := strings.ToLower(string(text))
	fail := statusFailure(resp.StatusCode, retryAfter(resp.Header, now), mentions(words, quotaWords...), e.host)
	if resp.StatusCode == http.StatusBadRequest && mentions(words, filterWords...) {
		return &failure{class: ErrorTypeRefused, spent: spentNothing, message: "the provider's content filter stopped the request"}
	}
	switch resp.StatusCode {
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusNotImplemented, http.StatusUnsupportedMediaType:
		fail.refused = e.refused(words, features)
	}
	return fail
}

// invalid is the failure of a response that is not one of the API's.
func (e *endpoint) invalid(what string) *failure {
	return &failure{class: ErrorTypeInvalidResponse, message: "the response of " + e.host + " is not a " + what + "; check `endpoint`"}
}

func mentions(words string, names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return strings.Contains(words, name) })
}

// tokenCount is a number of tokens as a server says it.
func tokenCount(n int64) int64 { return min(max(n, 0), maxTokens) }

// maxRetryAfter bounds what a server can make a worker wait where max_elapsed_time does not.
const maxRetryAfter = time.Hour

// retryAfter reads the header Retry-After, in seconds or as a date; 0 when there is none.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds > 0 {
		return time.Duration(min(seconds, maxRetryAfter.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), maxRetryAfter)
	}
	return 0
}
