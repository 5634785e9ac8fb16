package feedbackexporter

import (
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// quietLogger is for exporterhelper, which writes a line for each retry and each dropped batch. The store reports once
// that Redis does not answer; retries are no news then, and of each kind of loss one line a minute is enough: how much
// was lost is in exporterhelper's metrics.
func quietLogger(logger *zap.Logger) *zap.Logger {
	return logger.WithOptions(zap.WrapCore(func(core zapcore.Core) zapcore.Core {
		return zapcore.NewSamplerWithOptions(warnCore{core}, time.Minute, 1, 0)
	}))
}

// warnCore lets nothing below WARN through. zap.IncreaseLevel would complain where the level is higher already.
type warnCore struct{ zapcore.Core }

func (c warnCore) Enabled(level zapcore.Level) bool {
	return level >= zapcore.WarnLevel && c.Core.Enabled(level)
}

func (c warnCore) With(fields []zapcore.Field) zapcore.Core { return warnCore{c.Core.With(fields)} }

func (c warnCore) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if !c.Enabled(entry.Level) {
		return checked
	}
	return c.Core.Check(entry, checked)
}
