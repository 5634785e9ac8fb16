package store_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

const benchWorkers = 4 // times GOMAXPROCS

// benchSizes are batches; each is spread over 64 shards, so a larger one has fewer scripts an assessment.
var benchSizes = []int{512, 4096}

func forEachSize(b *testing.B, bench func(b *testing.B, size int)) {
	b.Helper()
	for _, size := range benchSizes {
		b.Run("batch="+strconv.Itoa(size), func(b *testing.B) { bench(b, size) })
	}
}

// benchServer is REDIS_ENDPOINT, or a redis-server of the benchmark's own.
func benchServer(b *testing.B) *server {
	b.Helper()
	addr := os.Getenv("REDIS_ENDPOINT")
	if addr == "" {
		addr = startRedis(b)
	}
	return newServer(b, addr)
}

// benchTraces makes every batch of every run one of new traces.
var benchTraces atomic.Uint64

func nextBatch(batch []assessment.Assessment) {
	first := benchTraces.Add(uint64(len(batch))) - uint64(len(batch))
	for i := range batch {
		batch[i].TraceID = fmt.Sprintf("%016x%016x", benchStart, first+uint64(i))
		batch[i].ID = assessment.NewID(batch[i].TraceID, batch[i].SpanID, batch[i].Name, batch[i].Source)
	}
}

var benchStart = uint64(time.Now().UnixNano())

func newBatch(size int) []assessment.Assessment {
	batch := make([]assessment.Assessment, size)
	for i := range batch {
		batch[i] = check(0, "compliance_check", `{"overall_score":1.0,"details":{"has_disclaimer":true,`+
			`"appropriate_length":true,"contains_prohibited_terms":true,"rationale":[]}}`)
		batch[i].Metadata = map[string]string{"fingerprint": "0123456789abcdef", "scope": "span"}
	}
	nextBatch(batch)
	return batch
}

// serverCPU is the time that the server has worked, which a busy machine does not distort.
func (s *server) serverCPU(b *testing.B) float64 {
	b.Helper()
	info, err := s.client.Info(b.Context(), "cpu").Result()
	require.NoError(b, err)
	total := 0.0
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "used_cpu_sys" || name == "used_cpu_user" {
			seconds, err := strconv.ParseFloat(value, 64)
			require.NoError(b, err)
			total += seconds
		}
	}
	return total
}

// report adds what was reached since the server's CPU time was before.
func (s *server) report(b *testing.B, size int, before float64) {
	b.Helper()
	written := float64(b.N) * float64(size)
	b.ReportMetric(written/b.Elapsed().Seconds(), "assessments/s")
	b.ReportMetric((s.serverCPU(b)-before)*1e9/written, "server-ns/assessment")
}

// BenchmarkPut writes assessments, each of another trace.
func BenchmarkPut(b *testing.B) { forEachSize(b, benchPut) }

func benchPut(b *testing.B, size int) {
	b.Helper()
	s := benchServer(b)
	st := s.open(b, nil)
	b.ReportAllocs()
	b.SetParallelism(benchWorkers)
	before := s.serverCPU(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		batch := newBatch(size)
		for pb.Next() {
			nextBatch(batch)
			if _, err := st.Put(context.Background(), batch); err != nil {
				b.Error(err)
			}
		}
	})
	s.report(b, size, before)
}

// BenchmarkRawPipeline is the least that the same takes with go-redis: HSET, two ZADD and EXPIRE a trace, of the same
// bytes.
func BenchmarkRawPipeline(b *testing.B) { forEachSize(b, benchRawPipeline) }

func benchRawPipeline(b *testing.B, size int) {
	b.Helper()
	s := benchServer(b)
	st := s.open(b, nil)
	sample := newBatch(1)
	_, err := st.Put(b.Context(), sample)
	require.NoError(b, err)
	keys := s.client.Keys(b.Context(), "*:trace:"+sample[0].TraceID).Val()
	require.Len(b, keys, 1)
	text := s.client.HGet(b.Context(), keys[0], sample[0].ID).Val()
	require.NotEmpty(b, text)
	b.ReportAllocs()
	b.SetParallelism(benchWorkers)
	before := s.serverCPU(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		batch := newBatch(size)
		for pb.Next() {
			nextBatch(batch)
			pipe := s.client.Pipeline()
			now := float64(time.Now().UnixMilli())
			for i := range batch {
				key := "{raw}:trace:" + batch[i].TraceID
				pipe.HSet(context.Background(), key, batch[i].ID, text)
				pipe.ZAdd(context.Background(), "{raw}:recent", redis.Z{Score: now, Member: batch[i].TraceID})
				pipe.ZAdd(context.Background(), "{raw}:sync", redis.Z{Score: now, Member: batch[i].TraceID})
				pipe.Expire(context.Background(), key, 720*time.Hour)
			}
			if _, err := pipe.Exec(context.Background()); err != nil {
				b.Error(err)
			}
		}
	})
	s.report(b, size, before)
}

// BenchmarkPutAgain writes the same batch again, as a retry does.
func BenchmarkPutAgain(b *testing.B) { forEachSize(b, benchPutAgain) }

func benchPutAgain(b *testing.B, size int) {
	b.Helper()
	s := benchServer(b)
	st := s.open(b, nil)
	batch := newBatch(size)
	before := s.serverCPU(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := st.Put(context.Background(), batch); err != nil {
			b.Error(err)
		}
	}
	s.report(b, size, before)
}

// BenchmarkClaim claims and settles 50 traces a round.
func BenchmarkClaim(b *testing.B) {
	s := benchServer(b)
	st := s.open(b, nil)
	batch := newBatch(512)
	_, err := st.Put(b.Context(), batch)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		claims, err := st.Claim(context.Background(), backendName, 50, time.Minute)
		if err != nil {
			b.Fatal(err)
		}
		settlements := make([]store.Settlement, len(claims))
		if _, err := st.SettleAll(context.Background(), claims, settlements); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkIndex writes what the index keeps of spans that have a response id: two values a span, and a conversation's
// for every tenth. Reported is a value's part.
func BenchmarkIndex(b *testing.B) { forEachSize(b, benchIndex) }

func benchIndex(b *testing.B, size int) {
	b.Helper()
	s := benchServer(b)
	st := s.open(b, nil)
	b.ReportAllocs()
	b.SetParallelism(benchWorkers)
	before := s.serverCPU(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		entries := make([]store.IndexEntry, size)
		for pb.Next() {
			first := benchTraces.Add(uint64(size)) - uint64(size)
			for i := range entries {
				n := int(first) + i
				kind, value := store.KindResponseID, strconv.Itoa(n)
				switch n % 21 {
				case 0:
					kind, value = store.KindConversationID, strconv.Itoa(n/200)
				case 1, 3, 5, 7, 9, 11, 13, 15, 17, 19:
					kind = store.KindSpanID
				}
				entries[i] = indexed(store.NewDigest(kind, value), n, time.Now())
			}
			if _, err := st.Index(context.Background(), entries); err != nil {
				b.Error(err)
			}
		}
	})
	written := float64(b.N) * float64(size)
	b.ReportMetric(written/b.Elapsed().Seconds(), "values/s")
	b.ReportMetric((s.serverCPU(b)-before)*1e9/written, "server-ns/value")
	info := s.client.Info(b.Context(), "memory").Val()
	_, used, _ := strings.Cut(info, "used_memory:")
	used, _, _ = strings.Cut(used, "\r")
	bytes, err := strconv.ParseFloat(used, 64)
	require.NoError(b, err)
	keys := s.client.DBSize(b.Context()).Val()
	b.ReportMetric(bytes/float64(keys), "server-B/value")
}
