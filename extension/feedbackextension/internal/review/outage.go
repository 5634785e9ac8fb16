package review

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
)

const (
	firstPause   = time.Second
	longestPause = time.Minute
)

// outage is the time while MLflow does not work; nothing is asked of it then.
type outage struct {
	clock  Clock
	logger *zap.Logger
	pause  time.Duration
	until  time.Time
}

// lasts reports whether it is too early to ask again.
func (o *outage) lasts() bool { return o.clock.Now().Before(o.until) }

// begin notes a failure. One of a call that this process has ended is none of MLflow's.
func (o *outage) begin(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	if o.pause == 0 {
		o.logger.Warn("mlflow does not answer; traces wait for their review queues", zap.Error(err))
	}
	o.pause = min(max(firstPause, 2*o.pause), longestPause)
	o.until = o.clock.Now().Add(max(o.pause, mlflow.RetryAfterOf(err)))
}

// end notes that MLflow works.
func (o *outage) end() {
	if o.pause > 0 {
		o.logger.Info("mlflow answers again; traces are put into review queues")
	}
	o.pause = 0
}

// down says whether err is about MLflow as a whole, not about what it was asked for.
func down(err error) bool {
	return err != nil && mlflow.ClassOf(err) == mlflow.ClassUnavailable && !mlflow.Blames(err)
}

// absent says whether err is that something does not exist. What MLflow does not let us see is not known to be absent.
func absent(err error) bool {
	var refusal *mlflow.Error
	return errors.As(err, &refusal) && mlflow.ClassOf(err) == mlflow.ClassNotFound && !refusal.Denied()
}
