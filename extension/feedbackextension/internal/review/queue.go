package review

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
)

const (
	// maxQueues bounds the queues that are remembered; all are forgotten beyond.
	maxQueues = 1000
	// countedFor is for how long a count is believed.
	countedFor = 30 * time.Second
	// pageSize is how many items are read in one call.
	pageSize = 1000
)

// queueSpec says what a queue is like when it is created.
type queueSpec struct {
	name       string
	users      []string
	schemas    []string
	maxPending int
}

// queue is what is known of one experiment's queue.
type queue struct {
	id string
	// pending is how many traces waited at the time counted, with those that were added since.
	pending int
	// newest is MLflow's time of the adding of those, at most, in milliseconds.
	newest  int64
	counted time.Time
	noted   bool
}

type queueKey struct{ experiment, name string }

// queues finds and makes queues in MLflow. All errors are mlflow's.
type queues struct {
	mlflow *mlflow.Client
	clock  Clock
	logger *zap.Logger
	known  map[queueKey]*queue
	// refused are the queues that MLflow has refused since it took them last.
	refused map[queueKey]bool
	// closed are those of which it reopens no items.
	closed map[queueKey]bool
}

func newQueues(client *mlflow.Client, clock Clock, logger *zap.Logger) queues {
	return queues{
		mlflow: client, clock: clock, logger: logger,
		known: map[queueKey]*queue{}, refused: map[queueKey]bool{}, closed: map[queueKey]bool{},
	}
}

func (q *queues) forget() { clear(q.known) }

// refuse says once why MLflow does not take what it is asked for.
func (q *queues) refuse(key queueKey, err error) {
	if len(q.refused) >= maxQueues {
		clear(q.refused)
	}
	if !q.refused[key] {
		q.logger.Warn("mlflow refuses a review queue; its traces wait",
			zap.String("queue", key.name), zap.String("experiment", key.experiment), zap.Error(err))
	}
	q.refused[key] = true
}

// find returns the experiment's queue, which is created if missing.
func (q *queues) find(ctx context.Context, experiment string, spec *queueSpec, inputs map[string]mlflow.LabelInput) (*queue, error) {
	key := queueKey{experiment, spec.name}
	if known := q.known[key]; known != nil {
		return known, nil
	}
	found, err := q.mlflow.ReviewQueueByName(ctx, experiment, spec.name)
	if absent(err) {
		found, err = q.create(ctx, experiment, spec, inputs)
	}
	if err != nil {
		return nil, err
	}
	if len(q.known) >= maxQueues {
		clear(q.known)
	}
	q.known[key] = &queue{id: found.ID}
	return q.known[key], nil
}

func (q *queues) create(ctx context.Context, experiment string, spec *queueSpec, inputs map[string]mlflow.LabelInput) (
	*mlflow.ReviewQueue, error,
) {
	wanted := &mlflow.ReviewQueue{
		ExperimentID: experiment, Name: spec.name, Type: mlflow.QueueTypeCustom, Users: spec.users,
	}
	for _, name := range spec.schemas {
		schema, err := q.schema(ctx, experiment, name, inputs)
		if err != nil {
			return nil, err
		}
		wanted.SchemaIDs = append(wanted.SchemaIDs, schema.ID)
	}
	created, err := q.mlflow.CreateReviewQueue(ctx, wanted)
	if mlflow.Exists(err) { // another replica was quicker
		return q.mlflow.ReviewQueueByName(ctx, experiment, spec.name)
	}
	return created, err
}

// schema returns the experiment's question of the name, which is created if missing.
func (q *queues) schema(ctx context.Context, experiment, name string, inputs map[string]mlflow.LabelInput) (
	*mlflow.LabelSchema, error,
) {
	found, err := q.mlflow.LabelSchemaByName(ctx, experiment, name)
	if !absent(err) {
		return found, err
	}
	input, shown := inputs[name]
	if !shown {
		input = passOrFail()
	}
	created, err := q.mlflow.CreateLabelSchema(ctx, &mlflow.LabelSchema{
		ExperimentID: experiment, Name: name, Type: mlflow.SchemaTypeFeedback, EnableComment: true, Input: input,
	})
	if mlflow.Exists(err) {
		return q.mlflow.LabelSchemaByName(ctx, experiment, name)
	}
	return created, err
}

// count makes sure that the number of traces that wait in a queue is known, up to a bound.
func (q *queues) count(ctx context.Context, known *queue, most int) error {
	now := q.clock.Now()
	if !known.counted.IsZero() && now.Sub(known.counted) < countedFor {
		return nil
	}
	pending, newest, page := 0, int64(0), ""
	for {
		items, next, err := q.mlflow.ReviewItems(ctx, known.id, mlflow.StatusPending, min(pageSize, most), page)
		if err != nil {
			return err
		}
		pending += len(items)
		for i := range items {
			newest = max(newest, items[i].Created)
		}
		if page = next; page == "" || len(items) == 0 || pending >= most {
			known.pending, known.newest, known.counted = pending, newest, now
			return nil
		}
	}
}
