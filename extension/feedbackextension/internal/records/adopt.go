package records

import (
	"cmp"
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/deliver"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// askTimeout bounds one reading of MLflow.
const askTimeout = 10 * time.Second

// standing is what MLflow says of a trace.
type standing struct {
	found bool
	rows  []assessment.Assessment
	// err is the refusal of a call that needs to know, where MLflow does not say.
	err error
}

// holds reports whether a row of the id stands in MLflow.
func (t *standing) holds(id string) bool {
	for i := range t.rows {
		if t.rows[i].ID == id {
			return true
		}
	}
	return false
}

// record is a row that Redis does not keep, as a record.
func (t *standing) record(backend, id string) store.Record {
	for i := range t.rows {
		if t.rows[i].ID == id {
			if record, ok := deliver.Adopt(backend, t.rows[i]); ok {
				return record
			}
			return store.Record{Assessment: t.rows[i]}
		}
	}
	return store.Record{}
}

// ask reads a trace from MLflow. Callers that ask for the same trace at once share one reading, which therefore ends
// with none of them.
func (s *Service) ask(ctx context.Context, traceID string) *standing {
	if s.upstream == nil {
		return &standing{}
	}
	read, _, _ := s.reads.Do(traceID, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
		defer cancel()
		return s.read(ctx, traceID), nil
	})
	there, ok := read.(*standing)
	if !ok {
		return &standing{err: answer.Unavailable("MLflow does not answer", retryMLflow)}
	}
	return there
}

func (s *Service) read(ctx context.Context, traceID string) *standing {
	info, _, err := s.upstream.GetTraceInfo(ctx, mlflow.TraceID(traceID))
	switch {
	case err == nil:
		return &standing{found: true, rows: readRows(traceID, info.Assessments)}
	case mlflow.ClassOf(err) == mlflow.ClassNotFound:
		return &standing{}
	default:
		s.logger.Debug("mlflow does not say whether it holds a trace", zap.String("trace_id", traceID), zap.Error(err))
		wait := cmp.Or(mlflow.RetryAfterOf(err), retryMLflow)
		return &standing{err: answer.Unavailable("MLflow does not answer, and this trace is not known here", wait)}
	}
}

func readRows(traceID string, rows []mlflow.Assessment) []assessment.Assessment {
	read := make([]assessment.Assessment, 0, len(rows))
	for i := range rows {
		if a, ok := rows[i].ToAssessment(traceID); ok {
			read = append(read, a)
		}
	}
	return read
}

// Adopt takes rows that stand in MLflow into Redis. A record that is there already stays as it is, a deleted one too.
func (s *Service) Adopt(ctx context.Context, traceID string, rows []mlflow.Assessment) error {
	there := &standing{found: true, rows: readRows(traceID, rows)}
	if len(there.rows) == 0 {
		return nil
	}
	return s.change(ctx, traceID, there, func(*draft) error { return nil })
}

// errRefusedRow ends an edit because of a row that Redis refuses.
var errRefusedRow = errors.New("redis refuses a row")

// leftOut are the rows that an edit does not try to adopt again.
type leftOut struct {
	ids map[string]bool
	// full says that the trace takes no more than room of them.
	full bool
	room int
	// again asks for another edit without them.
	again bool
}

// add notes a row that was refused after others were adopted.
func (l *leftOut) add(id string, err error, adopted int) {
	l.again = true
	if errors.Is(err, store.ErrTooMany) {
		l.full, l.room = true, adopted
		return
	}
	if l.ids == nil {
		l.ids = map[string]bool{}
	}
	l.ids[id] = true
}

// adopt puts the rows of MLflow that Redis lacks; false says that the edit has to be made again without one of them.
func (d *draft) adopt(left *leftOut) bool {
	if d.there == nil || len(d.there.rows) == 0 {
		return true
	}
	ours := make(map[string]string, len(d.Records)) // record ids by the ids of their rows
	for id := range d.Records {
		ours[cmp.Or(d.Records[id].Backends[d.backend].ID, id)] = id
	}
	adopted := 0
	for i := range d.there.rows {
		row := d.there.rows[i]
		if _, known := ours[row.ID]; known || left.ids[row.ID] || left.full && adopted >= left.room {
			continue
		}
		if id, known := ours[row.Overrides]; known {
			row.Overrides = id
		}
		record, ok := deliver.Adopt(d.backend, row)
		if !ok || checkRow(&row) != nil {
			continue
		}
		if record.CreateTime.IsZero() {
			record.CreateTime = d.Now
		}
		if record.UpdateTime.IsZero() {
			record.UpdateTime = record.CreateTime
		}
		if err := d.Put(record); err != nil {
			left.add(row.ID, err, adopted)
			return false
		}
		adopted++
	}
	return true
}
