package genai_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

// sink keeps the compiler from dropping what is measured.
var sink string

func spanOf(tb testing.TB, attributes map[string]any) ptrace.Span {
	tb.Helper()
	span := ptrace.NewSpan()
	require.NoError(tb, span.Attributes().FromRaw(attributes))
	return span
}

func httpSpan(tb testing.TB) ptrace.Span {
	tb.Helper()
	return spanOf(tb, map[string]any{
		"http.request.method": "GET", "http.response.status_code": 200, "http.route": "/users/{id}",
		"url.path": "/users/42", "url.scheme": "https", "url.full": "https://shop.example.com/users/42",
		"server.address": "shop.example.com", "server.port": 443, "client.address": "192.0.2.7",
		"network.protocol.name": "http", "network.protocol.version": "1.1", "network.peer.address": "192.0.2.7",
		"user_agent.original": "curl/8", "thread.id": 17, "thread.name": "worker-3",
	})
}

// chatSpan is a call with messages of about 2 KB.
func chatSpan(tb testing.TB) ptrace.Span {
	tb.Helper()
	text := strings.Repeat("The quick brown fox jumps over the lazy dog. ", 9)
	type part map[string]any
	message := func(role, content string) part {
		return part{"role": role, "parts": []part{{"type": "text", "content": content}}}
	}
	in, err := json.Marshal([]part{
		message("system", "You are a helpful bot. "+text), message("user", "Hi"), message("assistant", text),
		message("user", "What is the capital of France? "+text),
	})
	require.NoError(tb, err)
	out, err := json.Marshal([]part{message("assistant", "Paris. "+text)})
	require.NoError(tb, err)
	return spanOf(tb, map[string]any{
		"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini",
		"gen_ai.response.model": "gpt-4o-mini-2024-07-18", "gen_ai.response.id": "chatcmpl-1",
		"gen_ai.response.finish_reasons": []any{"stop"}, "gen_ai.usage.input_tokens": 24,
		"gen_ai.usage.output_tokens": 8, "gen_ai.request.temperature": 0.2, "gen_ai.conversation.id": "c-1",
		"server.address": "api.openai.com", "server.port": 443, "gen_ai.input.messages": string(in),
		"gen_ai.output.messages": string(out), "gen_ai.output.type": "text",
	})
}

func indexedSpan(tb testing.TB) ptrace.Span {
	tb.Helper()
	text := strings.Repeat("The quick brown fox jumps over the lazy dog. ", 9)
	attributes := map[string]any{
		"openinference.span.kind": "LLM", "llm.model_name": "gpt-4o-mini", "llm.provider": "openai", "llm.system": "openai",
		"llm.token_count.prompt": 24, "llm.token_count.completion": 8, "session.id": "s-1",
		"input.value": "{" + strings.Repeat(" ", 1500) + "}", "input.mime_type": "application/json",
		"output.value": "{" + strings.Repeat(" ", 500) + "}", "output.mime_type": "application/json",
	}
	for n, role := range []string{"system", "user", "assistant", "user"} {
		key := "llm.input_messages." + strconv.Itoa(n) + ".message."
		attributes[key+"role"], attributes[key+"content"] = role, text
	}
	attributes["llm.output_messages.0.message.role"] = "assistant"
	attributes["llm.output_messages.0.message.content"] = text
	return spanOf(tb, attributes)
}

func mlflowSpan(tb testing.TB) ptrace.Span {
	tb.Helper()
	for _, r := range load(tb, "py_mlflow_otlp") {
		if strings.Contains(r.span.Name(), "Completions") {
			return r.span
		}
	}
	tb.Fatal("no such span")
	return ptrace.Span{}
}

func BenchmarkRead(b *testing.B) {
	for _, bench := range []struct {
		name  string
		span  ptrace.Span
		parts []genai.Part
	}{
		{"not_genai", httpSpan(b), nil},
		{"otel/kind", chatSpan(b), nil},
		{"otel/answer", chatSpan(b), []genai.Part{genai.PartAnswer}},
		{"otel/question_and_answer", chatSpan(b), []genai.Part{genai.PartQuestion, genai.PartAnswer}},
		{"openinference/kind", indexedSpan(b), nil},
		{"openinference/answer", indexedSpan(b), []genai.Part{genai.PartAnswer}},
		{"openinference/question_and_answer", indexedSpan(b), []genai.Part{genai.PartQuestion, genai.PartAnswer}},
		{"mlflow/question_and_answer", mlflowSpan(b), []genai.Part{genai.PartQuestion, genai.PartAnswer}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			resource, scope := pcommon.NewResource(), pcommon.NewInstrumentationScope()
			b.ReportAllocs()
			for b.Loop() {
				i := genai.Read(resource, scope, bench.span)
				sink = string(i.Kind())
				for _, part := range bench.parts {
					sink, _ = i.Text(part)
				}
			}
		})
	}
}
