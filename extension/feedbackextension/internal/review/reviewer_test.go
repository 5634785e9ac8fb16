package review

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

func failing() map[string]*Rule { return map[string]*Rule{"failing": {ChecksFailed: []string{"c"}}} }

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	_, err := New(Settings{})
	require.EqualError(t, err, "review: store, mlflow, backend and observer are required")
	f := newFixture(t)
	_, err = New(Settings{
		Store: f.store, MLflow: f.mlflow.client(t), Backend: backendName, Observer: f.counts,
		Rules: map[string]*Rule{"default": {Enabled: true}},
	})
	require.ErrorContains(t, err, "`review::default::queue`")
	_, err = New(Settings{
		Store: f.store, MLflow: f.mlflow.client(t), Backend: backendName, Observer: f.counts,
		Rules: map[string]*Rule{"r": {Enabled: true, Rate: 2}},
	})
	require.Error(t, err)
}

// A trace is put into a queue after its delivery, once.
func TestAddedAfterDelivery(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.reviewer(map[string]*Rule{"failing": {
		ChecksFailed: []string{"c"}, Queue: " Failed Checks", Users: []string{"Ann@x.org"}, LabelSchemas: []string{"c", "quality"},
	}})
	f.mlflow.arrive("7", traceID(1), traceID(2))
	f.put(1, 2)
	f.steps(r, 2*time.Second)
	assert.Empty(t, f.mlflow.items("7", "failed checks"), "not delivered")
	assert.Empty(t, f.counts)

	f.deliver()
	f.steps(r, 2*time.Second)
	assert.Equal(t, []string{traceID(1), traceID(2)}, f.mlflow.items("7", "failed checks"))
	queue := f.mlflow.queue("7", "Failed Checks")
	assert.Equal(t, "Failed Checks", queue.Name)
	assert.Equal(t, mlflow.QueueTypeCustom, queue.Type)
	assert.Equal(t, []string{"ann@x.org"}, queue.Users)
	assert.Equal(t, []string{f.mlflow.schemas["7/c"].ID, f.mlflow.schemas["7/quality"].ID}, queue.SchemaIDs)
	for _, name := range []string{"7/c", "7/quality"} {
		assert.Equal(t, mlflow.SchemaTypeFeedback, f.mlflow.schemas[name].Type)
		assert.True(t, f.mlflow.schemas[name].EnableComment)
		assert.Equal(t, passOrFail(), f.mlflow.schemas[name].Input)
	}
	assert.Equal(t, counts{"failing added": 2}, f.counts)
	source := assessment.Source{Type: assessment.SourceTypeCode, ID: "v1"}
	assert.Equal(t, []store.Review{{
		Rule: "failing", Reason: "checks_failed: c", Queue: queue.ID, Time: f.now,
		Assessments: []string{assessment.NewID(traceID(1), "", "c", source)},
	}}, f.reviews(1))

	f.mlflow.remove(queue)
	_, err := f.store.Put(t.Context(), []assessment.Assessment{{
		ID: "a-1", TraceID: traceID(1), Name: "d", Kind: assessment.KindFeedback, Source: source, Value: assessment.False,
	}})
	require.NoError(t, err)
	f.deliver()
	f.steps(r, time.Minute)
	assert.Empty(t, f.mlflow.items("7", "Failed Checks"), "who was removed stays so")
	assert.Equal(t, counts{"failing added": 2}, f.counts)
}

func TestEachExperimentHasItsQueue(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.reviewer(map[string]*Rule{
		"failing": {ChecksFailed: []string{"c"}, Queue: "shared", Users: []string{"ann"}},
		"share":   {Rate: 1, Queue: "Shared", LabelSchemas: []string{"quality"}, Users: []string{"bob"}},
	})
	f.mlflow.arrive("7", traceID(1))
	f.mlflow.arrive("8", traceID(2))
	f.put(1, 2)
	f.deliver()
	f.steps(r, 2*time.Second)
	assert.Equal(t, []string{traceID(1)}, f.mlflow.items("7", "shared"))
	assert.Equal(t, []string{traceID(2)}, f.mlflow.items("8", "shared"))
	assert.Equal(t, []string{"ann", "bob"}, f.mlflow.queue("7", "shared").Users, "of both rules")
	assert.Len(t, f.mlflow.queue("7", "shared").SchemaIDs, 2)
	assert.Equal(t, counts{"failing added": 2, "share added": 2}, f.counts)
	assert.Len(t, f.reviews(1), 2)
}

func TestQueueOfAPersonIsUsedAsItIs(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.reviewer(failing())
	f.mlflow.queues["rq-theirs"] = &fakeQueue{ReviewQueue: mlflow.ReviewQueue{ID: "rq-theirs", ExperimentID: "7", Name: "Failing"}}
	f.mlflow.arrive("7", traceID(1))
	f.put(1)
	f.deliver()
	f.steps(r, 2*time.Second)
	assert.Equal(t, []string{traceID(1)}, f.mlflow.items("7", "failing"))
	assert.Empty(t, f.mlflow.schemas)
}

// MLflow is down for a time: nothing is lost, little is asked, and it is said once.
func TestMLflowDown(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.reviewer(failing())
	f.mlflow.arrive("7", traceID(1), traceID(2))
	f.put(1)
	f.deliver()
	f.mlflow.instead(func(w http.ResponseWriter, _ string) bool {
		refuse(w, http.StatusServiceUnavailable, "TEMPORARILY_UNAVAILABLE")
		return true
	})
	for range 60 {
		f.steps(r, 2*time.Second)
	}
	assert.Less(t, f.mlflow.asked(""), 20)
	f.put(2)
	f.deliver()
	f.steps(r, 2*time.Hour) // longer than trace_wait
	assert.Empty(t, f.counts)
	f.mlflow.instead(nil)
	f.steps(r, time.Minute)
	f.steps(r, 15*time.Minute)
	assert.Equal(t, []string{traceID(1), traceID(2)}, f.mlflow.items("7", "failing"))
	assert.Equal(t, counts{"failing added": 2}, f.counts)
	assert.Equal(t, 1, f.logs.FilterMessageSnippet("does not answer").Len())
	assert.Equal(t, 1, f.logs.FilterMessageSnippet("answers again").Len())
}

func TestMLflowFailsInBetween(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"traces/batchGetInfos", "review-queues/get-by-name", "label-schemas/get-by-name", "label-schemas/create",
		"review-queues/create", "review-queues/items/list", "review-queues/items/add",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			r := f.reviewer(failing())
			f.mlflow.arrive("7", traceID(1), traceID(2))
			f.put(1, 2)
			f.deliver()
			f.mlflow.instead(func(w http.ResponseWriter, asked string) bool {
				if asked == path {
					refuse(w, http.StatusServiceUnavailable, "TEMPORARILY_UNAVAILABLE")
				}
				return asked == path
			})
			f.steps(r, 2*time.Second)
			assert.Empty(t, f.counts)
			f.mlflow.instead(nil)
			f.steps(r, time.Minute)
			assert.Equal(t, counts{"failing added": 2}, f.counts)
		})
	}
}

func TestTraceThatIsMissingWaits(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.reviewer(failing())
	f.mlflow.arrive("7", traceID(1))
	f.put(1, 2, 3)
	f.deliver()
	f.steps(r, 2*time.Second)
	assert.Equal(t, []string{traceID(1)}, f.mlflow.items("7", "failing"))
	f.mlflow.arrive("7", traceID(2))
	f.steps(r, 2*time.Second)
	assert.Equal(t, []string{traceID(1), traceID(2)}, f.mlflow.items("7", "failing"))
	for range 20 {
		f.steps(r, 15*time.Minute)
	}
	assert.Equal(t, counts{"failing added": 2, "failing gave_up": 1}, f.counts, "counted once")
}

// A trace disappears between the question for it and the adding: the others are added all the same.
func TestOneOfABatchIsMissing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.reviewer(failing())
	f.mlflow.arrive("7", traceID(1), traceID(2), traceID(3))
	f.put(1, 2, 3)
	f.deliver()
	f.mlflow.instead(func(_ http.ResponseWriter, path string) bool {
		if path == "review-queues/items/add" {
			f.mlflow.mu.Lock()
			delete(f.mlflow.traces, mlflow.TraceID(traceID(2)))
			f.mlflow.mu.Unlock()
		}
		return false
	})
	f.steps(r, 2*time.Second)
	assert.Equal(t, []string{traceID(1), traceID(3)}, f.mlflow.items("7", "failing"))
	assert.Equal(t, counts{"failing added": 2}, f.counts)
	f.mlflow.instead(nil)
	f.mlflow.arrive("7", traceID(2))
	f.steps(r, 5*time.Second)
	assert.Equal(t, counts{"failing added": 3}, f.counts)
}

func TestDeliveryGivenUp(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.reviewer(failing())
	f.put(1)
	claims, err := f.store.Claim(t.Context(), backendName, 1, time.Minute)
	require.NoError(t, err)
	_, err = f.store.Settle(t.Context(), claims[0], store.Settlement{Dead: "never_arrived"})
	require.NoError(t, err)
	for range 20 {
		f.steps(r, 15*time.Minute)
	}
	assert.Equal(t, counts{"failing gave_up": 1}, f.counts)
}

func TestQueueIsFull(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	rules := failing()
	rules["failing"].MaxPending = 3
	r := f.reviewer(rules)
	var ids []int
	for i := range 10 {
		ids = append(ids, i)
		f.mlflow.arrive("7", traceID(i))
	}
	f.put(ids[:2]...)
	f.deliver()
	f.steps(r, 2*time.Second)
	f.put(ids[2:5]...)
	f.deliver()
	f.steps(r, 2*time.Second)
	assert.Equal(t, []string{traceID(0), traceID(1), traceID(2)}, f.mlflow.items("7", "failing"))
	assert.Equal(t, counts{"failing added": 3, "failing queue_full": 2}, f.counts)

	f.mlflow.complete(f.mlflow.queue("7", "failing"), 0, 0)
	f.put(5)
	f.deliver()
	f.steps(r, 2*time.Second)
	assert.Equal(t, 3, f.counts["failing queue_full"], "it is counted twice a minute")
	f.put(6, 7)
	f.deliver()
	f.steps(r, countedFor)
	assert.Len(t, f.mlflow.items("7", "failing"), 4)
	assert.Equal(t, counts{"failing added": 4, "failing queue_full": 4}, f.counts)
	f.steps(r, time.Hour)
	assert.Equal(t, counts{"failing added": 4, "failing queue_full": 4}, f.counts, "what found no room is done with")
}

func TestManyAreCountedByPages(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	rules := failing()
	rules["failing"].MaxPending = 2500
	r := f.reviewer(rules)
	queue := &fakeQueue{ReviewQueue: mlflow.ReviewQueue{ID: "rq-1", ExperimentID: "7", Name: "failing"}}
	for i := range 2499 {
		queue.items = append(queue.items, mlflow.ReviewItem{ID: mlflow.TraceID(traceID(10_000 + i)), Status: mlflow.StatusPending})
	}
	f.mlflow.queues["rq-1"] = queue
	f.mlflow.arrive("7", traceID(1), traceID(2))
	f.put(1, 2)
	f.deliver()
	f.steps(r, 2*time.Second)
	assert.Equal(t, counts{"failing added": 1, "failing queue_full": 1}, f.counts)
	assert.Equal(t, 3, f.mlflow.asked("items/list"))
}

func TestManyAreAddedInBatches(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.reviewer(failing())
	var ids []int
	for i := range 450 {
		ids = append(ids, i)
		f.mlflow.arrive("7", traceID(i))
	}
	f.put(ids...)
	f.deliver()
	f.steps(r, 2*time.Second)
	assert.Len(t, f.mlflow.items("7", "failing"), 450)
	assert.LessOrEqual(t, f.mlflow.asked("items/add"), 7)
}

// Another replica, or a person, creates the same at the same time.
func TestCreatedMeanwhile(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.reviewer(failing())
	f.mlflow.arrive("7", traceID(1))
	f.put(1)
	f.deliver()
	f.mlflow.instead(func(_ http.ResponseWriter, path string) bool {
		f.mlflow.mu.Lock()
		defer f.mlflow.mu.Unlock()
		switch path {
		case "label-schemas/create":
			f.mlflow.schemas["7/c"] = mlflow.LabelSchema{ID: "ls-theirs", ExperimentID: "7", Name: "c"}
		case "review-queues/create":
			f.mlflow.queues["rq-theirs"] = &fakeQueue{ReviewQueue: mlflow.ReviewQueue{ID: "rq-theirs", ExperimentID: "7", Name: "failing"}}
		}
		return false
	})
	f.steps(r, 2*time.Second)
	assert.Equal(t, counts{"failing added": 1}, f.counts)
	assert.Equal(t, "rq-theirs", f.reviews(1)[0].Queue)
	assert.Len(t, f.mlflow.queues, 1)
}

func TestQueueThatWasDeletedIsCreatedAgain(t *testing.T) {
	t.Parallel()
	for name, wait := range map[string]time.Duration{"while it is counted": time.Minute, "while it is filled": 2 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			r := f.reviewer(failing())
			f.mlflow.arrive("7", traceID(1), traceID(2), traceID(3))
			f.put(1)
			f.deliver()
			f.steps(r, 2*time.Second)
			f.mlflow.drop(f.mlflow.queue("7", "failing"))
			f.put(2, 3)
			f.deliver()
			f.steps(r, wait)
			f.steps(r, 2*wait)
			f.steps(r, 4*wait)
			assert.Equal(t, []string{traceID(2), traceID(3)}, f.mlflow.items("7", "failing"))
			assert.Equal(t, counts{"failing added": 3}, f.counts)
			assert.Empty(t, f.logs.FilterMessageSnippet("refuses").All())
		})
	}
}
