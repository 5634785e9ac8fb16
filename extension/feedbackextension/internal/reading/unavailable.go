package reading

import (
	"errors"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
)

// retryAfter is when a Redis that did not answer is worth another try.
const retryAfter = 5 * time.Second

// unavailable is what a caller is told of an error of the store, whose text names addresses.
func unavailable(err error) error {
	return errors.Join(answer.Unavailable("Redis does not answer now.", retryAfter), err)
}
