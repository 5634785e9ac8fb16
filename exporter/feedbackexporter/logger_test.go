package feedbackexporter

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestQuietLogger(t *testing.T) {
	core, lines := observer.New(zap.InfoLevel)
	logger := quietLogger(zap.New(core)).With(zap.String("a", "b"))
	for range 100 {
		logger.Info("Exporting failed. Will retry the request after interval.")
		logger.Error("Exporting failed. Dropping data.")
	}
	logger.Error("another")
	assert.Equal(t, 2, lines.Len())
	assert.Equal(t, "b", lines.All()[0].ContextMap()["a"])
}
