package access

import (
	"context"

	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
)

// Door says which way a caller came in; it stands in the history of what they changed.
type Door string

// The doors of the extension.
const (
	// DoorAPI is MLflow's REST API as programs use it.
	DoorAPI Door = "api"
	// DoorUI is the same API as MLflow's web page uses it.
	DoorUI Door = "ui"
	// DoorReview is the same API as MLflow's review page uses it.
	DoorReview Door = "review"
	// DoorLookup is the feedback of those who know no trace id.
	DoorLookup Door = "lookup"
)

// Caller is who makes a request.
type Caller struct {
	// Name is the authenticated user, empty where the endpoint asks nobody for their name.
	Name string
	// Trusted callers may say which source an assessment has, HUMAN ones included.
	Trusted bool
	// Admin callers may list, export and restore everything.
	Admin bool
	Door  Door
	// Change is what the request does if it changes assessments, by its method. MLflow has a permission for each act.
	Change mlflow.Act
	// Credentials are the headers that MLflow is asked with on the caller's behalf: Authorization, Cookie and the
	// workspace's.
	Credentials Credentials
}

// String tells who without their credentials.
func (c Caller) String() string {
	if c.Name == "" {
		return "unnamed caller (" + string(c.Door) + ")"
	}
	return c.Name + " (" + string(c.Door) + ")"
}

// GoString keeps credentials out of %#v.
func (c Caller) GoString() string { return c.String() }

// Credentials are headers that are never printed.
type Credentials map[string][]string

const hidden = "[hidden]"

// String implements fmt.Stringer.
func (Credentials) String() string { return hidden }

// GoString implements fmt.GoStringer.
func (Credentials) GoString() string { return hidden }

// MarshalText keeps them out of encoded logs.
func (Credentials) MarshalText() ([]byte, error) { return []byte(hidden), nil }

type callerKey struct{}

// WithCaller returns a context that carries the caller.
func WithCaller(ctx context.Context, caller Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, caller)
}

// CallerOf is the context's caller; the zero one without any.
func CallerOf(ctx context.Context) Caller {
	caller, _ := ctx.Value(callerKey{}).(Caller)
	return caller
}
