package deliver

import (
	"context"
	"slices"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
)

// bulkVersions are the server versions on which StartTraceV3 was seen to upsert assessments by id and to leave alone
// what it is not sent.
var bulkVersions = []string{"3.17.2"}

const (
	// bulkMin is the number of creations from which one bulk call beats single ones.
	bulkMin = 2
	// bulkMax bounds the rows of one bulk call.
	bulkMax = 100
	// bulkEnded is how long ago a trace must have ended: its late spans have arrived.
	bulkEnded = 10 * time.Second
	// bulkInfoAge is how old a trace's info may be when its five fields are sent back.
	bulkInfoAge = 2 * time.Second
)

// writeBulk carries out the leading creations that need no single call, all in one request where that is safe, and
// returns their results. No results mean that single calls have to do it. StartTraceV3 overwrites experiment, times,
// state and client request id with what it is sent, ignores `overrides`, and moves an id that stands on another trace.
func (m *MLflow) writeBulk(ctx context.Context, traceID string, trace Trace, writes []Write) ([]Result, error) {
	n := 0
	for n < len(writes) && n < bulkMax && writes[n].Op == OpCreate && writes[n].Record.Overrides == "" &&
		deterministic(writes[n]) {
		n++
	}
	if m.bulk != BulkAuto || n < bulkMin || !ended(trace) || !m.bulkVersion(ctx) {
		return nil, nil
	}
	if m.now().Sub(trace.readAt) > bulkInfoAge {
		info, serverTime, err := m.client.GetTraceInfo(ctx, mlflow.TraceID(traceID))
		if err != nil {
			if mlflow.ClassOf(err) == mlflow.ClassUnavailable {
				return nil, err
			}
			return nil, nil // single calls tell what is the matter
		}
		trace = traceOf(traceID, info, serverTime, m.now())
		if !ended(trace) {
			return nil, nil
		}
	}
	for _, w := range writes[:n] {
		if slices.ContainsFunc(trace.Rows, func(row assessment.Assessment) bool { return row.ID == w.ID }) {
			return nil, nil // arrived meanwhile: an upsert would replace it whole
		}
	}
	return m.sendBulk(ctx, traceID, trace.info, writes[:n])
}

func (m *MLflow) sendBulk(ctx context.Context, traceID string, read *mlflow.TraceInfo, writes []Write) (
	[]Result, error,
) {
	info := &mlflow.TraceInfo{
		TraceID:           read.TraceID,
		ClientRequestID:   read.ClientRequestID,
		Location:          read.Location,
		RequestTime:       read.RequestTime,
		ExecutionDuration: read.ExecutionDuration,
		State:             read.State,
		Assessments:       make(mlflow.Assessments, len(writes)),
	}
	for i, w := range writes {
		info.Assessments[i] = *wire(w, w.ID)
	}
	answer, err := m.client.StartTraceV3(ctx, info)
	if err != nil {
		if mlflow.ClassOf(err) == mlflow.ClassUnavailable && !mlflow.Blames(err) {
			return nil, err
		}
		return nil, nil // all or nothing: single calls find the one that is refused
	}
	held := make(map[string]*assessment.Assessment, len(answer.Assessments))
	for i := range answer.Assessments {
		if row, ok := answer.Assessments[i].ToAssessment(traceID); ok {
			held[row.ID] = &row
		}
	}
	results := make([]Result, len(writes))
	for i, w := range writes {
		if row := held[w.ID]; row != nil {
			results[i] = Result{Row: row}
		} else {
			results[i] = Result{Err: errChanged}
		}
	}
	return results, nil
}

// deterministic reports whether the write's id is made of its trace's id, so that it cannot stand on another trace,
// from where an upsert would take it.
func deterministic(w Write) bool {
	r := &w.Record
	return w.ID == assessment.NewID(r.TraceID, r.SpanID, r.Name, r.Source)
}

// ended reports whether the trace ended a while ago, by the backend's own times and clock.
func ended(trace Trace) bool {
	if trace.info == nil || !trace.info.Final() || len(trace.info.Location) == 0 || trace.serverTime.IsZero() {
		return false
	}
	end, ok := trace.info.End()
	return ok && trace.serverTime.Sub(end) >= bulkEnded
}

// bulkVersion reports whether the server's version is one that was tested. A server that does not say is not.
func (m *MLflow) bulkVersion(ctx context.Context) bool {
	m.mu.Lock()
	version, fresh := m.version, m.now().Sub(m.versionAt) < versionAge
	m.mu.Unlock()
	if !fresh {
		asked, err := m.client.Version(ctx)
		if err != nil {
			return false
		}
		version = asked
		m.mu.Lock()
		m.version, m.versionAt = version, m.now()
		m.mu.Unlock()
	}
	return slices.Contains(bulkVersions, version)
}
