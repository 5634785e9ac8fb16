package review

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
)

// fakeMLflow answers as a 3.17.2 server does, as far as reviews meet it.
type fakeMLflow struct {
	*httptest.Server

	mu sync.Mutex
	// traces are experiments by MLflow's trace id.
	traces  map[string]string
	queues  map[string]*fakeQueue // by id
	schemas map[string]mlflow.LabelSchema
	made    int
	// requests are the paths' ends that were asked for.
	requests []string
	// answer, when set, may answer a request itself.
	answer func(w http.ResponseWriter, path string) bool
	now    func() time.Time
}

type fakeQueue struct {
	mlflow.ReviewQueue
	items []mlflow.ReviewItem
}

func newFakeMLflow(t *testing.T) *fakeMLflow {
	t.Helper()
	f := &fakeMLflow{traces: map[string]string{}, queues: map[string]*fakeQueue{}, schemas: map[string]mlflow.LabelSchema{}, now: time.Now}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeMLflow) client(t *testing.T) *mlflow.Client {
	t.Helper()
	client, err := mlflow.NewClient(f.Client(), f.URL)
	require.NoError(t, err)
	return client
}

// arrive adds traces to an experiment.
func (f *fakeMLflow) arrive(experiment string, traceIDs ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range traceIDs {
		f.traces[mlflow.TraceID(id)] = experiment
	}
}

// instead lets answer answer instead of the server; nil ends that.
func (f *fakeMLflow) instead(answer func(w http.ResponseWriter, path string) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = answer
}

// asked returns how often a path was asked for since the last call.
func (f *fakeMLflow) asked(path string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, request := range f.requests {
		if strings.HasSuffix(request, path) {
			n++
		}
	}
	f.requests = nil
	return n
}

// queue returns an experiment's queue; nil without.
func (f *fakeMLflow) queue(experiment, name string) *fakeQueue {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.byName(experiment, name)
}

func (f *fakeMLflow) byName(experiment, name string) *fakeQueue {
	for _, queue := range f.queues {
		if queue.ExperimentID == experiment && strings.EqualFold(queue.Name, name) {
			return queue
		}
	}
	return nil
}

// items are the OTLP ids of the traces in a queue.
func (f *fakeMLflow) items(experiment, name string) []string {
	queue := f.queue(experiment, name)
	f.mu.Lock()
	defer f.mu.Unlock()
	var ids []string
	if queue != nil {
		for _, item := range queue.items {
			id, _ := mlflow.OTLPTraceID(item.ID)
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// complete answers an item at a time in milliseconds; remove takes it out of the queue.
func (f *fakeMLflow) complete(queue *fakeQueue, at int, millis int64) {
	f.mark(queue, at, "COMPLETE", millis)
}

func (f *fakeMLflow) mark(queue *fakeQueue, at int, status string, millis int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	queue.items[at].Status, queue.items[at].Updated = status, millis
}

// statuses are those of a queue's items, in the order of their adding.
func (f *fakeMLflow) statuses(queue *fakeQueue) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, item := range queue.items {
		all = append(all, item.Status)
	}
	return all
}

// denying lets MLflow refuse some paths for want of rights.
func (f *fakeMLflow) denying(paths ...string) {
	f.instead(func(w http.ResponseWriter, path string) bool {
		if !slices.Contains(paths, path) {
			return false
		}
		refuse(w, http.StatusForbidden, "PERMISSION_DENIED")
		return true
	})
}

func (f *fakeMLflow) remove(queue *fakeQueue) {
	f.mu.Lock()
	defer f.mu.Unlock()
	queue.items = nil
}

func (f *fakeMLflow) drop(queue *fakeQueue) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.queues, queue.ID)
}

func (f *fakeMLflow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/api/3.0/mlflow/")
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	f.requests = append(f.requests, path)
	answer := f.answer
	f.mu.Unlock()
	if answer != nil && answer(w, path) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	query := r.URL.Query()
	switch path {
	case "traces/batchGetInfos":
		f.infos(w, body)
	case "review-queues/get-by-name":
		if queue := f.byName(query.Get("experiment_id"), query.Get("name")); queue != nil {
			reply(w, map[string]any{"review_queue": queue.ReviewQueue})
		} else {
			refuse(w, http.StatusNotFound, "RESOURCE_DOES_NOT_EXIST")
		}
	case "review-queues/create":
		f.create(w, body)
	case "review-queues/items/add":
		f.add(w, body)
	case "review-queues/items/set-status":
		f.setStatus(w, body)
	case "review-queues/items/remove":
		f.takeOut(w, body)
	case "review-queues/items/list":
		f.list(w, query.Get("queue_id"), query.Get("status"), query.Get("max_results"), query.Get("page_token"))
	case "label-schemas/get-by-name":
		if schema, found := f.schemas[query.Get("experiment_id")+"/"+query.Get("name")]; found {
			reply(w, map[string]any{"label_schema": schema})
		} else {
			refuse(w, http.StatusNotFound, "RESOURCE_DOES_NOT_EXIST")
		}
	case "label-schemas/create":
		var schema mlflow.LabelSchema
		_ = json.Unmarshal(body, &schema)
		key := schema.ExperimentID + "/" + schema.Name
		if _, taken := f.schemas[key]; taken {
			refuse(w, http.StatusBadRequest, "RESOURCE_ALREADY_EXISTS")
			return
		}
		f.made++
		schema.ID = "ls-" + strconv.Itoa(f.made)
		f.schemas[key] = schema
		reply(w, map[string]any{"label_schema": schema})
	default:
		http.NotFound(w, r)
	}
}

func (f *fakeMLflow) infos(w http.ResponseWriter, body []byte) {
	var asked struct {
		IDs []string `json:"trace_ids"`
	}
	_ = json.Unmarshal(body, &asked)
	var infos []any
	for _, id := range asked.IDs {
		if experiment, found := f.traces[id]; found {
			infos = append(infos, map[string]any{"trace_id": id, "trace_location": map[string]any{
				"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": map[string]any{"experiment_id": experiment},
			}})
		}
	}
	reply(w, map[string]any{"trace_infos": infos})
}

func (f *fakeMLflow) create(w http.ResponseWriter, body []byte) {
	queue := &fakeQueue{}
	_ = json.Unmarshal(body, &queue.ReviewQueue)
	if f.byName(queue.ExperimentID, queue.Name) != nil {
		refuse(w, http.StatusBadRequest, "RESOURCE_ALREADY_EXISTS")
		return
	}
	f.made++
	queue.ID = "rq-" + strconv.Itoa(f.made)
	f.queues[queue.ID] = queue
	reply(w, map[string]any{"review_queue": queue.ReviewQueue})
}

func reply(w http.ResponseWriter, answer any) { _ = json.NewEncoder(w).Encode(answer) }

func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	reply(w, map[string]string{"error_code": code, "message": "refused"})
}
