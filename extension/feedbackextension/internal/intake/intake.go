package intake

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/records"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// MetadataOtherTraces names the traces, beside the one that was taken, that had the value which the feedback named.
const MetadataOtherTraces = "feedback.other_traces"

// maxOtherTraces bounds what is named.
const maxOtherTraces = 10

// Store is where spans are found by values, and where feedback waits for them. *store.Store is one.
type Store interface {
	Resolve(ctx context.Context, of store.Digest) ([]store.Match, error)
	Hold(ctx context.Context, of store.Digest, held store.Held, wait time.Duration) ([]store.Match, error)
}

var _ Store = (*store.Store)(nil)

// Creator makes assessments and reads them; refusals are *answer.Error. *records.Service is one.
type Creator interface {
	Create(ctx context.Context, traceID string, a assessment.Assessment) (store.Record, error)
	Get(ctx context.Context, traceID, id string) (store.Record, error)
}

var _ Creator = (*records.Service)(nil)

// Rights says what the context's caller may do; refusals are *answer.Error.
type Rights interface {
	Check(ctx context.Context, traceID string, write bool) error
	// CheckUnknown returns nil where the caller may leave feedback about a trace that nobody knows yet.
	CheckUnknown(ctx context.Context) error
}

// Limiter bounds how often a caller may do something. *access.Limiter is one.
type Limiter interface {
	Allow(key string) (ok bool, retryAfter time.Duration)
}

var _ Limiter = (*access.Limiter)(nil)

// Settings is what a Handler is made of.
type Settings struct {
	Config Config
	Store  Store
	// Named makes the assessments of traces that callers name.
	Named Creator
	// Indexed makes those of traces that spans have passed of: they exist, whether or not MLflow has them yet.
	Indexed Creator
	Rights  Rights
	Limiter Limiter
	// Wait is how long feedback waits for its span.
	Wait time.Duration
	Now  func() time.Time

	// prevent unkeyed literal initialization
	_ struct{}
}

// Handler answers POST /feedback/v1/feedback.
type Handler struct {
	settings Settings
}

var _ http.Handler = (*Handler)(nil)

// New makes a handler.
func New(settings Settings) *Handler { return &Handler{settings: settings} }

// pending is the answer to feedback that waits.
type pending struct {
	Status string `json:"status"`
	ID     string `json:"assessment_id"`
}

// ServeHTTP implements http.Handler: 200 with the assessment, or 202 where it waits for its span.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	record, waits, err := h.take(w, r)
	switch {
	case err != nil:
		answer.Refuse(w, err)
	case waits != "":
		answer.Accepted(w, pending{Status: "pending", ID: waits})
	default:
		answer.JSON(w, struct {
			Assessment json.RawMessage `json:"assessment"`
		}{records.Render(&record, access.CallerOf(r.Context()))})
	}
}

// take is the way of a request: either a record comes of it, or the id of what waits.
func (h *Handler) take(w http.ResponseWriter, r *http.Request) (record store.Record, waits string, err error) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return record, "", &answer.Error{
			Status: http.StatusMethodNotAllowed, Code: answer.CodeEndpointNotFound, Message: "Only POST is allowed here",
		}
	}
	ctx := r.Context()
	caller := access.CallerOf(ctx)
	if ok, retryAfter := h.settings.Limiter.Allow(access.LimitKey(caller, r.RemoteAddr)); !ok {
		return record, "", &answer.Error{
			Status: http.StatusTooManyRequests, Code: answer.CodeTooMany, RetryAfter: max(time.Second, retryAfter),
			Message: "This caller gives feedback more often than `lookup::rate` allows",
		}
	}
	text, err := h.read(w, r)
	if err != nil {
		return record, "", err
	}
	b, err := parseBody(text)
	if err != nil {
		return record, "", err
	}
	a, err := b.parse()
	if err != nil {
		return record, "", err
	}
	if b.traceID != "" {
		record, err = h.create(ctx, h.settings.Named, b.traceID, a)
		return record, "", err
	}
	return h.lookup(ctx, b, a)
}

// read is the body, which must say that it is JSON: what a foreign page may send without being asked does not.
func (h *Handler) read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "application/json") {
		return nil, &answer.Error{
			Status: http.StatusBadRequest, Code: answer.CodeBadRequest, Message: "Content-Type must be application/json",
		}
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(h.settings.Config.MaxBodySize)))
	var tooLarge *http.MaxBytesError
	if err != nil && !errors.As(err, &tooLarge) {
		return nil, &answer.Error{
			Status: http.StatusBadRequest, Code: answer.CodeBadRequest, Message: "The body ends early",
		}
	}
	return text, err
}

// lookup finds the trace, or holds the feedback. Between a search without result and the holding a span may pass: the
// store then says so.
func (h *Handler) lookup(ctx context.Context, b *body, a assessment.Assessment) (store.Record, string, error) {
	matches, err := h.settings.Store.Resolve(ctx, b.by.digest())
	if err != nil {
		return store.Record{}, "", unavailable()
	}
	if len(matches) == 0 {
		if err := h.settings.Rights.CheckUnknown(ctx); err != nil {
			return store.Record{}, "", err
		}
		if a.ID == "" {
			a.ID = newID()
		}
		if matches, err = h.hold(ctx, b, a.ID); err != nil {
			return store.Record{}, "", err
		}
		if len(matches) == 0 {
			return store.Record{}, a.ID, nil
		}
	}
	if matches, err = h.allowed(ctx, matches); err != nil {
		return store.Record{}, "", err
	}
	record, err := createOnce(ctx, h.settings.Indexed, settle(&a, matches), a)
	return record, "", err
}

// allowed are the matches whose traces the caller may give feedback on. Where there are none, the refusal is that of a
// value that nobody has seen: it tells nothing of others' traces.
func (h *Handler) allowed(ctx context.Context, matches []store.Match) ([]store.Match, error) {
	var own []store.Match
	verdicts := map[string]error{}
	var refused error
	for _, match := range matches {
		err, known := verdicts[match.TraceID]
		if !known {
			if len(verdicts) > maxOtherTraces {
				break
			}
			err = h.settings.Rights.Check(ctx, match.TraceID, true)
			verdicts[match.TraceID] = err
		}
		switch code := status(err); {
		case err == nil:
			own = append(own, match)
		case code == http.StatusForbidden, code == http.StatusNotFound:
			refused = err
		default:
			return nil, err
		}
	}
	if len(own) > 0 {
		return own, nil
	}
	if err := h.settings.Rights.CheckUnknown(ctx); err != nil {
		return nil, err
	}
	return nil, refused
}

func (h *Handler) hold(ctx context.Context, b *body, id string) ([]store.Match, error) {
	content, err := encodeHeld(b, access.CallerOf(ctx), h.settings.Now())
	if err != nil {
		return nil, err
	}
	matches, err := h.settings.Store.Hold(ctx, b.by.digest(), store.Held{ID: id, Content: content}, h.settings.Wait)
	switch {
	case err == nil:
		return matches, nil
	case errors.Is(err, store.ErrHeldID):
		return nil, answer.Invalid("'assessment_id' must have 1 to 256 bytes, not begin with a dot and not be 'subject'")
	case errors.Is(err, store.ErrTooManyPending):
		return nil, &answer.Error{
			Status: http.StatusTooManyRequests, Code: answer.CodeExhausted, RetryAfter: retryPending,
			Message: "As much feedback about spans that have not arrived waits as may",
		}
	default:
		return nil, unavailable()
	}
}

// The waits that refused callers are told.
const (
	retryStore   = 2 * time.Second
	retryPending = 30 * time.Second
)

func unavailable() error {
	return answer.Unavailable("The store of assessments does not answer", retryStore)
}

// create makes the assessment; one that was made with the caller's id before is answered as it is.
func (h *Handler) create(ctx context.Context, creator Creator, traceID string, a assessment.Assessment) (store.Record, error) {
	if err := h.settings.Rights.Check(ctx, traceID, true); err != nil {
		return store.Record{}, err
	}
	return createOnce(ctx, creator, traceID, a)
}

func createOnce(ctx context.Context, creator Creator, traceID string, a assessment.Assessment) (store.Record, error) {
	record, err := creator.Create(ctx, traceID, a)
	if a.ID == "" || status(err) != http.StatusInternalServerError { // MLflow's answer to an id that is taken
		return record, err
	}
	if there, getErr := creator.Get(ctx, traceID, a.ID); getErr == nil {
		return there, nil
	}
	return record, err
}

// status is the HTTP status of a refusal, 0 of anything else.
func status(err error) int {
	var refusal *answer.Error
	if !errors.As(err, &refusal) {
		return 0
	}
	return refusal.Status
}

// settle takes the latest of the spans that were found, names the others' traces, and returns the trace.
func settle(a *assessment.Assessment, matches []store.Match) (traceID string) {
	traceID = matches[0].TraceID
	if a.SpanID == "" {
		a.SpanID = matches[0].SpanID
	}
	named := map[string]bool{traceID: true}
	var others []string
	for _, match := range matches[1:] {
		if !named[match.TraceID] && len(others) < maxOtherTraces {
			named[match.TraceID] = true
			others = append(others, mlflow.TraceID(match.TraceID))
		}
	}
	if len(others) > 0 {
		if a.Metadata == nil {
			a.Metadata = map[string]string{}
		}
		a.Metadata[MetadataOtherTraces] = strings.Join(others, ",")
	}
	return traceID
}

// newID is an id as MLflow makes them.
func newID() string {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	return "a-" + hex.EncodeToString(random[:])
}
