package reading

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

const (
	defaultLimit = 100
	maxLimit     = 1000
	// maxPageBytes and maxPageTraces bound a page besides its limit: it may be short although more follow.
	maxPageBytes  = 8 << 20
	maxPageTraces = 5000

	contentTypeLines = "application/x-ndjson"
	formatLines      = "jsonl"
)

// list is a request for assessments.
type list struct {
	filter  filter
	traceID string
	caller  access.Caller
}

// page is an answer with assessments.
type page struct {
	Assessments []json.RawMessage `json:"assessments"`
	// Next is there unless this is the last page.
	Next string `json:"next_page_token,omitempty"`
}

// List answers GET /feedback/v1/assessments: a page of what the filters take, or all of it as JSON lines. Traces come
// newest change first, and at the end those that moved meanwhile; of a trace, the newest assessment comes first. Without
// `trace_id` it is for admins.
func (h *Handler) List(w http.ResponseWriter, r *http.Request) {
	if err := h.list(w, r); err != nil {
		answer.Refuse(w, err)
	}
}

func (h *Handler) list(w http.ResponseWriter, r *http.Request) error {
	q := newQuery(r.URL.RawQuery, append(slices.Clone(filters), "trace_id", "limit", "page_token", "format")...)
	l := list{filter: q.filter(), caller: access.CallerOf(r.Context())}
	limit := q.number("limit", defaultLimit, maxLimit)
	asLines := q.oneOf("format", "json", formatLines) == formatLines ||
		!q.values.Has("format") && strings.Contains(r.Header.Get("Accept"), contentTypeLines)
	if asLines && (q.values.Has("limit") || q.values.Has("page_token")) {
		q.refuse("limit", "and page_token are for pages, not for JSON lines")
	}
	if q.err != nil {
		return q.err
	}
	if err := h.mayList(r.Context(), q.values.Get("trace_id"), &l); err != nil {
		return err
	}
	if asLines {
		h.stream(w, r, func(ctx context.Context, out *lines) error { return h.listLines(ctx, &l, out) })
		return nil
	}
	question := q.without("limit", "page_token", "format")
	from, err := parseCursor(q.values.Get("page_token"), question)
	if err != nil {
		return err
	}
	found, next, err := h.page(r.Context(), &l, from, limit)
	if err != nil {
		return err
	}
	if next != nil {
		found.Next = next.token(question)
	}
	answer.JSON(w, found)
	return nil
}

func (h *Handler) mayList(ctx context.Context, id string, l *list) error {
	if id == "" {
		return h.settings.Admins.Admin(ctx)
	}
	traceID, ok := traceIDOf(id)
	if !ok {
		return unknownTrace(id)
	}
	l.traceID = traceID
	return h.settings.Rights.Check(ctx, traceID, false)
}

// traces visits the traces that the list is about.
func (h *Handler) traces(ctx context.Context, l *list, from store.Place, visit visitor) error {
	if l.traceID == "" {
		return h.each(ctx, from, l.filter.since, visit)
	}
	records, err := h.load(ctx, l.traceID)
	if err != nil {
		return err
	}
	_, err = visit(store.Visit{TraceID: l.traceID}, records)
	return err
}

// page collects rows until one of the bounds; next is nil behind the last one.
func (h *Handler) page(ctx context.Context, l *list, from cursor, limit int) (found page, next *cursor, err error) {
	found.Assessments = []json.RawMessage{}
	size, traces := 0, 0
	err = h.traces(ctx, l, from.place, func(trace store.Visit, records map[string]store.Record) (bool, error) {
		if traces == maxPageTraces {
			next = &cursor{place: trace.Before}
			return false, nil
		}
		traces++
		var last position
		if trace.TraceID == from.traceID {
			last = from.after
		}
		for _, record := range newestFirst(records) {
			at := positionOf(&record)
			if last != (position{}) && at.compare(last) <= 0 || !h.visible(&record) || !l.filter.takes(&record) {
				continue
			}
			if len(found.Assessments) == limit || size > maxPageBytes {
				next = &cursor{place: trace.Before, traceID: trace.TraceID, after: last}
				return false, nil
			}
			row, err := h.row(&record, l.caller)
			if err != nil {
				return false, err
			}
			found.Assessments = append(found.Assessments, row)
			size += len(row)
			last = at
		}
		return true, nil
	})
	return found, next, err
}

func (h *Handler) listLines(ctx context.Context, l *list, out *lines) error {
	return h.traces(ctx, l, store.Place{}, func(_ store.Visit, records map[string]store.Record) (bool, error) {
		for _, record := range newestFirst(records) {
			if !h.visible(&record) || !l.filter.takes(&record) {
				continue
			}
			row, err := h.row(&record, l.caller)
			if err != nil {
				return false, err
			}
			if err := out.add(row); err != nil {
				return false, err
			}
		}
		return true, nil
	})
}
