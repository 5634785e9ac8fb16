package feedbackextension

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configauth"
	"go.opentelemetry.io/collector/config/configoptional"

	"github.com/otelcol-feedback/otelcol-feedback/internal/deliver"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
)

// upstream is MLflow as this endpoint reaches it.
type upstream struct {
	url *url.URL
	// service calls with the credentials of the configuration: what this endpoint does on its own.
	service *http.Client
	// plain calls with the caller's credentials, if any.
	plain *http.Client
	// asService is MLflow's API over service, asCaller over plain.
	asService, asCaller *mlflow.Client
}

// newUpstream makes no call.
func newUpstream(ctx context.Context, config *deliver.MLflowConfig, host component.Host, telemetry component.TelemetrySettings) (*upstream, error) {
	target, err := url.Parse(config.HTTP.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("mlflow: %w", err)
	}
	service, err := config.HTTP.ToClient(ctx, host.GetExtensions(), telemetry)
	if err != nil {
		return nil, fmt.Errorf("mlflow: %w", err)
	}
	without := config.HTTP
	without.Auth, without.Headers = configoptional.None[configauth.Config](), nil
	plain, err := without.ToClient(ctx, host.GetExtensions(), telemetry)
	if err != nil {
		return nil, fmt.Errorf("mlflow: %w", err)
	}
	u := &upstream{url: target, service: service, plain: plain}
	if u.asService, err = mlflow.NewClient(service, config.HTTP.Endpoint); err != nil {
		return nil, fmt.Errorf("mlflow: %w", err)
	}
	if u.asCaller, err = mlflow.NewClient(plain, config.HTTP.Endpoint); err != nil {
		return nil, fmt.Errorf("mlflow: %w", err)
	}
	return u, nil
}

func (u *upstream) close() {
	u.service.CloseIdleConnections()
	u.plain.CloseIdleConnections()
}

// exists asks with the configuration's credentials whether MLflow has a trace.
func (u *upstream) exists(ctx context.Context, traceID string) (bool, error) {
	_, _, err := u.asService.GetTraceInfo(ctx, mlflow.TraceID(traceID))
	if err != nil && mlflow.ClassOf(err) == mlflow.ClassNotFound {
		return false, nil
	}
	return err == nil, err
}
