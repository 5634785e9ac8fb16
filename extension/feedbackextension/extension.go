package feedbackextension

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/extension"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/replica"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// shutdownGrace bounds how long requests under way may finish.
const shutdownGrace = 3 * time.Second

// feedbackExtension serves people and programs, and is a replica of the delivery like the exporter.
type feedbackExtension struct {
	config    *Config
	backend   string
	settings  extension.Settings
	telemetry *telemetry

	store   *store.Store
	replica *replica.Replica
	parts   *parts
	server  *http.Server
	serving sync.WaitGroup
	// address is where it listens.
	address net.Addr
}

var _ extension.Extension = (*feedbackExtension)(nil)

// newFeedbackExtension connects nothing and starts nothing.
func newFeedbackExtension(set extension.Settings, config *Config) (*feedbackExtension, error) {
	e := &feedbackExtension{config: config, backend: config.BackendName(set.ID), settings: set}
	var err error
	if e.telemetry, err = newTelemetry(set.TelemetrySettings, e.backend); err != nil {
		return nil, err
	}
	return e, nil
}

// Start implements component.Component. Redis and MLflow may come later.
func (e *feedbackExtension) Start(ctx context.Context, host component.Host) error {
	if err := e.start(ctx, host); err != nil {
		return errors.Join(err, e.Shutdown(ctx))
	}
	return nil
}

func (e *feedbackExtension) start(ctx context.Context, host component.Host) (err error) {
	if e.store, err = store.Open(ctx, e.config.Redis, e.storeSettings(), e.settings.Logger); err != nil {
		return err
	}
	if e.parts, err = newParts(ctx, e, host); err != nil {
		return err
	}
	e.replica = replica.New(replica.Settings{
		Store:     e.store,
		Backend:   e.backend,
		MLflow:    e.config.MLflow.Get(),
		TraceWait: e.config.TraceWait,
		Observer:  e.telemetry,
		Telemetry: e.settings.TelemetrySettings,
		OnReady:   e.parts.start,
	})
	if err := e.replica.Start(ctx, host); err != nil {
		return err
	}
	return e.serve(ctx, host)
}

func (e *feedbackExtension) storeSettings() store.Settings {
	settings := e.config.StoreSettings(e.backend)
	settings.MaxPending = e.config.MaxPending
	return settings
}

// serve listens and answers.
func (e *feedbackExtension) serve(ctx context.Context, host component.Host) (err error) {
	handler := e.parts.handler(e.config, e.replica.Ready)
	e.server, err = e.config.Server.ToServer(ctx, host.GetExtensions(), e.settings.TelemetrySettings, handler,
		confighttp.WithErrorHandler(refused))
	if err != nil {
		return err
	}
	listener, err := e.config.Server.ToListener(ctx)
	if err != nil {
		return fmt.Errorf("cannot listen on `endpoint` %q: %w", e.config.Server.NetAddr.Endpoint, err)
	}
	e.address = listener.Addr()
	if !e.config.named() {
		e.settings.Logger.Warn("this endpoint asks nobody who they are: whoever reaches it reads and changes everything; set `auth`",
			zap.Stringer("endpoint", e.address))
	}
	server := e.server
	e.serving.Go(func() {
		if err := server.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			componentstatus.ReportStatus(host, componentstatus.NewFatalErrorEvent(err))
		}
	})
	return nil
}

// Shutdown implements component.Component: no new requests first, then what works in the background, then Redis.
func (e *feedbackExtension) Shutdown(ctx context.Context) error {
	var errs []error
	if e.server != nil {
		grace, cancel := context.WithTimeout(ctx, shutdownGrace)
		if err := e.server.Shutdown(grace); err != nil {
			errs = append(errs, e.server.Close()) // streams do not end by themselves
		}
		cancel()
		e.serving.Wait()
		e.server = nil
	}
	if e.replica != nil {
		errs = append(errs, e.replica.Shutdown(ctx))
		e.replica = nil
	}
	if e.parts != nil {
		errs = append(errs, e.parts.shutdown(ctx))
		e.parts = nil
	}
	if e.store != nil {
		errs = append(errs, e.store.Close())
		e.store = nil
	}
	e.telemetry.shutdown()
	return errors.Join(errs...)
}
