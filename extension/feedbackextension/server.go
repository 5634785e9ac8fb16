package feedbackextension

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/api"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/proxy"
)

const (
	// ownPrefix begins the paths that MLflow does not have.
	ownPrefix  = "/feedback/"
	lookupPath = "/feedback/v1/feedback"
	// userPath is where MLflow's page asks who looks at it.
	userPath = "/mlflow/users/current"
)

// accountPaths are MLflow's users and what they may do.
var accountPaths = regexp.MustCompile(`^/(ajax-)?api/[0-9]\.[0-9]/mlflow/(users|roles)(/|$)`)

// handler answers all requests; ready says whether Redis has been checked.
func (p *parts) handler(config *Config, ready func() bool) http.Handler {
	hosts := config.AllowedHosts
	if len(hosts) == 0 {
		hosts = proxy.DefaultHosts(config.Server.NetAddr.Endpoint)
	}
	router := &router{parts: p, own: p.own(), prefix: p.prefix(), ready: ready}
	return router.crossing(proxy.Hosts(hosts, proxy.SameOrigin(mayCross, router)))
}

// own are the calls that MLflow does not have.
func (p *parts) own() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST "+lookupPath, p.intake)
	mux.HandleFunc("GET /feedback/v1/traces/{trace_id}/history", p.reading.History)
	mux.HandleFunc("GET /feedback/v1/assessments", p.reading.List)
	mux.HandleFunc("GET /feedback/v1/export", p.reading.Export)
	mux.HandleFunc("POST /feedback/v1/restore", p.reading.Restore)
	return mux
}

// prefix is MLflow's static prefix, without slash at its end.
func (p *parts) prefix() string {
	if p.upstream == nil {
		return ""
	}
	return strings.TrimRight(p.upstream.url.Path, "/")
}

// router sends each request to the part that answers it. All paths may begin with MLflow's static prefix, or not.
type router struct {
	*parts

	own    http.Handler
	prefix string
	ready  func() bool
}

// ServeHTTP implements http.Handler.
func (t *router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	caller, err := t.identity.Identify(r)
	if err != nil {
		answer.Refuse(w, err)
		return
	}
	ctx := access.WithCaller(r.Context(), caller)
	r = r.WithContext(ctx)
	path := t.below(r.URL.Path)
	call, assessments := api.Match(path)
	own := strings.HasPrefix(path, ownPrefix)
	switch {
	case (assessments || own) && !t.ready():
		answer.Refuse(w, answer.Unavailable("The store of assessments has not answered yet", 2*time.Second))
	case assessments:
		t.api.Serve(w, r, call)
	case own && path != r.URL.Path:
		http.StripPrefix(t.prefix, t.own).ServeHTTP(w, r)
	case own:
		t.own.ServeHTTP(w, r)
	case t.proxy == nil:
		answer.Refuse(w, errNoEndpoint)
	case accountPaths.MatchString(path) && !t.rights.ByMLflow(ctx):
		t.account(w, r, path)
	default:
		t.proxy.ServeHTTP(w, r)
	}
}

// account passes on what is about MLflow's users where everybody calls with the collector's own account: for admins,
// because what is granted so outlives this endpoint. To others MLflow seems to have no users. Nobody is told that they
// are that account.
func (t *router) account(w http.ResponseWriter, r *http.Request, path string) {
	err := t.rights.Admin(r.Context())
	if err != nil && r.Method == http.MethodGet || strings.HasSuffix(path, userPath) && access.CallerOf(r.Context()).Name != "" {
		err = errNoEndpoint
	}
	if err != nil {
		answer.Refuse(w, err)
		return
	}
	t.proxy.ServeHTTP(w, r)
}

var errNoEndpoint = &answer.Error{
	Status: http.StatusNotFound, Code: answer.CodeEndpointNotFound, Message: "There is no such endpoint",
}

// below is a path without the prefix.
func (t *router) below(path string) string {
	if below, found := strings.CutPrefix(path, t.prefix); found && strings.HasPrefix(below, "/") {
		return below
	}
	return path
}

type crossKey struct{}

// crossing notes which requests `cors` lets come from another site's page. Only the call that takes feedback of those who
// know no trace id makes use of it: the rest is for our own pages.
func (t *router) crossing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if t.below(r.URL.Path) == lookupPath && w.Header().Get("Access-Control-Allow-Origin") != "" {
			r = r.WithContext(context.WithValue(r.Context(), crossKey{}, true))
		}
		next.ServeHTTP(w, r)
	})
}

func mayCross(r *http.Request) bool {
	may, _ := r.Context().Value(crossKey{}).(bool)
	return may
}

// refused answers what confighttp refuses, such as missing credentials, in MLflow's shape. Browsers ask people for their
// name and password where they are told how.
func refused(w http.ResponseWriter, _ *http.Request, _ string, status int) {
	switch status {
	case http.StatusUnauthorized:
		answer.Refuse(w, answer.Unauthenticated("You are not authenticated", `Basic realm="otelcol-feedback"`))
	default:
		answer.Refuse(w, &answer.Error{Status: status, Code: answer.CodeBadRequest, Message: "The request's body cannot be read"})
	}
}
