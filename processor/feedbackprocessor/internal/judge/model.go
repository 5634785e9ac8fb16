package judge

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configmiddleware"
	"go.opentelemetry.io/collector/extension/extensionmiddleware"
	"go.uber.org/zap"
)

// provider speaks one vendor's API.
type provider interface {
	// formats are the ways to ask for an answer of a form, best first.
	formats(output *outputForm) []format
	// body is the request, in JSON's terms.
	body(ask request, features features) map[string]any
	// post makes exactly one HTTP request; every provider has it from its endpoint.
	post(ctx context.Context, client *http.Client, body map[string]any, features features, now time.Time) ([]byte, *failure)
	// read reads the response. The reply holds the tokens used even where the call failed.
	read(text []byte) (reply, *failure)
}

// request is one question to a model.
type request struct {
	system, user string
	output       *outputForm
}

// reply is what a model said.
type reply struct {
	text string
	// accepted says that the server took the request, features included.
	accepted bool
	usage    usage
}

// usage counts tokens; cached ones are part of input, reasoning ones of output.
type usage struct {
	input, cached, output, reasoning int64
}

func (u *usage) add(other usage) {
	u.input += other.input
	u.cached += other.cached
	u.output += other.output
	u.reasoning += other.reasoning
}

// Model is a language model that any number of judges may ask at once.
type Model struct {
	key      string
	name     string
	cfg      *ModelConfig
	provider provider
	set      component.TelemetrySettings
	learned  knowledge
	pace     *pace
	breaker  *breaker

	client    atomic.Pointer[http.Client]
	transport http.RoundTripper
}

// NewModel makes a model of a valid configuration; key is its key in `models`.
func NewModel(key string, cfg *ModelConfig, set component.TelemetrySettings) (*Model, error) {
	m := &Model{
		key: key, name: cfg.Model, cfg: cfg, set: set,
		pace: newPace(cfg.MaxConcurrency, cfg.RequestsPerMinute), breaker: newBreaker(key, set.Logger),
	}
	if m.name == "" {
		m.name = key
	}
	var err error
	if cfg.Provider == ProviderAnthropic {
		m.provider, err = newAnthropic(cfg, m.name)
	} else {
		m.provider, err = newOpenAI(cfg, m.name)
	}
	if err != nil {
		return nil, fmt.Errorf("model %q: %w", key, err)
	}
	return m, nil
}

// Key is the model's key in `models`, which metrics and results name.
func (m *Model) Key() string { return m.key }

// Paused reports whether the model's server is down, so that its judgements wait.
func (m *Model) Paused() bool { return m.breaker.isOpen() }

// Start builds the HTTP client, with the host's extensions for auth and middleware. It makes no connection.
func (m *Model) Start(ctx context.Context, host component.Host) error {
	// confighttp wraps the transport in layers that hide CloseIdleConnections, so a middleware next to the
	// transport keeps hold of it.
	id := component.MustNewIDWithName("transport_holder", m.key)
	extensions := map[component.ID]component.Component{}
	if host != nil {
		extensions = maps.Clone(host.GetExtensions())
	}
	if extensions == nil {
		extensions = map[component.ID]component.Component{}
	}
	extensions[id] = transportHolder{hold: func(transport http.RoundTripper) { m.transport = transport }}
	cfg := m.cfg.ClientConfig
	cfg.Middlewares = append(slices.Clone(cfg.Middlewares), configmiddleware.Config{ID: id})
	client, err := cfg.ToClient(ctx, extensions, m.set)
	if err != nil {
		return fmt.Errorf("model %q: %w", m.key, err)
	}
	// A redirect would carry content to an address that nobody configured.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	m.client.Store(client)
	return nil
}

// Shutdown closes idle connections. It may be called at any time, also twice and without Start.
func (m *Model) Shutdown() {
	if closer, ok := m.transport.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

// enter waits until the model may be called: while its server is down, then for the model's pace. The failure says why
// it may not, unless ctx ended. After the call, leave gives the place back, and the permit is to be reported.
func (m *Model) enter(ctx context.Context, wait waiting) (pass permit, leave func(), fail *failure) {
	for {
		if pass, fail = m.breaker.enter(ctx, wait); fail != nil {
			return pass, nil, fail
		}
		var err error
		if leave, err = m.pace.enter(ctx, wait.clock); err != nil {
			m.breaker.report(pass, outcomeNone, "", wait.clock.Now())
			return pass, nil, &failure{class: errorTypeCancelled, message: "the collector stops"}
		}
		if !m.breaker.stale(pass) {
			return pass, leave, nil
		}
		leave() // it went down while the call waited for its turn
	}
}

// call makes one HTTP request.
func (m *Model) call(ctx context.Context, ask request, features features, now time.Time) (reply, *failure) {
	client := m.client.Load()
	if client == nil {
		return reply{}, &failure{class: ErrorTypeInternal, spent: spentUnsent, message: "it was asked before it was started"}
	}
	text, fail := m.provider.post(ctx, client, m.provider.body(ask, features), features, now)
	if fail != nil {
		return reply{}, fail
	}
	return m.provider.read(text)
}

// learn remembers what a server did without, once it has answered without it.
func (m *Model) learn(features features) {
	if m.learned.atLeast(features) {
		m.set.Logger.Info("The model's server does not take a feature; later calls do without it",
			zap.String("model", m.key), zap.Stringer("answer_format", features.format), zap.Bool("old_token_limit", features.oldTokens))
	}
}

// transportHolder hands the transport of a client out.
type transportHolder struct {
	component.StartFunc
	component.ShutdownFunc
	hold func(http.RoundTripper)
}

var _ extensionmiddleware.HTTPClient = transportHolder{}

// GetHTTPRoundTripper implements extensionmiddleware.HTTPClient.
func (h transportHolder) GetHTTPRoundTripper(context.Context) (extensionmiddleware.WrapHTTPRoundTripperFunc, error) {
	return func(_ context.Context, transport http.RoundTripper) (http.RoundTripper, error) {
		h.hold(transport)
		return transport, nil
	}, nil
}
