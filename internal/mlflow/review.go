package mlflow

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
)

// ReviewQueue is a list of traces of one experiment that people are asked about.
type ReviewQueue struct {
	ID           string `json:"queue_id,omitempty"`
	ExperimentID string `json:"experiment_id"`
	// Name is unique in the experiment, whatever its case.
	Name string `json:"name"`
	// Type is CUSTOM, or USER for the one that each reviewer has of their own.
	Type string `json:"queue_type"`
	// Users are the reviewers, in lower case; none: anybody.
	Users []string `json:"users,omitempty"`
	// SchemaIDs are the questions. They cannot be changed once the queue has items.
	SchemaIDs []string `json:"schema_ids,omitempty"`
}

// QueueTypeCustom is the type of all queues but those that belong to one user.
const QueueTypeCustom = "CUSTOM"

// ReviewItem is one trace of a queue.
type ReviewItem struct {
	// ID is MLflow's id of the trace.
	ID string `json:"item_id"`
	// Status is PENDING, COMPLETE or DECLINED.
	Status string `json:"status"`
	// Created is the server's time of the adding, in milliseconds.
	Created int64 `json:"creation_time_ms"`
	// Updated is the server's time of the last change of the status, in milliseconds.
	Updated int64 `json:"last_update_time_ms"`
}

// StatusPending is the status of an item that nobody has answered.
const StatusPending = "PENDING"

// LabelSchema is a question to reviewers; the answer is an assessment of its name.
type LabelSchema struct {
	ID           string `json:"schema_id,omitempty"`
	ExperimentID string `json:"experiment_id"`
	// Name is unique in the experiment; "Feedback", in any case, is the server's own.
	Name string `json:"name"`
	// Type is FEEDBACK or EXPECTATION.
	Type        string `json:"type"`
	Instruction string `json:"instruction,omitempty"`
	// EnableComment lets a reviewer give a rationale.
	EnableComment bool       `json:"enable_comment"`
	Input         LabelInput `json:"input"`
}

// SchemaTypeFeedback is the type of a question about what happened.
const SchemaTypeFeedback = "FEEDBACK"

// LabelInput is how a question is answered; exactly one is set.
type LabelInput struct {
	// PassFail gives true or false.
	PassFail *PassFailInput `json:"pass_fail,omitempty"`
	Numeric  *NumericInput  `json:"numeric,omitempty"`
	Text     *TextInput     `json:"text,omitempty"`
}

// PassFailInput is a choice of two.
type PassFailInput struct {
	Positive string `json:"positive_label"`
	Negative string `json:"negative_label"`
}

// NumericInput is a number.
type NumericInput struct{}

// TextInput is free text.
type TextInput struct{}

const (
	queuesPath  = "/api/3.0/mlflow/review-queues/"
	schemasPath = "/api/3.0/mlflow/label-schemas/"
)

// Exists reports whether err says that what was to be created is there already, perhaps since a moment ago.
func Exists(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == "RESOURCE_ALREADY_EXISTS"
}

// ReviewQueueByName reads a queue; one that does not exist is ClassNotFound.
func (c *Client) ReviewQueueByName(ctx context.Context, experimentID, name string) (*ReviewQueue, error) {
	return c.reviewQueue(ctx, http.MethodGet, queuesPath+"get-by-name?"+byName(experimentID, name), nil)
}

// CreateReviewQueue makes a queue and returns it as the server keeps it.
func (c *Client) CreateReviewQueue(ctx context.Context, queue *ReviewQueue) (*ReviewQueue, error) {
	return c.reviewQueue(ctx, http.MethodPost, queuesPath+"create", queue)
}

func (c *Client) reviewQueue(ctx context.Context, method, path string, body any) (*ReviewQueue, error) {
	var answer struct {
		Queue *ReviewQueue `json:"review_queue"`
	}
	if _, err := c.call(ctx, method, path, body, &answer); err != nil {
		return nil, err
	}
	if answer.Queue == nil || answer.Queue.ID == "" {
		return nil, invalidAnswer("no review_queue")
	}
	return answer.Queue, nil
}

// reviewItems is the body of a call about several items.
type reviewItems struct {
	QueueID string   `json:"queue_id"`
	ItemIDs []string `json:"item_ids"`
}

// AddReviewItems adds traces to a queue, all or none, and returns their items; one that is there already keeps its status.
// ClassNotFound says that the queue, or one of the traces in its experiment, does not exist.
func (c *Client) AddReviewItems(ctx context.Context, queueID string, traceIDs []string) ([]ReviewItem, error) {
	var answer struct {
		Items []ReviewItem `json:"items"`
	}
	if _, err := c.call(ctx, http.MethodPost, queuesPath+"items/add", reviewItems{queueID, traceIDs}, &answer); err != nil {
		return nil, err
	}
	return answer.Items, nil
}

// RemoveReviewItems takes traces out of a queue; those that are not there are none of its concern. It takes the right to
// manage the experiment, or to have made the queue.
func (c *Client) RemoveReviewItems(ctx context.Context, queueID string, traceIDs []string) error {
	_, err := c.call(ctx, http.MethodPost, queuesPath+"items/remove", reviewItems{queueID, traceIDs}, nil)
	return err
}

// ReopenReviewItem lets an item wait for an answer again, and returns it. Only the queue's own users may, and admins.
func (c *Client) ReopenReviewItem(ctx context.Context, queueID, traceID string) (*ReviewItem, error) {
	body := struct {
		QueueID string `json:"queue_id"`
		ItemID  string `json:"item_id"`
		Status  string `json:"status"`
	}{queueID, traceID, StatusPending}
	var answer struct {
		Item *ReviewItem `json:"item"`
	}
	if _, err := c.call(ctx, http.MethodPost, queuesPath+"items/set-status", body, &answer); err != nil {
		return nil, err
	}
	if answer.Item == nil || answer.Item.Status != StatusPending {
		return nil, invalidAnswer("no pending item")
	}
	return answer.Item, nil
}

// ReviewItems reads a page of a queue's items, those that were added last first; status "" is any. next is empty on the
// last page.
func (c *Client) ReviewItems(ctx context.Context, queueID, status string, limit int, page string) (
	items []ReviewItem, next string, err error,
) {
	query := url.Values{"queue_id": {queueID}, "max_results": {strconv.Itoa(limit)}}
	if status != "" {
		query.Set("status", status)
	}
	if page != "" {
		query.Set("page_token", page)
	}
	var answer struct {
		Items []ReviewItem `json:"items"`
		Next  string       `json:"next_page_token"`
	}
	if _, err := c.call(ctx, http.MethodGet, queuesPath+"items/list?"+query.Encode(), nil, &answer); err != nil {
		return nil, "", err
	}
	return answer.Items, answer.Next, nil
}

// LabelSchemaByName reads a question; one that does not exist is ClassNotFound.
func (c *Client) LabelSchemaByName(ctx context.Context, experimentID, name string) (*LabelSchema, error) {
	return c.labelSchema(ctx, http.MethodGet, schemasPath+"get-by-name?"+byName(experimentID, name), nil)
}

// CreateLabelSchema makes a question and returns it as the server keeps it.
func (c *Client) CreateLabelSchema(ctx context.Context, schema *LabelSchema) (*LabelSchema, error) {
	return c.labelSchema(ctx, http.MethodPost, schemasPath+"create", schema)
}

func (c *Client) labelSchema(ctx context.Context, method, path string, body any) (*LabelSchema, error) {
	var answer struct {
		Schema *LabelSchema `json:"label_schema"`
	}
	if _, err := c.call(ctx, method, path, body, &answer); err != nil {
		return nil, err
	}
	if answer.Schema == nil || answer.Schema.ID == "" {
		return nil, invalidAnswer("no label_schema")
	}
	return answer.Schema, nil
}

func byName(experimentID, name string) string {
	return url.Values{"experiment_id": {experimentID}, "name": {name}}.Encode()
}

// ExperimentID is the experiment that the trace is in, "" where the server does not say.
func (t *TraceInfo) ExperimentID() string {
	var location struct {
		Experiment struct {
			ID string `json:"experiment_id"`
		} `json:"mlflow_experiment"`
	}
	if json.Unmarshal(t.Location, &location) != nil {
		return ""
	}
	return location.Experiment.ID
}
