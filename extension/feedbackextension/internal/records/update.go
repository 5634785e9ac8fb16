package records

import (
	"context"
	"maps"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// Patch is what an update changes; nil fields stay.
type Patch struct {
	Name *string
	// Feedback replaces value and error.
	Feedback *Feedback
	// Expectation is the new value of an expectation.
	Expectation *assessment.Value
	Rationale   *string
	// Metadata is merged: a key cannot be removed.
	Metadata map[string]string
}

// Feedback is the value and the error of a feedback.
type Feedback struct {
	Value assessment.Value
	Error *assessment.Error
}

// Update changes an assessment. Source, span, trace, kind, times of creation and what it overrides never change.
func (s *Service) Update(ctx context.Context, traceID, id string, patch Patch) (store.Record, error) {
	var updated store.Record
	err := s.change(ctx, traceID, nil, func(d *draft) error {
		record, err := d.find(id)
		if err != nil {
			return err
		}
		updated, err = d.update(record, patch)
		return err
	})
	return updated, err
}

func (d *draft) update(record store.Record, patch Patch) (store.Record, error) {
	if err := mayChange(&record, d.caller); err != nil {
		return record, err
	}
	if err := patch.fits(record.Kind); err != nil {
		return record, err
	}
	next := patch.applied(&record.Assessment)
	next.UpdateTime = d.Now.Truncate(time.Millisecond)
	if same(&next, &record.Assessment) {
		record.UpdateTime = next.UpdateTime
	} else {
		d.replace(&record, next, author(d.caller, next.Source), reasonUpdated)
		d.claim(&record)
	}
	return record, d.Put(record)
}

// fits refuses a patch for another kind of assessment, in MLflow's words and order.
func (p *Patch) fits(kind assessment.Kind) error {
	switch {
	case p.Expectation != nil && p.Feedback != nil:
		return answer.Invalid("Cannot specify both `expectation` and `feedback` parameters.")
	case p.Expectation != nil && kind != assessment.KindExpectation:
		return answer.Invalid("Cannot update expectation value on a Feedback assessment.")
	case p.Feedback != nil && kind != assessment.KindFeedback:
		return answer.Invalid("Cannot update feedback value on an Expectation assessment.")
	case kind == assessment.KindIssue:
		return answer.Invalid("An issue reference cannot be updated; delete it and create another one.")
	case p.Name != nil && *p.Name == "":
		return errNoName
	default:
		return nil
	}
}

func (p *Patch) applied(old *assessment.Assessment) assessment.Assessment {
	next := *old
	if p.Name != nil {
		next.Name = *p.Name
	}
	if p.Feedback != nil {
		next.Value, next.Error = p.Feedback.Value, p.Feedback.Error
	}
	if p.Expectation != nil {
		next.Value = *p.Expectation
	}
	if p.Rationale != nil {
		next.Rationale = *p.Rationale
	}
	if next.Value != old.Value {
		next.Verdict = verdictOf(&next)
	}
	if len(p.Metadata) > 0 {
		next.Metadata = maps.Clone(old.Metadata)
		if next.Metadata == nil {
			next.Metadata = make(map[string]string, len(p.Metadata))
		}
		maps.Copy(next.Metadata, p.Metadata)
		LiftFingerprint(&next)
	}
	return next
}

// LiftFingerprint moves an evaluator's fingerprint from the metadata, where MLflow's API has it, to its own field. An
// empty one is none, and stays where it is.
func LiftFingerprint(a *assessment.Assessment) {
	fingerprint, found := a.Metadata[assessment.MetadataFingerprint]
	if !found {
		return
	}
	a.Fingerprint = fingerprint
	if fingerprint != "" {
		delete(a.Metadata, assessment.MetadataFingerprint)
	}
}

// same compares what a patch can change.
func same(a, b *assessment.Assessment) bool {
	sameError := a.Error == b.Error || a.Error != nil && b.Error != nil && *a.Error == *b.Error
	return sameError && a.Name == b.Name && a.Value == b.Value && a.Rationale == b.Rationale &&
		a.Fingerprint == b.Fingerprint && maps.Equal(a.Metadata, b.Metadata)
}
