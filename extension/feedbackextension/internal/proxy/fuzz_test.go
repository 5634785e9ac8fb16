package proxy

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

func BenchmarkPassing(b *testing.B) {
	two := strings.TrimSuffix(strings.TrimPrefix(goldenDocument(b, "batchGetInfos"), `{"trace_infos":[`), `]}`)
	document := []byte(`{"traces":[` + strings.Join(slices.Repeat([]string{two}, 50), ",") + `]}`)
	b.SetBytes(int64(len(document)))
	b.ReportAllocs()
	for b.Loop() {
		traces, err := findTraces(document)
		if err != nil || len(traces) != 100 {
			b.Fatal(len(traces), err)
		}
	}
}

func BenchmarkLaying(b *testing.B) {
	document := []byte(goldenDocument(b, "info"))
	traces, err := findTraces(document)
	require.NoError(b, err)
	records := map[string]map[string]store.Record{firstTrace: standing(b)}
	sheet := sheet{backend: testBackend, render: render, document: document}
	b.ReportAllocs()
	for b.Loop() {
		if _, changed := sheet.lay(traces, records); !changed {
			b.Fatal("nothing changed")
		}
	}
}

// FuzzOverlay lays records over any text.
func FuzzOverlay(f *testing.F) {
	for _, test := range answers {
		f.Add(goldenDocument(f, test.golden), true)
	}
	f.Add(`{"trace":{"trace_id":"tr-`+firstTrace+`","assessments":[]}}`, false)
	f.Add(`{"traces":[{"assessments":[{"assessment_id":"`+rowFirst+`"}],"trace_id":"tr-`+firstTrace+`"}],"trace":1}`, true)
	created := time.Date(2026, 3, 1, 12, 10, 1, 0, time.UTC)
	agreed := standing(f)
	f.Fuzz(func(t *testing.T, document string, deleted bool) {
		records := maps.Clone(agreed)
		if deleted {
			for id, record := range records {
				record.Deleted = created
				records[id] = record
			}
		} else {
			records["m-1"] = pendingRecord("m-1", created)
		}
		traces, err := findTraces([]byte(document))
		if err != nil {
			return
		}
		sheet := sheet{backend: testBackend, render: render, document: []byte(document)}
		laid, changed := sheet.lay(traces, map[string]map[string]store.Record{firstTrace: records})
		if !changed || !json.Valid([]byte(document)) {
			return
		}
		if !json.Valid(laid) {
			t.Fatalf("%q became %q", document, laid)
		}
		// Without the arrays that were found, nothing differs.
		if before, after := cut(t, []byte(document)), cut(t, laid); !bytes.Equal(before, after) {
			t.Fatalf("%q became %q", before, after)
		}
	})
}

// cut is a document without the assessments that are found in it, compacted.
func cut(t *testing.T, document []byte) []byte {
	t.Helper()
	traces, err := findTraces(document)
	require.NoError(t, err)
	var rest []byte
	copied := 0
	for _, info := range traces {
		if info.assessments.end == 0 || info.traceID != firstTrace {
			continue
		}
		rest = append(rest, document[copied:info.member.start]...)
		copied = info.member.end
	}
	rest = append(rest, document[copied:]...)
	var compact bytes.Buffer
	require.NoError(t, json.Compact(&compact, rest), "%q", rest)
	return compact.Bytes()
}

// FuzzCleanPath checks that what is let through names no other place after all decodings.
func FuzzCleanPath(f *testing.F) {
	for _, path := range []string{"/", "/a/b", "/a/..", "/%2e%2e/", "/a%2fb", "/api/2.0/mlflow-artifacts/artifacts/a%2Fb", "/a//b"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, escaped string) {
		if !cleanPath(escaped) {
			return
		}
		for range 3 {
			for segment := range strings.SplitSeq(strings.ReplaceAll(escaped, `\`, "/"), "/") {
				if segment == ".." || segment == "." {
					t.Fatalf("%q lets %q through", escaped, segment)
				}
			}
			if !strings.HasPrefix(escaped, "/") || strings.HasPrefix(escaped, "//") || strings.ContainsAny(escaped, "\\\r\n\x00") {
				t.Fatalf("%q", escaped)
			}
			next, err := pathUnescape(escaped)
			if err != nil {
				return
			}
			escaped = next
		}
	})
}
