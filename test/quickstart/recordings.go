package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-feedback/otelcol-feedback/test/internal/otlp"
)

// recording is a choice of the traces of one file: apps that were instrumented in different ways.
type recording struct {
	label  string
	file   string
	traces []int
}

// No two share a response id: the same response is judged once, in whatever trace it stands.
var recordings = []recording{
	{"semantic conventions", "testdata/spans/py_otel_openai_v2_span_only.json", []int{0, 7}},
	{"OpenInference", "testdata/spans/py_oi_langchain.json", []int{0}},
	{"OpenLLMetry", "testdata/spans/py_tl_openai.json", []int{1}},
	{"MLflow", "testdata/spans/py_mlflow_otlp.json", []int{3}},
	{"a financial adviser", "test/quickstart/adviser.json", []int{0, 1}},
}

func (r recording) path() string { return filepath.FromSlash(r.file) }

// sendRecordings sends the recordings as new traces that have just ended: with their old ids and times, a second run
// would show the first one's results, and MLflow, whose page shows the last days, would stretch each trace from run to
// run. It returns labels by trace id.
func sendRecordings(ctx context.Context, s settings) (map[string]string, error) {
	sender := otlp.Sender{URL: "http://" + s.otlpHTTP}
	labels := make(map[string]string)
	for _, r := range recordings {
		traces, err := otlp.ReadRecording(r.path())
		if err != nil {
			return nil, err
		}
		keep := make(map[int]bool)
		for _, place := range r.traces {
			keep[place] = true
		}
		otlp.KeepTraces(traces, func(place int) bool { return keep[place] })
		for _, id := range otlp.Restamp(traces, time.Now(), newTraceID) {
			labels[id.String()] = r.label
		}
		if err := sender.Traces(ctx, traces); err != nil {
			return nil, fmt.Errorf("send the recorded spans: %w", err)
		}
	}
	return labels, nil
}

func newTraceID() (id pcommon.TraceID) {
	_, _ = rand.Read(id[:]) // never fails
	return id
}
