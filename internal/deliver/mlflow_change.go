package deliver

import (
	"context"
	"maps"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
)

// update changes a row, unless somebody else did since it was read.
func (m *MLflow) update(ctx context.Context, w Write) (Result, error) {
	if result, err := m.unchanged(ctx, w); err != nil || result.Err != nil {
		return result, err
	}
	updated, err := m.client.UpdateAssessment(ctx, wire(w, w.ID), mask(merged(w.Form, w.rowForm), w.rowForm))
	if err != nil {
		return failed(err)
	}
	return answeredRow(w, updated)
}

// mask names the fields in which two forms differ.
func mask(ours, row assessment.Assessment) []string {
	var fields []string
	if ours.Name != row.Name {
		fields = append(fields, mlflow.MaskName)
	}
	if ours.Value != row.Value || !sameError(ours.Error, row.Error) {
		if ours.Kind == assessment.KindExpectation {
			fields = append(fields, mlflow.MaskExpectation)
		} else {
			fields = append(fields, mlflow.MaskFeedback)
		}
	}
	if ours.Rationale != row.Rationale {
		fields = append(fields, mlflow.MaskRationale)
	}
	if !maps.Equal(ours.Metadata, row.Metadata) {
		fields = append(fields, mlflow.MaskMetadata)
	}
	return fields
}

// remove deletes a row, unless somebody changed it since it was read.
func (m *MLflow) remove(ctx context.Context, w Write) (Result, error) {
	if result, err := m.unchanged(ctx, w); err != nil || result.Err != nil {
		return result, err
	}
	if err := m.client.DeleteAssessment(ctx, mlflow.TraceID(w.Record.TraceID), w.ID); err != nil {
		return failed(err)
	}
	return Result{}, nil
}

// unchanged reads the row once more right before it is written: the server knows no precondition.
func (m *MLflow) unchanged(ctx context.Context, w Write) (Result, error) {
	there, err := m.client.GetAssessment(ctx, mlflow.TraceID(w.Record.TraceID), w.ID)
	if err != nil {
		return failed(err)
	}
	row, ok := there.ToAssessment(w.Record.TraceID)
	if !ok {
		return Result{Err: errChanged}, nil
	}
	form, err := hold(&row)
	if err == nil && digest(form) == w.rowDigest {
		return Result{}, nil
	}
	return Result{Err: errChanged}, nil
}
