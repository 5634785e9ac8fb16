package proxy

import (
	"net/http"
	"strings"

	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
)

// route is what the proxy has to do with a call beyond passing it on.
type route int8

const (
	routeOther route = iota
	// routeTraces answers traces with their assessments.
	routeTraces
	// routeStart is StartTraceV3, which may carry assessments, and answers its trace.
	routeStart
	routeDelete
	// routeAssessment changes assessments of a trace that Redis can hold, which is not MLflow's to answer.
	routeAssessment
	// routeForeign makes an assessment of another trace.
	routeForeign
)

// routeOf finds a call's route. path is decoded, without static prefix.
func routeOf(method, path string) route {
	rest, found := strings.CutPrefix(path, "/api/")
	if !found {
		if rest, found = strings.CutPrefix(path, "/ajax-api/"); !found {
			return routeOther
		}
	}
	version, rest, _ := strings.Cut(rest, "/mlflow/traces")
	switch {
	case version != "2.0" && version != "3.0", rest != "" && rest[0] != '/':
		return routeOther
	case rest == "/delete-traces" && method == http.MethodPost:
		return routeDelete
	case version == "2.0":
		return routeOther // without assessments
	}
	parts := strings.Split(rest, "/")
	one := len(parts) == 4 && parts[2] == "assessments" && parts[3] != "" // of MLflow's routes, the ones that change something
	all := len(parts) == 3 && parts[2] == "assessments" && method == http.MethodPost
	switch {
	case all && !ours(parts[1]):
		return routeForeign
	case all, one && (method == http.MethodPatch || method == http.MethodDelete) && ours(parts[1]):
		return routeAssessment
	case rest == "" && method == http.MethodPost:
		return routeStart
	case len(parts) == 2 && method == http.MethodGet:
		return routeTraces // get, batchGet, or a trace's id
	case (rest == "/search" || rest == "/batchGetInfos") && method == http.MethodPost:
		return routeTraces
	}
	return routeOther
}

// ours reports whether a trace of this id may be in Redis. Some databases find a trace by its id in any case.
func ours(id string) bool {
	_, ok := mlflow.OTLPTraceID(strings.ToLower(id))
	return ok
}
