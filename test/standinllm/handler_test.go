package standinllm_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/test/standinllm"
)

const token = "0123456789abcdef0123456789abcdef"

func fence(part, text string) string {
	return "<data-" + token + " part=\"" + part + "\">\n" + text + "\n</data-" + token + ">\n"
}

// ask posts one chat completion and returns the status and the body.
func ask(t *testing.T, handler http.Handler, model, content, schema string) (int, map[string]any) {
	t.Helper()
	request := map[string]any{
		"model":           model,
		"messages":        []any{map[string]any{"role": "system", "content": "x"}, map[string]any{"role": "user", "content": content}},
		"response_format": map[string]any{"type": "json_schema", "json_schema": map[string]any{"name": "x", "schema": json.RawMessage(schema)}},
	}
	body, err := json.Marshal(request)
	require.NoError(t, err)
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/chat/completions", bytes.NewReader(body)))
	var answer map[string]any
	if strings.HasPrefix(recorder.Header().Get("Content-Type"), "application/json") {
		require.NoError(t, json.NewDecoder(io.LimitReader(recorder.Body, 20<<20)).Decode(&answer))
	}
	return recorder.Code, answer
}

func text(t *testing.T, answer map[string]any) string {
	t.Helper()
	choices, ok := answer["choices"].([]any)
	require.True(t, ok, "no choices in %v", answer)
	content, _ := choices[0].(map[string]any)["message"].(map[string]any)["content"].(string)
	return content
}

func TestAnswersFitTheSchema(t *testing.T) {
	for _, tt := range []struct{ name, schema string }{
		{"boolean", `{"type":"object","properties":{"value":{"type":"boolean"},"rationale":{"type":"string"}},"required":["value","rationale"],"additionalProperties":false}`},
		{"range", `{"type":"object","properties":{"a":{"type":"number","minimum":0,"maximum":1},"b":{"type":"integer","minimum":1,"maximum":5}},"required":["a","b"]}`},
		{"exclusive range", `{"type":"object","properties":{"a":{"type":"number","exclusiveMinimum":0,"exclusiveMaximum":1}},"required":["a"]}`},
		{"enum", `{"type":"object","properties":{"label":{"enum":["bad","fair","good"]}},"required":["label"]}`},
		{"list and definitions", `{"type":"object","$defs":{"n":{"type":"object","properties":{"s":{"const":"x"}},"required":["s"]}},"properties":{"list":{"type":"array","minItems":3,"items":{"$ref":"#/$defs/n"}}},"required":["list"]}`},
		{"alternatives", `{"type":"object","properties":{"v":{"anyOf":[{"type":"null"},{"type":"string"}]}},"required":["v"]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			document, err := jsonschema.UnmarshalJSON(strings.NewReader(tt.schema))
			require.NoError(t, err)
			compiler := jsonschema.NewCompiler()
			require.NoError(t, compiler.AddResource("s.json", document))
			schema := compiler.MustCompile("s.json")
			for _, content := range []string{"", "fine", "these are guaranteed returns"} {
				code, answer := ask(t, standinllm.NewHandler(standinllm.Options{}), "standin", fence("answer", content), tt.schema)
				require.Equal(t, http.StatusOK, code)
				instance, err := jsonschema.UnmarshalJSON(strings.NewReader(text(t, answer)))
				require.NoError(t, err)
				assert.NoError(t, schema.Validate(instance))
			}
		})
	}
}

func TestScoresFollowTheAnswer(t *testing.T) {
	const schema = `{"type":"object","properties":{"accuracy":{"type":"number","minimum":0,"maximum":1},"rationale":{"type":"string"}}}`
	handler := standinllm.NewHandler(standinllm.Options{})
	score := func(answer string) (float64, string) {
		_, reply := ask(t, handler, "any-model", fence("question", "q: risk-free?")+fence("answer", answer), schema)
		var verdict struct {
			Accuracy  float64
			Rationale string
		}
		require.NoError(t, json.Unmarshal([]byte(text(t, reply)), &verdict))
		return verdict.Accuracy, verdict.Rationale
	}
	bad, reason := score("Invest now for Guaranteed Returns!")
	assert.Less(t, bad, 0.5)
	assert.Contains(t, reason, "guaranteed returns")
	good, _ := score("Paris is the capital of France.")
	assert.GreaterOrEqual(t, good, 0.6, "bad words of the question do not count")
	again, _ := score("Paris is the capital of France.")
	assert.InDelta(t, good, again, 0, "the same text has the same score")
}

func TestStatsCountCallsAndAnswers(t *testing.T) {
	handler := standinllm.NewHandler(standinllm.Options{})
	const schema = `{"type":"object"}`
	ask(t, handler, "standin", fence("answer", "one"), schema)
	ask(t, handler, "standin", strings.ReplaceAll(fence("answer", "one"), token, strings.Repeat("f", 32)), schema)
	ask(t, handler, "standin-500", fence("answer", "two"), schema)

	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/stats", http.NoBody))
	var stats standinllm.Stats
	require.NoError(t, json.NewDecoder(recorder.Body).Decode(&stats))
	assert.Equal(t, standinllm.Stats{
		Calls: 3, Answered: 2, MaxInFlight: 1, InputTokens: 52, OutputTokens: 2,
		ByModel: map[string]standinllm.Counts{"standin": {Calls: 2, Answered: 2, InputTokens: 52, OutputTokens: 2}, "standin-500": {Calls: 1}},
		ByContent: map[string]standinllm.Counts{
			standinllm.ContentHash(map[string]string{"answer": "one"}): {Calls: 2, Answered: 2, InputTokens: 52, OutputTokens: 2},
			standinllm.ContentHash(map[string]string{"answer": "two"}): {Calls: 1},
		},
	}, stats)

	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodDelete, "/stats", http.NoBody))
	assert.Zero(t, handler.Stats().Calls)
}

func TestRefusesWhatIsNoRequest(t *testing.T) {
	handler := standinllm.NewHandler(standinllm.Options{APIKey: "right"})
	for _, tt := range []struct {
		name, body string
		want       int
	}{
		{"not JSON", `{`, http.StatusBadRequest},
		{"no messages", `{"model":"x"}`, http.StatusBadRequest},
		{"no key", `{"model":"x","messages":[{"role":"user","content":"hi"}]}`, http.StatusUnauthorized},
	} {
		t.Run(tt.name, func(t *testing.T) {
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/chat/completions", strings.NewReader(tt.body)))
			assert.Equal(t, tt.want, recorder.Code)
		})
	}
}

func TestDownAndUp(t *testing.T) {
	handler := standinllm.NewHandler(standinllm.Options{})
	handler.SetDown(true)
	code, _ := ask(t, handler, "standin", fence("answer", "one"), `{"type":"object"}`)
	assert.Equal(t, http.StatusServiceUnavailable, code)
	handler.SetDown(false)
	code, _ = ask(t, handler, "standin", fence("answer", "one"), `{"type":"object"}`)
	assert.Equal(t, http.StatusOK, code)
	assert.Equal(t, int64(2), handler.Stats().Calls)
}

func TestContraryModelDisagrees(t *testing.T) {
	const schema = `{"type":"object","properties":{"good":{"type":"boolean"}}}`
	handler := standinllm.NewHandler(standinllm.Options{})
	_, answer := ask(t, handler, "standin", fence("answer", "Paris."), schema)
	assert.JSONEq(t, `{"good":true}`, text(t, answer))
	_, answer = ask(t, handler, "standin-contrary", fence("answer", "Paris."), schema)
	assert.JSONEq(t, `{"good":false}`, text(t, answer))
}
