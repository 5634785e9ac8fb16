package reading

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// traceHistory is everything that was said about a trace.
type traceHistory struct {
	TraceID string `json:"trace_id"`
	// Assessments are in the order of their creation.
	Assessments []assessmentHistory `json:"assessments"`
	// Reviews say which rules put the trace into a review queue, and why.
	Reviews []reviewed `json:"reviews,omitempty"`
}

// reviewed is a trace's place in a review queue.
type reviewed struct {
	Rule string `json:"rule"`
	// Queue is MLflow's id of the queue.
	Queue       string    `json:"queue"`
	Reason      string    `json:"reason"`
	Assessments []string  `json:"assessment_ids,omitempty"`
	Time        time.Time `json:"time"`
}

// assessmentHistory is one assessment, deleted ones included.
type assessmentHistory struct {
	// Assessment is the present state in MLflow's JSON; that before the deletion for a deleted one.
	Assessment json.RawMessage `json:"assessment"`
	Record     aboutRecord     `json:"record"`
	// History is oldest first, and begins with the creation.
	History []event `json:"history"`
}

// event is one change.
type event struct {
	Time time.Time `json:"time"`
	// Author is who made the change; empty for automation.
	Author string `json:"author,omitempty"`
	// Door is where the change came in: telemetry, api, ui, lookup or backend.
	Door   string `json:"door,omitempty"`
	Reason string `json:"reason"`
	// Old is the state that was replaced; a creation has none.
	Old json.RawMessage `json:"old,omitempty"`
}

const reasonCreated = "created"

// History answers GET /feedback/v1/traces/{trace_id}/history to those who may see the trace.
func (h *Handler) History(w http.ResponseWriter, r *http.Request) {
	history, err := h.history(r)
	if err != nil {
		answer.Refuse(w, err)
		return
	}
	answer.JSON(w, history)
}

func (h *Handler) history(r *http.Request) (*traceHistory, error) {
	id := r.PathValue("trace_id")
	traceID, ok := traceIDOf(id)
	if !ok {
		return nil, unknownTrace(id)
	}
	if err := h.settings.Rights.Check(r.Context(), traceID, false); err != nil {
		return nil, err
	}
	records, err := h.load(r.Context(), traceID)
	if err != nil {
		return nil, err
	}
	if len(records) == 0 {
		return nil, unknownTrace(id)
	}
	caller := access.CallerOf(r.Context())
	history := &traceHistory{TraceID: mlflow.TraceID(traceID), Assessments: []assessmentHistory{}}
	for _, record := range oldestFirst(records) {
		history.Assessments = append(history.Assessments, assessmentHistory{
			Assessment: h.settings.Render(&record, caller), Record: h.about(&record), History: h.events(&record, caller),
		})
	}
	reviews, err := h.settings.Store.Reviews(r.Context(), traceID)
	if err != nil {
		return nil, unavailable(err)
	}
	for _, one := range reviews {
		history.Reviews = append(history.Reviews, reviewed{
			Rule: one.Rule, Queue: one.Queue, Reason: one.Reason, Assessments: one.Assessments, Time: one.Time,
		})
	}
	return history, nil
}

func oldestFirst(records map[string]store.Record) []store.Record {
	return slices.SortedFunc(maps.Values(records), func(a, b store.Record) int {
		return cmp.Or(a.CreateTime.Compare(b.CreateTime), cmp.Compare(a.ID, b.ID))
	})
}

func (h *Handler) events(record *store.Record, caller access.Caller) []event {
	events := make([]event, 0, len(record.History)+1)
	events = append(events, event{Time: record.CreateTime, Author: creator(record), Door: record.Door, Reason: reasonCreated})
	for _, change := range record.History {
		old := store.Record{Assessment: change.Old, Version: record.Version}
		old.ID, old.TraceID = record.ID, record.TraceID
		events = append(events, event{
			Time: change.Time, Author: change.Author, Door: change.Door, Reason: change.Reason,
			Old: h.settings.Render(&old, caller),
		})
	}
	return events
}

// creator is who made the record's first state: the author as long as nobody changed it, else that state's own source.
func creator(record *store.Record) string {
	if len(record.History) == 0 && !record.Source.Type.Automated() {
		return cmp.Or(record.Author, record.Source.ID)
	}
	first := record.Source
	if len(record.History) > 0 {
		first = record.History[0].Old.Source
	}
	if first.Type.Automated() {
		return ""
	}
	return first.ID
}
