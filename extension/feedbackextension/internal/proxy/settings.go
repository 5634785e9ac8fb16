package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// Credentials says whose credentials MLflow sees.
type Credentials int8

const (
	// CredentialsCaller passes the caller's on, as without a proxy.
	CredentialsCaller Credentials = iota
	// CredentialsService keeps the caller's from MLflow; the transport may add the service's.
	CredentialsService
)

// Traces is what Redis holds of traces; ids are of 32 hex digits. *store.Store is one.
type Traces interface {
	// LoadAll leaves out traces that Redis lacks.
	LoadAll(ctx context.Context, traceIDs []string) (map[string]map[string]store.Record, error)
	Forget(ctx context.Context, traceIDs ...string) error
}

var _ Traces = (*store.Store)(nil)

// Adopter takes rows into Redis that stand in MLflow.
type Adopter interface {
	Adopt(ctx context.Context, traceID string, rows []mlflow.Assessment) error
}

// The reasons why an answer passed as MLflow gave it.
const (
	ReasonTooLarge    = "too_large"
	ReasonRedis       = "redis"
	ReasonNotReadable = "not_readable"
)

// Observer counts the answers that Redis' state was not laid over.
type Observer interface {
	Passed(reason string)
}

// Settings configure a Proxy. All but those that say otherwise are needed.
type Settings struct {
	// Upstream is MLflow's URL. Its path, if any, is MLflow's static prefix.
	Upstream string
	// Transport reaches MLflow. It should neither follow redirects nor ask for compression.
	Transport   http.RoundTripper
	Credentials Credentials
	// Strip are headers that never reach MLflow, such as the one in which a trusted proxy names the user. May be empty.
	Strip []string

	// Backend is MLflow's name in Redis.
	Backend string
	Traces  Traces
	Adopter Adopter
	// Render is a record as MLflow's API answers it to the caller.
	Render func(*store.Record, access.Caller) json.RawMessage
	// Learn is told which experiment a trace is in, by MLflow's answers; nil for nobody.
	Learn func(traceID, experiment string)
	// Doubt is told that MLflow asked a caller for credentials; nil for nobody.
	Doubt func()
	// KnowsNames reports whether MLflow itself knows callers by name; its review page then looks for answers of that name,
	// and else for those of "default".
	KnowsNames func(context.Context) bool
	// Bind makes the caller the author of an assessment that goes to MLflow directly, inside StartTraceV3 or for a trace
	// that Redis does not hold, or refuses it. It is asked where the caller is known by name and not trusted to name
	// sources.
	Bind func(caller access.Caller, row json.RawMessage) (json.RawMessage, error)
	// Mine refuses a caller who creates a trace that is there already and that they may not change; nil: nobody.
	Mine     func(ctx context.Context, traceID string) error
	Observer Observer
	Logger   *zap.Logger

	// StreamTimeout is how long a client may take nothing, or send nothing, while it is its turn. Default 30s.
	StreamTimeout time.Duration
	// ConnectTimeout bounds the wait for a connection to MLflow. Default 2s.
	ConnectTimeout time.Duration
	// Pause is how long MLflow is not tried again after no connection came about. Default 1s.
	Pause time.Duration
	// RedisTimeout bounds the wait for Redis, after which an answer passes as it is. Default 500ms.
	RedisTimeout time.Duration
	// MaxOverlay bounds the answers that are laid over, in bytes. Default 32 MiB.
	MaxOverlay int64
	// MaxWhole bounds a request's body that is read whole before it is passed on, in bytes. Default 4 MiB.
	MaxWhole int64
	// MaxRows bounds the assessments inside a trace that is created by a caller who is made their author. Default 1000.
	MaxRows int
	// WholeTimeout is how long a client may take to send such a body. Default 30s.
	WholeTimeout time.Duration
	// Now is the clock; default time.Now.
	Now func() time.Time

	// prevent unkeyed literal initialization
	_ struct{}
}

const (
	defaultMaxOverlay = 32 << 20
	defaultMaxWhole   = 4 << 20
	defaultMaxRows    = 1000
)

func (s *Settings) setDefaults() {
	orDefault(&s.StreamTimeout, 30*time.Second)
	orDefault(&s.ConnectTimeout, 2*time.Second)
	orDefault(&s.Pause, time.Second)
	orDefault(&s.RedisTimeout, 500*time.Millisecond)
	orDefault(&s.MaxOverlay, defaultMaxOverlay)
	orDefault(&s.MaxWhole, defaultMaxWhole)
	orDefault(&s.MaxRows, defaultMaxRows)
	orDefault(&s.WholeTimeout, 30*time.Second)
	if s.Now == nil {
		s.Now = time.Now
	}
}

func orDefault[T ~int64 | ~int](setting *T, value T) {
	if *setting <= 0 {
		*setting = value
	}
}

// upstreamOf reads Settings.Upstream; the path is without slash at its end. Its errors quote nothing: a URL may hold a
// password.
func upstreamOf(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("the upstream is not a URL")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, fmt.Errorf("the upstream must be an http or https URL with a host, not of scheme %q", u.Scheme)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the upstream must be a URL without user, query and fragment")
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	if path != "" && !cleanPath(path) {
		return nil, errors.New("the upstream's path must be a plain one")
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimRight(u.Path, "/"), RawPath: path}, nil
}
