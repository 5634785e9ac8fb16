package proxy

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
)

// Proxy passes requests on to one MLflow, and never to anything else.
type Proxy struct {
	set      Settings
	upstream *url.URL
	client   *guard
	reverse  httputil.ReverseProxy
}

var _ http.Handler = (*Proxy)(nil)

// New makes a proxy. It connects nothing and starts nothing.
func New(set Settings) (*Proxy, error) {
	set.setDefaults()
	upstream, err := upstreamOf(set.Upstream)
	if err != nil {
		return nil, err
	}
	p := &Proxy{set: set, upstream: upstream}
	p.client = &guard{
		next: set.Transport, logger: set.Logger, now: set.Now, connect: set.ConnectTimeout, pause: set.Pause,
	}
	p.reverse = httputil.ReverseProxy{
		Rewrite:        p.rewrite,
		Transport:      p.client,
		ModifyResponse: p.answered,
		ErrorHandler:   p.failed,
		ErrorLog:       log.New(io.Discard, "", 0), // it would quote what callers sent
	}
	return p, nil
}

// exchange is what the proxy knows of a call on its way.
type exchange struct {
	route route
	// door is the caller's: MLflow's page calls under a path of its own.
	door access.Door
	// deletion is set for routeDelete.
	deletion *deletion
}

// reviewPath is where MLflow's review page reads a trace, and looks for the answers of whoever looks at it.
const reviewPath = "/ajax-api/3.0/mlflow/traces/get"

// maxQuoted bounds what a message repeats of a request.
const maxQuoted = 64

type exchangeKey struct{}

// ServeHTTP implements http.Handler. The Host, the origin and the caller have been checked, and the body is bounded.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
	default: // MLflow's server takes a method in any case for the one that it resembles
		answer.Refuse(w, &answer.Error{
			Status: http.StatusMethodNotAllowed, Code: answer.CodeBadRequest, Message: "This method is not allowed",
		})
		return
	}
	if r.URL.Path == "" {
		r = r.Clone(r.Context())
		r.URL.Path = "/"
	}
	if !cleanPath(r.URL.EscapedPath()) {
		answer.Refuse(w, answer.Invalid("The path is not a plain one"))
		return
	}
	path := p.relative(r.URL.Path)
	e := &exchange{route: routeOf(r.Method, path), door: access.DoorAPI}
	switch {
	case !strings.HasPrefix(path, "/ajax-api/"):
	case path != reviewPath:
		e.door = access.DoorUI
	case !p.set.KnowsNames(r.Context()):
		e.door = access.DoorReview
	}
	controller := http.NewResponseController(w)
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &pacedBody{ReadCloser: r.Body, controller: controller, patience: p.set.StreamTimeout}
	}
	var err error
	switch e.route {
	case routeTraces:
		err = p.repeatable(r)
	case routeAssessment:
		id := strings.Split(path, "/")[5]
		err = answer.NotFound("Trace with ID '" + id[:min(len(id), maxQuoted)] + "' not found.")
	case routeStart:
		err = p.bindTrace(r)
	case routeForeign:
		err = p.bindAssessment(r)
	case routeDelete:
		e.deletion, err = p.prepare(r)
	}
	if err != nil {
		p.failed(w, r, err)
		return
	}
	w = &pacedWriter{ResponseWriter: w, controller: controller, patience: p.set.StreamTimeout}
	p.reverse.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), exchangeKey{}, e)))
}

// relative is a decoded path without the static prefix.
func (p *Proxy) relative(path string) string {
	if prefixed(path, p.upstream.Path) {
		return path[len(p.upstream.Path):]
	}
	return path
}

// rewrite addresses a request to MLflow. Headers that speak of one connection are gone already.
func (p *Proxy) rewrite(pr *httputil.ProxyRequest) {
	in := pr.In.URL
	target := &url.URL{
		Scheme: p.upstream.Scheme, Host: p.upstream.Host,
		Path: in.Path, RawPath: in.RawPath, RawQuery: in.RawQuery, ForceQuery: in.ForceQuery,
	}
	if !prefixed(in.Path, p.upstream.Path) {
		target.Path, target.RawPath = p.upstream.Path+in.Path, p.upstream.RawPath+in.EscapedPath()
	}
	pr.Out.URL, pr.Out.Host = target, ""
	p.headers(pr.Out.Header)
	// MLflow lets callers of its own machine do more: it must not take one from elsewhere, whom a proxy in front of this
	// endpoint names, for one of them.
	pr.Out.Header["X-Forwarded-For"] = pr.In.Header["X-Forwarded-For"]
	pr.SetXForwarded()
	if e, _ := pr.In.Context().Value(exchangeKey{}).(*exchange); e != nil && e.route != routeOther {
		// An answer that is to be read: whole, and neither compressed nor kept from before.
		for _, name := range []string{"Range", "If-Range", "If-None-Match", "If-Modified-Since"} {
			pr.Out.Header.Del(name)
		}
		pr.Out.Header.Set("Accept-Encoding", "identity")
	} else if pr.Out.Header.Get("Accept-Encoding") == "" {
		pr.Out.Header.Set("Accept-Encoding", "identity") // else the transport compresses for itself
	}
}

// headers takes out what MLflow is not to see.
func (p *Proxy) headers(header http.Header) {
	for name := range header {
		switch {
		case strings.Contains(name, "_"):
			// To MLflow's server `User_Header` is `User-Header`: nothing that is taken out may come in so.
		case strings.HasPrefix(name, "X-Forwarded-"), strings.HasPrefix(name, "Sec-Fetch-"):
		default:
			continue
		}
		delete(header, name)
	}
	// MLflow takes pages of its own machine only; SameOrigin has checked it. It needs no connection of another protocol.
	for _, name := range []string{"Origin", "Forwarded", "X-Real-Ip", "Upgrade", "Connection"} {
		header.Del(name)
	}
	for _, name := range p.set.Strip {
		header.Del(name)
	}
	if p.set.Credentials == CredentialsService {
		header.Del("Authorization")
		header.Del("Cookie")
	}
}

// answered is called with MLflow's answer before the client sees it.
func (p *Proxy) answered(response *http.Response) error {
	p.localize(response.Header)
	if p.set.Credentials == CredentialsService {
		response.Header.Del("Set-Cookie") // a session of the service's is nobody else's
	}
	if response.StatusCode == http.StatusUnauthorized && p.set.Doubt != nil {
		p.set.Doubt()
	}
	ctx := response.Request.Context()
	e, _ := ctx.Value(exchangeKey{}).(*exchange)
	if e == nil || response.StatusCode != http.StatusOK {
		return nil
	}
	switch e.route {
	case routeTraces, routeStart:
		return p.overlay(ctx, e, response)
	case routeDelete:
		return p.deleted(ctx, e.deletion, response)
	default:
		return nil
	}
}

// localize makes a redirect to MLflow's own address one to ours.
func (p *Proxy) localize(header http.Header) {
	location, err := url.Parse(header.Get("Location"))
	if err != nil || location.Host == "" || !strings.EqualFold(location.Host, p.upstream.Host) {
		return
	}
	if !strings.HasPrefix(location.Path, "/") || strings.HasPrefix(location.Path, "//") {
		location.Path, location.RawPath = "/"+strings.TrimLeft(location.Path, "/"), ""
	}
	location.Scheme, location.Host, location.User = "", "", nil
	header.Set("Location", location.String())
}

// failed answers a request that MLflow did not.
func (p *Proxy) failed(w http.ResponseWriter, _ *http.Request, err error) {
	var refusal *answer.Error
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &refusal), errors.As(err, &tooLarge):
		answer.Refuse(w, err)
	default:
		answer.Refuse(w, answer.Unavailable("MLflow does not answer", p.set.Pause))
	}
}
