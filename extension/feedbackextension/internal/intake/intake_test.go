package intake

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	byResponse := `{` + thumbs + `,"response_id":"r"}`
	withID := `{"assessment":{"assessment_id":".x","assessment_name":"thumbs","feedback":{"value":true}},"response_id":"r"}`
	for name, tt := range map[string]struct {
		change func(t *testing.T, f *fixture)
		text   string
		status int
		code   string
	}{
		"too often":       {func(_ *testing.T, f *fixture) { f.limiter.wait = time.Millisecond }, byResponse, 429, answer.CodeTooMany},
		"too large":       {nil, `{` + thumbs + `,"response_id":"r","x":"` + strings.Repeat("x", 64<<10) + `"}`, 413, answer.CodeInvalidParameter},
		"no JSON":         {nil, `thumbs up`, 400, answer.CodeInvalidParameter},
		"no kind":         {nil, `{"assessment":{"assessment_name":"x"},"response_id":"r"}`, 400, answer.CodeInvalidParameter},
		"reserved id":     {nil, withID, 400, answer.CodeInvalidParameter},
		"no right":        {func(_ *testing.T, f *fixture) { f.rights.check = answer.Denied("no") }, `{` + thumbs + `,"trace_id":"` + trace + `"}`, 403, answer.CodePermissionDenied},
		"no right to say": {func(_ *testing.T, f *fixture) { f.rights.unknown = answer.Denied("no") }, byResponse, 403, answer.CodePermissionDenied},
		"no right on what is found": {func(t *testing.T, f *fixture) {
			t.Helper()
			f.rights.check = answer.Denied("no")
			f.pass(t, store.KindResponseID, "r", store.Match{TraceID: trace, SpanID: span})
		}, byResponse, 403, answer.CodePermissionDenied},
		"no store":       {func(_ *testing.T, f *fixture) { f.redis.Close() }, byResponse, 503, answer.CodeUnavailable},
		"store half way": {func(_ *testing.T, f *fixture) { f.set.Store = halfStore{f.store} }, byResponse, 503, answer.CodeUnavailable},
		"full": {func(t *testing.T, f *fixture) {
			t.Helper()
			for range 2 {
				waits(t, f.post(t, byResponse))
			}
		}, byResponse, 429, answer.CodeExhausted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			if tt.change != nil {
				tt.change(t, f)
			}
			w := f.post(t, tt.text)
			assert.Equal(t, tt.status, w.Code, w.Body.String())
			assert.Contains(t, w.Body.String(), `"`+tt.code+`"`)
			if tt.status == http.StatusTooManyRequests || tt.status == http.StatusServiceUnavailable {
				assert.NotEmpty(t, w.Header().Get("Retry-After"))
			}
		})
	}
}

// halfStore goes away between the search and the holding.
type halfStore struct{ *store.Store }

func (halfStore) Hold(context.Context, store.Digest, store.Held, time.Duration) ([]store.Match, error) {
	return nil, errors.New("connection refused")
}

func TestForeignRequests(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		w := f.serve(httptest.NewRequestWithContext(t.Context(), method, "/feedback/v1/feedback", http.NoBody))
		assert.Equal(t, http.StatusMethodNotAllowed, w.Code)
		assert.Equal(t, http.MethodPost, w.Header().Get("Allow"))
	}
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/feedback/v1/feedback", strings.NewReader(`{`+thumbs+`,"response_id":"r"}`))
		r.Header.Set("Content-Type", kind)
		assert.Equal(t, http.StatusBadRequest, f.serve(r).Code, "what a foreign page can send unasked")
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/feedback/v1/feedback", broken{})
	r.Header.Set("Content-Type", "application/json")
	assert.Equal(t, http.StatusBadRequest, f.serve(r).Code)
	assert.Empty(t, f.redis.Keys())
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func TestFeedbackOnATrace(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	got := given(t, f.post(t, `{`+thumbs+`,"trace_id":"tr-`+trace+`","span_id":"`+span+`"}`))
	assert.Equal(t, map[string]any{"source_type": "HUMAN", "source_id": "default"}, got["source"])
	assert.Equal(t, "tr-"+trace, got["trace_id"])
	assert.Equal(t, span, got["span_id"])
	assert.Equal(t, []string{trace}, f.rights.checked)
	record := f.kept(t)[got["assessment_id"].(string)]
	assert.Equal(t, assessment.True, record.Value)
	assert.True(t, record.Touched)

	f.caller.Name = "ada"
	got = given(t, f.post(t, `{`+thumbs+`,"trace_id":"tr-`+trace+`"}`))
	assert.Equal(t, map[string]any{"source_type": "HUMAN", "source_id": "ada"}, got["source"], "the authenticated user")
}

func TestTheSameIDAgainIsAnsweredAsItIs(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.pass(t, store.KindResponseID, "r", store.Match{TraceID: trace, SpanID: span})
	text := func(value string) string {
		return `{"assessment":{"assessment_id":"click-1","assessment_name":"thumbs","feedback":{"value":` + value + `}},"response_id":"r"}`
	}
	first := given(t, f.post(t, text("true")))
	assert.Equal(t, first, given(t, f.post(t, text("false"))), "the first one stands")
	assert.Len(t, f.kept(t), 1)
}

// Another refusal with the same status is not taken for "there already".
func TestAnIDThatIsTakenElsewhere(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	refusal := &answer.Error{Status: http.StatusInternalServerError, Code: answer.CodeInternal, Message: "constraint violation"}
	f.set.Named = &fakeCreator{create: func() error { return refusal }}
	text := `{"assessment":{"assessment_id":"click-1","assessment_name":"thumbs","feedback":{"value":true}},"trace_id":"` + trace + `"}`
	assert.Equal(t, http.StatusInternalServerError, f.post(t, text).Code)
}

func TestFeedbackFindsItsSpan(t *testing.T) {
	t.Parallel()
	other, third := strings.Repeat("1", 32), strings.Repeat("2", 32)
	for name, tt := range map[string]struct {
		kind, about string
		matches     []store.Match
		span        any
		others      any
	}{
		"response": {
			store.KindResponseID, `"response_id":"v"`,
			[]store.Match{{TraceID: other, SpanID: span}, {TraceID: third}, {TraceID: trace, SpanID: "00000000000000ab"}, {TraceID: trace, SpanID: span}},
			span, "tr-" + third + ",tr-" + other,
		},
		"span":         {store.KindSpanID, `"span_id":"` + span + `"`, []store.Match{{TraceID: trace, SpanID: span}}, span, nil},
		"conversation": {store.KindConversationID, `"conversation_id":"v"`, []store.Match{{TraceID: other}, {TraceID: trace}}, nil, "tr-" + other},
		"attribute":    {store.KindAttribute("app.message"), `"attribute":{"name":"app.message","value":"v"}`, []store.Match{{TraceID: trace}}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			value := "v"
			if tt.kind == store.KindSpanID {
				value = span
			}
			f.pass(t, tt.kind, value, tt.matches...)
			got := given(t, f.post(t, `{`+thumbs+`,`+tt.about+`}`))
			assert.Equal(t, "tr-"+trace, got["trace_id"])
			assert.Equal(t, tt.span, got["span_id"])
			metadata, _ := got["metadata"].(map[string]any)
			assert.Equal(t, tt.others, metadata[MetadataOtherTraces])
			assert.Contains(t, f.rights.checked, trace)
		})
	}
}

// Others' traces are neither taken nor named, and not told from such as do not exist.
func TestOthersTraces(t *testing.T) {
	t.Parallel()
	hidden, older := strings.Repeat("1", 32), strings.Repeat("2", 32)
	f := newFixture(t)
	f.rights.unknown = answer.Denied("nobody knows it")
	f.rights.denied = map[string]bool{hidden: true}
	f.pass(t, store.KindResponseID, "v", store.Match{TraceID: older, SpanID: span}, store.Match{TraceID: trace, SpanID: span}, store.Match{TraceID: hidden, SpanID: span})
	got := given(t, f.post(t, `{`+thumbs+`,"response_id":"v"}`))
	assert.Equal(t, "tr-"+trace, got["trace_id"], "the latest of one's own")
	assert.Equal(t, map[string]any{MetadataOtherTraces: "tr-" + older}, got["metadata"])

	f.pass(t, store.KindResponseID, "theirs", store.Match{TraceID: hidden, SpanID: span})
	theirs, unknown := f.post(t, `{`+thumbs+`,"response_id":"theirs"}`), f.post(t, `{`+thumbs+`,"response_id":"unknown"}`)
	assert.Equal(t, http.StatusForbidden, theirs.Code)
	assert.Equal(t, unknown.Body.String(), theirs.Body.String())
	f.rights.unknown = nil
	assert.Equal(t, http.StatusForbidden, f.post(t, `{`+thumbs+`,"response_id":"theirs"}`).Code)
}

func TestOtherTracesAreBounded(t *testing.T) {
	t.Parallel()
	a := assessment.Assessment{SpanID: span}
	matches := []store.Match{{TraceID: trace, SpanID: "x"}}
	for i := range 16 {
		matches = append(matches, store.Match{TraceID: strings.Repeat(string(rune('a'+i)), 32)})
	}
	assert.Equal(t, trace, settle(&a, matches))
	assert.Equal(t, span, a.SpanID, "what the request says")
	assert.Len(t, strings.Split(a.Metadata[MetadataOtherTraces], ","), maxOtherTraces)
}

// A span that passes between the search and the holding is not missed.
func TestSpanPassesMeanwhile(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.set.Store = &racing{Store: f.store, between: func() {
		f.pass(t, store.KindResponseID, "r", store.Match{TraceID: trace, SpanID: span})
	}}
	got := given(t, f.post(t, `{`+thumbs+`,"response_id":"r"}`))
	assert.Equal(t, "tr-"+trace, got["trace_id"])
	assert.Empty(t, heldKeys(f))
}

type racing struct {
	*store.Store
	between func()
}

func (r *racing) Hold(ctx context.Context, of store.Digest, held store.Held, wait time.Duration) ([]store.Match, error) {
	r.between()
	return r.Store.Hold(ctx, of, held, wait)
}

func heldKeys(f *fixture) (keys []string) {
	for _, key := range f.redis.Keys() {
		if strings.Contains(key, ":held") {
			keys = append(keys, key)
		}
	}
	return keys
}

func TestHeldFeedbackKeepsNoSecrets(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.caller.Credentials = access.Credentials{"Authorization": {"Bearer secret-token"}}
	f.caller.Name = "ada"
	id := waits(t, f.post(t, `{`+thumbs+`,"attribute":{"name":"user","value":"secret-user"}}`))
	assert.Regexp(t, "^a-[0-9a-f]{32}$", id)
	assert.NotContains(t, f.redis.Dump(), "secret")
	assert.Equal(t, "mine", waits(t, f.post(t,
		`{"assessment":{"assessment_id":"mine","assessment_name":"thumbs","feedback":{"value":true}},"response_id":"r"}`)))
}
