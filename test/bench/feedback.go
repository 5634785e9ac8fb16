package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"golang.org/x/sync/errgroup"

	"github.com/otelcol-feedback/otelcol-feedback/test/internal/process"
	"github.com/otelcol-feedback/otelcol-feedback/test/internal/servers"
)

const (
	// callers call at once.
	callers = 16
	// feedbackTraces are the traces that feedback is given on, in turn. Their spans come through the collector, so that a
	// check's result is in Redis.
	feedbackTraces = 2000
)

// compareFeedback lets callers create feedback through MLflow's own API, and then through the extension's.
func compareFeedback(ctx context.Context, o options, dir string) error {
	redis, err := servers.StartRedis(ctx, dir, 0)
	if err != nil {
		return err
	}
	defer redis.Kill()
	tracking, err := servers.StartMLflow(ctx, o.mlflow, dir, 0)
	if err != nil {
		return err
	}
	defer tracking.Kill()
	ports := make([]int, 3)
	for i := range ports {
		if ports[i], err = process.FreePort(); err != nil {
			return err
		}
	}
	otlp, endpoint := process.Loopback(ports[0]), process.Loopback(ports[1])
	collector, err := servers.StartCollector(ctx, servers.CollectorConfig{
		Binary: o.binary, Dir: dir, Health: otlp,
		Config: []string{"config/feedback-api.yaml", "yaml:service::telemetry::metrics::level: none"},
		Env: []string{
			"OTLP_HTTP_ENDPOINT=" + otlp, "OTLP_GRPC_ENDPOINT=" + process.Loopback(ports[2]),
			"FEEDBACK_ENDPOINT=" + endpoint, "REDIS_ENDPOINT=" + redis.Address, "MLFLOW_TRACKING_URI=" + tracking.URL,
		},
	})
	if err != nil {
		return err
	}
	defer collector.Kill()

	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers}}
	defer client.CloseIdleConnections()
	traces, err := sendTraces(ctx, client, "http://"+otlp, feedbackTraces)
	if err != nil {
		return err
	}
	if err := delivered(ctx, client, tracking.URL, traces); err != nil {
		return err
	}
	ways := []string{tracking.URL, "http://" + endpoint}
	names := map[string]string{ways[0]: "MLflow's own", ways[1]: "ours"}

	rates, tails := map[string][]float64{}, map[string][]float64{}
	// MLflow's own rounds come first: later it is busy with what ours are delivering.
	for _, way := range ways {
		for range o.rounds {
			taken, err := create(ctx, client, way, traces, o.round)
			if err != nil {
				return err
			}
			rates[way] = append(rates[way], float64(len(taken))/o.round.Seconds())
			slices.Sort(taken)
			tails[way] = append(tails[way], taken[len(taken)*99/100])
		}
	}
	fmt.Printf("\nFeedback, %d callers, median of %d rounds of %s\n", callers, o.rounds, o.round)
	fmt.Printf("%-24s %12s %14s\n", "", "creates/s", "p99 ms")
	for _, way := range ways {
		fmt.Printf("%-24s %12.0f %14.2f\n", names[way], median(rates[way]), median(tails[way]))
	}
	fmt.Printf("%-24s %12.1f %14.3f\n", "ratio",
		median(rates[ways[1]])/median(rates[ways[0]]), median(tails[ways[1]])/median(tails[ways[0]]))
	return nil
}

// sendTraces sends traces of one span of a model each and returns their ids in MLflow.
func sendTraces(ctx context.Context, client *http.Client, url string, n int) ([]string, error) {
	ids := make([]string, 0, n)
	for len(ids) < n {
		traces := ptrace.NewTraces()
		ss := traces.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty()
		for range batchSpans {
			span := ss.Spans().AppendEmpty()
			span.SetTraceID(pcommon.TraceID{0: byte(len(ids)), 1: byte(len(ids) >> 8), 15: 1})
			span.SetSpanID(pcommon.SpanID{0: byte(len(ids)), 1: byte(len(ids) >> 8), 7: 1})
			span.SetName("chat")
			span.SetStartTimestamp(pcommon.NewTimestampFromTime(time.Now().Add(-time.Minute)))
			span.SetEndTimestamp(pcommon.NewTimestampFromTime(time.Now().Add(-time.Minute + time.Second)))
			span.Attributes().PutStr("gen_ai.operation.name", "chat")
			span.Attributes().PutStr("gen_ai.output.messages", `[{"role":"assistant","parts":[{"type":"text","content":"Yes."}]}]`)
			ids = append(ids, "tr-"+span.TraceID().String())
		}
		body, err := ptraceotlp.NewExportRequestFromTraces(traces).MarshalProto()
		if err != nil {
			return nil, err
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/traces", bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		request.Header.Set("Content-Type", "application/x-protobuf")
		request.Header.Set("X-Mlflow-Experiment-Id", "0")
		if err := do(client, request); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// delivered waits until MLflow has the check's result of each trace, so that nothing is under way when the rounds begin.
func delivered(ctx context.Context, client *http.Client, url string, traces []string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	for {
		missing := 0
		for chunk := range slices.Chunk(traces, 500) {
			var answer struct {
				Infos []struct {
					Assessments []json.RawMessage `json:"assessments"`
				} `json:"trace_infos"`
			}
			if err := call(ctx, client, http.MethodPost, url+"/api/3.0/mlflow/traces/batchGetInfos", map[string]any{"trace_ids": chunk}, &answer); err != nil {
				return err
			}
			missing += len(chunk)
			for _, info := range answer.Infos {
				if len(info.Assessments) > 0 {
					missing--
				}
			}
		}
		if missing == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d results did not come to MLflow", missing, len(traces))
		case <-time.After(time.Second):
		}
	}
}

// create lets the callers create feedback for a round and returns what each call took, in ms.
func create(ctx context.Context, client *http.Client, url string, traces []string, round time.Duration) ([]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, round)
	defer cancel()
	var mu sync.Mutex
	var all []float64
	var group errgroup.Group
	for caller := range callers {
		group.Go(func() error {
			var taken []float64
			for i := caller; ; i += callers {
				began := time.Now()
				err := send(ctx, client, http.MethodPost, url+"/api/3.0/mlflow/traces/"+traces[i%len(traces)]+"/assessments",
					map[string]any{"assessment": map[string]any{
						"assessment_name": "thumbs", "feedback": map[string]any{"value": i%2 == 0}, "rationale": "as it should be",
						"source": map[string]string{"source_type": "HUMAN", "source_id": "somebody@example.com"},
					}})
				if ctx.Err() != nil { // the round is over
					break
				}
				if err != nil {
					return err
				}
				taken = append(taken, float64(time.Since(began).Microseconds())/1000)
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, taken...)
			return nil
		})
	}
	err := group.Wait()
	if err == nil && len(all) == 0 {
		err = errors.New("nothing was created")
	}
	return all, err
}

func send(ctx context.Context, client *http.Client, method, url string, body any) error {
	return call(ctx, client, method, url, body, nil)
}

// call speaks JSON; answer may be nil.
func call(ctx context.Context, client *http.Client, method, url string, body, answer any) error {
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		reader = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, url, reader)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if answer == nil {
		return do(client, request)
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return json.NewDecoder(response.Body).Decode(answer)
}

func do(client *http.Client, request *http.Request) error {
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}
