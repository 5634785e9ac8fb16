package intake

import (
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

const (
	trace  = "0af7651916cd43dd8448eb211c80319c"
	span   = "b7ad6b7169203331"
	thumbs = `"assessment":{"assessment_name":"thumbs","feedback":{"value":true}}`
)

func TestParseBodyRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text, want string
		status     int
	}{
		"nothing":              {``, "must be a JSON object", 400},
		"no JSON":              {`{"assessment"`, "must be a JSON object", 400},
		"no object":            {`["assessment"]`, "must be a JSON object", 400},
		"null":                 {`null`, "must be a JSON object", 400},
		"no assessment":        {`{"response_id":"r"}`, "'assessment'", 400},
		"null assessment":      {`{"response_id":"r","assessment":null}`, "'assessment'", 400},
		"text for assessment":  {`{"response_id":"r","assessment":"x"}`, "'assessment'", 400},
		"about nothing":        {`{` + thumbs + `}`, "exactly one of", 400},
		"about null":           {`{` + thumbs + `,"response_id":null}`, "exactly one of", 400},
		"about two":            {`{` + thumbs + `,"response_id":"r","conversation_id":"c"}`, "exactly one of", 400},
		"about span and two":   {`{` + thumbs + `,"response_id":"r","span_id":"` + span + `"}`, "exactly one of", 400},
		"trace and response":   {`{` + thumbs + `,"trace_id":"` + trace + `","response_id":"r"}`, "exactly one of", 400},
		"trace and attribute":  {`{` + thumbs + `,"trace_id":"` + trace + `","attribute":{"name":"a","value":"b"}}`, "exactly one of", 400},
		"response is a number": {`{` + thumbs + `,"response_id":7}`, "'response_id' must be a string", 400},
		"response is empty":    {`{` + thumbs + `,"response_id":""}`, "'response_id' must be a string", 400},
		"response is long":     {`{` + thumbs + `,"response_id":"` + strings.Repeat("x", 1025) + `"}`, "'response_id' must be a string", 400},
		"foreign trace":        {`{` + thumbs + `,"trace_id":"tr-7"}`, "Trace with ID 'tr-7' not found", 404},
		"inner trace":          {`{"assessment":{"trace_id":7}}`, "'trace_id' must be a string", 400},
		"no span id":           {`{` + thumbs + `,"span_id":"` + strings.Repeat("g", 16) + `"}`, "'span_id' must be 16", 400},
		"short span id":        {`{` + thumbs + `,"trace_id":"` + trace + `","span_id":"ab"}`, "'span_id' must be 16", 400},
		"attribute is a text":  {`{` + thumbs + `,"attribute":"a"}`, "'attribute' must be", 400},
		"attribute's name":     {`{` + thumbs + `,"attribute":{"value":"b"}}`, "'attribute' must be", 400},
		"attribute's value":    {`{` + thumbs + `,"attribute":{"name":"a"}}`, "'attribute' must be", 400},
		"attribute's object":   {`{` + thumbs + `,"attribute":{"name":"a","value":{}}}`, "'attribute' must be", 400},
		"number is no double":  {`{` + thumbs + `,"attribute":{"name":"a","value":1e400}}`, "neither a 64-bit integer nor a double", 400},
		"integer is no double": {`{` + thumbs + `,"attribute":{"name":"a","value":-1` + strings.Repeat("0", 400) + `}}`, "neither a 64-bit integer nor a double", 400},
		"number is long":       {`{` + thumbs + `,"attribute":{"name":"a","value":0.` + strings.Repeat("1", 1023) + `}}`, "neither a 64-bit integer nor a double", 400},
		"attribute's list":     {`{` + thumbs + `,"attribute":{"name":"a","value":["b"]}}`, "'attribute' must be", 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parseBody([]byte(tt.text))
			var refusal *answer.Error
			require.ErrorAs(t, err, &refusal)
			assert.Equal(t, tt.status, refusal.Status)
			assert.Contains(t, refusal.Message, tt.want)
		})
	}
}

func TestParseBody(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text string
		want body
	}{
		"trace":             {`{` + thumbs + `,"trace_id":"tr-` + trace + `"}`, body{traceID: trace}},
		"OTLP's trace":      {`{` + thumbs + `,"trace_id":"` + strings.ToUpper(trace) + `"}`, body{traceID: trace}},
		"MLflow's own body": {`{"assessment":{"assessment_name":"thumbs","trace_id":"tr-` + trace + `"}}`, body{traceID: trace}},
		"trace and span":    {`{` + thumbs + `,"trace_id":"` + trace + `","span_id":"` + strings.ToUpper(span) + `"}`, body{traceID: trace, spanID: span}},
		"response":          {`{` + thumbs + `,"response_id":"r","more":{}}`, body{by: reference{store.KindResponseID, "r"}}},
		"response first": {
			`{"assessment":{"trace_id":"tr-` + trace + `"},"response_id":"r"}`, body{by: reference{store.KindResponseID, "r"}},
		},
		"conversation": {`{` + thumbs + `,"conversation_id":"c","trace_id":null}`, body{by: reference{store.KindConversationID, "c"}}},
		"span":         {`{` + thumbs + `,"span_id":"` + strings.ToUpper(span) + `"}`, body{by: reference{store.KindSpanID, span}, spanID: span}},
		"attribute":    {`{` + thumbs + `,"attribute":{"name":"a","value":"b"}}`, body{by: reference{"attribute:a", "b"}}},
		"number":       {`{` + thumbs + `,"attribute":{"name":"a","value":42}}`, body{by: reference{"attribute:a", "42"}}},
		"boolean":      {`{` + thumbs + `,"attribute":{"name":"a","value":true}}`, body{by: reference{"attribute:a", "true"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parseBody([]byte(tt.text))
			require.NoError(t, err)
			assert.NotEmpty(t, got.assessment)
			assert.True(t, got.anonymous)
			got.assessment, got.anonymous = nil, false
			assert.Equal(t, tt.want, *got)
		})
	}
}

// What an app sends is found by what the exporter indexes of the same attribute.
func TestNumbersAsTheExporterSpellsThem(t *testing.T) {
	t.Parallel()
	for text, attribute := range map[string]pcommon.Value{
		`5`:                      pcommon.NewValueInt(5),
		`5.0`:                    pcommon.NewValueDouble(5),
		`5e0`:                    pcommon.NewValueInt(5),
		`0.5E+1`:                 pcommon.NewValueDouble(5),
		`17.50`:                  pcommon.NewValueDouble(17.5),
		`-0`:                     pcommon.NewValueInt(0),
		`-0.0`:                   pcommon.NewValueDouble(math.Copysign(0, -1)),
		`1e21`:                   pcommon.NewValueDouble(1e21),
		`1e-7`:                   pcommon.NewValueDouble(1e-7),
		`0.0000001`:              pcommon.NewValueDouble(1e-7),
		`-1.5e3`:                 pcommon.NewValueDouble(-1500),
		`9007199254740993`:       pcommon.NewValueInt(1<<53 + 1),
		`-9223372036854775808`:   pcommon.NewValueInt(math.MinInt64),
		`9223372036854775807`:    pcommon.NewValueInt(math.MaxInt64),
		`100000000000000000000`:  pcommon.NewValueDouble(1e20),
		`1.7976931348623157e308`: pcommon.NewValueDouble(math.MaxFloat64),
		`true`:                   pcommon.NewValueBool(true),
		`false`:                  pcommon.NewValueBool(false),
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got, err := parseBody([]byte(`{` + thumbs + `,"attribute":{"name":"a","value": ` + text + ` }}`))
			require.NoError(t, err)
			assert.Equal(t, reference{"attribute:a", attribute.AsString()}, got.by)
		})
	}
}

func TestParseCompletes(t *testing.T) {
	t.Parallel()
	b, err := parseBody([]byte(`{` + thumbs + `,"response_id":"r"}`))
	require.NoError(t, err)
	a, err := b.parse()
	require.NoError(t, err)
	assert.Equal(t, assessment.Source{Type: assessment.SourceTypeHuman, ID: "default"}, a.Source)
	assert.Equal(t, "r", a.ResponseID)

	b, err = parseBody([]byte(`{"assessment":{"assessment_name":"x","feedback":{"value":1},"span_id":"` + span +
		`","source":{"source_type":"CODE","source_id":"c"}},"conversation_id":"c"}`))
	require.NoError(t, err)
	a, err = b.parse()
	require.NoError(t, err)
	assert.Equal(t, assessment.Source{Type: assessment.SourceTypeCode, ID: "c"}, a.Source)
	assert.Equal(t, span, a.SpanID)

	for _, inner := range []string{
		`{"feedback":{"value":1}}`, `{"assessment_name":"x"}`, `{"assessment_name":"x","feedback":{"value":1},"span_id":"x"}`,
		`{"assessment_name":7,"feedback":{}}`,
	} {
		b, err = parseBody([]byte(`{"assessment":` + inner + `,"response_id":"r"}`))
		require.NoError(t, err)
		_, err = b.parse()
		assert.Equal(t, http.StatusBadRequest, status(err), inner)
	}
}

func FuzzBody(f *testing.F) {
	for _, about := range []string{
		`"trace_id":"` + trace + `"`, `"span_id":"` + span + `"`, `"response_id":"r"`, `"attribute":{"name":"a","value":-1.5e3}`,
		`"attribute":{"name":"a","value":1e999}`, `"attribute":{"name":"a","value":-9223372036854775809}`, `"attribute":{"name":"a","value":true}`,
		`"conversation_id":"\ud800"`, `"trace_id":"tr-` + trace + `","span_id":"` + span + `"`,
	} {
		f.Add([]byte(`{` + thumbs + `,` + about + `}`))
	}
	f.Add([]byte(`{"assessment":{"trace_id":"tr-` + trace + `","source":null,"metadata":{"a":1}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := parseBody(text)
		var refusal *answer.Error
		if err != nil {
			require.ErrorAs(t, err, &refusal)
			return
		}
		assert.NotEqual(t, b.traceID == "", b.by == reference{}, "one of the two")
		if b.traceID != "" {
			assert.Len(t, b.traceID, 32)
		}
		a, err := b.parse()
		if err != nil {
			require.ErrorAs(t, err, &refusal)
			return
		}
		// What waits becomes what it would have been at once.
		content, err := encodeHeld(b, access.Caller{Name: "ada"}, received)
		require.NoError(t, err)
		held, err := decodeHeld(content)
		require.NoError(t, err)
		later, err := held.parse("a-1")
		require.NoError(t, err)
		a.ID = "a-1"
		for _, at := range []struct{ now, then *assessment.Assessment }{{&a, &later}} {
			if at.now.CreateTime.IsZero() {
				at.now.CreateTime = received
			}
			if at.now.UpdateTime.IsZero() {
				at.now.UpdateTime = received
			}
			assert.Equal(t, at.now, at.then)
		}
	})
}
