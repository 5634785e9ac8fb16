package feedbackexporter

import (
	"context"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackexporter/internal/metadata"
	"github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackexporter/internal/metadatatest"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/deliver"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

func redisConfig(endpoint string) *Config {
	config := quickConfig()
	config.Redis.Endpoints = []string{endpoint}
	return config
}

// openStoreOf opens what the configured exporter writes to; the caller closes it.
func openStoreOf(t *testing.T, config *Config) *store.Store {
	t.Helper()
	st, err := store.Open(t.Context(), config.Redis, store.Settings{}, zap.NewNop())
	require.NoError(t, err)
	return st
}

// inRedis counts which of the results are stored.
func inRedis(t *testing.T, config *Config, results []assessment.Assessment) int {
	t.Helper()
	st := openStoreOf(t, config)
	defer func() { require.NoError(t, st.Close()) }()
	found := 0
	for _, want := range results {
		records, err := st.Load(t.Context(), want.TraceID)
		require.NoError(t, err)
		if record, ok := records[want.ID]; ok {
			assert.Equal(t, want.Value, record.Value)
			assert.Equal(t, want.Metadata, record.Metadata)
			found++
		}
	}
	return found
}

// Redis goes away and comes back: all that was accepted is there, once, and the log tells of changes, not of tries.
func TestRedisDownForAWhile(t *testing.T) {
	core, lines := observer.New(zap.InfoLevel)
	set := exportertest.NewNopSettings(metadata.Type)
	set.Logger = zap.New(core)
	server := miniredis.RunT(t)
	config := redisConfig(server.Addr())
	exp, err := NewFactory().CreateTraces(t.Context(), set, config)
	require.NoError(t, err)
	start(t, exp)
	td, want := tracesOf(40)

	server.Close()
	for range 20 {
		require.NoError(t, exp.ConsumeTraces(t.Context(), td))
	}
	require.Eventually(t, func() bool { return lines.FilterMessage("redis does not answer").Len() == 1 }, 20*time.Second, time.Millisecond)
	require.NoError(t, server.Restart())
	require.Eventually(t, func() bool { return inRedis(t, config, want) == len(want) }, 20*time.Second, 10*time.Millisecond)
	require.NoError(t, exp.Shutdown(t.Context()))
	assert.Len(t, server.Keys(), 10+len(shardsOf(server))+1, "one hash a trace, the lists of recent traces, meta")
	assert.Equal(t, 2, lines.Len(), "each change of state, not each of hundreds of tries: %v", lines.All())
}

// shardsOf are the lists of recent traces.
func shardsOf(server *miniredis.Miniredis) (recent []string) {
	for _, key := range server.Keys() {
		if kind := server.Type(key); kind == "zset" {
			recent = append(recent, key)
		}
	}
	return recent
}

// A Redis that takes connections and says nothing holds up neither Start nor Shutdown.
func TestRedisHangs(t *testing.T) {
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "localhost:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, silent.Close()) })
	exp, err := NewFactory().CreateTraces(t.Context(), exportertest.NewNopSettings(metadata.Type), redisConfig(silent.Addr().String()))
	require.NoError(t, err)
	require.NoError(t, exp.Start(t.Context(), host{}))
	td, _ := tracesOf(4)
	require.NoError(t, exp.ConsumeTraces(t.Context(), td))
	require.NoError(t, exp.Shutdown(t.Context()))
}

// persistentQueue is an exporter that can be run again with the queue of its last run.
type persistentQueue struct {
	dir    string
	server *miniredis.Miniredis
	config *Config
}

func newPersistentQueue(t *testing.T) *persistentQueue {
	t.Helper()
	server := miniredis.RunT(t)
	id := component.MustNewID("file_storage")
	config := redisConfig(server.Addr())
	config.Queue.Get().StorageID = &id
	return &persistentQueue{dir: t.TempDir(), server: server, config: config}
}

func (q *persistentQueue) run(t *testing.T, f func(exp component.Component)) {
	t.Helper()
	factory := filestorage.NewFactory()
	storageConfig := factory.CreateDefaultConfig().(*filestorage.Config)
	storageConfig.Directory = q.dir
	storage, err := factory.Create(t.Context(), extensiontest.NewNopSettings(factory.Type()), storageConfig)
	require.NoError(t, err)
	require.NoError(t, storage.Start(t.Context(), host{}))
	set := exportertest.NewNopSettings(metadata.Type)
	set.ID = component.NewID(metadata.Type) // the storage is found by it
	exp, err := NewFactory().CreateTraces(t.Context(), set, q.config)
	require.NoError(t, err)
	require.NoError(t, exp.Start(t.Context(), host{map[component.ID]component.Component{*q.config.Queue.Get().StorageID: storage}}))
	f(exp)
	require.NoError(t, exp.Shutdown(t.Context()))
	require.NoError(t, storage.Shutdown(t.Context()))
}

func TestPersistentQueueHoldsResultsOnly(t *testing.T) {
	queue := newPersistentQueue(t)
	td, want := tracesOf(12)
	queue.server.Close()
	queue.run(t, func(exp component.Component) {
		require.NoError(t, exp.(*node).ConsumeTraces(t.Context(), td))
	})
	onDisk := contentOf(t, queue.dir)
	assert.Contains(t, onDisk, "compliance_check", "the results are kept over a restart")
	assert.NotContains(t, onDisk, secret)
	assert.NotContains(t, onDisk, "gen_ai.input.messages")

	require.NoError(t, queue.server.Restart())
	queue.run(t, func(component.Component) {
		require.Eventually(t, func() bool { return inRedis(t, queue.config, want) == len(want) }, 20*time.Second, 10*time.Millisecond)
	})
}

func contentOf(t *testing.T, dir string) string {
	t.Helper()
	var all []byte
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path) //nolint:gosec // the test's own directory
		all = append(all, content...)
		return err
	}))
	return string(all)
}

// The delivery runs: what the backend does not know yet waits, and the gauges say so.
func TestDelivery(t *testing.T) {
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
	asked := make(chan string, 100)
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case asked <- r.URL.Path:
		default:
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{}`))
	}))
	t.Cleanup(backend.Close)
	server := miniredis.RunT(t)
	config := redisConfig(server.Addr())
	mlflow := deliver.NewDefaultMLflowConfig()
	mlflow.HTTP.Endpoint = backend.URL
	config.MLflow = configoptional.Some(mlflow)
	config.Backend = "mlflow"
	set := metadatatest.NewSettings(tel)
	exp, err := NewFactory().CreateTraces(t.Context(), set, config)
	require.NoError(t, err)
	start(t, exp)
	td, want := tracesOf(4)
	require.NoError(t, exp.ConsumeTraces(t.Context(), td))
	require.Eventually(t, func() bool { return inRedis(t, config, want) == len(want) }, 20*time.Second, 10*time.Millisecond)
	select {
	case path := <-asked:
		assert.Contains(t, path, "/mlflow/traces")
	case <-time.After(20 * time.Second):
		require.Fail(t, "the backend is never asked")
	}

	exp.(*node).exporter.replica.ObserveBacklog(t.Context())
	name := attribute.NewSet(attribute.String("backend", "mlflow"))
	metadatatest.AssertEqualExporterFeedbackBacklog(t, tel,
		[]metricdata.DataPoint[int64]{{Value: 1, Attributes: name}}, metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualExporterFeedbackDead(t, tel,
		[]metricdata.DataPoint[int64]{{Value: 0, Attributes: name}}, metricdatatest.IgnoreTimestamp())
	require.Eventually(t, func() bool {
		m, err := tel.GetMetric("otelcol_exporter_feedback_deliveries")
		return err == nil && m.Data.(metricdata.Sum[int64]).DataPoints[0].Value > 0
	}, 20*time.Second, 10*time.Millisecond)

	server.Close()
	exp.(*node).exporter.replica.ObserveBacklog(t.Context())
	_, err = tel.GetMetric("otelcol_exporter_feedback_backlog")
	require.Error(t, err, "no number is better than an old one")
}

func TestDeliveryToAnotherServerIsRefused(t *testing.T) {
	server := miniredis.RunT(t)
	for i, endpoint := range []string{"http://localhost:1", "http://localhost:2"} {
		config := redisConfig(server.Addr())
		mlflow := deliver.NewDefaultMLflowConfig()
		mlflow.HTTP.Endpoint = endpoint
		config.MLflow = configoptional.Some(mlflow)
		config.Backend = "mlflow"
		exp, err := NewFactory().CreateTraces(t.Context(), exportertest.NewNopSettings(metadata.Type), config)
		require.NoError(t, err)
		err = exp.Start(t.Context(), host{})
		if i == 0 {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, store.ErrMismatch)
		}
		require.NoError(t, exp.Shutdown(t.Context()))
	}
}

func TestMassMissing(t *testing.T) {
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
	counts, err := newTelemetry(tel.NewTelemetrySettings(), "mlflow")
	require.NoError(t, err)
	defer counts.shutdown()
	counts.MassMissing("mlflow", 25)
	metadatatest.AssertEqualExporterFeedbackMissing(t, tel, []metricdata.DataPoint[int64]{
		{Value: 25, Attributes: attribute.NewSet(attribute.String("backend", "mlflow"))},
	}, metricdatatest.IgnoreTimestamp())
}
