// Package api answers MLflow's REST calls about one assessment: create, get, update and delete.
package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/records"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/request"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// Records keeps the assessments; *records.Service does.
type Records interface {
	Create(ctx context.Context, traceID string, a assessment.Assessment) (store.Record, error)
	Get(ctx context.Context, traceID, id string) (store.Record, error)
	Update(ctx context.Context, traceID, id string, patch records.Patch) (store.Record, error)
	Delete(ctx context.Context, traceID, id string) error
}

var _ Records = (*records.Service)(nil)

// Rights says what MLflow lets the context's caller do with a trace. The error is an *answer.Error.
type Rights interface {
	Check(ctx context.Context, traceID string, write bool) error
}

// Settings is what a Handler is made of.
type Settings struct {
	Records Records
	Rights  Rights
	// MaxBody bounds a request's body in bytes; default 1 MiB.
	MaxBody int64

	// prevent unkeyed literal initialization
	_ struct{}
}

// DefaultMaxBody is the bound of a request's body without another one.
const DefaultMaxBody = 1 << 20

// Handler answers the calls that Match finds.
type Handler struct {
	records Records
	rights  Rights
	maxBody int64
}

// New makes a Handler.
func New(set Settings) *Handler {
	h := &Handler{records: set.Records, rights: set.Rights, maxBody: set.MaxBody}
	if h.maxBody <= 0 {
		h.maxBody = DefaultMaxBody
	}
	return h
}

// Call is what a path is about: one assessment, or those of a trace.
type Call struct {
	// TraceID is 32 hex digits.
	TraceID string
	// AssessmentID is empty where the path ends in `assessments`.
	AssessmentID string
	// UI says that the path is the one of MLflow's web page.
	UI bool
}

// Match says whether a path, decoded once and without the server's prefix, is one of the assessment calls, on a trace
// whose id comes from OTLP. It looks at the decoded path because that is what MLflow's server routes by: a spelling
// that this would miss and MLflow would not, led around everything that is checked here.
func Match(path string) (Call, bool) {
	rest, ui := strings.CutPrefix(path, "/ajax-api/3.0/mlflow/traces/")
	if !ui {
		var program bool
		if rest, program = strings.CutPrefix(path, "/api/3.0/mlflow/traces/"); !program {
			return Call{}, false
		}
	}
	trace, rest, _ := strings.Cut(rest, "/")
	collection, id, one := strings.Cut(rest, "/")
	traceID, ok := mlflow.OTLPTraceID(trace)
	if !ok || collection != "assessments" || one && (id == "" || strings.Contains(id, "/")) {
		return Call{}, false
	}
	return Call{TraceID: traceID, AssessmentID: strings.ToValidUTF8(id, "\uFFFD"), UI: ui}, true
}

// Serve answers one call.
func (h *Handler) Serve(w http.ResponseWriter, r *http.Request, call Call) {
	caller := access.CallerOf(r.Context())
	if caller.Door = access.DoorAPI; call.UI {
		caller.Door = access.DoorUI
	}
	ctx := access.WithCaller(r.Context(), caller)
	serve, found := h.method(r.Method, call)
	if !found {
		refuseMethod(w, r, call)
		return
	}
	err := h.rights.Check(ctx, call.TraceID, r.Method != http.MethodGet && r.Method != http.MethodHead)
	if err != nil {
		answer.Refuse(w, err)
		return
	}
	body, err := serve(ctx, w, r, call)
	if err != nil {
		answer.Refuse(w, err)
		return
	}
	answer.JSON(w, body)
}

// serving answers a call with a body, in the context that knows the door.
type serving func(ctx context.Context, w http.ResponseWriter, r *http.Request, call Call) (any, error)

func (h *Handler) method(method string, call Call) (serving, bool) {
	one := call.AssessmentID != ""
	switch {
	case !one && method == http.MethodPost:
		return h.create, true
	case one && (method == http.MethodGet || method == http.MethodHead):
		return h.get, true
	case one && method == http.MethodPatch:
		return h.update, true
	case one && method == http.MethodDelete:
		return h.remove, true
	default:
		return nil, false
	}
}

// refuseMethod answers what MLflow's web framework answers.
func refuseMethod(w http.ResponseWriter, r *http.Request, call Call) {
	allow := "POST, OPTIONS"
	if call.AssessmentID != "" {
		allow = "GET, HEAD, PATCH, DELETE, OPTIONS"
	}
	w.Header().Set("Allow", allow)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.WriteHeader(http.StatusMethodNotAllowed)
	_, _ = io.WriteString(w, "<!doctype html>\n<title>405 Method Not Allowed</title>\n<h1>Method Not Allowed</h1>\n")
}

type assessmentAnswer struct {
	Assessment json.RawMessage `json:"assessment"`
}

func render(ctx context.Context, record *store.Record, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return assessmentAnswer{records.Render(record, access.CallerOf(ctx))}, nil
}

func (h *Handler) create(ctx context.Context, w http.ResponseWriter, r *http.Request, call Call) (any, error) {
	if err := checkContentType(r.Header); err != nil {
		return nil, err
	}
	body, err := h.body(w, r)
	if err != nil {
		return nil, err
	}
	a, err := request.Create(body)
	if err != nil {
		return nil, err
	}
	record, err := h.records.Create(ctx, call.TraceID, a)
	return render(ctx, &record, err)
}

func (h *Handler) get(ctx context.Context, _ http.ResponseWriter, _ *http.Request, call Call) (any, error) {
	record, err := h.records.Get(ctx, call.TraceID, call.AssessmentID)
	return render(ctx, &record, err)
}

// update does not look at the content type; MLflow does so for POST and PUT alone.
func (h *Handler) update(ctx context.Context, w http.ResponseWriter, r *http.Request, call Call) (any, error) {
	body, err := h.body(w, r)
	if err != nil {
		return nil, err
	}
	patch, err := request.Update(body)
	if err != nil {
		return nil, err
	}
	record, err := h.records.Update(ctx, call.TraceID, call.AssessmentID, patch)
	return render(ctx, &record, err)
}

// remove does not read the body, in which MLflow's client repeats the ids.
func (h *Handler) remove(ctx context.Context, _ http.ResponseWriter, _ *http.Request, call Call) (any, error) {
	return struct{}{}, h.records.Delete(ctx, call.TraceID, call.AssessmentID)
}

func checkContentType(header http.Header) error {
	values := header.Values("Content-Type")
	if len(values) == 0 {
		return answer.Invalid("Bad Request. Content-Type header is missing.")
	}
	if mediaType, _, _ := strings.Cut(values[0], ";"); mediaType != "application/json" {
		return answer.Invalid("Bad Request. Content-Type must be one of ['application/json'].")
	}
	return nil
}

func (h *Handler) body(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength > h.maxBody {
		return nil, &http.MaxBytesError{Limit: h.maxBody}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); err != nil && !tooLarge {
		return nil, &answer.Error{
			Status: http.StatusBadRequest, Code: answer.CodeBadRequest, Message: "The request's body cannot be read.",
		}
	}
	return body, err
}
