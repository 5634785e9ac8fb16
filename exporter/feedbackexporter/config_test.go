package feedbackexporter

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/otelcol-feedback/otelcol-feedback/internal/bytesize"
	"github.com/otelcol-feedback/otelcol-feedback/internal/deliver"
)

func loadConfig(t *testing.T, id string) *Config {
	t.Helper()
	file, err := confmaptest.LoadConf(filepath.Join("testdata", "config.yaml"))
	require.NoError(t, err)
	sub, err := file.Sub(id)
	require.NoError(t, err)
	config := createDefaultConfig().(*Config)
	require.NoError(t, sub.Unmarshal(config))
	return config
}

func TestConfigRefuses(t *testing.T) {
	tests := []struct {
		id   string
		want []string
	}{
		{"feedback/invalid", []string{
			"redis: `mode` is \"ring\"", "mlflow: `endpoint` must be",
			"`backend` is \"no spaces\"", "`retention` is 1s", "`trace_wait` is 0s", "`max_waiting` is 0",
			"`max_assessment_size` is 1GiB, must be 1KiB to 16MiB", "`max_per_trace` is 0",
			"index: `attributes` holds 17 names", "`attributes` holds a name of 0 characters", "`attributes` holds \"same\" twice",
			"`index_ttl` is 1s", "`max_index` is 0",
		}},
		{"feedback/queue_meant_in_requests", []string{"`sending_queue::queue_size` is 5000 bytes", "`sizer: items`"}},
		{"feedback/queue_meant_in_bytes", []string{"`sending_queue::queue_size` is 67108864", "another `sizer`"}},
	}
	for _, tt := range tests {
		t.Run(tt.id, func(t *testing.T) {
			err := confmap.Validate(loadConfig(t, tt.id))
			require.Error(t, err)
			for _, want := range tt.want {
				assert.ErrorContains(t, err, want)
			}
		})
	}
}

func TestConfigDefaults(t *testing.T) {
	config := loadConfig(t, "feedback")
	require.NoError(t, confmap.Validate(config))
	assert.Equal(t, []string{"localhost:6379"}, config.Redis.Endpoints)
	assert.False(t, config.MLflow.HasValue(), "Redis only unless asked for")
	assert.Equal(t, 720*time.Hour, config.Retention)
	assert.Equal(t, 24*time.Hour, config.TraceWait)
	assert.Equal(t, 256*bytesize.KiB, config.MaxAssessmentSize)
	assert.False(t, config.Index.HasValue(), "off unless asked for")
	assert.False(t, config.StoreContent)
	assert.False(t, config.TrustHumanEvents)
	assert.Equal(t, exporterhelper.RequestSizerTypeBytes, config.Queue.Get().Sizer)
	assert.Zero(t, config.Retry.MaxElapsedTime, "what was accepted is held until Redis is back")
}

func TestConfigFull(t *testing.T) {
	config := loadConfig(t, "feedback/full")
	require.NoError(t, confmap.Validate(config))
	assert.Equal(t, "main", config.Redis.MasterName)
	assert.False(t, config.Redis.TLS.Insecure)
	assert.Equal(t, "https://mlflow.example.com", config.MLflow.Get().HTTP.Endpoint)
	assert.Equal(t, deliver.BulkOff, config.MLflow.Get().Bulk)
	assert.Len(t, config.MLflow.Get().Forward, 2)
	assert.Equal(t, "mlflow-prod", config.Backend)
	assert.Equal(t, 64*bytesize.KiB, config.MaxAssessmentSize)
	assert.Equal(t, []string{"app.message_id"}, config.Index.Get().Attributes)
	assert.Equal(t, 72*time.Hour, config.IndexTTL)
	assert.Equal(t, 5_000_000, config.MaxIndex)
	assert.True(t, config.StoreContent)
	assert.Equal(t, 2*time.Second, config.TimeoutConfig.Timeout)
	assert.Equal(t, "file_storage/feedback", config.Queue.Get().StorageID.String())

	text := confmap.New()
	require.NoError(t, text.Marshal(config))
	assert.NotContains(t, text.ToStringMap(), "secret")
}

func TestConfigIndexWithoutAttributes(t *testing.T) {
	config := loadConfig(t, "feedback/index")
	require.NoError(t, confmap.Validate(config))
	assert.True(t, config.Index.HasValue())
}

func TestConfigQueueInItems(t *testing.T) {
	config := loadConfig(t, "feedback/items")
	require.NoError(t, confmap.Validate(config))
	assert.Equal(t, int64(20000), config.Queue.Get().QueueSize)
}

func TestConfigQueueSmallerThanABatch(t *testing.T) {
	config := loadConfig(t, "feedback/few_items")
	require.NoError(t, confmap.Validate(config))
	assert.Equal(t, int64(500), config.Queue.Get().Batch.Get().MinSize)
}

func TestNullKeysCountAsAbsent(t *testing.T) {
	config := loadConfig(t, "feedback/nulls")
	require.NoError(t, confmap.Validate(config))
	want := createDefaultConfig().(*Config)
	want.MLflow, config.MLflow = config.MLflow, want.MLflow
	want.Index, config.Index = config.Index, want.Index
	assert.Equal(t, want, config)
	assert.False(t, want.MLflow.HasValue(), "Redis only")
	assert.False(t, want.Index.HasValue())
}
