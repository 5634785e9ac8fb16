package queue

import (
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
)

// Config is exporterhelper's queue configuration, of which a judge's queue takes `num_consumers`, `queue_size`,
// `sizer` and `storage`.
type Config = exporterhelper.QueueBatchConfig

// NewDefaultConfig returns a memory queue of 10,000 judgements with 8 workers.
func NewDefaultConfig() Config {
	config := exporterhelper.NewDefaultQueueConfig()
	config.NumConsumers = 8
	config.QueueSize = 10_000
	config.Batch = configoptional.None[exporterhelper.BatchConfig]()
	return config
}

// Validate refuses the keys of exporterhelper's queue that would block spans or join judgements, and a queue too small
// for its workers.
func Validate(config *Config) error {
	var errs error
	if config.BlockOnOverflow {
		errs = errors.Join(errs, errors.New("`block_on_overflow` is true: it would hold spans back, leave it out"))
	}
	if config.WaitForResult {
		errs = errors.Join(errs, errors.New("`wait_for_result` is true: it would hold spans back, leave it out"))
	}
	if config.Batch.HasValue() {
		errs = errors.Join(errs, errors.New("`batch` is set: judgements are made one by one, leave it out"))
	}
	if config.NumConsumers > 0 && config.QueueSize > 0 && config.QueueSize < int64(config.NumConsumers) {
		errs = errors.Join(errs, fmt.Errorf(
			"`queue_size` is %d, below `num_consumers` %d: what is under way counts as queued, so give at least as many places as workers",
			config.QueueSize, config.NumConsumers))
	}
	return errs
}
