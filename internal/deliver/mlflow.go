package deliver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// versionAge is how long a server's version is taken as known.
const versionAge = 10 * time.Minute

// MLflow is the Backend for MLflow's REST API with a SQL store.
type MLflow struct {
	client *mlflow.Client
	bulk   Bulk
	now    func() time.Time

	mu        sync.Mutex
	version   string
	versionAt time.Time
}

var _ Backend = (*MLflow)(nil)

// NewMLflow builds the client; extensions are those of the host, for `auth`. It makes no call.
func NewMLflow(ctx context.Context, config *MLflowConfig, extensions map[component.ID]component.Component,
	telemetry component.TelemetrySettings,
) (*MLflow, error) {
	httpClient, err := config.HTTP.ToClient(ctx, extensions, telemetry)
	if err != nil {
		return nil, fmt.Errorf("mlflow: %w", err)
	}
	client, err := mlflow.NewClient(httpClient, config.HTTP.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("mlflow: %w", err)
	}
	return &MLflow{client: client, bulk: config.Bulk, now: time.Now}, nil
}

// Close closes idle connections as far as the HTTP client lets it: what confighttp wraps keeps them until
// `keepalive::idle_conn_timeout`, by default 4s.
func (m *MLflow) Close() { m.client.Close() }

// Read implements Backend.
func (m *MLflow) Read(ctx context.Context, traceIDs []string) (Reading, error) {
	ids := make([]string, len(traceIDs))
	for i, id := range traceIDs {
		ids[i] = mlflow.TraceID(id)
	}
	infos, err := m.client.BatchGetInfos(ctx, ids)
	if err != nil && mlflow.Blames(err) {
		infos, err = m.readSingly(ctx, ids, err)
	}
	if err != nil {
		if mlflow.ClassOf(err) != mlflow.ClassUnavailable && len(ids) == 1 {
			return Reading{Unreadable: map[string]error{traceIDs[0]: err}}, nil
		}
		return Reading{}, m.unavailable(err)
	}
	reading := Reading{Traces: make(map[string]Trace, len(infos.Traces)), Unreadable: map[string]error{}}
	now := m.now()
	for i, id := range ids {
		if info := infos.Traces[id]; info != nil {
			reading.Traces[traceIDs[i]] = traceOf(traceIDs[i], info, infos.ServerTime, now)
		} else if err := infos.Refused[id]; err != nil {
			reading.Unreadable[traceIDs[i]] = err
		}
	}
	return reading, nil
}

// nobody is the id of a trace that does not exist.
var nobody = mlflow.TraceID(strings.Repeat("0", 32))

// readSingly finds the traces that the server stumbles over. When it stumbles over all, and over one that does not exist
// too, the batch's error stands.
func (m *MLflow) readSingly(ctx context.Context, ids []string, batchErr error) (*mlflow.Infos, error) {
	infos := &mlflow.Infos{Traces: map[string]*mlflow.TraceInfo{}, Refused: map[string]error{}}
	for _, id := range ids {
		one, err := &mlflow.Infos{}, batchErr
		if len(ids) > 1 {
			one, err = m.client.BatchGetInfos(ctx, []string{id})
		}
		switch {
		case err == nil:
			maps.Copy(infos.Traces, one.Traces)
			infos.ServerTime = one.ServerTime
		case mlflow.Blames(err):
			infos.Refused[id] = err
		default:
			return nil, err
		}
	}
	if len(infos.Refused) == len(ids) {
		if _, err := m.client.BatchGetInfos(ctx, []string{nobody}); err != nil {
			return nil, batchErr
		}
	}
	return infos, nil
}

func traceOf(traceID string, info *mlflow.TraceInfo, serverTime, now time.Time) Trace {
	trace := Trace{
		Rows: make([]assessment.Assessment, 0, len(info.Assessments)),
		info: info, serverTime: serverTime, readAt: now,
	}
	for i := range info.Assessments {
		if row, ok := info.Assessments[i].ToAssessment(traceID); ok {
			trace.Rows = append(trace.Rows, row)
			continue
		}
		if trace.unreadable == nil {
			trace.unreadable = map[string]bool{}
		}
		trace.unreadable[info.Assessments[i].ID] = true
	}
	return trace
}

func (m *MLflow) unavailable(err error) error {
	m.mu.Lock()
	m.versionAt = time.Time{} // another version may come back
	m.mu.Unlock()
	return &UnavailableError{RetryAfter: mlflow.RetryAfterOf(err), Suspect: mlflow.Blames(err), Err: err}
}

// Write implements Backend.
func (m *MLflow) Write(ctx context.Context, traceID string, trace Trace, writes []Write) ([]Result, error) {
	links := newLinks(trace)
	var stumbled error
	results, err := m.writeBulk(ctx, traceID, trace, writes)
	for i, result := range results {
		links.add(writes[i].Record.ID, result)
	}
	for i := len(results); i < len(writes) && err == nil; i++ {
		var result Result
		w := writes[i]
		switch w.Op {
		case OpCreate:
			if overrides, ok := links.of(&w); ok {
				result, err = m.create(ctx, w, overrides)
			} else {
				result.Err = errChanged
			}
		case OpUpdate:
			result, err = m.update(ctx, w)
		default:
			result, err = m.remove(ctx, w)
		}
		if err != nil && mlflow.Blames(err) && stumbled == nil {
			stumbled, err = err, nil // perhaps this one's content; the next one tells
			result.Err = errStumbled
		}
		if err != nil {
			break
		}
		links.add(w.Record.ID, result)
		results = append(results, result)
	}
	if err == nil && stumbled != nil && !worked(results) {
		err = stumbled
	}
	if err != nil {
		return results, m.unavailable(err)
	}
	return results, nil
}

// worked reports whether the server took any write.
func worked(results []Result) bool {
	return slices.ContainsFunc(results, func(r Result) bool { return r.Err == nil })
}

// wire is the row that brings a form to the server.
func wire(w Write, id string) *mlflow.Assessment {
	content := w.Form
	content.TraceID = w.Record.TraceID
	content.CreateTime, content.UpdateTime = w.Record.CreateTime, w.Record.UpdateTime
	row := mlflow.FromAssessment(&content)
	row.ID = id
	return &row
}

// create sends a new row under our id. An id that is taken is ours on this trace, from a call whose answer was lost, or
// somebody's on another trace; then a second id is derived, once.
func (m *MLflow) create(ctx context.Context, w Write, overrides string) (Result, error) {
	for _, id := range []string{w.ID, SecondID(w.Record)} {
		row := wire(w, id)
		row.Overrides = overrides
		created, err := m.client.CreateAssessment(ctx, row)
		if err == nil {
			return answeredRow(w, created)
		}
		if mlflow.ClassOf(err) != mlflow.ClassDuplicate {
			return failed(err)
		}
		there, err := m.client.GetAssessment(ctx, row.TraceID, id)
		if err == nil {
			return answeredRow(w, there)
		}
		if mlflow.ClassOf(err) != mlflow.ClassNotFound {
			return failed(err)
		}
	}
	return Result{Err: &refusedError{reason: reasonIDTaken}}, nil
}

// SecondID is the id of a record's row where the record's own is taken on another trace.
func SecondID(record store.Record) string {
	sum := sha256.Sum256([]byte(record.TraceID + "\x00" + record.ID))
	return "a-" + hex.EncodeToString(sum[:16])
}

func answeredRow(w Write, answered *mlflow.Assessment) (Result, error) {
	row, ok := answered.ToAssessment(w.Record.TraceID)
	if !ok {
		return Result{Err: errChanged}, nil
	}
	result := Result{Row: &row}
	if row.ID != w.Record.ID {
		result.ID = row.ID
	}
	return result, nil
}

// failed sorts a call's error: a result for this write, or an error that ends the writing.
func failed(err error) (Result, error) {
	switch mlflow.ClassOf(err) {
	case mlflow.ClassNotFound:
		return Result{Err: errChanged}, nil
	case mlflow.ClassPermanent, mlflow.ClassDuplicate:
		return Result{Err: &refusedError{reason: refusalReason(err), cause: err}}, nil
	default:
		return Result{}, err
	}
}

// refusalReason is the dead entry's reason, with the server's code: it says what an operator has to look for.
func refusalReason(err error) string {
	var e *mlflow.Error
	if errors.As(err, &e) && e.Code != "" {
		return reasonRefused + ": " + e.Code
	}
	return reasonRefused
}
