package deliver

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// BenchmarkDelivery measures the loop against the MLflow at MLFLOW_TRACKING_URI beside a plain concurrent client that
// only creates, with as many connections, in the same run. The loop also reads, compares and settles.
//
// With REDIS_ENDPOINT the queue is the real store, which is then written to in the measured time, too.
//
//	MLFLOW_TRACKING_URI=http://localhost:5000 REDIS_ENDPOINT=localhost:6379 go test -run '^$' -bench Delivery -benchtime 3x ./internal/deliver
func BenchmarkDelivery(b *testing.B) {
	uri := os.Getenv("MLFLOW_TRACKING_URI")
	if uri == "" {
		b.Skip("MLFLOW_TRACKING_URI is not set")
	}
	defer http.DefaultClient.CloseIdleConnections()
	for _, size := range []struct{ traces, perTrace int }{{600, 1}, {200, 10}} {
		traces, perTrace := size.traces, size.perTrace
		b.Run(fmt.Sprintf("assessments_per_trace=%d", perTrace), func(b *testing.B) {
			b.ReportAllocs()
			var tookPlain, tookLoop time.Duration
			for b.Loop() { // in turn, so that what else the machine does hits both
				records := arrived(b, uri, traces, perTrace)
				start := time.Now()
				plain(b, uri, records)
				tookPlain += time.Since(start)

				records = arrived(b, uri, traces, perTrace)
				start = time.Now()
				looped(b, uri, records)
				tookLoop += time.Since(start)
			}
			n := float64(traces * perTrace * b.N)
			b.ReportMetric(n/tookPlain.Seconds(), "plain/s")
			b.ReportMetric(n/tookLoop.Seconds(), "loop/s")
			b.ReportMetric(tookPlain.Seconds()/tookLoop.Seconds(), "ratio")
		})
	}
}

// arrived sends traces that ended a minute ago, and returns records for them.
func arrived(b *testing.B, uri string, traces, perTrace int) []store.Record {
	b.Helper()
	var records []store.Record
	spans := make([]map[string]any, traces)
	end := time.Now().Add(-time.Minute)
	for i := range spans {
		var id [16]byte
		_, _ = rand.Read(id[:])
		traceID := hex.EncodeToString(id[:])
		spans[i] = map[string]any{
			"traceId": traceID, "spanId": traceID[:16], "name": "bench", "kind": 1, "status": map[string]any{"code": 1},
			"startTimeUnixNano": strconv.FormatInt(end.Add(-time.Second).UnixNano(), 10),
			"endTimeUnixNano":   strconv.FormatInt(end.UnixNano(), 10),
		}
		for n := range perTrace {
			record := testRecord(fmt.Sprintf("check_%d", n), `{"overall_score":0.6666666666666666,"details":{"a":true,"b":false}}`)
			record.TraceID, record.SpanID, record.Rationale = traceID, traceID[:16], "Missing required disclaimer"
			record.ID = assessment.NewID(traceID, record.SpanID, record.Name, record.Source)
			records = append(records, record)
		}
	}
	for len(spans) > 0 {
		n := min(100, len(spans))
		body, err := json.Marshal(map[string]any{"resourceSpans": []any{map[string]any{
			"scopeSpans": []any{map[string]any{"spans": spans[:n]}},
		}}})
		require.NoError(b, err)
		spans = spans[n:]
		request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, uri+"/v1/traces", bytes.NewReader(body))
		require.NoError(b, err)
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("x-mlflow-experiment-id", "0")
		response, err := http.DefaultClient.Do(request)
		require.NoError(b, err)
		_ = response.Body.Close()
		require.Equal(b, http.StatusOK, response.StatusCode)
	}
	return records
}

func plain(b *testing.B, uri string, records []store.Record) {
	b.Helper()
	client, err := mlflow.NewClient(&http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: defaultMaxInFlight}}, uri)
	require.NoError(b, err)
	defer client.Close()
	todo := make(chan *store.Record, len(records))
	for i := range records {
		todo <- &records[i]
	}
	close(todo)
	var workers sync.WaitGroup
	for range defaultMaxInFlight {
		workers.Go(func() {
			for record := range todo {
				row := mlflow.FromAssessment(&record.Assessment)
				if _, err := client.CreateAssessment(b.Context(), &row); err != nil {
					b.Error(err)
				}
			}
		})
	}
	workers.Wait()
}

// signalling wakes the benchmark when all is delivered.
type signalling struct {
	mu   sync.Mutex
	left int
	done chan struct{}
}

func (o *signalling) Delivered(_, outcome string, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if outcome == OutcomeDelivered {
		if o.left -= n; o.left == 0 {
			close(o.done)
		}
	}
}

func (*signalling) MassMissing(string, int) {}

func looped(b *testing.B, uri string, records []store.Record) {
	b.Helper()
	config := NewDefaultMLflowConfig()
	config.HTTP.Endpoint = uri
	config.HTTP.Keepalive.Get().IdleConnTimeout = 100 * time.Millisecond // what otelhttp wraps cannot be closed
	backend, err := NewMLflow(b.Context(), &config, nil, componenttest.NewNopTelemetrySettings())
	require.NoError(b, err)
	defer backend.Close()
	observer := &signalling{left: len(records), done: make(chan struct{})}
	settings := Settings{Name: testBackend, Backend: backend, Observer: observer}
	if address := os.Getenv("REDIS_ENDPOINT"); address != "" {
		redis := openStore(b, address)
		batch := make([]assessment.Assessment, len(records))
		for i := range records {
			batch[i] = records[i].Assessment
		}
		_, err := redis.Put(b.Context(), batch)
		require.NoError(b, err)
		settings.Queue, settings.Gate = redis, redis
	} else {
		memory := newFakeStore(realClock{})
		memory.put(records...)
		settings.Queue, settings.Gate = memory, memory
	}
	loop, err := New(settings)
	require.NoError(b, err)
	loop.Start()
	<-observer.done
	require.NoError(b, loop.Shutdown(context.Background()))
}
