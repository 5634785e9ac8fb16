package reading

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// aboutRecord is what we know of an assessment beyond MLflow. It stands beside MLflow's fields as `record`.
type aboutRecord struct {
	// Author is who really wrote the last change; empty for automation.
	Author   string `json:"author,omitempty"`
	Revision int64  `json:"revision"`
	// Touched says that a person changed, overrode or deleted it, so that automation leaves it alone.
	Touched    bool                `json:"touched"`
	Passed     *bool               `json:"passed,omitempty"`
	ResponseID string              `json:"response_id,omitempty"`
	Deleted    time.Time           `json:"deleted,omitzero"`
	Delivery   map[string]delivery `json:"delivery,omitempty"`
}

// delivery is where the assessment stands with one backend.
type delivery struct {
	// State is pending, delivered, theirs, withdrawn (deleted there), skipped or dead.
	State string `json:"state"`
	// ID is the row's where it differs from ours.
	ID     string `json:"id,omitempty"`
	Reason string `json:"reason,omitempty"`
}

const pending = "pending"

func (h *Handler) about(record *store.Record) aboutRecord {
	about := aboutRecord{
		Author: record.Author, Revision: record.Revision, Touched: record.Touched, ResponseID: record.ResponseID,
		Deleted: record.Deleted,
	}
	if record.Verdict != assessment.VerdictNone {
		passed := record.Verdict == assessment.VerdictPassed
		about.Passed = &passed
	}
	about.Delivery = make(map[string]delivery, len(record.Backends)+1)
	if h.settings.Backend != "" {
		about.Delivery[h.settings.Backend] = delivery{State: pending}
	}
	for backend, d := range record.Backends {
		about.Delivery[backend] = delivery{
			State: cmp.Or(string(d.State), pending), ID: d.ID, Reason: d.Reason,
		}
	}
	return about
}

// row is MLflow's JSON of the assessment with the further member `record`.
func (h *Handler) row(record *store.Record, caller access.Caller) (json.RawMessage, error) {
	about, err := json.Marshal(h.about(record))
	if err != nil {
		return nil, err
	}
	rendered := h.settings.Render(record, caller)
	row := make(json.RawMessage, 0, len(rendered)+len(about)+len(`,"record":}`))
	row = append(row, rendered[:len(rendered)-1]...)
	row = append(row, `,"record":`...)
	row = append(row, about...)
	return append(row, '}'), nil
}

// newestFirst are the records in the order of their creation, which no change moves: a page that ends within a trace goes
// on there although the trace changed.
func newestFirst(records map[string]store.Record) []store.Record {
	return slices.SortedFunc(maps.Values(records), func(a, b store.Record) int {
		return positionOf(&a).compare(positionOf(&b))
	})
}

// position is where a record stands among those of its trace.
type position struct {
	created int64
	id      string
}

func positionOf(r *store.Record) position {
	return position{created: r.CreateTime.UnixMicro(), id: r.ID}
}

func (p position) compare(other position) int {
	return cmp.Or(cmp.Compare(other.created, p.created), cmp.Compare(p.id, other.id))
}
