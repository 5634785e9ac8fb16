package store

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

func TestDecodeRecordErrors(t *testing.T) {
	tests := []struct {
		name string
		text string
	}{
		{"empty", ""},
		{"not JSON", "{"},
		{"another type", `[]`},
		{"no version", `{"name":"c"}`},
		{"a wrong type", `{"version":1,"name":{}}`},
		{"a wrong time", `{"version":1,"create_time":"yesterday"}`},
		{"too deep", `{"version":1,"value":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := decodeRecord("trace", "id", test.text)
			require.Error(t, err)
			assert.Contains(t, err.Error(), `record "id" of trace trace`)
			assert.Less(t, len(err.Error()), 100)
		})
	}
}

func TestRecordRoundTrip(t *testing.T) {
	at := time.Date(2026, 3, 1, 11, 0, 0, 123456789, time.UTC)
	old := assessment.Assessment{ID: "a-1", TraceID: "t", Name: "c", Value: "[]", CreateTime: at, UpdateTime: at}
	record := Record{
		Assessment: assessment.Assessment{
			ID: "a-1", TraceID: "t", SpanID: "s", Name: "c", Kind: assessment.KindExpectation,
			Source: assessment.Source{Type: assessment.SourceTypeHuman, ID: "x"}, Value: `{"b":1.0,"a":{}}`,
			Error:     &assessment.Error{Code: "c", Type: "t", Message: "m", StackTrace: "s"},
			Rationale: "r\u2028<>&", Metadata: map[string]string{"b": "1", "a": ""}, Verdict: assessment.VerdictFailed,
			Fingerprint: "f", ResponseID: "r", Overrides: "o", Invalid: true, CreateTime: at, UpdateTime: at.Add(1),
		},
		Version: 1, Revision: 7, Author: "me", Door: "api", Touched: true, Deleted: at,
		History: []Change{{Time: at, Author: "me", Door: doorBackend, Reason: reasonBackend, Old: old}},
	}
	text := string(appendRecord(nil, &record))
	got, err := decodeRecord("t", "a-1", text)
	require.NoError(t, err)
	assert.Equal(t, record, got)
}

// FuzzDecodeRecord: whatever stands in Redis is read without a crash, and what is read is written as it was.
func FuzzDecodeRecord(f *testing.F) {
	f.Add(`{"version":1,"revision":1,"name":"c","value":{"a":1.0},"passed":true,"create_time":"2026-03-01T11:00:00Z"}`)
	f.Add(`{"version":1,"error":{"code":"E"},"metadata":{"a":"\ud800"},"history":[{"old":{"id":"x"},"time":"0001-01-01T00:00:00Z"}]}`)
	f.Add(`{"version":2,"name":{}}`)
	f.Add(`{"version":1,"value":null,"deleted":"2026-03-01T11:00:00+23:59"}`)
	f.Fuzz(func(t *testing.T, text string) {
		first, err := decodeRecord("t", "id", text)
		if err != nil {
			return
		}
		written := string(appendRecord(nil, &first))
		second, err := decodeRecord("t", "id", written)
		require.NoError(t, err, written)
		assert.Equal(t, written, string(appendRecord(nil, &second)))
	})
}

// FuzzEncodeRecord: whatever text strangers send is one document, and comes back as it was but for what is no UTF-8.
func FuzzEncodeRecord(f *testing.F) {
	f.Add("name", "rationale \xff", "\"key\\", "\x00", "id", `{"a":[1.0,{}]}`)
	f.Fuzz(func(t *testing.T, name, rationale, key, metadata, author, value string) {
		parsed, err := assessment.ParseValue([]byte(value))
		if err != nil {
			return
		}
		record := Record{Version: 1, Revision: 1, Author: author}
		record.TraceID, record.ID, record.Name, record.Rationale, record.Value = "t", "id", name, rationale, parsed
		record.Metadata = map[string]string{key: metadata}
		got, err := decodeRecord("t", "id", string(appendRecord(nil, &record)))
		require.NoError(t, err)
		assert.Equal(t, parsed, got.Value)
		assert.Equal(t, string([]rune(name)), got.Name)
		assert.Len(t, got.Metadata, 1)
	})
}

// FuzzDecodeTrace: a hash of strangers' fields and texts is read without a crash.
func FuzzDecodeTrace(f *testing.F) {
	f.Add("a-1", `{"version":1}`, ".delivery:feedback:a-1", `{"state":"dead"}`, `{"version":1,"revision":3}`)
	f.Fuzz(func(t *testing.T, id, text, field, delivery, subject string) {
		got := decodeTrace("t", map[string]string{id: text, field: delivery, subjectField: subject})
		for id := range got.records {
			assert.True(t, validID(id))
		}
	})
}
