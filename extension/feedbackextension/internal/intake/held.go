package intake

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// heldVersion is that of the document that this build writes.
const heldVersion = 1

// heldBody is what is kept of a request whose span has not come: all that the assessment will be made of, and who asked.
// Credentials are no part of it.
type heldBody struct {
	Version    int             `json:"version"`
	Assessment json.RawMessage `json:"assessment"`
	Anonymous  bool            `json:"anonymous,omitempty"`
	SpanID     string          `json:"span_id,omitempty"`
	Kind       string          `json:"kind"`
	// ResponseID is what was looked for where that is part of the assessment; other values are not kept as text.
	ResponseID string    `json:"response_id,omitempty"`
	Caller     string    `json:"caller,omitempty"`
	Trusted    bool      `json:"trusted,omitempty"`
	Received   time.Time `json:"received"`
}

func encodeHeld(b *body, caller access.Caller, received time.Time) ([]byte, error) {
	held := heldBody{
		Version: heldVersion, Assessment: b.assessment, Anonymous: b.anonymous, SpanID: b.spanID, Kind: b.by.kind,
		Caller: caller.Name, Trusted: caller.Trusted, Received: received.UTC().Truncate(time.Millisecond),
	}
	if b.by.kind == store.KindResponseID {
		held.ResponseID = b.by.value
	}
	return json.Marshal(held)
}

var errHeldVersion = errors.New("held by a newer version")

func decodeHeld(text []byte) (*heldBody, error) {
	var held heldBody
	if err := json.Unmarshal(text, &held); err != nil {
		return nil, err
	}
	if held.Version != heldVersion {
		return nil, errHeldVersion
	}
	return &held, nil
}

// caller is who left the feedback.
func (h *heldBody) caller() access.Caller {
	return access.Caller{Name: h.Caller, Trusted: h.Trusted, Door: access.DoorLookup, Change: mlflow.ActCreate}
}

// parse is the assessment to be, as of the time at which it was given.
func (h *heldBody) parse(id string) (assessment.Assessment, error) {
	b := body{
		assessment: h.Assessment, anonymous: h.Anonymous, spanID: h.SpanID, by: reference{h.Kind, h.ResponseID},
	}
	a, err := b.parse()
	if err != nil {
		return a, err
	}
	a.ID = id
	for _, t := range []*time.Time{&a.CreateTime, &a.UpdateTime} {
		if t.IsZero() {
			*t = h.Received
		}
	}
	return a, nil
}
