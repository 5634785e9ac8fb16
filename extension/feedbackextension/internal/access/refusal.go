package access

import (
	"errors"
	"net/http"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
)

// refusal is what a caller is answered for MLflow's error.
func refusal(err error) error {
	if err == nil {
		return nil
	}
	var e *mlflow.Error
	switch {
	case !errors.As(err, &e):
		return unavailable(err)
	case e.Status == http.StatusUnauthorized:
		return answer.Unauthenticated("MLflow does not know these credentials", e.Challenge)
	case e.Denied():
		return answer.Denied("MLflow does not let you do this, or the trace does not exist")
	case mlflow.ClassOf(err) == mlflow.ClassNotFound:
		return answer.NotFound(e.Message)
	case mlflow.ClassOf(err) == mlflow.ClassPermanent && e.Status/100 == 4 && e.Code != "":
		return &answer.Error{Status: e.Status, Code: e.Code, Message: e.Message}
	default:
		return unavailable(err)
	}
}

func unavailable(err error) error {
	return answer.Unavailable("MLflow does not answer, so it is not known what you may do", max(retryAfter, mlflow.RetryAfterOf(err)))
}

// hides reports whether a refusal may mean that MLflow does not have the trace.
func hides(err error) bool {
	return status(err) == http.StatusForbidden || status(err) == http.StatusNotFound
}

func status(err error) int {
	var e *answer.Error
	if !errors.As(err, &e) {
		return 0
	}
	return e.Status
}
