package mlflow

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"
)

// Bounds of what is read of an answer, in bytes.
const (
	maxAnswer      = 64 << 20
	maxErrorAnswer = 64 << 10
)

// call makes one request. into is nil, a *string for text, or what the JSON decodes into.
func (c *Client) call(ctx context.Context, method, path string, body, into any) (serverTime time.Time, err error) {
	var reader io.Reader
	if body != nil {
		var buf bytes.Buffer
		encoder := json.NewEncoder(&buf)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(body); err != nil {
			return time.Time{}, &Error{Code: "REQUEST_INVALID", Message: "not encodable as JSON", cause: err}
		}
		reader = &buf
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, reader)
	if err != nil {
		return time.Time{}, &Error{Code: "REQUEST_INVALID", Message: "no valid request", cause: err}
	}
	// Every call may be made twice: ids are ours, or names are taken already. So the transport may repeat one that met a
	// connection which the server was about to close. Without a value the header is not sent.
	request.Header["Idempotency-Key"] = []string{}
	maps.Copy(request.Header, c.header)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return time.Time{}, transportError(err)
	}
	defer func() { _ = response.Body.Close() }()
	limit := int64(maxAnswer)
	if response.StatusCode/100 != 2 {
		limit = maxErrorAnswer
	}
	content, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	if err != nil {
		return time.Time{}, transportError(err)
	}
	if response.StatusCode/100 != 2 {
		return time.Time{}, answerError(response, content)
	}
	if int64(len(content)) > limit {
		return time.Time{}, &Error{Status: response.StatusCode, Code: CodeAnswerTooLarge}
	}
	serverTime, _ = http.ParseTime(response.Header.Get("Date"))
	return serverTime, decode(content, into)
}

func decode(content []byte, into any) error {
	switch into := into.(type) {
	case nil:
	case *string:
		*into = string(content)
	default:
		if json.Unmarshal(content, into) != nil {
			return invalidAnswer("not the JSON of this call")
		}
	}
	return nil
}

func answerError(response *http.Response, content []byte) *Error {
	var body struct {
		Code    string `json:"error_code"`
		Message string `json:"message"`
	}
	isJSON := json.Unmarshal(content, &body) == nil && body.Code != ""
	if !isJSON {
		body.Code, body.Message = "", string(content)
		if strings.HasPrefix(strings.TrimSpace(body.Message), "<") {
			body.Message = http.StatusText(response.StatusCode)
		}
	}
	return statusError(response.StatusCode, response.Header, body.Code, body.Message, isJSON)
}

// invalidAnswer is unavailable, not permanent: a proxy's login page with status 200 is no fault of a trace.
func invalidAnswer(what string) *Error {
	return &Error{Status: http.StatusOK, Code: CodeAnswerInvalid, Message: what, class: ClassUnavailable}
}
