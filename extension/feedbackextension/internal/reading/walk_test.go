package reading

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// touch moves traces to the front of the recent list without changing them, as the watch over review queues does.
func (r *rig) touch(numbers ...int) {
	r.t.Helper()
	r.pass(time.Millisecond)
	traces := make([]string, len(numbers))
	for i, n := range numbers {
		traces[i] = traceID(n)
	}
	require.NoError(r.t, r.store.ReviewPending(context.Background(), testBackend, traces))
}

// pages reads a list to its end and calls between before each further page.
func (r *rig) pages(query string, between func()) []string {
	r.t.Helper()
	var all []string
	for token, n := "", 0; ; n++ {
		require.Less(r.t, n, 100, "the pages end")
		var page struct {
			Assessments []gotRow `json:"assessments"`
			Next        string   `json:"next_page_token"`
		}
		r.get("/feedback/v1/assessments?"+query+"&page_token="+token, &page)
		all = append(all, ids(page.Assessments)...)
		if token = page.Next; token == "" {
			return all
		}
		between()
	}
}

// TestPagesLoseNothing: what stood in the list when the first page was read is on one of the pages.
func TestPagesLoseNothing(t *testing.T) {
	t.Parallel()
	newest := 100
	tests := []struct {
		name    string
		since   time.Duration
		between func(r *rig)
		want    []string // nil: all
	}{
		{name: "nothing changes", between: func(*rig) {}},
		{name: "traces in a queue", between: func(r *rig) { r.touch(1, 2) }},
		{name: "one after the other", between: func(r *rig) { r.touch(2); r.touch(1) }},
		{name: "all", between: func(r *rig) { r.touch(1, 2, 3, 4, 5, 6) }},
		{name: "in the millisecond of the beginning", between: func(r *rig) {
			require.NoError(r.t, r.store.ReviewPending(r.t.Context(), testBackend, []string{traceID(1)}))
		}},
		{name: "a change", between: func(r *rig) { r.put(1, check(r.now.String(), assessment.True)) }},
		{name: "always new traces", between: func(r *rig) {
			newest++
			r.touch(1, 2)
			r.put(newest, check("c", assessment.True))
		}},
		{
			name: "since", since: 4 * time.Second, between: func(r *rig) { r.touch(2, 4) },
			want: []string{"4/c", "5/c", "6/c"},
		},
	}
	for _, tt := range tests {
		for _, limit := range []int{1, 2, 4} {
			t.Run(fmt.Sprint(tt.name, " ", limit), func(t *testing.T) { //nolint:paralleltest // one counter
				r := newRig(t, nil)
				for n := range 6 {
					r.put(n+1, check("c", assessment.True))
				}
				r.pass(time.Second)
				query := fmt.Sprint("limit=", limit, "&since=", url.QueryEscape(testStart.Add(tt.since).Format(time.RFC3339)))
				got := r.pages(query, func() { tt.between(r) })
				if tt.want == nil {
					tt.want = []string{"1/c", "2/c", "3/c", "4/c", "5/c", "6/c"}
				}
				assert.Subset(t, got, tt.want)
				for _, one := range tt.want {
					assert.LessOrEqual(t, count(got, one), 2, "%s of %s", one, got)
				}
				if tt.name == "nothing changes" || tt.since > 0 {
					slices.Sort(got)
					assert.Equal(t, tt.want, slices.Compact(got))
				}
			})
		}
	}
}

func count(all []string, one string) (n int) {
	for _, other := range all {
		if other == one {
			n++
		}
	}
	return n
}

// TestPagesWithinATrace: a page that ends within a trace goes on there although the trace changed.
func TestPagesWithinATrace(t *testing.T) {
	t.Parallel()
	for _, query := range []string{"limit=1", "limit=1&trace_id=" + traceID(1)} {
		r := newRig(t, nil)
		for _, id := range []string{"a-1", "a-2", "a-3"} {
			r.put(1, opinion(id, "by "+id, "1"))
		}
		got := r.pages(query, func() {
			r.pass(time.Second)
			require.NoError(t, r.store.Edit(t.Context(), traceID(1), func(e *store.Edit) error {
				record := e.Records["a-1"]
				record.Value, record.UpdateTime = "2", e.Now
				return e.Put(record)
			}))
		})
		assert.Subset(t, got, []string{"1/by a-1", "1/by a-2", "1/by a-3"}, query)
	}
}

// restlessStore is one whose traces move while it is read.
type restlessStore struct {
	Store

	move  func(loads int)
	loads int
}

func (s *restlessStore) LoadAll(ctx context.Context, ids []string) (map[string]map[string]store.Record, error) {
	s.loads++
	s.move(s.loads)
	return s.Store.LoadAll(ctx, ids)
}

// TestStreamsLoseNothing: a stream has each trace that stood in the list when it began, once.
func TestStreamsLoseNothing(t *testing.T) {
	t.Parallel()
	const traces = stepSize + 5
	tests := []struct {
		name string
		move func(r *rig, loads int)
	}{
		{"nothing moves", func(*rig, int) {}},
		{"the last, once", func(r *rig, loads int) {
			if loads == 3 {
				r.touch(1, 2, 3)
			}
		}},
		{"the last, always", func(r *rig, _ int) { r.touch(1, 2, 3) }},
		{"those at the front", func(r *rig, _ int) { r.touch(traces, traces-1) }},
		{"always new traces", func(r *rig, loads int) {
			r.touch(1, 2, 3)
			for i := range loadSize {
				r.put(1000+loads*loadSize+i, judged("0.5"))
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for target, want := range map[string]int{
				"assessments?format=jsonl": 2, "export?shape=corrections&since=" + testStart.Format(time.RFC3339): 1,
			} {
				restless := &restlessStore{}
				r := newRig(t, func(s *Settings) { restless.Store, s.Store = s.Store, restless })
				for n := range traces {
					r.put(n+1, judged("0.5"), opinion(fmt.Sprint("a-", n), "j", "0.7"))
				}
				restless.move = func(loads int) {
					require.Less(t, loads, 1000, "the stream ends")
					tt.move(r, loads)
				}
				got := map[string]int{}
				for _, line := range readLines[streamed](r, "/feedback/v1/"+target) {
					got[line.TraceID]++
				}
				for n := range traces {
					require.Equal(t, want, got["tr-"+traceID(n+1)], "%s: trace %d", target, n+1)
				}
			}
		})
	}
}

// streamed is enough of any line to know its trace.
type streamed struct {
	TraceID string `json:"trace_id"`
}
