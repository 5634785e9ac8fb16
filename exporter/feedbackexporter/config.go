package feedbackexporter

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/otelcol-feedback/otelcol-feedback/internal/replica"
)

// Config configures the feedback exporter.
type Config struct {
	// Config says where assessments are kept and delivered to, with bounds.
	replica.Config `mapstructure:",squash"`

	// Index keeps by which ids every GenAI span is found, so that feedback can name what an app knows of an answer. `{}`
	// turns it on. Left out: off.
	Index configoptional.Optional[IndexConfig] `mapstructure:"index"`
	// IndexTTL is how long an id finds its span. Default 24h.
	IndexTTL time.Duration `mapstructure:"index_ttl"`
	// MaxIndex bounds the ids; the oldest go. Default 1000000.
	MaxIndex int `mapstructure:"max_index"`
	// StoreContent keeps question and answer of the spans that assessments are about, so that both can be exported
	// together. Default false.
	StoreContent bool `mapstructure:"store_content"`
	// TrustHumanEvents takes assessments of people from telemetry. Without it they are refused and counted, because
	// whoever can send telemetry could speak in anyone's name. Default false.
	TrustHumanEvents bool `mapstructure:"trust_human_events"`

	// TimeoutConfig holds `timeout`, the time that one write to Redis may take. Default 5s.
	TimeoutConfig exporterhelper.TimeoutConfig `mapstructure:",squash"`
	// Queue holds what Redis has not taken yet, results only. Default: 64 MiB in memory, written in batches of 4096 or
	// every 200ms; `storage` makes it persistent.
	Queue configoptional.Optional[exporterhelper.QueueBatchConfig] `mapstructure:"sending_queue"`
	// Retry says how a failed write is repeated. Default: for ever, every 1s to 10s.
	Retry configretry.BackOffConfig `mapstructure:"retry_on_failure"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// IndexConfig says what spans are found by beside their response, conversation and span ids.
type IndexConfig struct {
	// Attributes are the names of span or resource attributes, such as app.message_id. At most 16.
	Attributes []string `mapstructure:"attributes"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var (
	_ component.Config    = (*Config)(nil)
	_ confmap.Validator   = (*Config)(nil)
	_ confmap.Unmarshaler = (*Config)(nil)
)

const (
	defaultQueueBytes = 64 << 20
	defaultBatch      = 4096
	// minQueueBytes and maxQueueCount tell a queue_size that was meant in another unit.
	minQueueBytes = 1 << 20
	maxQueueCount = 10_000_000
)

func createDefaultConfig() component.Config {
	queue := exporterhelper.NewDefaultQueueConfig()
	queue.Sizer, queue.QueueSize = exporterhelper.RequestSizerTypeBytes, defaultQueueBytes
	// A batch is spread over the store's shards, one script each: small ones cost Redis several times as much.
	queue.Batch = configoptional.Some(exporterhelper.BatchConfig{
		FlushTimeout: 200 * time.Millisecond, Sizer: exporterhelper.RequestSizerTypeItems, MinSize: defaultBatch,
	})
	retry := configretry.NewDefaultBackOffConfig()
	// What was accepted is held until Redis is back; the queue's size is the bound.
	retry.InitialInterval, retry.MaxInterval, retry.MaxElapsedTime = time.Second, 10*time.Second, 0
	return &Config{
		Config:        replica.NewDefaultConfig(),
		Index:         configoptional.Default(IndexConfig{}),
		IndexTTL:      24 * time.Hour,
		MaxIndex:      1_000_000,
		TimeoutConfig: exporterhelper.NewDefaultTimeoutConfig(),
		Queue:         configoptional.Some(queue),
		Retry:         retry,
	}
}

// Unmarshal implements confmap.Unmarshaler: a null key counts as absent, so that a later file can take a section such as
// `mlflow` out; plain decoding would turn it on with its defaults.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	for key, value := range conf.ToStringMap() {
		if value == nil {
			conf.Delete(key)
		}
	}
	if err := conf.Unmarshal(c); err != nil {
		return err
	}
	// A queue that is bounded to fewer results than the default batch never fills one.
	if queue := c.Queue.Get(); queue != nil && queue.Batch.HasValue() && !conf.IsSet("sending_queue::batch") &&
		queue.Sizer == exporterhelper.RequestSizerTypeItems {
		queue.Batch.Get().MinSize = min(queue.Batch.Get().MinSize, queue.QueueSize)
	}
	return nil
}

// Validate implements confmap.Validator.
func (c *Config) Validate() error {
	var errs []error
	if c.IndexTTL < time.Minute {
		errs = append(errs, fmt.Errorf("`index_ttl` is %v, must be at least 1m", c.IndexTTL))
	}
	if c.MaxIndex < 1 {
		errs = append(errs, fmt.Errorf("`max_index` is %d, must be at least 1", c.MaxIndex))
	}
	return errors.Join(append(errs, c.validateQueue())...)
}

const (
	maxIndexed       = 16
	maxAttributeName = 256
)

// Validate implements confmap.Validator.
func (c *IndexConfig) Validate() error {
	var errs []error
	if len(c.Attributes) > maxIndexed {
		errs = append(errs, fmt.Errorf("`attributes` holds %d names, must be at most %d", len(c.Attributes), maxIndexed))
	}
	for i, name := range c.Attributes {
		switch {
		case name == "" || len(name) > maxAttributeName:
			errs = append(errs, fmt.Errorf("`attributes` holds a name of %d characters, must be 1 to %d", len(name), maxAttributeName))
		case slices.Contains(c.Attributes[:i], name):
			errs = append(errs, fmt.Errorf("`attributes` holds %q twice", name))
		}
	}
	return errors.Join(errs...)
}

// validateQueue refuses sizes that say bytes and mean requests, or the other way round.
func (c *Config) validateQueue() error {
	if !c.Queue.HasValue() {
		return nil
	}
	queue := c.Queue.Get()
	inBytes := queue.Sizer == exporterhelper.RequestSizerTypeBytes
	switch {
	case inBytes && queue.QueueSize > 0 && queue.QueueSize < minQueueBytes:
		return fmt.Errorf("`sending_queue::queue_size` is %d bytes, must be at least %d, or set `sizer: items` to bound the number of assessments",
			queue.QueueSize, minQueueBytes)
	case !inBytes && queue.QueueSize > maxQueueCount:
		return fmt.Errorf("`sending_queue::queue_size` is %d, must be at most %d with another `sizer` than bytes; the default is meant in bytes",
			queue.QueueSize, maxQueueCount)
	}
	return nil
}
