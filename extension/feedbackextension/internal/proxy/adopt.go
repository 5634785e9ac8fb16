package proxy

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
)

// afterTimeout bounds what is written to Redis after MLflow has done its part; it goes on although the client left.
const afterTimeout = 5 * time.Second

// adopt takes the assessments that came inside a trace into Redis. Where that fails, re-reading finds them later.
func (p *Proxy) adopt(ctx context.Context, document []byte, traces []traceInfo) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterTimeout)
	defer cancel()
	for i := range traces {
		info := &traces[i]
		if info.traceID == "" || len(info.rows) == 0 {
			continue
		}
		rows := make([]mlflow.Assessment, 0, len(info.rows))
		for _, at := range info.rows {
			if row := decode(at.of(document)); row.ID != "" {
				rows = append(rows, row)
			}
		}
		if err := p.set.Adopter.Adopt(ctx, info.traceID, rows); err != nil {
			p.set.Logger.Warn("assessments that came with a trace are not in redis yet", zap.Error(err))
		}
	}
}
