package judge

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	maxResponse      = 1 << 20
	maxErrorResponse = 64 << 10
)

// openAI speaks OpenAI's chat completions.
type openAI struct {
	cfg   *ModelConfig
	model string
	url   string
	host  string
}

var _ provider = (*openAI)(nil)

func newOpenAI(cfg *ModelConfig, model string) (*openAI, error) {
	base, err := url.Parse(cfg.ClientConfig.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("`endpoint` of model %q is not a URL", model)
	}
	return &openAI{cfg: cfg, model: model, url: base.JoinPath("chat", "completions").String(), host: base.Host}, nil
}

type chatMessage struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// chatCompletion is what is read of a response.
type chatCompletion struct {
	Choices []struct {
		FinishReason string `json:"finish_reason"`
		Message      struct {
			Content *string `json:"content"`
			Refusal *string `json:"refusal"`
		} `json:"message"`
	} `json:"choices"`
	Usage struct {
		PromptTokens        int64 `json:"prompt_tokens"`
		CompletionTokens    int64 `json:"completion_tokens"`
		PromptTokensDetails struct {
			CachedTokens int64 `json:"cached_tokens"`
		} `json:"prompt_tokens_details"`
	} `json:"usage"`
}

// complete implements provider.
func (p *openAI) complete(ctx context.Context, client *http.Client, ask request, features features, now time.Time) (reply, *failure) {
	body, err := json.Marshal(p.body(ask, features))
	if err != nil {
		return reply{}, &failure{class: ErrorTypeInternal, message: "the request cannot be written as JSON"}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return reply{}, &failure{class: ErrorTypeInternal, message: "the request cannot be made; check `endpoint`"}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	if p.cfg.APIKey != "" {
		req.Header.Set("Authorization", "Bearer "+string(p.cfg.APIKey))
	}
	resp, err := client.Do(req)
	if err != nil {
		return reply{}, transportFailure(err, p.host, p.cfg.ClientConfig.Timeout)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return reply{}, p.refused(resp, features, now)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse+1))
	if err != nil {
		return reply{}, transportFailure(err, p.host, p.cfg.ClientConfig.Timeout)
	}
	if len(text) > maxResponse {
		return reply{}, &failure{class: ErrorTypeResponseTooLarge, message: "the response of " + p.host + " is larger than 1 MiB"}
	}
	return p.read(text)
}

// body is the request; what is not configured is not sent.
func (p *openAI) body(ask request, features features) map[string]any {
	body := make(map[string]any, len(p.cfg.Parameters)+4)
	maps.Copy(body, p.cfg.Parameters)
	body["model"] = p.model
	body["messages"] = []chatMessage{{Role: "system", Content: ask.system}, {Role: "user", Content: ask.user}}
	switch features.format {
	case formatSchema:
		body["response_format"] = map[string]any{
			"type":        "json_schema",
			"json_schema": map[string]any{"name": ask.output.name, "strict": ask.output.strict, "schema": ask.output.sent},
		}
	case formatObject:
		body["response_format"] = map[string]any{"type": "json_object"}
	case formatText:
	}
	if p.cfg.MaxOutputTokens > 0 {
		key := "max_completion_tokens"
		if features.oldTokens {
			key = "max_tokens"
		}
		body[key] = p.cfg.MaxOutputTokens
	}
	return body
}

// refused makes a failure of a response that is not 200. Its body is read for what the server does not take, and
// never passed on: servers quote requests in it.
func (p *openAI) refused(resp *http.Response, features features, now time.Time) *failure {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorResponse))
	words := strings.ToLower(string(text))
	fail := statusFailure(resp.StatusCode, retryAfter(resp.Header, now), strings.Contains(words, "insufficient_quota"), p.host)
	switch resp.StatusCode {
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusNotImplemented, http.StatusUnsupportedMediaType:
		fail.refused = refusedFeature(words, features)
	}
	return fail
}

// refusedFeature tells from the words of an error which feature a server does not take.
func refusedFeature(words string, features features) refusal {
	mentions := func(names ...string) bool {
		for _, name := range names {
			if strings.Contains(words, name) {
				return true
			}
		}
		return false
	}
	switch {
	case !features.oldTokens && mentions("max_completion_tokens"):
		return refusalTokens
	case features.format == formatSchema && mentions("invalid schema"):
		return refusalThisSchema
	case features.format != formatText && mentions("response_format", "json_schema", "json_object", "schema", "structured"):
		return refusalFormat
	default:
		return refusalNone
	}
}

// read takes a response apart.
func (p *openAI) read(text []byte) (reply, *failure) {
	var completion chatCompletion
	if json.Unmarshal(text, &completion) != nil || len(completion.Choices) == 0 {
		return reply{}, &failure{class: ErrorTypeInvalidResponse, message: "the response of " + p.host + " is not a chat completion; check `endpoint`"}
	}
	used := usage{
		input:  max(completion.Usage.PromptTokens, 0),
		cached: max(completion.Usage.PromptTokensDetails.CachedTokens, 0),
		output: max(completion.Usage.CompletionTokens, 0),
	}
	choice, got := completion.Choices[0], reply{accepted: true, usage: used}
	switch {
	case choice.FinishReason == "length":
		return got, &failure{class: ErrorTypeTruncatedAnswer, message: "the answer was cut at the token limit; raise `max_output_tokens`"}
	case choice.FinishReason == "content_filter":
		return got, &failure{class: ErrorTypeRefused, message: "the provider's content filter stopped the answer"}
	case choice.Message.Refusal != nil && *choice.Message.Refusal != "":
		return got, &failure{class: ErrorTypeRefused, message: "the model refused to evaluate this content"}
	case choice.Message.Content == nil || strings.TrimSpace(*choice.Message.Content) == "":
		return got, &failure{class: ErrorTypeEmptyAnswer, message: "the answer is empty"}
	}
	got.text = *choice.Message.Content
	return got, nil
}

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
