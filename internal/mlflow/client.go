package mlflow

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Client calls one MLflow server. It is safe for concurrent use and makes one HTTP request per call, except where a
// method says otherwise; retrying is the caller's.
type Client struct {
	http   *http.Client
	base   string
	header http.Header
}

// NewClient takes the HTTP client that confighttp built and the server's URL, whose path is kept as prefix.
func NewClient(client *http.Client, endpoint string) (*Client, error) {
	parsed, err := url.Parse(endpoint)
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return nil, errors.New("`endpoint` must be an http or https URL such as http://localhost:5000")
	}
	if parsed.User != nil || parsed.RawQuery != "" || parsed.Fragment != "" {
		return nil, errors.New("`endpoint` must not carry a user, a query or a fragment; use `auth` or `headers`")
	}
	return &Client{http: client, base: strings.TrimRight(parsed.String(), "/")}, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Infos is an answer about several traces.
type Infos struct {
	// Traces has an entry per trace that exists, by MLflow's trace id.
	Traces map[string]*TraceInfo
	// Refused are ids whose info the server could not give in a readable form, with the reason.
	Refused map[string]error
	// ServerTime is the server's clock at the answer, in seconds; zero when it did not say.
	ServerTime time.Time
}

// BatchGetInfos reads traces with their assessments; ids that do not exist are left out. Where the server refuses the
// batch (403 because of one id that basic-auth hides, an older server without the call, an answer over the bound), the
// ids are read one by one.
func (c *Client) BatchGetInfos(ctx context.Context, traceIDs []string) (*Infos, error) {
	if len(traceIDs) == 0 {
		return &Infos{}, nil
	}
	var answer struct {
		Infos []*TraceInfo `json:"trace_infos"`
	}
	body := struct {
		IDs []string `json:"trace_ids"`
	}{traceIDs}
	serverTime, err := c.call(ctx, http.MethodPost, "/api/3.0/mlflow/traces/batchGetInfos", body, &answer)
	if err != nil {
		if singly(err) {
			return c.getInfos(ctx, traceIDs)
		}
		return nil, err
	}
	infos := &Infos{Traces: make(map[string]*TraceInfo, len(answer.Infos)), ServerTime: serverTime}
	for _, info := range answer.Infos {
		if info != nil {
			infos.Traces[info.TraceID] = info
		}
	}
	return infos, nil
}

func singly(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Status {
	case http.StatusForbidden:
		return e.class == ClassNotFound
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented, http.StatusRequestEntityTooLarge:
		return true
	default:
		return e.Code == CodeAnswerTooLarge
	}
}

func (c *Client) getInfos(ctx context.Context, traceIDs []string) (*Infos, error) {
	infos := &Infos{Traces: make(map[string]*TraceInfo, len(traceIDs)), Refused: map[string]error{}}
	for _, id := range traceIDs {
		info, serverTime, err := c.GetTraceInfo(ctx, id)
		switch {
		case err == nil:
			infos.Traces[id] = info
			infos.ServerTime = serverTime
		case ClassOf(err) == ClassUnavailable:
			return nil, err
		case ClassOf(err) == ClassNotFound:
		default:
			infos.Refused[id] = err
		}
	}
	return infos, nil
}

// GetTraceInfo reads one trace with its assessments, and the server's clock at the answer.
func (c *Client) GetTraceInfo(ctx context.Context, traceID string) (*TraceInfo, time.Time, error) {
	var answer struct {
		Trace struct {
			Info *TraceInfo `json:"trace_info"`
		} `json:"trace"`
	}
	serverTime, err := c.call(ctx, http.MethodGet, tracePath(traceID), nil, &answer)
	if err != nil {
		return nil, time.Time{}, err
	}
	if answer.Trace.Info == nil {
		return nil, time.Time{}, invalidAnswer("no trace_info")
	}
	return answer.Trace.Info, serverTime, nil
}

type assessmentBody struct {
	Assessment any    `json:"assessment"`
	Mask       string `json:"update_mask,omitempty"`
}

// CreateAssessment adds row to its trace and returns it as the server keeps it.
func (c *Client) CreateAssessment(ctx context.Context, row *Assessment) (*Assessment, error) {
	return c.assessment(ctx, http.MethodPost, tracePath(row.TraceID)+"/assessments", assessmentBody{Assessment: row})
}

// GetAssessment reads one row.
func (c *Client) GetAssessment(ctx context.Context, traceID, id string) (*Assessment, error) {
	return c.assessment(ctx, http.MethodGet, assessmentPath(traceID, id), nil)
}

// The fields that UpdateAssessment can change, as its mask names them: camelCase, because the server takes the other
// spelling with a 200 and changes nothing.
const (
	MaskName        = "assessmentName"
	MaskFeedback    = "feedback"
	MaskExpectation = "expectation"
	MaskRationale   = "rationale"
	MaskMetadata    = "metadata"
)

// UpdateAssessment changes the masked fields of a row. Metadata is merged: a key cannot be removed. An empty rationale
// clears it.
func (c *Client) UpdateAssessment(ctx context.Context, row *Assessment, mask []string) (*Assessment, error) {
	body := map[string]any{"assessment_id": row.ID, "trace_id": row.TraceID}
	for _, field := range mask {
		switch field {
		case MaskName:
			body["assessment_name"] = row.Name
		case MaskFeedback:
			body["feedback"] = row.Feedback
		case MaskExpectation:
			body["expectation"] = row.Expectation
		case MaskRationale:
			body["rationale"] = row.Rationale
		case MaskMetadata:
			body["metadata"] = row.Metadata
		default:
			return nil, fmt.Errorf("field %q cannot be updated", field)
		}
	}
	return c.assessment(ctx, http.MethodPatch, assessmentPath(row.TraceID, row.ID),
		assessmentBody{Assessment: body, Mask: strings.Join(mask, ",")})
}

// DeleteAssessment removes a row; one that does not exist is no error.
func (c *Client) DeleteAssessment(ctx context.Context, traceID, id string) error {
	_, err := c.call(ctx, http.MethodDelete, assessmentPath(traceID, id), nil, nil)
	return err
}

// StartTraceV3 upserts info and its assessments by id, all or nothing. On a trace that exists it overwrites the five
// fields beside the ids with what info holds, so they must have just been read.
func (c *Client) StartTraceV3(ctx context.Context, info *TraceInfo) (*TraceInfo, error) {
	type trace struct {
		Info *TraceInfo `json:"trace_info"`
	}
	type message struct {
		Trace trace `json:"trace"`
	}
	var answer message
	if _, err := c.call(ctx, http.MethodPost, "/api/3.0/mlflow/traces", message{trace{info}}, &answer); err != nil {
		return nil, err
	}
	if answer.Trace.Info == nil {
		return nil, invalidAnswer("no trace_info")
	}
	return answer.Trace.Info, nil
}

// Version is the server's version, such as 3.17.2.
func (c *Client) Version(ctx context.Context) (string, error) {
	var text string
	if _, err := c.call(ctx, http.MethodGet, "/version", nil, &text); err != nil {
		return "", err
	}
	text = strings.TrimSpace(text)
	if len(text) > 50 || strings.ContainsAny(text, "<>\n") {
		return "", invalidAnswer("no version")
	}
	return text, nil
}

func tracePath(traceID string) string { return "/api/3.0/mlflow/traces/" + url.PathEscape(traceID) }

func assessmentPath(traceID, id string) string {
	return tracePath(traceID) + "/assessments/" + url.PathEscape(id)
}

func (c *Client) assessment(ctx context.Context, method, path string, body any) (*Assessment, error) {
	var answer struct {
		Assessment *Assessment `json:"assessment"`
	}
	if _, err := c.call(ctx, method, path, body, &answer); err != nil {
		return nil, err
	}
	if answer.Assessment == nil {
		return nil, invalidAnswer("no assessment")
	}
	return answer.Assessment, nil
}
