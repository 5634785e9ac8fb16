package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/deliver"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// overlay lays Redis' state over the traces of an answer, which passes as it is where that cannot be done.
func (p *Proxy) overlay(ctx context.Context, e *exchange, response *http.Response) error {
	document, reason, err := p.read(response)
	if err != nil {
		return err
	}
	if reason == "" {
		reason = p.lay(ctx, e, response, document)
	}
	if reason != "" {
		p.set.Observer.Passed(reason)
	}
	return nil
}

// lay is overlay for a document that was read; the reason is empty where nothing stood against it.
func (p *Proxy) lay(ctx context.Context, e *exchange, response *http.Response, document []byte) (reason string) {
	traces, err := findTraces(document)
	if err != nil {
		return ReasonNotReadable
	}
	if e.route == routeStart {
		p.adopt(ctx, document, traces)
	}
	records, err := p.load(ctx, traces)
	if err != nil {
		return ReasonRedis
	}
	caller := access.CallerOf(ctx)
	caller.Door = e.door
	sheet := sheet{backend: p.set.Backend, render: p.set.Render, caller: caller, document: document, now: p.set.Now()}
	if changed, ok := sheet.lay(traces, records); ok {
		setBody(response, changed)
	}
	return ""
}

// read reads an answer if it is JSON that is not too large, and leaves it to be read once more. Without a reason against
// it, document is all of it.
func (p *Proxy) read(response *http.Response) (document []byte, reason string, err error) {
	mediaType, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	encoding := response.Header.Get("Content-Encoding")
	switch {
	case mediaType != "application/json", encoding != "" && encoding != "identity":
		return nil, ReasonNotReadable, nil
	case response.ContentLength > p.set.MaxOverlay:
		return nil, ReasonTooLarge, nil
	}
	var buf bytes.Buffer
	if response.ContentLength > 0 {
		buf.Grow(int(response.ContentLength) + bytes.MinRead)
	}
	if _, err := buf.ReadFrom(io.LimitReader(response.Body, p.set.MaxOverlay+1)); err != nil {
		return nil, "", err
	}
	document = buf.Bytes()
	if int64(len(document)) > p.set.MaxOverlay {
		response.Body = &resumed{Reader: io.MultiReader(bytes.NewReader(document), response.Body), Closer: response.Body}
		return nil, ReasonTooLarge, nil
	}
	response.Body = &resumed{Reader: bytes.NewReader(document), Closer: response.Body}
	return document, "", nil
}

// resumed is a body of which a part was read before.
type resumed struct {
	io.Reader
	io.Closer
}

// setBody replaces an answer's content.
func setBody(response *http.Response, content []byte) {
	response.Body = &resumed{Reader: bytes.NewReader(content), Closer: response.Body}
	response.ContentLength = int64(len(content))
	response.TransferEncoding = nil
	header := response.Header
	header.Set("Content-Length", strconv.Itoa(len(content)))
	for _, name := range []string{"Etag", "Last-Modified", "Content-Md5", "Digest", "Content-Digest", "Repr-Digest"} {
		header.Del(name)
	}
}

// load reads what Redis holds of the traces.
func (p *Proxy) load(ctx context.Context, traces []traceInfo) (map[string]map[string]store.Record, error) {
	ids := make([]string, 0, len(traces))
	for i := range traces {
		if traces[i].traceID != "" {
			ids = append(ids, traces[i].traceID)
			if p.set.Learn != nil && traces[i].experiment != "" {
				p.set.Learn(traces[i].traceID, traces[i].experiment)
			}
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, p.set.RedisTimeout)
	defer cancel()
	return p.set.Traces.LoadAll(ctx, ids)
}

// sheet is an answer to be laid over for one caller.
type sheet struct {
	backend  string
	render   func(*store.Record, access.Caller) json.RawMessage
	caller   access.Caller
	document []byte
	now      time.Time
}

// lay returns the document with other assessments; ok is false where none change. All else stays to the byte, and so do
// the rows that only MLflow has.
func (s *sheet) lay(traces []traceInfo, records map[string]map[string]store.Record) (changed []byte, ok bool) {
	copied := 0
	for i := range traces {
		info := &traces[i]
		if len(records[info.traceID]) == 0 {
			continue
		}
		rows, differs := s.rows(info, records[info.traceID])
		if !differs {
			continue
		}
		if changed == nil {
			changed = make([]byte, 0, len(s.document)+4096)
		}
		at, end := info.assessments.start, info.assessments.end
		switch {
		case end == 0: // there is no array
			at, end = info.end, info.end
		case len(rows) == 0: // MLflow writes no empty one
			at, end = info.member.start, info.member.end
		}
		changed = append(changed, s.document[copied:at]...)
		if len(rows) > 0 {
			if info.assessments.end == 0 {
				if !info.bare {
					changed = append(changed, ',')
				}
				changed = append(changed, `"assessments":`...)
			}
			changed = append(append(append(changed, '['), bytes.Join(rows, []byte(","))...), ']')
		}
		copied = end
	}
	if changed == nil {
		return nil, false
	}
	return append(changed, s.document[copied:]...), true
}

// rows are the assessments to show of a trace, in the order of their creation as far as MLflow's are.
func (s *sheet) rows(info *traceInfo, records map[string]store.Record) (rows [][]byte, differs bool) {
	ids, created := make([]string, len(info.rows)), make([]time.Time, len(info.rows))
	readable := make([]assessment.Assessment, 0, len(info.rows))
	there := make(map[string]bool, len(info.rows))
	for i, at := range info.rows {
		row := decode(at.of(s.document))
		ids[i], created[i], there[row.ID] = row.ID, row.CreateTime.Time, row.ID != ""
		if content, ok := row.ToAssessment(info.traceID); ok {
			readable = append(readable, content)
		}
	}
	overlaid := deliver.Overlay(s.backend, records, readable, s.now)
	if overlaid.Empty() {
		return nil, false
	}
	added := overlaid.Added
	for i, at := range info.rows {
		for len(added) > 0 && mlflow.NewTime(added[0].CreateTime).Before(created[i]) {
			rows, added = s.add(rows, there, &added[0]), added[1:]
		}
		if overlaid.Hidden[ids[i]] {
			continue
		}
		row := at.of(s.document)
		if record, replaced := overlaid.Replaced[ids[i]]; replaced {
			row = s.render(&record, s.caller)
		}
		rows = append(rows, row)
	}
	for i := range added {
		rows = s.add(rows, there, &added[i])
	}
	return rows, true
}

// add appends a record's row, unless one of its id stands there that could not be read.
func (s *sheet) add(rows [][]byte, there map[string]bool, record *store.Record) [][]byte {
	if there[record.ID] || there[record.Backends[s.backend].ID] {
		return rows
	}
	return append(rows, s.render(record, s.caller))
}

// decode reads a row; of one that cannot be read only the id counts.
func decode(text []byte) mlflow.Assessment {
	var row mlflow.Assessment
	if json.Unmarshal(text, &row) == nil {
		return row
	}
	var only struct {
		ID string `json:"assessment_id"`
	}
	_ = json.Unmarshal(text, &only)
	return mlflow.Assessment{ID: only.ID}
}
