package api

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/records"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/request"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

const benchBody = `{"assessment":{"assessment_name":"helpfulness","trace_id":"` + trace + `","source":{"source_type":"HUMAN",` +
	`"source_id":"eve@example.com"},"create_time":"2026-03-01T12:00:00.123Z","last_update_time":"2026-03-01T12:00:00.123Z",` +
	`"feedback":{"value":{"score":4,"tags":["clear","short"]}},"rationale":"It answers the question that was asked.",` +
	`"metadata":{"app.version":"1.2.3","session":"s-17"},"valid":true}}`

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _ = request.Create([]byte(benchBody))
	}
}

// BenchmarkCreate is one person's feedback on each of many traces, over 16 connections and a real Redis.
func BenchmarkCreate(b *testing.B) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		b.Skip("no redis-server on PATH")
	}
	address := startRedis(b, program)
	handler := New(Settings{Rights: notTheSecret{}, Records: newPendingRecords(b, address)})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		matched, _ := Match(r.URL.Path)
		handler.Serve(w, r, matched)
	}))
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	defer client.CloseIdleConnections()
	var n atomic.Int64
	b.SetParallelism(8) // with 2 cores, 16 connections
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			url := fmt.Sprintf("%s%str-%032x/assessments", server.URL, traces, n.Add(1))
			r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url, strings.NewReader(benchBody))
			if err != nil {
				b.Error(err)
				return
			}
			r.Header.Set("Content-Type", "application/json")
			response, err := client.Do(r)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
			if response.StatusCode != http.StatusOK {
				b.Errorf("status %d", response.StatusCode)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "creates/s")
}

func newPendingRecords(tb testing.TB, address string) *records.Service {
	tb.Helper()
	return newService(tb, address, records.Settings{AcceptUnknown: true}, store.Settings{MaxPending: 1 << 30})
}

func startRedis(tb testing.TB, program string) string {
	tb.Helper()
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	address := listener.Addr().String()
	require.NoError(tb, listener.Close())
	_, port, err := net.SplitHostPort(address)
	require.NoError(tb, err)
	ctx, stop := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, program, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", tb.TempDir())
	require.NoError(tb, command.Start())
	tb.Cleanup(func() {
		stop()
		_ = command.Wait()
	})
	require.Eventually(tb, func() bool {
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			_ = connection.Close()
		}
		return err == nil
	}, 20*time.Second, 10*time.Millisecond)
	return address
}
