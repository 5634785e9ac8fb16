package review

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
)

func (f *fakeMLflow) add(w http.ResponseWriter, body []byte) {
	var asked struct {
		QueueID string   `json:"queue_id"`
		IDs     []string `json:"item_ids"`
	}
	_ = json.Unmarshal(body, &asked)
	queue := f.queues[asked.QueueID]
	if queue == nil || slices.ContainsFunc(asked.IDs, func(id string) bool { return f.traces[id] != queue.ExperimentID }) {
		refuse(w, http.StatusNotFound, "RESOURCE_DOES_NOT_EXIST")
		return
	}
	items := []mlflow.ReviewItem{}
	now := f.now().UnixMilli()
	for _, id := range asked.IDs {
		at := queue.at(id)
		if at < 0 {
			at = len(queue.items)
			queue.items = append(queue.items, mlflow.ReviewItem{ID: id, Status: mlflow.StatusPending, Created: now, Updated: now})
		}
		items = append(items, queue.items[at])
	}
	reply(w, map[string]any{"items": items})
}

// at is the place of an item, -1 without.
func (q *fakeQueue) at(id string) int {
	return slices.IndexFunc(q.items, func(item mlflow.ReviewItem) bool { return item.ID == id })
}

func (f *fakeMLflow) setStatus(w http.ResponseWriter, body []byte) {
	var asked struct {
		QueueID string `json:"queue_id"`
		ID      string `json:"item_id"`
		Status  string `json:"status"`
		By      string `json:"completed_by"`
	}
	_ = json.Unmarshal(body, &asked)
	queue := f.queues[asked.QueueID]
	switch {
	case asked.Status == mlflow.StatusPending && asked.By != "":
		refuse(w, http.StatusBadRequest, "INVALID_PARAMETER_VALUE")
	case queue == nil || queue.at(asked.ID) < 0:
		refuse(w, http.StatusNotFound, "RESOURCE_DOES_NOT_EXIST")
	default:
		item := &queue.items[queue.at(asked.ID)]
		item.Status, item.Updated = asked.Status, f.now().UnixMilli()
		reply(w, map[string]any{"item": item})
	}
}

func (f *fakeMLflow) takeOut(w http.ResponseWriter, body []byte) {
	var asked struct {
		QueueID string   `json:"queue_id"`
		IDs     []string `json:"item_ids"`
	}
	_ = json.Unmarshal(body, &asked)
	queue := f.queues[asked.QueueID]
	if queue == nil {
		refuse(w, http.StatusNotFound, "RESOURCE_DOES_NOT_EXIST")
		return
	}
	queue.items = slices.DeleteFunc(queue.items, func(item mlflow.ReviewItem) bool { return slices.Contains(asked.IDs, item.ID) })
	reply(w, map[string]any{})
}

func (f *fakeMLflow) list(w http.ResponseWriter, queueID, status, limit, page string) {
	queue := f.queues[queueID]
	if queue == nil {
		refuse(w, http.StatusNotFound, "RESOURCE_DOES_NOT_EXIST")
		return
	}
	var items []mlflow.ReviewItem
	for _, item := range queue.items {
		if status == "" || item.Status == status {
			items = append(items, item)
		}
	}
	slices.SortStableFunc(items, func(a, b mlflow.ReviewItem) int {
		return cmp.Or(cmp.Compare(b.Created, a.Created), strings.Compare(a.ID, b.ID))
	})
	from, _ := strconv.Atoi(page)
	n, _ := strconv.Atoi(limit)
	to, next := len(items), ""
	if from+n < to {
		to = from + n
		next = strconv.Itoa(to)
	}
	reply(w, map[string]any{"items": items[from:to], "next_page_token": next})
}
