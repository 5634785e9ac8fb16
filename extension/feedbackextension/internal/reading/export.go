package reading

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

const (
	shapeAssessments = "assessments"
	shapeCorrections = "corrections"
	contentRequired  = "required"
	contentIfKept    = "if_kept"
)

// export is a request for examples.
type export struct {
	filter      filter
	corrections bool
	// required leaves out what no content was kept of.
	required bool
	caller   access.Caller
}

// subject is what an example is about. Prompt and answer are there where they were kept.
type subject struct {
	TraceID string `json:"trace_id"`
	SpanID  string `json:"span_id,omitempty"`
	Prompt  string `json:"prompt,omitempty"`
	Answer  string `json:"answer,omitempty"`
	// ContentCut says that prompt or answer are not whole.
	ContentCut bool `json:"content_cut,omitempty"`
}

// fill adds the trace and what was kept of the span; of a trace as a whole that is the content of its root, or of its one
// span.
func (s *subject) fill(traceID string, kept map[string]store.Content) {
	s.TraceID = mlflow.TraceID(traceID)
	content, found := kept[s.SpanID]
	if !found && s.SpanID == "" {
		for _, one := range kept {
			if one.Root || len(kept) == 1 {
				content = one
			}
		}
	}
	s.Prompt, s.Answer, s.ContentCut = content.Question, content.Answer, content.Cut
}

func (s *subject) hasContent() bool { return s.Prompt != "" || s.Answer != "" }

// example is one line of an export, of either shape.
type example interface{ about() *subject }

// assessed is an example in the shape `assessments`.
type assessed struct {
	subject

	Assessment json.RawMessage `json:"assessment"`
}

func (a *assessed) about() *subject { return &a.subject }

// Export answers GET /feedback/v1/export to admins: JSON lines for training and alignment.
func (h *Handler) Export(w http.ResponseWriter, r *http.Request) {
	err := h.settings.Admins.Admin(r.Context())
	if err != nil {
		answer.Refuse(w, err)
		return
	}
	e, err := readExport(r)
	if err != nil {
		answer.Refuse(w, err)
		return
	}
	h.stream(w, r, func(ctx context.Context, out *lines) error { return h.export(ctx, e, out) })
}

func readExport(r *http.Request) (*export, error) {
	q := newQuery(r.URL.RawQuery, append(slices.Clone(filters), "shape", "content")...)
	e := &export{
		filter:      q.filter(),
		corrections: q.oneOf("shape", shapeAssessments, shapeCorrections) == shapeCorrections,
		required:    q.oneOf("content", contentIfKept, contentRequired) == contentRequired,
		caller:      access.CallerOf(r.Context()),
	}
	if e.corrections {
		for _, name := range []string{"kind", "source_type", "source_id", "valid"} {
			if q.values.Has(name) {
				q.refuse(name, "is not for corrections")
			}
		}
	}
	return e, q.err
}

func (h *Handler) export(ctx context.Context, e *export, out *lines) error {
	return h.each(ctx, store.Place{}, e.filter.since, func(trace store.Visit, records map[string]store.Record) (bool, error) {
		examples, err := h.examples(e, records)
		if err != nil || len(examples) == 0 {
			return true, err
		}
		kept, err := h.settings.Store.Content(ctx, trace.TraceID)
		if err != nil {
			return false, unavailable(err)
		}
		for _, one := range examples {
			one.about().fill(trace.TraceID, kept)
			if e.required && !one.about().hasContent() {
				continue
			}
			line, err := json.Marshal(one)
			if err != nil {
				return false, err
			}
			if err := out.add(line); err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

func (h *Handler) examples(e *export, records map[string]store.Record) ([]example, error) {
	visible := newestFirst(records)
	visible = slices.DeleteFunc(visible, func(r store.Record) bool { return !h.visible(&r) })
	var found []example
	if e.corrections {
		for _, c := range corrections(visible) {
			if c.takenBy(&e.filter) {
				found = append(found, c)
			}
		}
		return found, nil
	}
	for i := range visible {
		if !e.filter.takes(&visible[i]) {
			continue
		}
		row, err := h.row(&visible[i], e.caller)
		if err != nil {
			return nil, err
		}
		found = append(found, &assessed{subject: subject{SpanID: visible[i].SpanID}, Assessment: row})
	}
	return found, nil
}
