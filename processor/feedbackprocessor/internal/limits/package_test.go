package limits

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(envOverloader) != "" {
		os.Exit(overload())
	}
	goleak.VerifyTestMain(m)
}
