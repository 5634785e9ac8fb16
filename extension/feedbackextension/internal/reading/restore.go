package reading

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

const (
	// restoreStep is how many traces are looked at in one round trip, maxRestored in one request.
	restoreStep = 500
	maxRestored = 5000
)

// restoring is the command.
type restoring struct {
	Since     *time.Time `json:"since"`
	Withdrawn bool       `json:"withdrawn"`
	// Continue is what the previous answer gave.
	Continue string `json:"continue"`
}

// restored is how far one request came.
type restored struct {
	// Traces are due again; Assessments of them are to be delivered again where they are missing.
	Traces      int `json:"traces"`
	Assessments int `json:"assessments"`
	// Continue is there if more traces follow.
	Continue string `json:"continue,omitempty"`
	// QueueFull says that the next request should wait for the delivery: half of the queue is taken.
	QueueFull bool `json:"queue_full,omitempty"`
}

// Restore answers POST /feedback/v1/restore to admins: after MLflow came back from a backup, everything of the traces
// that changed since a time is delivered once more where it is missing there or older than it was. What is there is left
// as it is, so that a second call is harmless. Large numbers take several calls, each with the last one's `continue`.
//
// A whole trace that MLflow lost waits for `trace_wait`, as one that has not arrived: its spans must be sent again.
func (h *Handler) Restore(w http.ResponseWriter, r *http.Request) {
	err := h.settings.Admins.Admin(r.Context())
	if err != nil {
		answer.Refuse(w, err)
		return
	}
	done, err := h.restore(r)
	if err != nil {
		answer.Refuse(w, err)
		return
	}
	answer.JSON(w, done)
}

func (h *Handler) restore(r *http.Request) (*restored, error) {
	if h.settings.Backend == "" {
		return nil, answer.Invalid("There is no tracking backend to restore.")
	}
	command, err := readRestoring(r.Body)
	if err != nil {
		return nil, err
	}
	question := command.question()
	from, err := parseCursor(command.Continue, question)
	if err != nil {
		return nil, err
	}
	done, place := &restored{}, from.place
	for looked := 0; ; {
		step, err := h.settings.Store.Restore(r.Context(), h.settings.Backend, store.Restore{
			Since: *command.Since, Withdrawn: command.Withdrawn, Limit: restoreStep,
		}, place)
		if err != nil {
			return nil, unavailable(err)
		}
		done.Traces += step.Traces
		done.Assessments += step.Assessments
		done.QueueFull = step.Full
		place = step.Place
		looked += restoreStep
		if !step.More {
			break
		}
		if step.Full || looked >= maxRestored {
			done.Continue = (&cursor{place: place}).token(question)
			break
		}
	}
	h.settings.Logger.Info("delivered assessments are to be delivered again where they are missing",
		zap.Time("since", *command.Since), zap.Bool("withdrawn", command.Withdrawn), zap.Int("traces", done.Traces),
		zap.Int("assessments", done.Assessments), zap.Bool("more", done.Continue != ""),
		zap.String("by", access.CallerOf(r.Context()).Name))
	return done, nil
}

func readRestoring(body io.Reader) (*restoring, error) {
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	var command restoring
	err := decoder.Decode(&command)
	if err == nil && decoder.Decode(&struct{}{}) != io.EOF {
		err = errors.New("more than one document")
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, err
	case err != nil:
		return nil, answer.Invalid(`The body must be JSON such as {"since": "2026-01-31T12:00:00Z", "withdrawn": false}.`)
	case command.Since == nil:
		return nil, answer.Invalid("Missing value for required parameter 'since'")
	}
	return &command, nil
}

// question is what a `continue` belongs to.
func (c *restoring) question() string {
	text := "restore " + c.Since.UTC().Format(time.RFC3339Nano)
	if c.Withdrawn {
		text += " withdrawn"
	}
	return text
}
