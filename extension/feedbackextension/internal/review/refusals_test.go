package review

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// What MLflow refuses waits for somebody who puts it right, as long as a trace may.
func TestRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, path, code string
		status           int
	}{
		{"queue", "review-queues/create", "INVALID_PARAMETER_VALUE", http.StatusBadRequest},
		{"no rights", "review-queues/create", "PERMISSION_DENIED", http.StatusForbidden},
		{"no rights to see", "review-queues/get-by-name", "PERMISSION_DENIED", http.StatusForbidden},
		{"no rights to add", "review-queues/items/add", "PERMISSION_DENIED", http.StatusForbidden},
		{"no rights to count", "review-queues/items/list", "PERMISSION_DENIED", http.StatusForbidden},
		{"schema", "label-schemas/create", "INVALID_PARAMETER_VALUE", http.StatusBadRequest},
		{"items", "review-queues/items/add", "INVALID_PARAMETER_VALUE", http.StatusBadRequest},
		{"items of a server that falls over them", "review-queues/items/add", "INTERNAL_ERROR", http.StatusInternalServerError},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			r := f.reviewer(failing())
			f.mlflow.arrive("7", traceID(1))
			f.put(1)
			f.deliver()
			f.mlflow.instead(func(w http.ResponseWriter, path string) bool {
				if path == tt.path {
					refuse(w, tt.status, tt.code)
				}
				return path == tt.path
			})
			for range 30 {
				f.steps(r, time.Minute)
			}
			assert.Empty(t, f.counts)
			assert.Equal(t, 1, f.logs.FilterMessageSnippet("refuses a review queue").Len(), "said once")
			for range 30 {
				f.steps(r, 15*time.Minute)
			}
			assert.Equal(t, counts{"failing failed": 1}, f.counts)
			f.mlflow.instead(nil)
			f.put(1) // it does not change: it is done with
			f.steps(r, 15*time.Minute)
			assert.Equal(t, counts{"failing failed": 1}, f.counts)
		})
	}
}

// One trace over which MLflow falls does not hold up the others.
func TestOneTraceThatMLflowFallsOver(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.reviewer(failing())
	f.mlflow.arrive("7", traceID(1), traceID(2), traceID(3))
	f.put(1, 2, 3)
	f.deliver()
	f.mlflow.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if strings.HasSuffix(request.URL.Path, "batchGetInfos") {
			body, _ := io.ReadAll(request.Body)
			if strings.Contains(string(body), traceID(2)) {
				refuse(w, http.StatusInternalServerError, "INTERNAL_ERROR")
				return
			}
			request.Body = io.NopCloser(strings.NewReader(string(body)))
		}
		f.mlflow.ServeHTTP(w, request)
	})
	f.steps(r, 2*time.Second)
	assert.Equal(t, []string{traceID(1), traceID(3)}, f.mlflow.items("7", "failing"))
	assert.Empty(t, f.logs.All())
}

func TestEveryTraceFallsOver(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.reviewer(failing())
	f.put(1, 2, 3)
	f.deliver()
	f.mlflow.instead(func(w http.ResponseWriter, _ string) bool {
		refuse(w, http.StatusInternalServerError, "INTERNAL_ERROR")
		return true
	})
	f.steps(r, 2*time.Second)
	assert.Equal(t, 1, f.logs.FilterMessageSnippet("does not answer").Len(), "it is the server")
}
