package genai_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func FuzzRead(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(samples, "*.json"))
	require.NoError(f, err)
	for _, name := range files {
		if strings.HasSuffix(name, ".expect.json") {
			continue
		}
		text, err := os.ReadFile(name)
		require.NoError(f, err)
		var file struct {
			Traces []json.RawMessage `json:"traces"`
		}
		require.NoError(f, json.Unmarshal(text, &file))
		for n, request := range file.Traces {
			if n < 3 && len(request) < 16<<10 {
				f.Add([]byte(request))
			}
		}
	}
	f.Fuzz(func(t *testing.T, request []byte) {
		traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(request)
		if err != nil {
			return
		}
		for _, r := range spansOf(traces) {
			i := genai.Read(r.resource, r.scope, r.span)
			sound(t, &i)
		}
	})
}

// FuzzMessages decodes one text as the content of every convention and kind.
func FuzzMessages(f *testing.F) {
	for _, seed := range []string{
		"", "plain", `{"a":`, `"\"[]\""`, `[{"role":"user","parts":[{"type":"text","content":"hi"}]}]`,
		`{"messages":[[{"lc":1,"type":"constructor","id":["HumanMessage"],"kwargs":{"content":"hi"}}]]}`,
		`{"choices":[{"message":{"content":null,"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}}]}`,
		`{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{}}}]}}]}`,
		`{"generations":[[{"text":"hi","message":{"type":"ai","data":{"content":"hi"}}}]]}`,
		`{"output":[{"type":"message","content":[{"type":"output_text","text":"hi"}]},{"type":"function_call","name":"f"}]}`,
		`[{"page_content":"a","id":"1"}]`, `{"documents":[{"kwargs":{"pageContent":"a"}}]}`, `[{"role":"assistant","content":"Z\u00`,
		`{"instructions":"x","input":[{"role":"user","content":[{"text":"a"},{"toolResult":{"content":[{"text":"b"}]}}]}]}`,
	} {
		f.Add(seed, uint8(0))
		f.Add(seed, uint8(3))
	}
	kinds := []string{"LLM", "AGENT", "TOOL", "RETRIEVER", "EMBEDDING", "CHAIN", "RERANKER"}
	f.Fuzz(func(t *testing.T, text string, kind uint8) {
		span := ptrace.NewSpan()
		span.Attributes().PutStr("openinference.span.kind", kinds[int(kind)%len(kinds)])
		for _, key := range contentKeys {
			span.Attributes().PutStr(key, text)
			sound(t, ofSpan(span)) // with every convention first in turn
		}
		for _, key := range contentKeys {
			only := ptrace.NewSpan()
			only.Attributes().PutStr("openinference.span.kind", kinds[int(kind)%len(kinds)])
			only.Attributes().PutStr(key, text)
			if key == "output.value" {
				only.Attributes().PutStr("output.mime_type", "application/json")
			}
			sound(t, ofSpan(only))
		}
	})
}
