// Package mlflow speaks the part of MLflow's REST API that is about traces and assessments: its wire types, a bounded
// client over the collector's HTTP client, and one typed error that says what a caller may do next. Nothing in an
// answer is trusted: a row that cannot be read is left out, never fatal for its neighbours.
package mlflow
