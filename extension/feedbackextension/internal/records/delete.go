package records

import (
	"context"
	"errors"
	"net/http"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// Delete removes an assessment for readers; a tombstone keeps it from coming back. What it overrode is valid again,
// even if another one overrides it too. One that does not exist is no error.
func (s *Service) Delete(ctx context.Context, traceID, id string) error {
	err := s.change(ctx, traceID, nil, func(d *draft) error {
		record, err := d.find(id)
		if err != nil {
			return err
		}
		return d.remove(record)
	})
	var refused *answer.Error
	if errors.As(err, &refused) && refused.Status == http.StatusNotFound {
		return nil
	}
	return err
}

func (d *draft) remove(record store.Record) error {
	d.replace(&record, record.Assessment, author(d.caller, record.Source), reasonDeleted)
	record.Deleted = d.Now
	d.claim(&record)
	if err := d.Put(record); err != nil {
		return err
	}
	return d.setInvalid(&record, false, reasonRestored)
}
