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

// longChat is a chat of 71 messages of some 90 bytes, as messages in JSON or as flattened attributes.
func longChat(tb testing.TB, flattened bool) ptrace.Span {
	tb.Helper()
	text := strings.Repeat("The quick brown fox jumps over the lazy dog. ", 2)
	type message map[string]any
	var all []message
	attributes := map[string]any{"openinference.span.kind": "LLM", "llm.model_name": "gpt-4o-mini"}
	for n := range 71 {
		role := []string{"user", "assistant"}[n%2]
		all = append(all, message{"role": role, "parts": []message{{"type": "text", "content": text}}})
		key := "llm.input_messages." + strconv.Itoa(n) + ".message."
		attributes[key+"role"], attributes[key+"content"] = role, text
	}
	attributes["llm.output_messages.0.message.role"] = "assistant"
	attributes["llm.output_messages.0.message.content"] = text
	if flattened {
		return spanOf(tb, attributes)
	}
	in, err := json.Marshal(all)
	require.NoError(tb, err)
	out, err := json.Marshal(all[1:2])
	require.NoError(tb, err)
	return spanOf(tb, otelChat(string(in), string(out)))
}

// recordedSpan is the first span of a recording whose name has a part.
func recordedSpan(tb testing.TB, recording, name string) ptrace.Span {
	tb.Helper()
	for _, r := range load(tb, recording) {
		if strings.Contains(r.span.Name(), name) {
			return r.span
		}
	}
	tb.Fatal("no such span")
	return ptrace.Span{}
}

func BenchmarkRead(b *testing.B) {
	both := []genai.Part{genai.PartQuestion, genai.PartAnswer}
	for _, bench := range []struct {
		name  string
		span  ptrace.Span
		parts []genai.Part
	}{
		{"not_genai", httpSpan(b), nil},
		{"otel/kind", chatSpan(b), nil},
		{"otel/answer", chatSpan(b), []genai.Part{genai.PartAnswer}},
		{"otel/question_and_answer", chatSpan(b), both},
		{"openinference/kind", indexedSpan(b), nil},
		{"openinference/answer", indexedSpan(b), []genai.Part{genai.PartAnswer}},
		{"openinference/question_and_answer", indexedSpan(b), both},
		{"otel/71_messages", longChat(b, false), both},
		{"openinference/71_messages", longChat(b, true), both},
		{"mlflow/question_and_answer", recordedSpan(b, "py_mlflow_otlp", "Completions"), both},
		{"vercel/question_and_answer", recordedSpan(b, "vercel_ai_v6", "doGenerate"), both},
		{"langfuse/question_and_answer", recordedSpan(b, "py_langfuse", "OpenAI-generation"), both},
		{"langsmith/question_and_answer", recordedSpan(b, "py_langsmith_otel", "ChatOpenAI"), both},
		{"no_content/question_and_answer", spanOf(b, map[string]any{
			"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini",
			"gen_ai.response.model": "gpt-4o-mini-2024-07-18", "gen_ai.response.id": "chatcmpl-1",
			"gen_ai.usage.input_tokens": 24, "gen_ai.usage.output_tokens": 8, "server.address": "api.openai.com",
		}), both},
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
