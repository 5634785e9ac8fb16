package store

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

// contentDocument is an assessment as Redis holds it.
type contentDocument struct {
	ID          string                `json:"id"`
	TraceID     string                `json:"trace_id"`
	SpanID      string                `json:"span_id"`
	Name        string                `json:"name"`
	Kind        assessment.Kind       `json:"kind"`
	SourceType  assessment.SourceType `json:"source_type"`
	SourceID    string                `json:"source_id"`
	Value       json.RawMessage       `json:"value"`
	Error       *errorDocument        `json:"error"`
	Rationale   string                `json:"rationale"`
	Metadata    map[string]string     `json:"metadata"`
	Passed      *bool                 `json:"passed"`
	Fingerprint string                `json:"fingerprint"`
	ResponseID  string                `json:"response_id"`
	Overrides   string                `json:"overrides"`
	Invalid     bool                  `json:"invalid"`
	CreateTime  time.Time             `json:"create_time"`
	UpdateTime  time.Time             `json:"update_time"`
}

type errorDocument struct {
	Code       string `json:"code"`
	Type       string `json:"type"`
	Message    string `json:"message"`
	StackTrace string `json:"stack_trace"`
}

type recordDocument struct {
	contentDocument

	Version  int              `json:"version"`
	Revision int64            `json:"revision"`
	Author   string           `json:"author"`
	Door     string           `json:"door"`
	Written  time.Time        `json:"written"`
	Touched  bool             `json:"touched"`
	Deleted  time.Time        `json:"deleted"`
	History  []changeDocument `json:"history"`
}

type changeDocument struct {
	Time   time.Time       `json:"time"`
	Author string          `json:"author"`
	Door   string          `json:"door"`
	Reason string          `json:"reason"`
	Old    contentDocument `json:"old"`
}

type deliveryDocument struct {
	State    DeliveryState `json:"state"`
	Attempts int           `json:"attempts"`
	Form     string        `json:"form"`
	ID       string        `json:"id"`
	Reason   string        `json:"reason"`
}

// decodeRecord reads a record. Of a newer version it gives what it understands, with that version.
func decodeRecord(traceID, id, text string) (Record, error) {
	var doc recordDocument
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		var version struct {
			Version int `json:"version"`
		}
		if json.Unmarshal([]byte(text), &version) == nil && version.Version > RecordVersion {
			r := Record{Version: version.Version}
			r.TraceID, r.ID = traceID, id
			return r, nil
		}
		return Record{}, fmt.Errorf("record %q of trace %s is not readable", id, traceID)
	}
	if doc.Version < 1 {
		return Record{}, fmt.Errorf("record %q of trace %s has no version", id, traceID)
	}
	content := doc.assessment()
	content.TraceID, content.ID = traceID, id
	r := Record{
		Assessment: content, Version: doc.Version, Revision: doc.Revision,
		Author: doc.Author, Door: cmp.Or(doc.Door, doorTelemetry),
		Written: doc.Written, Touched: doc.Touched, Deleted: doc.Deleted,
	}
	for i := range doc.History {
		change := &doc.History[i]
		r.History = append(r.History, Change{
			Time: change.Time, Author: change.Author, Door: change.Door, Reason: change.Reason,
			Old: change.Old.assessment(),
		})
	}
	return r, nil
}

func (d *contentDocument) assessment() assessment.Assessment {
	a := assessment.Assessment{
		ID: d.ID, TraceID: d.TraceID, SpanID: d.SpanID, Name: d.Name, Kind: d.Kind,
		Source:    assessment.Source{Type: d.SourceType, ID: d.SourceID},
		Rationale: d.Rationale, Metadata: d.Metadata,
		Fingerprint: d.Fingerprint, ResponseID: d.ResponseID, Overrides: d.Overrides, Invalid: d.Invalid,
		CreateTime: d.CreateTime, UpdateTime: d.UpdateTime,
	}
	if a.UpdateTime.IsZero() {
		a.UpdateTime = a.CreateTime
	}
	if text := string(d.Value); text != "null" {
		a.Value = assessment.Value(text) // verbatim: only a checked value is ever written
	}
	if d.Error != nil {
		a.Error = &assessment.Error{
			Code: d.Error.Code, Type: d.Error.Type, Message: d.Error.Message, StackTrace: d.Error.StackTrace,
		}
	}
	if d.Passed != nil {
		a.Verdict = assessment.VerdictOf(*d.Passed)
	}
	if len(a.Metadata) == 0 {
		a.Metadata = nil
	}
	return a
}

// trace is what Redis holds of one trace, or the part of it that was read.
type trace struct {
	id       string
	revision int64
	// size is the number of all its records.
	size    int
	records map[string]Record
	// unreadable are the ids of records that do not decode; they are left untouched.
	unreadable map[string]bool
}

// unreadableVersion stands for the version of a record that does not decode: nobody touches it.
const unreadableVersion = math.MaxInt

// forWorkers are the records, with a placeholder for each that does not decode, so that a row of its id in the backend
// does not pass for somebody else's.
func (t *trace) forWorkers() map[string]Record {
	for id := range t.unreadable {
		t.records[id] = Record{
			Assessment: assessment.Assessment{ID: id, TraceID: t.id}, Version: unreadableVersion,
		}
	}
	return t.records
}

// decodeTrace reads the fields and values of a trace's hash.
func decodeTrace(traceID string, fields map[string]string) trace {
	t := trace{id: traceID, records: make(map[string]Record, len(fields)/2), unreadable: map[string]bool{}}
	for id, text := range fields {
		if !validID(id) {
			continue
		}
		record, err := decodeRecord(traceID, id, text)
		if err != nil {
			t.unreadable[id] = true
			continue
		}
		t.records[id] = record
	}
	for field, text := range fields {
		name, isDelivery := strings.CutPrefix(field, ".delivery:")
		backend, id, _ := strings.Cut(name, ":")
		record, known := t.records[id]
		var doc deliveryDocument
		if !isDelivery || !known || json.Unmarshal([]byte(text), &doc) != nil {
			continue
		}
		if record.Backends == nil {
			record.Backends = make(map[string]Delivery, 1)
		}
		record.Backends[backend] = Delivery{
			State: doc.State, Form: doc.Form, ID: doc.ID, Attempts: doc.Attempts, Reason: doc.Reason,
		}
		t.records[id] = record
	}
	var subject struct {
		Revision int64 `json:"revision"`
		Records  int   `json:"records"`
	}
	if text, ok := fields[subjectField]; ok && json.Unmarshal([]byte(text), &subject) == nil {
		t.revision, t.size = subject.Revision, subject.Records
	}
	return t
}
