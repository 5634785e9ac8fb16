package genai_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

// seeds calls add with the requests of a signal of every recording, the long ones left out.
func seeds(f *testing.F, signal string, add func(request []byte)) {
	f.Helper()
	const longest, each = 16 << 10, 3
	files, err := filepath.Glob(filepath.Join(samples, "*.json"))
	require.NoError(f, err)
	for _, name := range files {
		if strings.HasSuffix(name, ".expect.json") {
			continue
		}
		text, err := os.ReadFile(name)
		require.NoError(f, err)
		var file map[string][]json.RawMessage
		require.NoError(f, json.Unmarshal(text, &file))
		for n, request := range file[signal] {
			if n < each && len(request) < longest {
				add(request)
			}
		}
	}
}

// FuzzRead reads the spans of a request one by one, and as traces.
func FuzzRead(f *testing.F) {
	seeds(f, "traces", func(request []byte) { f.Add(request) })
	f.Fuzz(func(t *testing.T, request []byte) {
		traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(request)
		if err != nil {
			return
		}
		var all []*genai.Interaction
		for _, r := range spansOf(traces) {
			i := genai.Read(r.resource, r.scope, r.span)
			sound(t, &i)
			all = append(all, &i)
		}
		for _, root := range all {
			soundTrace(t, genai.NewTrace(root, all))
		}
	})
}

func soundTrace(t *testing.T, trace *genai.Trace) {
	t.Helper()
	for _, part := range parts {
		text, state := trace.Text(part)
		require.True(t, utf8.ValidString(text))
		if state != genai.StateText && state != genai.StateTruncated {
			require.Empty(t, text, part)
		}
	}
	require.True(t, utf8.ValidString(trace.ResponseID()))
}

// FuzzRecords joins the log records of a request with a span that has no text of its own.
func FuzzRecords(f *testing.F) {
	kinds := []string{"chat", "invoke_agent", "execute_tool", "retrieval", "embeddings", "other"}
	seeds(f, "logs", func(request []byte) { f.Add(request, uint8(0)) })
	f.Fuzz(func(t *testing.T, request []byte, kind uint8) {
		logs, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(request)
		if err != nil {
			return
		}
		records := map[pcommon.SpanID][]genai.Record{}
		collectRecords(logs, records)
		for _, ofSpan := range records {
			span := ptrace.NewSpan()
			span.Attributes().PutStr("gen_ai.operation.name", kinds[int(kind)%len(kinds)])
			i := genai.Read(pcommon.NewResource(), pcommon.NewInstrumentationScope(), span)
			for n, record := range ofSpan {
				require.Positive(t, record.Size())
				ofSpan[n] = record.Clone()
				record.Complete()
			}
			i.Join(ofSpan)
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
