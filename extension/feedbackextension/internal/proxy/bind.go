package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// object is a JSON object's members; of equal keys the last one counts.
type object map[string]json.RawMessage

// bindTrace makes the caller the author of the assessments inside a StartTraceV3, which MLflow stores as they come: it
// would take over others' traces and rows by their ids.
func (p *Proxy) bindTrace(r *http.Request) error {
	ctx := r.Context()
	return p.bound(r, func(caller access.Caller, request object) error {
		return request.inside("trace", "trace", func(trace object) error {
			return trace.inside("trace_info", "traceInfo", func(info object) error {
				kept, err := p.kept(ctx, info)
				if err != nil {
					return err
				}
				return p.bindRows(caller, info, kept)
			})
		})
	})
}

// kept are the records that Redis holds of the trace that is created, or changed by who may change it.
func (p *Proxy) kept(ctx context.Context, info object) (map[string]store.Record, error) {
	id, err := info.text("trace_id", "traceId")
	if err != nil {
		return nil, err
	}
	traceID, ok := mlflow.OTLPTraceID(strings.ToLower(id))
	if !ok {
		return nil, nil
	}
	if p.set.Mine != nil {
		if err := p.set.Mine(ctx, traceID); err != nil {
			return nil, err
		}
	}
	records, err := p.set.Traces.LoadAll(ctx, []string{traceID})
	return records[traceID], err
}

func (p *Proxy) bindRows(caller access.Caller, info object, kept map[string]store.Record) error {
	text, found := info["assessments"]
	if !found || string(text) == "null" {
		return nil
	}
	var rows []json.RawMessage
	if json.Unmarshal(text, &rows) != nil {
		return answer.Invalid("Invalid value for parameter 'assessments'")
	}
	if len(rows) > p.set.MaxRows {
		return answer.Invalid("The trace has more assessments than it may: " + strconv.Itoa(p.set.MaxRows))
	}
	var err error
	for i := range rows {
		if rows[i], err = p.bindRow(caller, rows[i], kept); err != nil {
			return err
		}
	}
	info["assessments"], err = json.Marshal(rows)
	return err
}

// bindRow leaves out the id of a row that does not stand on the trace: MLflow gives it one of its own.
func (p *Proxy) bindRow(caller access.Caller, text json.RawMessage, kept map[string]store.Record) (json.RawMessage, error) {
	if caller.Name != "" {
		var err error
		if text, err = p.set.Bind(caller, text); err != nil {
			return nil, err
		}
	}
	row, err := parse(text)
	if err != nil || row == nil {
		return text, err
	}
	id, err := row.text("assessment_id", "assessmentId")
	if err != nil {
		return nil, err
	}
	if _, stands := kept[id]; !stands {
		delete(row, "assessment_id")
		delete(row, "assessmentId")
	}
	return json.Marshal(row)
}

// bindAssessment makes the caller the author of an assessment that is created in MLflow.
func (p *Proxy) bindAssessment(r *http.Request) error {
	return p.bound(r, func(caller access.Caller, request object) (err error) {
		if row, found := request["assessment"]; found {
			request["assessment"], err = p.set.Bind(caller, row)
		}
		return err
	})
}

// bound changes the request of a caller who is not trusted to say who they are. What is sent on is written anew, so that
// MLflow reads what was read here.
func (p *Proxy) bound(r *http.Request, change func(access.Caller, object) error) error {
	caller := access.CallerOf(r.Context())
	if caller.Trusted || caller.Name == "" && !p.set.KnowsNames(r.Context()) {
		return nil
	}
	body, err := p.whole(r)
	if err != nil {
		return err
	}
	request, err := parse(body)
	if err != nil {
		return err
	}
	if request == nil {
		return errNoObject
	}
	if err := change(caller, request); err != nil {
		return err
	}
	if body, err = json.Marshal(request); err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength, r.TransferEncoding = int64(len(body)), nil
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return nil
}

// member is a member under either of two names, and the one that it has; empty where it is not there. Both names at once
// are refused, because MLflow may take the one that was not looked at.
func (o object) member(name, otherName string) (key string, text json.RawMessage, err error) {
	text, found := o[name]
	other, again := o[otherName]
	switch {
	case !again || name == otherName:
		return name, text, nil
	case found:
		return "", nil, answer.Invalid("Request specifies both '" + name + "' and '" + otherName + "'; provide only one of them.")
	default:
		return otherName, other, nil
	}
}

// inside changes the object in a member.
func (o object) inside(name, otherName string, change func(object) error) error {
	key, text, err := o.member(name, otherName)
	if err != nil || text == nil {
		return err
	}
	inner, err := parse(text)
	if err != nil || inner == nil {
		return err
	}
	if err := change(inner); err != nil {
		return err
	}
	o[key], err = json.Marshal(inner)
	return err
}

// text is a member's text.
func (o object) text(name, otherName string) (text string, err error) {
	_, raw, err := o.member(name, otherName)
	if err == nil && raw != nil && json.Unmarshal(raw, &text) != nil {
		err = answer.Invalid("Invalid value for parameter '" + name + "'")
	}
	return text, err
}

var errNoObject = answer.Invalid("The request's body must be a JSON object.")

// parse reads an object; null is none.
func parse(text []byte) (object, error) {
	var read object
	decoder := json.NewDecoder(bytes.NewReader(text))
	if decoder.Decode(&read) != nil {
		return nil, errNoObject
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errNoObject
	}
	return read, nil
}
