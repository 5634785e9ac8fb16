package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"golang.org/x/sync/errgroup"

	"github.com/otelcol-feedback/otelcol-feedback/test/internal/process"
	"github.com/otelcol-feedback/otelcol-feedback/test/internal/servers"
)

const (
	// connections to the collector at once.
	connections = 4
	// batchSpans is the size of a request, spanText that of each span's text.
	batchSpans, spanText = 500, 1024
)

// dropping is a collector that takes spans at an address and drops them, with processors or none in between.
const dropping = `yaml:{receivers: {otlp: {protocols: {http: {endpoint: "%s"}}}}, exporters: {nop: {}}, ` +
	`processors: {feedback: {checks: {compliance_check: {length: {min: 50, max: 500}}}}}, ` +
	`service: {telemetry: {metrics: {level: none}}, pipelines: {traces: {receivers: [otlp], processors: [%s], exporters: [nop]}}}}`

// compareCollectors sends batches without GenAI spans to two collectors in turn, one with our processor and one
// without, and prints the ratio of what they take.
func compareCollectors(ctx context.Context, o options, dir string) error {
	body, err := ptraceotlp.NewExportRequestFromTraces(plainSpans()).MarshalProto()
	if err != nil {
		return err
	}
	kinds := []string{"", "feedback"}
	rates := make(map[string][]float64)
	costs := make(map[string][]float64)
	for round := range o.rounds {
		if round%2 == 1 {
			slices.Reverse(kinds) // whoever is first has a cooler machine
		}
		for _, processors := range kinds {
			spans, cpu, err := measure(ctx, o, dir, processors, body)
			if err != nil {
				return err
			}
			rates[processors] = append(rates[processors], float64(spans)/o.round.Seconds())
			costs[processors] = append(costs[processors], float64(cpu.Nanoseconds())/1000/float64(spans))
		}
	}
	fmt.Printf("\nCollectors, batches of %d spans without GenAI, median of %d rounds of %s\n", batchSpans, o.rounds, o.round)
	fmt.Printf("%-24s %12s %14s\n", "", "spans/s", "CPU µs/span")
	for _, processors := range []string{"", "feedback"} {
		name := cmp.Or(processors, "without us")
		fmt.Printf("%-24s %12.0f %14.2f\n", name, median(rates[processors]), median(costs[processors]))
	}
	fmt.Printf("%-24s %12.3f %14.3f\n", "ratio (more is better)",
		median(rates["feedback"])/median(rates[""]), median(costs[""])/median(costs["feedback"]))
	return nil
}

// measure sends for a round and tells how many spans were taken and what CPU time the collector used.
func measure(ctx context.Context, o options, dir, processors string, body []byte) (int64, time.Duration, error) {
	port, err := process.FreePort()
	if err != nil {
		return 0, 0, err
	}
	address := process.Loopback(port)
	collector, err := servers.StartCollector(ctx, servers.CollectorConfig{
		Binary: o.binary, Config: []string{fmt.Sprintf(dropping, address, processors)}, Health: address, Dir: dir,
	})
	if err != nil {
		return 0, 0, err
	}
	defer collector.Kill()
	ctx, cancel := context.WithTimeout(ctx, o.round)
	defer cancel()
	var taken atomic.Int64
	var group errgroup.Group
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	defer client.CloseIdleConnections()
	for range connections {
		group.Go(func() error {
			for {
				err := post(ctx, client, "http://"+address+"/v1/traces", body)
				switch {
				case ctx.Err() != nil: // the round is over
					return nil //nolint:nilerr // what was under way then does not count
				case err != nil:
					return err
				}
				taken.Add(batchSpans)
			}
		})
	}
	if err := group.Wait(); err != nil {
		return 0, 0, err
	}
	if _, err := collector.Stop(10 * time.Second); err != nil {
		return 0, 0, err
	}
	if taken.Load() == 0 {
		return 0, 0, errors.New("the collector took nothing")
	}
	return taken.Load(), collector.CPU(), nil
}

func post(ctx context.Context, client *http.Client, url string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	return do(client, request)
}

func plainSpans() ptrace.Traces {
	traces := ptrace.NewTraces()
	ss := traces.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty()
	for i := range batchSpans {
		span := ss.Spans().AppendEmpty()
		span.SetTraceID(pcommon.TraceID{1, byte(i >> 8), byte(i)})
		span.SetSpanID(pcommon.SpanID{1, byte(i >> 8), byte(i)})
		span.SetName("GET /orders/{id}")
		attributes := span.Attributes()
		for _, key := range []string{
			"http.request.method", "url.path", "url.scheme", "server.address", "user_agent.original", "network.protocol.version",
			"http.route", "client.address", "db.system.name", "db.query.summary",
		} {
			attributes.PutStr(key, "example")
		}
		attributes.PutInt("http.response.status_code", 200)
		attributes.PutStr("db.query.text", strings.Repeat("select ", spanText/7))
	}
	return traces
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
