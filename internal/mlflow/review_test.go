package mlflow

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What MLflow 3.17.2 answers.
const (
	queueAnswer = `{"review_queue": {"queue_id": "rq-7d2bfec5c736419281bad6d7c97a179f", "experiment_id": "2",
  "name": "Failed", "queue_type": "CUSTOM", "creation_time_ms": 1795730348045, "last_update_time_ms": 1795730348045,
  "users": ["ann@x.org"], "schema_ids": ["ls-6837d56d4632451b92960721171e2d33"]}}`
	schemaAnswer = `{"label_schema": {"schema_id": "ls-6837d56d4632451b92960721171e2d33", "experiment_id": "2",
  "name": "c x", "type": "FEEDBACK", "enable_comment": true,
  "input": {"pass_fail": {"positive_label": "Pass", "negative_label": "Fail"}},
  "created_at": 1795730347792, "last_updated_at": 1795730347792, "is_default": false}}`
	itemsAnswer = `{"items": [{"queue_id": "rq-7d2bfec5c736419281bad6d7c97a179f", "item_type": "TRACE",
  "item_id": "tr-00000000000000000000000002bace48", "status": "COMPLETE", "completed_by": "ann",
  "completed_time_ms": 1795730348409, "creation_time_ms": 1795730348312, "last_update_time_ms": 1795730348409}],
  "next_page_token": "eyJvZmZzZXQiOiAxfQ=="}`
	itemAnswer = `{"item": {"queue_id": "rq-705217ead3c645d38186f199e633b597", "item_type": "TRACE",
  "item_id": "tr-6653429ee9d4e309c6bdae718a797781", "status": "PENDING", "creation_time_ms": 1795743479358,
  "last_update_time_ms": 1795743481413}}`
	noQueueAnswer = `{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Review queue with name 'Failed' not found for ` +
		`experiment '2'.", "sqlstate": "KAM00", "error_class": "RESOURCE_NOT_FOUND"}`
	takenAnswer = `{"error_code": "RESOURCE_ALREADY_EXISTS", "message": "Review queue with name 'failed' already exists ` +
		`(names are case-insensitive).", "sqlstate": "KAM00", "error_class": "RESOURCE_ALREADY_EXISTS"}`
	noTraceAnswer = `{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Cannot attach trace(s) ['tr-none'] to review queue ` +
		`'rq-7d2bfec5c736419281bad6d7c97a179f': they do not exist in experiment '2'.", "sqlstate": "KAM00"}`
)

func TestReviewCalls(t *testing.T) {
	t.Parallel()
	queue := &ReviewQueue{
		ID: "rq-7d2bfec5c736419281bad6d7c97a179f", ExperimentID: "2", Name: "Failed", Type: QueueTypeCustom,
		Users: []string{"ann@x.org"}, SchemaIDs: []string{"ls-6837d56d4632451b92960721171e2d33"},
	}
	schema := &LabelSchema{
		ID: "ls-6837d56d4632451b92960721171e2d33", ExperimentID: "2", Name: "c x", Type: SchemaTypeFeedback,
		EnableComment: true, Input: LabelInput{PassFail: &PassFailInput{Positive: "Pass", Negative: "Fail"}},
	}
	items := []ReviewItem{{ID: "tr-00000000000000000000000002bace48", Status: "COMPLETE", Created: 1795730348312, Updated: 1795730348409}}
	type paged struct {
		items []ReviewItem
		next  string
	}
	tests := []struct {
		name          string
		call          func(c *Client) (any, error)
		request, body string
		answer        string
		want          any
	}{
		{
			"queue by name", func(c *Client) (any, error) { return c.ReviewQueueByName(t.Context(), "2", "a&b c") },
			"GET /prefix/api/3.0/mlflow/review-queues/get-by-name?experiment_id=2&name=a%26b+c", "", queueAnswer, queue,
		},
		{
			"create queue", func(c *Client) (any, error) {
				return c.CreateReviewQueue(t.Context(), &ReviewQueue{ExperimentID: "2", Name: "Failed", Type: QueueTypeCustom, Users: []string{"Ann"}})
			},
			"POST /prefix/api/3.0/mlflow/review-queues/create",
			`{"experiment_id":"2","name":"Failed","queue_type":"CUSTOM","users":["Ann"]}`, queueAnswer, queue,
		},
		{
			"add", func(c *Client) (any, error) {
				return c.AddReviewItems(t.Context(), "rq-1", []string{"tr-1", "tr-2"})
			},
			"POST /prefix/api/3.0/mlflow/review-queues/items/add", `{"queue_id":"rq-1","item_ids":["tr-1","tr-2"]}`, itemsAnswer, items,
		},
		{
			"reopen", func(c *Client) (any, error) { return c.ReopenReviewItem(t.Context(), "rq-1", "tr-1") },
			"POST /prefix/api/3.0/mlflow/review-queues/items/set-status", `{"queue_id":"rq-1","item_id":"tr-1","status":"PENDING"}`,
			itemAnswer,
			&ReviewItem{
				ID: "tr-6653429ee9d4e309c6bdae718a797781", Status: StatusPending, Created: 1795743479358, Updated: 1795743481413,
			},
		},
		{
			"remove", func(c *Client) (any, error) { return nil, c.RemoveReviewItems(t.Context(), "rq-1", []string{"tr-1"}) },
			"POST /prefix/api/3.0/mlflow/review-queues/items/remove", `{"queue_id":"rq-1","item_ids":["tr-1"]}`, `{}`, nil,
		},
		{
			"items", func(c *Client) (any, error) {
				items, next, err := c.ReviewItems(t.Context(), "rq-1", StatusPending, 7, "=")
				return paged{items, next}, err
			},
			"GET /prefix/api/3.0/mlflow/review-queues/items/list?max_results=7&page_token=%3D&queue_id=rq-1&status=PENDING", "",
			itemsAnswer,
			paged{items, "eyJvZmZzZXQiOiAxfQ=="},
		},
		{
			"no items", func(c *Client) (any, error) {
				items, next, err := c.ReviewItems(t.Context(), "rq-1", "", 7, "")
				return paged{items, next}, err
			},
			"GET /prefix/api/3.0/mlflow/review-queues/items/list?max_results=7&queue_id=rq-1", "", `{"next_page_token": ""}`,
			paged{},
		},
		{
			"schema by name", func(c *Client) (any, error) { return c.LabelSchemaByName(t.Context(), "2", "c x") },
			"GET /prefix/api/3.0/mlflow/label-schemas/get-by-name?experiment_id=2&name=c+x", "", schemaAnswer, schema,
		},
		{
			"create schema", func(c *Client) (any, error) {
				return c.CreateLabelSchema(t.Context(), &LabelSchema{
					ExperimentID: "2", Name: "c x", Type: SchemaTypeFeedback, EnableComment: true, Input: LabelInput{Numeric: &NumericInput{}},
				})
			},
			"POST /prefix/api/3.0/mlflow/label-schemas/create",
			`{"experiment_id":"2","name":"c x","type":"FEEDBACK","enable_comment":true,"input":{"numeric":{}}}`, schemaAnswer, schema,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				assert.Equal(t, tt.request, r.Method+" "+r.URL.RequestURI())
				if tt.body == "" {
					assert.Empty(t, body)
				} else {
					assert.JSONEq(t, tt.body, string(body))
				}
				_, _ = io.WriteString(w, tt.answer)
			})
			got, err := tt.call(client)
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestReviewErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		status     int
		class      Class
		exists     bool
	}{
		{"no queue", noQueueAnswer, 404, ClassNotFound, false},
		{"no trace", noTraceAnswer, 404, ClassNotFound, false},
		{"taken", takenAnswer, 400, ClassPermanent, true},
		{"reserved", `{"error_code": "INVALID_PARAMETER_VALUE", "message": "reserved"}`, 400, ClassPermanent, false},
		{"an older server", "<html>", 404, ClassUnavailable, false},
		{"another answer", `{}`, 200, ClassUnavailable, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			})
			_, queueErr := client.ReviewQueueByName(t.Context(), "2", "Failed")
			_, schemaErr := client.CreateLabelSchema(t.Context(), &LabelSchema{})
			_, itemErr := client.ReopenReviewItem(t.Context(), "rq-1", "tr-1")
			for _, err := range []error{queueErr, schemaErr, itemErr} {
				require.Error(t, err)
				assert.Equal(t, tt.class, ClassOf(err))
				assert.Equal(t, tt.exists, Exists(err))
			}
			if _, _, err := client.ReviewItems(t.Context(), "rq-1", "", 1, ""); tt.status != http.StatusOK {
				require.Error(t, err)
				_, err = client.AddReviewItems(t.Context(), "rq-1", []string{"tr-1"})
				assert.Equal(t, tt.class, ClassOf(err))
				assert.Equal(t, tt.class, ClassOf(client.RemoveReviewItems(t.Context(), "rq-1", []string{"tr-1"})))
			}
		})
	}
	assert.False(t, Exists(nil))
}

func TestExperimentID(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``: "", `null`: "", `[]`: "", `{"type":"MLFLOW_EXPERIMENT"}`: "",
		`{"type":"MLFLOW_EXPERIMENT","mlflow_experiment":{"experiment_id":"2"}}`: "2",
	} {
		info := TraceInfo{Location: json.RawMessage(text)}
		assert.Equal(t, want, info.ExperimentID(), text)
	}
}
