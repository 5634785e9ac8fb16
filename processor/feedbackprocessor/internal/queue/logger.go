package queue

import (
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// helperNoise starts every line with which exporterhelper reports a single item: refused, tried again, dropped. Each
// of these is a decision that is counted, so a line per item is noise, and at stop it is wrong: it says "dropping" of
// what is kept. Errors of the storage start otherwise and pass.
const helperNoise = "Exporting failed."

// quiet returns a logger without exporterhelper's line per item.
func quiet(logger *zap.Logger) *zap.Logger {
	return logger.WithOptions(zap.WrapCore(func(core zapcore.Core) zapcore.Core { return quietCore{core} }))
}

type quietCore struct {
	zapcore.Core
}

func (c quietCore) With(fields []zapcore.Field) zapcore.Core {
	return quietCore{c.Core.With(fields)}
}

func (c quietCore) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if strings.HasPrefix(entry.Message, helperNoise) {
		return checked
	}
	return c.Core.Check(entry, checked)
}
