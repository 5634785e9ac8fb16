package feedbackextension

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/component"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/api"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/intake"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/proxy"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/reading"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/records"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/review"
)

// parts are what answers requests, and what works beside them.
type parts struct {
	identity *access.Identity
	rights   *access.Rights
	api      *api.Handler
	intake   *intake.Handler
	sweeper  *intake.Sweeper
	reading  *reading.Handler

	// upstream, proxy and reviewer are nil without an MLflow.
	upstream *upstream
	proxy    *proxy.Proxy
	reviewer *review.Reviewer
}

// bodyFactor is how much larger than an assessment the body may be that brings it: escapes, white space, and an update's
// mask.
const bodyFactor = 4

// rightsTimeout is how long an answer about traces waits for what Redis has to add, where rights are MLflow's to say.
const rightsTimeout = 3 * time.Second

// newParts makes them; nothing works until start.
func newParts(ctx context.Context, e *feedbackExtension, host component.Host) (*parts, error) {
	p := &parts{identity: access.NewIdentity(&e.config.Access, e.config.Server.Auth.HasValue())}
	if config := e.config.MLflow.Get(); config != nil {
		var err error
		if p.upstream, err = newUpstream(ctx, config, host, e.settings.TelemetrySettings); err != nil {
			return nil, err
		}
	}
	p.rights = access.NewRights(e.rightsSettings(p.upstream))
	named := e.newRecords(p.upstream, e.config.AcceptUnknownTraces)
	indexed := e.newRecords(p.upstream, true) // spans of these traces have passed
	p.api = api.New(api.Settings{
		Records: named, Rights: p.rights, MaxBody: bodyFactor * int64(e.config.MaxAssessmentSize),
	})
	p.intake = intake.New(intake.Settings{
		Config: e.config.Lookup, Store: e.store, Named: named, Indexed: indexed, Rights: p.rights,
		Limiter: access.NewLimiter(e.config.Lookup.Rate, e.config.Lookup.Burst, time.Now),
		Wait:    e.config.TraceWait, Now: time.Now,
	})
	p.sweeper = intake.NewSweeper(intake.SweeperSettings{
		Store: e.store, Indexed: indexed, Observer: e.telemetry, Logger: e.settings.Logger,
	})
	p.reading = reading.New(reading.Settings{
		Store: e.store, Rights: p.rights, Admins: p.rights, Backend: e.backend, Render: records.Render,
		Logger: e.settings.Logger,
	})
	if p.upstream == nil {
		return p, nil
	}
	var err error
	if p.proxy, err = e.newProxy(p.upstream, p.rights, named); err != nil {
		return nil, err
	}
	p.reviewer, err = review.New(review.Settings{
		Rules: e.config.Review, Store: e.store, MLflow: p.upstream.asService, Backend: e.backend,
		TraceWait: e.config.TraceWait, RefreshWindow: e.config.MLflow.Get().RefreshWindow,
		Observer: e.telemetry, Logger: e.settings.Logger,
	})
	return p, err
}

func (e *feedbackExtension) rightsSettings(u *upstream) access.Settings {
	settings := access.Settings{
		Authorization: e.config.Access.Authorization,
		Named:         e.config.named(),
		Memory:        memory{store: e.store, fact: "authorization:" + e.backend},
		Logger:        e.settings.Logger,
		Now:           time.Now,
	}
	if u != nil {
		settings.Upstream, settings.Exists = u.asCaller, u.exists
	}
	return settings
}

func (e *feedbackExtension) newRecords(u *upstream, acceptUnknown bool) *records.Service {
	settings := records.Settings{
		Store: e.store, Backend: e.backend, AcceptUnknown: acceptUnknown, Logger: e.settings.Logger,
	}
	if u != nil {
		settings.Upstream = u.asService
	}
	return records.New(settings)
}

func (e *feedbackExtension) newProxy(u *upstream, rights *access.Rights, adopter proxy.Adopter) (*proxy.Proxy, error) {
	settings := proxy.Settings{
		Upstream: u.url.String(), Transport: u.plain.Transport, Credentials: proxy.CredentialsCaller,
		Backend: e.backend, Traces: readable{Store: e.store, rights: rights}, Adopter: adopter, Render: records.Render,
		KnowsNames: rights.ByMLflow, Bind: bindRow, MaxRows: e.config.MaxPerTrace, Observer: e.telemetry, Logger: e.settings.Logger,
	}
	if e.config.Access.Authorization != access.AuthorizationEndpoint {
		// MLflow may have to be asked who may read; its answers tell in which experiment.
		settings.RedisTimeout, settings.Learn, settings.Doubt = rightsTimeout, rights.Learn, rights.Doubt
		settings.Mine = mine(u, rights)
	} else {
		// Who passes the endpoint may do everything, by the collector's own account.
		settings.Transport, settings.Credentials = u.service.Transport, proxy.CredentialsService
	}
	return proxy.New(settings)
}

// start begins the work beside the requests.
func (p *parts) start() {
	p.sweeper.Start()
	if p.reviewer != nil {
		p.reviewer.Start()
	}
}

// shutdown ends it.
func (p *parts) shutdown(ctx context.Context) error {
	errs := []error{p.sweeper.Shutdown(ctx)}
	if p.reviewer != nil {
		errs = append(errs, p.reviewer.Shutdown(ctx))
	}
	if p.upstream != nil {
		p.upstream.close()
	}
	return errors.Join(errs...)
}
