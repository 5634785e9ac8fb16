package records

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// The reasons of a change that came in here.
const (
	reasonUpdated    = "updated"
	reasonOverridden = "overridden"
	reasonDeleted    = "deleted"
	reasonRestored   = "restored"
)

// Create adds an assessment to a trace, with a's id if it has one. The one that it overrides, if any, is no longer
// valid.
func (s *Service) Create(ctx context.Context, traceID string, a assessment.Assessment) (store.Record, error) {
	caller := access.CallerOf(ctx)
	a.TraceID, a.Invalid = traceID, false
	if a.Kind != assessment.KindFeedback {
		a.Overrides = "" // as MLflow: neither expectations nor issue references override
	}
	a.Verdict = verdictOf(&a)
	Bind(&a, caller)
	derived := a.ID == ""
	if derived {
		a.ID = newID(&a, caller)
	}
	if err := checkRow(&a); err != nil {
		return store.Record{}, err
	}
	ids := []string{a.ID}
	if a.Overrides != "" {
		ids = append(ids, a.Overrides)
	}
	var created store.Record
	err := s.change(ctx, traceID, nil, func(d *draft) error {
		if err := d.expect(s.acceptUnknown); err != nil {
			return err
		}
		var err error
		created, err = d.create(a, derived)
		return err
	}, ids...)
	return created, err
}

// expect sees to it that the trace is known, or may be waited for.
func (d *draft) expect(acceptUnknown bool) error {
	switch {
	case d.Known:
		return nil
	case d.there == nil:
		return errLacking
	case d.there.found:
		return nil
	case acceptUnknown:
		d.Pending = true
		return nil
	case d.there.err != nil:
		return d.there.err
	default:
		return answer.NotFound("Trace with ID '" + mlflow.TraceID(d.TraceID) + "' not found.")
	}
}

func (d *draft) create(a assessment.Assessment, derived bool) (store.Record, error) {
	if a.Overrides != "" {
		if _, err := d.find(a.Overrides); err != nil {
			if d.Pending && d.there.err == nil {
				err = noAssessment(d.TraceID, a.Overrides)
			}
			return store.Record{}, err
		}
	}
	if a.CreateTime.IsZero() {
		a.CreateTime = d.Now.Truncate(time.Millisecond)
	}
	if a.UpdateTime.IsZero() {
		a.UpdateTime = d.Now.Truncate(time.Millisecond)
	}
	record := store.Record{
		Assessment: a, Author: author(d.caller, a.Source), Door: d.door(), Touched: !a.Source.Type.Automated(),
	}
	if old, taken := d.Records[a.ID]; taken {
		visible := Visible(&old, d.backend)
		switch {
		case visible && derived:
			return old, nil // the same request once more, whose answer was lost
		case derived:
			record.ID = randomID()
		case visible || old.Source != a.Source || old.Kind != a.Kind || old.SpanID != a.SpanID:
			// Where the deleted row still stands in MLflow, source, kind and span could not become the new ones.
			return store.Record{}, duplicate(d.TraceID)
		default:
			record = d.restore(old, a)
		}
	}
	if err := d.Put(record); err != nil {
		return store.Record{}, err
	}
	return record, d.setInvalid(&record, true, reasonOverridden)
}

// restore is a deleted record that is made once more. Its row may stand in MLflow or not; what was last delivered tells
// the two apart.
func (d *draft) restore(record store.Record, next assessment.Assessment) store.Record {
	d.replace(&record, next, author(d.caller, next.Source), reasonRestored)
	record.Deleted = time.Time{}
	if delivery, known := record.Backends[d.backend]; known {
		delivery.State, delivery.Attempts, delivery.Reason = store.DeliveryPending, 0, ""
		d.setDelivery(&record, delivery)
	}
	return record
}

// setInvalid marks the one that record overrides, if any. Its content and its delivery stay: the override itself brings
// the mark to MLflow.
func (d *draft) setInvalid(record *store.Record, invalid bool, reason string) error {
	original, found := d.Records[record.Overrides]
	if !found || !Visible(&original, d.backend) || original.Invalid == invalid {
		return nil
	}
	next := original.Assessment
	next.Invalid = invalid
	d.replace(&original, next, record.Author, reason)
	return d.Put(original)
}

func duplicate(traceID string) error {
	return &answer.Error{
		Status: http.StatusInternalServerError, Code: answer.CodeInternal,
		Message: "Failed to create assessment for trace '" + mlflow.TraceID(traceID) + "' due to a constraint violation.",
	}
}

const maxID = 256

// checkRow refuses what Redis cannot keep.
func checkRow(a *assessment.Assessment) error {
	switch {
	case a.ID == "" || len(a.ID) > maxID || a.ID == "subject" || strings.HasPrefix(a.ID, "."):
		return answer.Invalid("Invalid value for field 'assessment.assessment_id': it must have at most 256 bytes, " +
			"not begin with a dot and not be 'subject'.")
	case a.Name == "":
		return errNoName
	case a.SpanID != "" && !isSpanID(a.SpanID):
		return answer.Invalid("Invalid value for field 'assessment.span_id': it must be 16 lower-case hexadecimal digits.")
	default:
		return nil
	}
}

var errNoName = answer.Invalid("Invalid value for field 'assessment.assessment_name': it must not be empty.")

func isSpanID(id string) bool {
	if len(id) != 16 {
		return false
	}
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func randomID() string {
	var random [16]byte
	_, _ = rand.Read(random[:])
	return "a-" + hex.EncodeToString(random[:])
}

// verdictOf is what a value alone says.
func verdictOf(a *assessment.Assessment) assessment.Verdict {
	if a.Kind == assessment.KindFeedback && (a.Value == assessment.True || a.Value == assessment.False) {
		return assessment.VerdictOf(a.Value == assessment.True)
	}
	return assessment.VerdictNone
}
