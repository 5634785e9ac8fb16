package answer

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestRefuse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		err        error
		status     int
		retryAfter string
		body       string
	}{
		{
			"a stranger's error", errors.New("secret"), http.StatusInternalServerError, "",
			`{"error_code":"INTERNAL_ERROR","message":"Internal error","sqlstate":"XXM00","error_class":"CLIENT_INTERNAL_ERROR"}`,
		},
		{
			"a body over its limit", &http.MaxBytesError{Limit: 7}, http.StatusRequestEntityTooLarge, "",
			`{"error_code":"INVALID_PARAMETER_VALUE","message":"The request's body is larger than 7 bytes","sqlstate":"KAM00","error_class":"INVALID_PARAMETER_VALUE"}`,
		},
		{
			"not found, wrapped", fmt.Errorf("outer: %w", NotFound(`no "x"`)), http.StatusNotFound, "",
			`{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"no \"x\"","sqlstate":"KAM00","error_class":"RESOURCE_NOT_FOUND"}`,
		},
		{
			"denied", Denied("no"), http.StatusForbidden, "",
			`{"error_code":"PERMISSION_DENIED","message":"no","sqlstate":"KAM00","error_class":"PERMISSION_DENIED"}`,
		},
		{
			"unavailable", Unavailable("later", 1500*time.Millisecond), http.StatusServiceUnavailable, "2",
			`{"error_code":"TEMPORARILY_UNAVAILABLE","message":"later","sqlstate":"XXM00","error_class":"CLIENT_INTERNAL_ERROR"}`,
		},
		{"unclassified", Conflict("no"), http.StatusConflict, "", `{"error_code":"RESOURCE_CONFLICT","message":"no"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			Refuse(w, tt.err)
			assert.Equal(t, tt.status, w.Code)
			assert.Equal(t, tt.retryAfter, w.Header().Get("Retry-After"))
			assert.Equal(t, "application/json", w.Header().Get("Content-Type"))
			assert.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
			assert.JSONEq(t, tt.body, w.Body.String())
			assert.NotContains(t, w.Body.String(), "secret")
		})
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	JSON(w, map[string]any{"a": "<b>"})
	assert.Contains(t, w.Body.String(), "{\n  \"a\": \"<b>\"\n}")
	w = httptest.NewRecorder()
	JSON(w, func() {})
	assert.Equal(t, http.StatusInternalServerError, w.Code)
}
