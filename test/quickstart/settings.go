package main

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// settings says how this run is put together, from the environment.
type settings struct {
	// otlpHTTP and otlpGRPC are the endpoints that apps send to.
	otlpHTTP, otlpGRPC string
	metricsPort        string
	// feedback is the endpoint that takes feedback.
	feedback string
	// redis is the endpoint that the results are read from.
	redis         redisSettings
	embeddedRedis bool
	// standIn says that no real model judges.
	standIn bool
	// mlflow is the tracking server's address, empty for none.
	mlflow     string
	experiment string
}

type redisSettings struct{ endpoint, username, password string }

const (
	defaultOTLPHTTP      = "localhost:4318"
	defaultOTLPGRPC      = "localhost:4317"
	defaultEmbeddedRedis = "localhost:16379"
	defaultMetricsPort   = "8888"
	defaultFeedback      = "localhost:5080"
)

// readSettings reads the environment; startMLflow says that this run brings an MLflow of its own.
func readSettings(getenv func(string) string, startMLflow bool) (settings, error) {
	or := func(key, fallback string) string {
		if value := getenv(key); value != "" {
			return value
		}
		return fallback
	}
	s := settings{
		otlpHTTP:      or("OTLP_HTTP_ENDPOINT", defaultOTLPHTTP),
		otlpGRPC:      or("OTLP_GRPC_ENDPOINT", defaultOTLPGRPC),
		metricsPort:   or("METRICS_PORT", defaultMetricsPort),
		feedback:      or("FEEDBACK_ENDPOINT", defaultFeedback),
		redis:         redisSettings{endpoint: getenv("REDIS_ENDPOINT"), username: getenv("REDIS_USERNAME"), password: getenv("REDIS_PASSWORD")},
		embeddedRedis: getenv("REDIS_ENDPOINT") == "",
		standIn:       getenv("OPENAI_API_KEY") == "",
		mlflow:        strings.TrimRight(getenv("MLFLOW_TRACKING_URI"), "/"),
		experiment:    or("MLFLOW_EXPERIMENT_ID", "0"),
	}
	if s.embeddedRedis {
		s.redis = redisSettings{endpoint: or("EMBEDDED_REDIS_ENDPOINT", defaultEmbeddedRedis)}
	}
	if strings.Contains(s.redis.endpoint, "/") || !strings.Contains(s.redis.endpoint, ":") {
		return s, fmt.Errorf("REDIS_ENDPOINT is %q; it should be host:port, such as localhost:6379", s.redis.endpoint)
	}
	if startMLflow && s.mlflow != "" {
		return s, errors.New("MLFLOW_TRACKING_URI is set, so an MLflow is there: use `make run`, or unset it")
	}
	if s.mlflow != "" {
		if u, err := url.Parse(s.mlflow); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return s, fmt.Errorf("MLFLOW_TRACKING_URI is %q; it should be an address such as http://localhost:5000", s.mlflow)
		}
	}
	if getenv("OPENAI_BASE_URL") != "" && s.standIn {
		return s, errors.New("OPENAI_BASE_URL is set without OPENAI_API_KEY; set both (any key, where the server wants none)")
	}
	return s, nil
}

// config is the collector's configuration files, later ones on top.
func (s settings) config() []string {
	files := []string{"config/quickstart.yaml"}
	if !s.standIn {
		files = append(files, "config/quickstart/openai.yaml")
	}
	if !s.embeddedRedis {
		files = append(files, "config/quickstart/redis.yaml")
	}
	if s.mlflow != "" {
		files = append(files, "config/quickstart/mlflow.yaml")
	}
	return files
}

// env is what the configuration reads, the defaults spelled out.
func (s settings) env() []string {
	env := []string{
		"OTLP_HTTP_ENDPOINT=" + s.otlpHTTP, "OTLP_GRPC_ENDPOINT=" + s.otlpGRPC, "METRICS_PORT=" + s.metricsPort,
		"MLFLOW_TRACKING_URI=" + s.mlflow, "MLFLOW_EXPERIMENT_ID=" + s.experiment, "FEEDBACK_ENDPOINT=" + s.feedback,
	}
	if s.embeddedRedis {
		env = append(env, "EMBEDDED_REDIS_ENDPOINT="+s.redis.endpoint)
	}
	return env
}

// listens are the addresses that the collector will listen on.
func (s settings) listens() []string {
	addresses := []string{s.otlpHTTP, s.otlpGRPC, "localhost:" + s.metricsPort, s.feedback}
	if s.embeddedRedis {
		addresses = append(addresses, s.redis.endpoint)
	}
	return addresses
}

// experimentURL is the page of the traces in MLflow, behind the feedback endpoint; empty without MLflow.
func (s settings) experimentURL() string {
	if s.mlflow == "" {
		return ""
	}
	return "http://" + s.feedback + "/#/experiments/" + s.experiment + "/traces"
}
