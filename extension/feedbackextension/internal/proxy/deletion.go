package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

const (
	// maxSought is how many traces are looked for that a deletion by time will meet; what lies beyond is found out by
	// the delivery, which meets a trace that is gone.
	maxSought = 10_000
	// page is MLflow's largest page of a search.
	page = 500
	// seekTimeout bounds the search before a deletion.
	seekTimeout = 10 * time.Second
)

// deletion is what a request to delete traces names.
type deletion struct {
	// traceIDs are OTLP ids; had are those that MLflow had before.
	traceIDs []string
	had      map[string]bool
	// named counts all that the request is about, those that do not come from OTLP too.
	named int
}

// deleteRequest is the body of MLflow's call; numbers may be sent as texts, and most names in either of two spellings.
type deleteRequest struct {
	experimentID            string
	maxTimestamp, maxTraces json.Number
	requestIDs              []string
}

// readDeletion reads the names that MLflow reads, and no others: encoding/json would take `REQUEST_IDS` as well.
func readDeletion(body []byte) (deleteRequest, error) {
	var d deleteRequest
	var encoded string
	if json.Unmarshal(body, &encoded) == nil {
		body = []byte(encoded) // JSON that was encoded twice, as older clients do
	}
	sent, err := parse(body)
	if err != nil {
		return d, err
	}
	for _, field := range []struct {
		name, other string
		into        any
	}{
		{"experiment_id", "experimentId", &d.experimentID},
		{"max_timestamp_millis", "maxTimestampMillis", &d.maxTimestamp},
		{"max_traces", "maxTraces", &d.maxTraces},
		{"request_ids", "requestIds", &d.requestIDs},
	} {
		_, text, err := sent.member(field.name, field.other)
		if err == nil && text != nil {
			err = json.Unmarshal(text, field.into)
		}
		if err != nil {
			return deleteRequest{}, err
		}
	}
	return d, nil
}

// until is the time in ms up to which traces are to be deleted; false for none.
func (d *deleteRequest) until() (int64, bool) {
	ms, err := d.maxTimestamp.Float64()
	return int64(ms), err == nil
}

// most is how many traces are deleted by time at most, as far as they are looked for.
func (d *deleteRequest) most() int {
	n, err := d.maxTraces.Float64()
	if err != nil || n <= 0 {
		return maxSought
	}
	return int(min(n, maxSought))
}

// prepare finds out which traces a deletion is about, before MLflow deletes them. Where that fails the deletion goes on:
// the delivery meets a trace that is gone.
func (p *Proxy) prepare(r *http.Request) (*deletion, error) {
	body, err := p.whole(r)
	if err != nil {
		return nil, err
	}
	request, err := readDeletion(body)
	if err != nil {
		request = deleteRequest{} // MLflow says what is wrong with it
	}
	d := &deletion{had: map[string]bool{}}
	ids := request.requestIDs
	until, byTime := request.until()
	byTime = byTime && len(ids) == 0
	if byTime {
		if ids, err = p.seek(r, &request, until); err != nil {
			p.set.Logger.Warn("not all traces that are to be deleted were found out", zap.Error(err))
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	d.named = len(ids)
	for _, id := range ids {
		if traceID, ok := mlflow.OTLPTraceID(id); ok {
			d.traceIDs = append(d.traceIDs, traceID)
			d.had[traceID] = byTime
		}
	}
	if d.named > 1 && !byTime { // of one, the answer tells
		ctx, cancel := context.WithTimeout(r.Context(), seekTimeout)
		defer cancel()
		if d.had, err = p.present(ctx, d.traceIDs, r.Header); err != nil {
			p.set.Logger.Warn("not all traces that are to be deleted were found out", zap.Error(err))
		}
	}
	return d, nil
}

// seek searches, as the caller, for the oldest traces up to a time.
func (p *Proxy) seek(r *http.Request, request *deleteRequest, until int64) (ids []string, err error) {
	most := request.most()
	ctx, cancel := context.WithTimeout(r.Context(), seekTimeout)
	defer cancel()
	location := map[string]any{
		"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": map[string]string{"experiment_id": request.experimentID},
	}
	token := ""
	for len(ids) < most {
		answered, err := p.ask(ctx, r.Header, "/search", map[string]any{
			"locations": []any{location}, "filter": "trace.timestamp_ms <= " + strconv.FormatInt(until, 10),
			"order_by": []string{"timestamp_ms ASC"}, "max_results": min(page, most-len(ids)), "page_token": token,
		})
		if err != nil {
			return ids, err
		}
		for _, trace := range answered.Traces {
			ids = append(ids, trace.TraceID)
		}
		if token = answered.NextPageToken; token == "" || len(answered.Traces) == 0 {
			break
		}
	}
	return ids, nil
}

// found is what searches and lookups of traces answer, as far as it matters here.
type found struct {
	Traces        []foundTrace `json:"traces"`
	TraceInfos    []foundTrace `json:"trace_infos"`
	NextPageToken string       `json:"next_page_token"`
}

type foundTrace struct {
	TraceID string `json:"trace_id"`
}

// ask makes a call of MLflow's API about traces with a caller's headers.
func (p *Proxy) ask(ctx context.Context, header http.Header, call string, request any) (*found, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	url := p.upstream.String() + "/api/3.0/mlflow/traces" + call
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"Authorization", "Cookie", "X-Mlflow-Workspace"} {
		if values, ok := header[name]; ok {
			r.Header[name] = values
		}
	}
	p.headers(r.Header)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept-Encoding", "identity")
	response, err := p.client.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("mlflow answered %d", response.StatusCode)
	}
	var answered found
	err = json.NewDecoder(io.LimitReader(response.Body, p.set.MaxOverlay)).Decode(&answered)
	return &answered, err
}

// deleted forgets, in Redis, the traces that MLflow has deleted. It answers how many, not which: where that is not all,
// those count that it had once and has no longer.
func (p *Proxy) deleted(ctx context.Context, d *deletion, response *http.Response) error {
	document, reason, err := p.read(response)
	if err != nil || reason != "" || len(d.traceIDs) == 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterTimeout)
	defer cancel()
	if err := p.forget(ctx, d, document, response.Request.Header); err != nil {
		p.set.Logger.Warn("not all traces that were deleted are gone from redis", zap.Error(err))
	}
	return nil
}

func (p *Proxy) forget(ctx context.Context, d *deletion, document []byte, header http.Header) error {
	var answered struct {
		Deleted int `json:"traces_deleted"`
	}
	if json.Unmarshal(document, &answered) != nil {
		return errNotReadable
	}
	gone := d.traceIDs
	switch answered.Deleted {
	case 0:
		return nil
	case d.named:
	default:
		var err error
		if gone, err = p.gone(ctx, d, header); err != nil {
			return err
		}
	}
	for ids := range slices.Chunk(gone, page) {
		if err := p.set.Traces.Forget(ctx, ids...); err != nil {
			return err
		}
	}
	return nil
}

// gone are those traces of a deletion that MLflow had and has no longer. One that it never had may still come.
func (p *Proxy) gone(ctx context.Context, d *deletion, header http.Header) ([]string, error) {
	still, err := p.present(ctx, d.traceIDs, header)
	if err != nil {
		return nil, err
	}
	var gone, unseen []string
	for _, id := range d.traceIDs {
		switch {
		case still[id]:
		case d.had[id]:
			gone = append(gone, id)
		default:
			unseen = append(unseen, id)
		}
	}
	for ids := range slices.Chunk(unseen, page) {
		records, err := p.set.Traces.LoadAll(ctx, ids)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if p.spent(records[id]) {
				gone = append(gone, id)
			}
		}
	}
	return gone, nil
}

// present are those of the traces that MLflow has, as the caller sees it.
func (p *Proxy) present(ctx context.Context, traceIDs []string, header http.Header) (map[string]bool, error) {
	there := make(map[string]bool, len(traceIDs))
	for ids := range slices.Chunk(traceIDs, page) {
		names := make([]string, len(ids))
		for i, id := range ids {
			names[i] = mlflow.TraceID(id)
		}
		answered, err := p.ask(ctx, header, "/batchGetInfos", map[string]any{"trace_ids": names})
		if err != nil {
			return there, err
		}
		for _, trace := range answered.TraceInfos {
			if id, ok := mlflow.OTLPTraceID(trace.TraceID); ok {
				there[id] = true
			}
		}
	}
	return there, nil
}

// spent reports whether no record waits for a trace that MLflow never had: it had it, or all are deleted.
func (p *Proxy) spent(records map[string]store.Record) bool {
	waits := false
	for _, record := range records {
		switch record.Backends[p.set.Backend].State {
		case store.DeliveryDelivered, store.DeliveryTheirs, store.DeliveryWithdrawn:
			return true
		}
		waits = waits || record.Deleted.IsZero()
	}
	return !waits
}
