package store_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// looked takes one step and returns the traces that it shows, and ends it with what decide makes of each.
func looked(t *testing.T, st *store.Store, decide func(*store.ReviewTrace) *store.ReviewResult) (
	ids []string, added map[string]int, refused []string,
) {
	t.Helper()
	var results []store.ReviewResult
	step, err := st.ReviewNext(t.Context(), backendName, func(trace *store.ReviewTrace) {
		ids = append(ids, trace.TraceID)
		if decide == nil {
			return
		}
		if result := decide(trace); result != nil {
			result.TraceID = trace.TraceID
			results = append(results, *result)
		}
	})
	require.NoError(t, err)
	added, refused, err = st.ReviewDone(t.Context(), step, results)
	require.NoError(t, err)
	return ids, added, refused
}

func again(d time.Duration) func(*store.ReviewTrace) *store.ReviewResult {
	return func(*store.ReviewTrace) *store.ReviewResult { return &store.ReviewResult{Again: d} }
}

func addedBy(rules ...string) func(*store.ReviewTrace) *store.ReviewResult {
	return func(*store.ReviewTrace) *store.ReviewResult {
		var result store.ReviewResult
		for i, rule := range rules {
			result.Added = append(result.Added, store.Review{
				Rule: rule, Reason: "checks_failed: c", Assessments: []string{"a-1"}, Queue: "rq-1",
				Time: created.Add(time.Duration(i) * time.Second),
			})
		}
		return &result
	}
}

func TestReviewFails(t *testing.T) {
	t.Parallel()
	s := startMini(t)
	st := s.open(t, nil)
	s.mini.SetError("LOADING Redis is loading the dataset in memory")
	ctx := t.Context()
	look := func(*store.ReviewTrace) {}
	for name, call := range map[string]func() error{
		"reviews": func() error { _, err := st.Reviews(ctx, traceID(1)); return err },
		"lease":   func() error { _, err := st.ReviewLease(ctx, backendName, "a", time.Second); return err },
		"next":    func() error { _, err := st.ReviewNext(ctx, backendName, look); return err },
		"pending": func() error { return st.ReviewPending(ctx, backendName, []string{traceID(1)}) },
		"queues":  func() error { _, _, err := st.ReviewQueues(ctx, backendName); return err },
		"add":     func() error { return st.AddReviewQueue(ctx, backendName, "rq-1", created) },
		"done": func() error {
			_, _, err := st.ReviewDone(ctx, &store.ReviewStep{}, []store.ReviewResult{{TraceID: traceID(1)}})
			return err
		},
	} {
		require.ErrorContains(t, call(), "redis: ", name)
	}
	s.mini.SetError("")
	require.NoError(t, st.ReviewPending(ctx, backendName, []string{"no trace id"}), "what is no trace of ours is nobody's")
}

func TestReviewMeetsEachChangeOnce(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			ids, _, _ := looked(t, st, nil)
			require.Empty(t, ids)

			const n = 2000 // of one moment, in more than one step
			var batch []assessment.Assessment
			for i := range n {
				batch = append(batch, check(i, "c", assessment.False))
			}
			put(t, st, batch...)
			ids, _, _ = looked(t, st, nil)
			require.Empty(t, ids, "another node may still write changes of this moment")
			s.pass(t, time.Second+time.Millisecond)
			var all []string
			for {
				ids, _, _ = looked(t, st, nil)
				if len(ids) == 0 {
					break
				}
				all = append(all, ids...)
			}
			require.Len(t, all, n)
			slices.Sort(all)
			require.Len(t, slices.Compact(all), n)

			put(t, st, opinion(7, "a-1", assessment.True))
			s.pass(t, time.Second+time.Millisecond)
			ids, _, _ = looked(t, st, func(trace *store.ReviewTrace) *store.ReviewResult {
				assert.Len(t, trace.Records, 2)
				assert.GreaterOrEqual(t, trace.Waited, time.Second)
				return nil
			})
			assert.Equal(t, []string{traceID(7)}, ids)
		})
	}
}

func TestReviewStepThatDoesNotEndIsTakenAgain(t *testing.T) {
	t.Parallel()
	s := startMini(t)
	st := s.open(t, nil)
	put(t, st, check(1, "c", assessment.False))
	s.pass(t, 2*time.Second)
	for range 2 {
		n := 0
		_, err := st.ReviewNext(t.Context(), backendName, func(*store.ReviewTrace) { n++ })
		require.NoError(t, err)
		require.Equal(t, 1, n)
	}
}

func TestReviewBegins(t *testing.T) {
	t.Parallel()
	s := startMini(t)
	st := s.open(t, nil)
	put(t, st, check(1, "c", assessment.False))
	s.pass(t, 30*time.Minute)
	put(t, st, check(2, "c", assessment.False))
	s.pass(t, 45*time.Minute)
	ids, _, _ := looked(t, st, nil)
	assert.Equal(t, []string{traceID(2)}, ids, "the changes of the last hour")

	s.pass(t, 2*time.Hour)
	put(t, st, check(4, "c", assessment.False))
	s.pass(t, 2*time.Hour)
	ids, _, _ = looked(t, st, nil)
	assert.Equal(t, []string{traceID(4)}, ids, "however long nobody looked")

	s.now = s.now.Add(-10 * time.Minute)
	s.mini.SetTime(s.now)
	put(t, st, check(3, "c", assessment.False))
	s.pass(t, 2*time.Second)
	ids, _, _ = looked(t, st, nil)
	assert.Contains(t, ids, traceID(3), "a clock that went back hides nothing")
}

func TestReviewWaits(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			put(t, st, check(1, "c", assessment.False), check(2, "c", assessment.False))
			s.pass(t, time.Second+time.Millisecond)
			ids, _, refused := looked(t, st, again(200*time.Millisecond))
			require.Len(t, ids, 2)
			require.Empty(t, refused)
			ids, _, _ = looked(t, st, nil)
			require.Empty(t, ids)
			require.NoError(t, st.Forget(t.Context(), traceID(1)))
			s.pass(t, 250*time.Millisecond)
			ids, _, _ = looked(t, st, again(time.Millisecond))
			require.Equal(t, []string{traceID(2)}, ids, "what is gone does not wait")
			s.pass(t, 5*time.Millisecond)
			ids, _, _ = looked(t, st, nil)
			require.Equal(t, []string{traceID(2)}, ids)
			s.pass(t, time.Second)
			ids, _, _ = looked(t, st, nil)
			require.Empty(t, ids, "done with")
		})
	}
}

func TestReviewWaitsInBounds(t *testing.T) {
	t.Parallel()
	s := startMini(t)
	st := s.open(t, func(_ *store.Config, set *store.Settings) { set.MaxPending = 1 }) // one in each shard
	var batch []assessment.Assessment
	for i := range 100 {
		batch = append(batch, check(i, "c", assessment.False))
	}
	put(t, st, batch...)
	s.pass(t, 2*time.Second)
	ids, _, refused := looked(t, st, again(time.Minute))
	require.Len(t, ids, 100)
	waiting := 100 - len(refused)
	assert.LessOrEqual(t, waiting, 64)
	s.pass(t, time.Minute)
	ids, _, refused = looked(t, st, again(time.Minute))
	assert.Len(t, ids, waiting)
	assert.Empty(t, refused, "those that wait already may")
}

func TestReviewNotes(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			put(t, st, check(1, "c", assessment.False))
			finish(t, st)
			s.pass(t, time.Second+time.Millisecond)
			_, added, _ := looked(t, st, addedBy("b", "a"))
			assert.Equal(t, map[string]int{"a": 1, "b": 1}, added)
			reviews, err := st.Reviews(t.Context(), traceID(1))
			require.NoError(t, err)
			assert.Equal(t, []store.Review{
				{Rule: "b", Reason: "checks_failed: c", Assessments: []string{"a-1"}, Queue: "rq-1", Time: created},
				{Rule: "a", Reason: "checks_failed: c", Assessments: []string{"a-1"}, Queue: "rq-1", Time: created.Add(time.Second)},
			}, reviews)
			assert.Len(t, load(t, st, 1), 1, "notes are no records")

			s.pass(t, time.Second+time.Millisecond)
			ids, _, _ := looked(t, st, nil)
			assert.Empty(t, ids, "to be put into a queue is no change of the assessments")
			put(t, st, opinion(1, "a-1", assessment.True))
			finish(t, st)
			s.pass(t, time.Second+time.Millisecond)
			_, added, _ = looked(t, st, func(trace *store.ReviewTrace) *store.ReviewResult {
				assert.Equal(t, reviews, trace.Reviews)
				return addedBy("a", "c")(trace)
			})
			assert.Equal(t, map[string]int{"c": 1}, added, "what is noted already stays, and counts once")

			step, err := st.ReviewNext(t.Context(), backendName, func(*store.ReviewTrace) {})
			require.NoError(t, err)
			gone := *addedBy("a")(nil)
			gone.TraceID = traceID(9)
			added, _, err = st.ReviewDone(t.Context(), step, []store.ReviewResult{gone})
			require.NoError(t, err)
			assert.Empty(t, added)
			assert.Empty(t, load(t, st, 9), "a note brings no trace back")
		})
	}
}

// A trace that stands in a queue is read again although it left the window long ago, and is kept.
func TestReviewPendingIsReadAgain(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			put(t, st, check(3, "c", assessment.False))
			finish(t, st)
			short := store.Revisit{Window: 100 * time.Millisecond, Limit: 50, Interval: time.Millisecond}
			s.pass(t, 150*time.Millisecond)
			require.Zero(t, revisit(t, s, st, short))
			require.NoError(t, s.client.Expire(t.Context(), traceKey(t, s, 3), time.Hour).Err())
			require.NoError(t, st.ReviewPending(t.Context(), backendName, []string{traceID(3), traceID(2)}))
			s.pass(t, 5*time.Second) // nothing was found: the window is left alone for a while
			require.NoError(t, st.ReviewPending(t.Context(), backendName, []string{traceID(3), traceID(2)}))
			require.Equal(t, 1, revisit(t, s, st, short))
			assert.Greater(t, s.client.TTL(t.Context(), traceKey(t, s, 3)).Val(), 24*time.Hour)
			s.pass(t, time.Second+time.Millisecond)
			ids, _, _ := looked(t, st, nil)
			assert.Len(t, ids, 1, "a change that nobody has looked at before")
			require.NoError(t, st.ReviewPending(t.Context(), backendName, []string{traceID(3)}))
			s.pass(t, time.Second+time.Millisecond)
			ids, _, _ = looked(t, st, nil)
			assert.Empty(t, ids)
		})
	}
}

// A change is looked at although the trace moves in the list, because it stands in a queue, before the walk comes by.
func TestReviewMissesNoChangeOfWhatMoves(t *testing.T) {
	t.Parallel()
	s := startMini(t)
	st := s.open(t, nil)
	moving := 0
	put(t, st, check(moving, "c", assessment.False))
	shard, _, _ := strings.Cut(traceKey(t, s, moving), ":trace:")
	passing := 1
	for put(t, st, check(passing, "c", assessment.False)); !strings.HasPrefix(traceKey(t, s, passing), shard); passing++ {
		put(t, st, check(passing+1, "c", assessment.False))
	}
	s.pass(t, 2*time.Second)
	ids, _, _ := looked(t, st, nil)
	require.Len(t, ids, passing+1)

	put(t, st, opinion(moving, "a-1", assessment.False))
	s.pass(t, 10*time.Millisecond)
	put(t, st, opinion(passing, "a-1", assessment.False))
	s.pass(t, 500*time.Millisecond)
	require.NoError(t, st.ReviewPending(t.Context(), backendName, []string{traceID(moving)}))
	s.pass(t, 600*time.Millisecond)
	ids, _, _ = looked(t, st, nil)
	require.Equal(t, []string{traceID(passing)}, ids)
	s.pass(t, time.Second)
	ids, _, _ = looked(t, st, nil)
	require.Equal(t, []string{traceID(moving)}, ids)
}

func TestReviewDead(t *testing.T) {
	t.Parallel()
	s := startMini(t)
	st := s.open(t, nil)
	put(t, st, check(1, "c", assessment.False))
	require.True(t, settle(t, st, claim(t, st, 1)[0], store.Settlement{Dead: "never_arrived"}))
	s.pass(t, 2*time.Second)
	looked(t, st, func(trace *store.ReviewTrace) *store.ReviewResult {
		assert.True(t, trace.Dead)
		return nil
	})
}

func TestReviewLease(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			hold := func(token string, length time.Duration) bool {
				held, err := st.ReviewLease(t.Context(), backendName, token, length)
				require.NoError(t, err)
				return held
			}
			require.True(t, hold("a", time.Minute))
			require.True(t, hold("a", time.Minute))
			require.False(t, hold("b", time.Minute))
			require.False(t, hold("b", 0), "nobody gives back what another one holds")
			require.True(t, hold("a", 0))
			require.True(t, hold("a", 0))
			require.True(t, hold("b", 100*time.Millisecond))
			s.pass(t, 150*time.Millisecond)
			require.True(t, hold("a", time.Minute), "a lease ends by itself")
		})
	}
}

func TestReviewQueues(t *testing.T) {
	t.Parallel()
	s := startMini(t)
	st := s.open(t, nil)
	ctx := t.Context()
	require.NoError(t, st.AddReviewQueue(ctx, backendName, "rq-1", created))
	require.NoError(t, st.AddReviewQueue(ctx, backendName, "rq-1", created.Add(time.Hour)))
	require.NoError(t, st.ReviewQueueSeen(ctx, backendName, "rq-2", created.Add(time.Hour)))
	require.NoError(t, st.ReviewQueueSeen(ctx, backendName, "rq-3", created))
	require.NoError(t, st.ForgetReviewQueue(ctx, backendName, "rq-3"))
	queues, now, err := st.ReviewQueues(ctx, backendName)
	require.NoError(t, err)
	assert.Equal(t, map[string]time.Time{"rq-1": created, "rq-2": created.Add(time.Hour)}, queues)
	assert.Equal(t, s.now, now)
	assert.Positive(t, s.client.TTL(context.Background(), "fb:review:feedback:queues").Val())
}
