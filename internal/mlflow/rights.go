package mlflow

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// Act is what somebody wants to do with a trace's assessments; MLflow has a permission of its own for each.
type Act int8

// The acts.
const (
	ActRead Act = iota
	ActCreate
	ActUpdate
	ActDelete
)

// nowhere is the id of an assessment that does not exist, not even for somebody who chooses ids: a process makes its own.
var nowhere = func() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return "a-" + hex.EncodeToString(id[:])
}()

// As is a client that calls the same server with these headers, which are another's credentials. It follows no
// redirects: the page that one leads to is no answer of MLflow's.
func (c *Client) As(header http.Header) *Client {
	own := *c.http
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{http: &own, base: c.base, header: header}
}

// Experiment is the id of the experiment that a trace is in. Reading it takes the right to read the trace.
func (c *Client) Experiment(ctx context.Context, traceID string) (string, error) {
	var answer struct {
		Trace struct {
			Info struct {
				Location struct {
					Experiment struct {
						ID string `json:"experiment_id"`
					} `json:"mlflow_experiment"`
				} `json:"trace_location"`
			} `json:"trace_info"`
		} `json:"trace"`
	}
	if _, err := c.call(ctx, http.MethodGet, tracePath(traceID), nil, &answer); err != nil {
		return "", err
	}
	id := answer.Trace.Info.Location.Experiment.ID
	if id == "" {
		return "", invalidAnswer("no experiment_id")
	}
	return id, nil
}

// Try asks whether the server lets this client do act on the assessments of a trace that exists: by a request which it
// authorises like the real one, and which then changes nothing, because a create or an update without an assessment is
// refused as incomplete, and the assessment to read or to delete does not exist. Only exactly that answer is a yes.
func (c *Client) Try(ctx context.Context, traceID string, act Act) error {
	var method, path, expected string
	var body any
	switch act {
	case ActRead:
		method, path, expected = http.MethodGet, assessmentPath(traceID, nowhere), "RESOURCE_DOES_NOT_EXIST"
	case ActCreate:
		method, path, expected = http.MethodPost, tracePath(traceID)+"/assessments", "INVALID_PARAMETER_VALUE"
		body = struct{}{}
	case ActUpdate:
		method, path, expected = http.MethodPatch, assessmentPath(traceID, nowhere), "INVALID_PARAMETER_VALUE"
		body = struct{}{}
	case ActDelete:
		method, path = http.MethodDelete, assessmentPath(traceID, nowhere)
	default:
		return fmt.Errorf("act %d is unknown", act)
	}
	var answer map[string]json.RawMessage
	_, err := c.call(ctx, method, path, body, &answer)
	var refusal *Error
	switch {
	case err == nil && expected == "" && len(answer) == 0:
		return nil
	case err == nil:
		return invalidAnswer("a request that cannot succeed did")
	case errors.As(err, &refusal) && expected != "" && refusal.Code == expected:
		return nil
	default:
		return err
	}
}

// Open reports whether the server shows this client its experiments: one with authentication refuses a client without
// credentials, with 401 or 403, or by sending it to a login page.
func (c *Client) Open(ctx context.Context) (bool, error) {
	var answer map[string]json.RawMessage
	_, err := c.call(ctx, http.MethodGet, "/api/2.0/mlflow/experiments/search?max_results=1", nil, &answer)
	if err == nil {
		for field := range answer {
			if field != "experiments" && field != "next_page_token" {
				return false, invalidAnswer("no experiments")
			}
		}
		return true, nil
	}
	var refusal *Error
	if !errors.As(err, &refusal) {
		return false, err
	}
	switch {
	case refusal.Status == http.StatusUnauthorized, refusal.Denied(),
		refusal.Status == http.StatusFound, refusal.Status == http.StatusSeeOther:
		return false, nil
	default:
		return false, err
	}
}
