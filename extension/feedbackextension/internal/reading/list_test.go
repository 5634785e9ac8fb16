package reading

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.put(1, check("c", assessment.True))
	const since = "?since="
	tests := []struct {
		name    string
		caller  access.Caller
		method  string
		target  string
		body    string
		status  int
		code    string
		message string
	}{
		{
			name: "list without rights", caller: nobody, target: "/assessments", status: 403, code: "PERMISSION_DENIED",
			message: "This needs an admin.",
		},
		{name: "export without rights", caller: nobody, target: "/export", status: 403, code: "PERMISSION_DENIED"},
		{
			name: "restore without rights", caller: nobody, method: http.MethodPost, target: "/restore", status: 403,
			code: "PERMISSION_DENIED",
		},
		{
			name: "somebody else's trace", target: "/assessments?trace_id=" + strings.Repeat("f", 32), status: 403,
			code: "PERMISSION_DENIED",
		},
		{
			name: "history of somebody else's trace", target: "/traces/tr-" + strings.Repeat("f", 32) + "/history", status: 403,
			code: "PERMISSION_DENIED",
		},
		{
			name: "history of an unknown trace", target: "/traces/tr-" + traceID(9) + "/history", status: 404,
			code: "RESOURCE_DOES_NOT_EXIST", message: "Trace with ID 'tr-" + traceID(9) + "' not found.",
		},
		{
			name: "history of no trace", target: "/traces/x/history", status: 404, code: "RESOURCE_DOES_NOT_EXIST",
			message: "Trace with ID 'x' not found.",
		},
		{name: "list of no trace", target: "/assessments?trace_id=tr-x", status: 404, code: "RESOURCE_DOES_NOT_EXIST"},
		{name: "unknown parameter", target: "/assessments?sourcetype=HUMAN", message: "Unknown query parameter"},
		{name: "unreadable query", target: "/assessments?name=%zz", message: "not readable"},
		{name: "given twice", target: "/assessments?name=a&name=b", message: "'name' is given more than once"},
		{name: "source type", target: "/assessments?source_type=PERSON", message: "'source_type' must be one of CODE"},
		{name: "kind", target: "/assessments?kind=x", message: "'kind' must be one of feedback"},
		{name: "valid", target: "/assessments?valid=yes", message: "'valid' must be one of true, false"},
		{name: "since", target: "/assessments" + since + "yesterday", message: "'since' must be a time"},
		{name: "limit 0", target: "/assessments?limit=0", message: "'limit' must be a number from 1 to 1000"},
		{name: "limit 1001", target: "/assessments?limit=1001", message: "'limit' must be a number from 1 to 1000"},
		{name: "token", target: "/assessments?page_token=abc", message: "token"},
		{name: "huge token", target: "/assessments?page_token=" + strings.Repeat("A", 4000), message: "token"},
		{name: "lines and pages", target: "/assessments?format=jsonl&limit=3", message: "for pages"},
		{name: "format", target: "/assessments?format=csv", message: "'format' must be one of json, jsonl"},
		{name: "shape", target: "/export?shape=x", message: "'shape' must be one of"},
		{name: "content", target: "/export?content=x", message: "'content' must be one of"},
		{name: "corrections of a kind", target: "/export?shape=corrections&kind=feedback", message: "'kind' is not for corrections"},
		{name: "restore without a body", method: http.MethodPost, target: "/restore", message: "must be JSON"},
		{name: "restore since nothing", method: http.MethodPost, target: "/restore", body: `{}`, message: "'since'"},
		{name: "restore of more", method: http.MethodPost, target: "/restore", body: `{"since":"2026-01-01T00:00:00Z","x":1}`, message: "must be JSON"},
		{name: "two restores", method: http.MethodPost, target: "/restore", body: `{"since":"2026-01-01T00:00:00Z"}{}`, message: "must be JSON"},
		{
			name: "restore from a wrong place", method: http.MethodPost, target: "/restore",
			body: `{"since":"2026-01-01T00:00:00Z","continue":"AAAA"}`, message: "token",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { //nolint:paralleltest // one rig
			if tt.caller.Name == "" {
				tt.caller = admin
			}
			if tt.method == "" {
				tt.method = http.MethodGet
			}
			if tt.status == 0 {
				tt.status, tt.code = http.StatusBadRequest, "INVALID_PARAMETER_VALUE"
			}
			recorder := r.do(tt.caller, tt.method, "/feedback/v1"+tt.target, tt.body)
			assert.Equal(t, tt.status, recorder.Code)
			var refusal struct {
				Code    string `json:"error_code"`
				Message string `json:"message"`
			}
			require.NoError(t, json.Unmarshal(recorder.Body.Bytes(), &refusal))
			assert.Equal(t, tt.code, refusal.Code)
			assert.Contains(t, refusal.Message, tt.message)
		})
	}
}

func TestRestoreWithoutABackend(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *Settings) { s.Backend = "" })
	recorder := r.do(admin, http.MethodPost, "/feedback/v1/restore", `{"since":"2026-01-01T00:00:00Z"}`)
	assert.Equal(t, http.StatusBadRequest, recorder.Code)
	assert.Contains(t, recorder.Body.String(), "no tracking backend")
}

func TestRedisDown(t *testing.T) {
	t.Parallel()
	for _, target := range []string{
		"/assessments", "/assessments?format=jsonl", "/assessments?trace_id=" + traceID(1), "/export",
		"/traces/" + traceID(1) + "/history",
	} {
		r := newRig(t, func(s *Settings) { s.Store = &failingStore{Store: s.Store} })
		r.put(1, check("c", assessment.True))
		recorder := r.do(admin, http.MethodGet, "/feedback/v1"+target, "")
		assert.Equal(t, http.StatusServiceUnavailable, recorder.Code, target)
		assert.Equal(t, "5", recorder.Header().Get("Retry-After"))
		assert.Contains(t, recorder.Body.String(), "TEMPORARILY_UNAVAILABLE")
		assert.NotContains(t, recorder.Body.String(), "secret-host")
	}
}

func TestListFilters(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.put(1, check("c", assessment.True), judged("0.5"))
	r.put(2, check("c", assessment.False))
	r.put(3, judged("0.1"))
	o := opinion("a-o", "j", "0.9")
	o.Overrides = assessment.NewID(traceID(3), "00000000000000ab", "j", judged("").Source)
	r.put(3, o)
	expected := opinion("a-e", "answer", `"42"`)
	expected.Kind = assessment.KindExpectation
	r.put(1, expected)
	at := func(seconds int) string {
		return url.QueryEscape(testStart.Add(time.Duration(seconds) * time.Second).In(time.FixedZone("", 7200)).Format(time.RFC3339))
	}
	tests := []struct {
		query string
		want  []string
	}{
		{"", []string{"1/answer", "1/j", "1/c", "3/j", "3/j", "2/c"}},
		{"name=c", []string{"1/c", "2/c"}},
		{"name=nothing", nil},
		{"kind=expectation", []string{"1/answer"}},
		{"source_type=LLM_JUDGE", []string{"1/j", "3/j"}},
		{"source_id=" + url.QueryEscape("eve@company.com"), []string{"1/answer", "3/j"}},
		{"valid=false", []string{"3/j"}},
		{"valid=true&name=j", []string{"1/j", "3/j"}},
		{"since=" + at(2), []string{"1/answer", "3/j", "3/j", "2/c"}},
		{"since=" + at(2) + "&until=" + at(4), []string{"2/c"}},
		{"until=" + at(2), []string{"1/j", "1/c"}},
		{"trace_id=" + traceID(3), []string{"3/j", "3/j"}},
		{"trace_id=tr-" + traceID(1) + "&name=c", []string{"1/c"}},
		{"trace_id=" + traceID(7), nil},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) { //nolint:paralleltest // one rig
			var got struct {
				Assessments []gotRow `json:"assessments"`
				Next        string   `json:"next_page_token"`
			}
			r.get("/feedback/v1/assessments?"+tt.query, &got)
			assert.ElementsMatch(t, tt.want, ids(got.Assessments))
			assert.Empty(t, got.Next)
			lines := readLines[gotRow](r, "/feedback/v1/assessments?format=jsonl&"+tt.query)
			assert.Equal(t, got.Assessments, append([]gotRow{}, lines...))
		})
	}
	var first struct {
		Assessments []gotRow `json:"assessments"`
	}
	r.get("/feedback/v1/assessments?limit=1", &first)
	assert.Equal(t, []string{"1/answer"}, ids(first.Assessments), "the newest change first")
	assert.Equal(t, "eve@company.com", first.Assessments[0].Record.Author)
	assert.Equal(t, map[string]delivery{testBackend: {State: pending}}, first.Assessments[0].Record.Delivery)
	assert.True(t, first.Assessments[0].Record.Touched)

	assert.Contains(t, r.checked, traceID(3)+" false")
	recorder := r.do(nobody, http.MethodGet, "/feedback/v1/assessments?trace_id="+traceID(1), "", "application/x-ndjson")
	assert.Equal(t, http.StatusOK, recorder.Code)
	assert.Equal(t, contentTypeLines, recorder.Header().Get("Content-Type"))
}

func TestListLeavesOutWhatIsDeleted(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.put(1, check("kept", assessment.True), check("deleted", assessment.True), check("withdrawn", assessment.True))
	require.NoError(t, r.store.Edit(t.Context(), traceID(1), func(e *store.Edit) error {
		for _, record := range e.Records {
			switch record.Name {
			case "deleted":
				record.Deleted = e.Now
			case "withdrawn":
				record.Backends = map[string]store.Delivery{testBackend: {State: store.DeliveryWithdrawn}}
			default:
				continue
			}
			if err := e.Put(record); err != nil {
				return err
			}
		}
		return nil
	}))
	rows := readLines[gotRow](r, "/feedback/v1/assessments?format=jsonl")
	assert.Equal(t, []string{"1/kept"}, ids(rows))
}

// TestPages reads lists page by page, with pages that end within traces.
func TestPages(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for n := range 25 {
		r.put(n+1, check("a", assessment.True), check("b", assessment.True), judged("1"))
		if n%5 == 0 {
			r.now = r.now.Add(-time.Second) // several in one millisecond
		}
	}
	r.pass(time.Second)
	whole := ids(readLines[gotRow](r, "/feedback/v1/assessments?format=jsonl"))
	require.Len(t, whole, 75)
	for _, limit := range []int{1, 2, 7, 75, 1000} {
		for _, query := range []string{"", "&name=j", "&trace_id=" + traceID(3)} {
			want := ids(readLines[gotRow](r, "/feedback/v1/assessments?format=jsonl"+query))
			var got []string
			token := ""
			for pages := 0; ; pages++ {
				require.Less(t, pages, 100)
				var page struct {
					Assessments []gotRow `json:"assessments"`
					Next        string   `json:"next_page_token"`
				}
				r.get(fmt.Sprintf("/feedback/v1/assessments?limit=%d%s&page_token=%s", limit, query, token), &page)
				require.LessOrEqual(t, len(page.Assessments), limit)
				got = append(got, ids(page.Assessments)...)
				if token = page.Next; token == "" {
					break
				}
			}
			assert.Equal(t, want, got)
		}
	}

	var page struct {
		Next string `json:"next_page_token"`
	}
	r.get("/feedback/v1/assessments?limit=2", &page)
	for i := range page.Next {
		changed := []byte(page.Next)
		changed[i] = 'A' + (changed[i]-'A'+1)%26
		recorder := r.do(admin, http.MethodGet, "/feedback/v1/assessments?page_token="+url.QueryEscape(string(changed)), "")
		require.Equal(t, http.StatusBadRequest, recorder.Code, "byte %d", i)
	}
	recorder := r.do(admin, http.MethodGet, "/feedback/v1/assessments?name=j&page_token="+page.Next, "")
	assert.Equal(t, http.StatusBadRequest, recorder.Code, "a token belongs to its filters")
}

func FuzzCursor(f *testing.F) {
	c := cursor{traceID: traceID(1), after: position{created: 1, id: "a-1"}}
	f.Add(c.token("q"), "q")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, token, question string) {
		c, err := parseCursor(token, question)
		if err != nil || token == "" {
			return
		}
		if again := c.token(question); again != token {
			t.Errorf("%q reads as %+v, which is %q", token, c, again)
		}
	})
}

func FuzzQuery(f *testing.F) {
	f.Add("name=a&since=2026-01-01T00:00:00Z&limit=3")
	f.Fuzz(func(_ *testing.T, raw string) {
		q := newQuery(raw, append([]string{"limit"}, filters...)...)
		_ = q.filter()
		_ = q.number("limit", 1, 10)
	})
}
